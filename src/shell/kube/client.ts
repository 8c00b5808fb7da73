/** Why a request did not do what it asked; stable, one per remedy. */
export type ApiErrorCode =
  | 'unreachable' // no connection, a broken one, or no answer in time
  | 'unauthorized' // 401
  | 'forbidden' // 403
  | 'not-found' // 404
  | 'conflict' // 409
  | 'gone' // 410
  | 'invalid' // 400, 406, 415, 422
  | 'too-many' // 429
  | 'server-error'; // 5xx, or a body that is not what was asked for

export interface ApiFailure {
  readonly ok: false;
  readonly code: ApiErrorCode;
  /** HTTP status, 0 when there was none. */
  readonly status: number;
  /** The server's own words (`Status.message`), or what went wrong on the way. */
  readonly detail: string;
  /** `Retry-After` in seconds, when the server sent one. */
  readonly retryAfterSeconds?: number;
}

export type ApiResult<T> = { readonly ok: true; readonly value: T } | ApiFailure;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path below the server's URL, for example `/api/v1/namespaces/default/services/web/status`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON; a PATCH is a JSON merge patch (RFC 7396). */
  readonly body?: unknown;
}

/** An open streaming GET. `chunks` ends when the server closes and throws when the connection breaks. */
export interface ApiStream {
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Talks to one API server. Every call takes a signal; requests other than `stream` give up after `requestTimeoutMs`. */
export interface KubeClient {
  /** For messages: the server's URL, and the kubeconfig context or `in-cluster`. */
  readonly server: string;
  readonly context: string;
  /** The namespace the credentials speak of (the Pod's own in a cluster). */
  readonly namespace: string;
  readonly request: (request: ApiRequest, signal: AbortSignal) => Promise<ApiResult<unknown>>;
  /** Resolves when the headers have come. */
  readonly stream: (request: Pick<ApiRequest, 'path' | 'query'>, signal: AbortSignal) => Promise<ApiResult<ApiStream>>;
}
