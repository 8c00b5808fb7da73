import { asObject, asString } from '../../core/object/raw.ts';

const RETRY_AFTER_SECONDS_MAX = 3600;
const DETAIL_LENGTH_MAX = 500;

/** `Retry-After` (RFC 9110, 10.2.3) in seconds, as the API server sends it; a date is not taken. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  return text !== null && /^\d{1,9}$/.test(text) ? Math.min(Number(text), RETRY_AFTER_SECONDS_MAX) : undefined;
}

/** `message` of a meta/v1 Status; `undefined` when the body is none. */
export function messageOf(body: string): string | undefined {
  try {
    const message = asString(asObject(JSON.parse(body))?.['message']);
    return message === '' ? undefined : message?.slice(0, DETAIL_LENGTH_MAX);
  } catch {
    return undefined;
  }
}
