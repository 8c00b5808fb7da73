/** Why a request to the API server did not do what it asked; stable, one per remedy. */
export type ApiErrorCode =
  | 'unreachable' // no connection, a broken one, or no answer in time
  | 'unauthorized' // 401, or credentials that cannot be had
  | 'forbidden' // 403
  | 'not-found' // 404
  | 'conflict' // 409
  | 'gone' // 410
  | 'invalid' // 400, 406, 415, 422
  | 'too-many' // 429
  | 'server-error'; // 5xx, or a body that is not what was asked for

const CODES: Readonly<Record<number, ApiErrorCode>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  406: 'invalid',
  409: 'conflict',
  410: 'gone',
  415: 'invalid',
  422: 'invalid',
  429: 'too-many',
};

/** The code for an HTTP status, or for the `code` of a Status object in a watch; anything unknown is the server's fault. */
export function toApiErrorCode(status: number): ApiErrorCode {
  return CODES[status] ?? 'server-error';
}
