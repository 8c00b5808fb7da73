import { asObject, asString } from '../../core/object/raw.ts';

const RETRY_AFTER_SECONDS_MAX = 3600;
const DETAIL_LENGTH_MAX = 500;

/** What went wrong below HTTP, by the codes of Bun's and OpenSSL's errors; other errors say it themselves. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: is the API server running, and is this its port?',
  ConnectionRefused: 'connection refused: is the API server running, and is this its port?',
  ENOTFOUND: 'its name does not resolve',
  EPROTO: 'the TLS handshake failed: does it speak TLS on this port, or does it want a client certificate?',
  ECONNRESET: 'the connection was cut',
  ConnectionClosed: 'the connection was cut',
  ECONNABORTED: 'the connection was cut',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ETIMEDOUT: 'no answer to the connection',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by the certificate authority given: is that of another cluster?',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not signed by the certificate authority given: is that of another cluster?',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by the certificate authority given: is that of another cluster?',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the certificate authority given: is that of another cluster?',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by the certificate authority given: is that of another cluster?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed, and is not the certificate authority given',
  CERT_HAS_EXPIRED: 'its certificate, or the authority that signed it, has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: set tls-server-name, or use a server URL that the certificate names',
};

/** A sentence for anything thrown on the way to the server. */
export function detailOf(error: unknown): string {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const code = codeOf(thrown);
  const known = SENTENCES[code];
  if (known) return `${known} (${code})`;
  return thrown.name === 'AbortError' ? 'the request was given up' : thrown.message.slice(0, DETAIL_LENGTH_MAX);
}

/** Bun could not even make a socket: a URL it cannot use, or certificates that OpenSSL does not take. */
export function isSocketRefusal(error: unknown): boolean {
  return codeOf(error) === 'FailedToOpenSocket';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

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
