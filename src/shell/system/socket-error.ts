const DETAIL_LENGTH_MAX = 500;

/** What went wrong below HTTP, by the codes of Bun's and OpenSSL's errors; other errors say it themselves. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: is % running, and is this its port?',
  ConnectionRefused: 'connection refused: is % running, and is this its port?',
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

/** A sentence for anything thrown on the way to a server; `peer` says what that is: `the API server`. */
export function detailOf(error: unknown, peer: string): string {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const code = codeOf(thrown);
  const known = SENTENCES[code];
  if (known) return `${known.replace('%', peer)} (${code})`;
  return thrown.name === 'AbortError' ? 'the request was given up' : thrown.message.slice(0, DETAIL_LENGTH_MAX);
}

/** Bun could not even make a socket: a URL it cannot use, or certificates that OpenSSL does not take. */
export function isSocketRefusal(error: unknown): boolean {
  return codeOf(error) === 'FailedToOpenSocket';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
