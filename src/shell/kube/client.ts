import { type ApiErrorCode, toApiErrorCode } from '../../core/value/api-error.ts';
import { type Clock, withTimeout } from '../system/clock.ts';
import { readText } from '../system/read-text.ts';
import { detailOf, isSocketRefusal } from '../system/socket-error.ts';
import type { Credentials, Identity } from './credentials.ts';
import { messageOf, retryAfterOf } from './failure.ts';

export type { ApiErrorCode } from '../../core/value/api-error.ts';

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

/** A server that has sent no headers by then is gone, also for streams. */
export const HEADERS_MS_MAX = 10_000;
/** The whole of a request that is no stream. */
export const REQUEST_MS_MAX = 30_000;
/** The body of a request that is no stream. Lists are streamed. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** How much of a refusal is read for its message. */
const REFUSAL_BYTES_MAX = 64 * 1024;

export interface KubeClientOptions {
  readonly clock: Clock;
  /** For the server's audit log, for example `minilb/0.1.0 (dns)`. */
  readonly userAgent: string;
  readonly headersMsMax?: number;
  readonly requestMsMax?: number;
}

/**
 * A client for one API server. It keeps its own pool of connections, asks the credentials before every request, and once more when the
 * server answers 401. It never throws; the outcome of an aborted call is `unreachable`.
 */
export function createKubeClient(credentials: Credentials, options: KubeClientOptions): KubeClient {
  const { clock } = options;
  const session = new Bun.FetchSession({ ...(credentials.proxyUrl && { proxy: credentials.proxyUrl }) });

  const send = (request: ApiRequest, identity: Identity, signal: AbortSignal): Promise<Response> => {
    const query = request.query ? `?${new URLSearchParams(request.query)}` : '';
    return fetch(`${credentials.server}${request.path}${query}`, {
      method: request.method,
      headers: headersOf(request, identity, options.userAgent),
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      tls: tlsOf(credentials, identity),
      session,
      signal,
      timeout: false,
      redirect: 'error',
    });
  };

  /** One exchange up to the headers; a refusal is read whole. */
  const exchange = async (request: ApiRequest, identity: Identity, signal: AbortSignal): Promise<ApiResult<Response>> => {
    const waiting = withTimeout(clock, options.headersMsMax ?? HEADERS_MS_MAX, signal);
    try {
      const response = await send(request, identity, waiting.signal);
      return response.ok ? { ok: true, value: response } : await refusal(response);
    } catch (error) {
      const why = isSocketRefusal(error) ? await diagnose(credentials, identity) : undefined;
      return unreachable(credentials, why ?? error, waiting.signal);
    } finally {
      waiting.done();
    }
  };

  /** A second try after 401, when there is another identity to show. */
  const open = async (request: ApiRequest, signal: AbortSignal): Promise<ApiResult<Response>> => {
    const first = await credentials.identify(false, signal);
    if (!first.ok) return failure('unauthorized', 0, first.detail);
    const result = await exchange(request, first.value, signal);
    if (result.ok || result.status !== 401) return result;
    const second = await credentials.identify(true, signal);
    if (!second.ok) return failure('unauthorized', 401, second.detail);
    if (sameIdentity(first.value, second.value)) return failure('unauthorized', 401, refusedText(credentials, result.detail));
    return exchange(request, second.value, signal);
  };

  return {
    server: credentials.server,
    context: credentials.context,
    namespace: credentials.namespace,
    request: async (request, signal) => {
      const limited = withTimeout(clock, options.requestMsMax ?? REQUEST_MS_MAX, signal);
      try {
        const opened = await open(request, limited.signal);
        return opened.ok ? await readJson(opened.value) : opened;
      } catch (error) {
        return unreachable(credentials, error, limited.signal);
      } finally {
        limited.done();
      }
    },
    stream: async (request, signal) => {
      const opened = await open({ method: 'GET', ...request }, signal);
      if (!opened.ok) return opened;
      const body: AsyncIterable<Uint8Array> | null = opened.value.body;
      return body ? { ok: true, value: { chunks: body } } : failure('server-error', opened.value.status, 'a reply without a body');
    },
  };
}

function headersOf(request: ApiRequest, identity: Identity, userAgent: string): Record<string, string> {
  return {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': userAgent,
    ...(identity.token !== undefined && { authorization: `Bearer ${identity.token}` }),
    ...(request.body !== undefined && {
      'content-type': request.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    }),
  };
}

function tlsOf(credentials: Credentials, identity: Identity): Bun.TLSOptions {
  return {
    rejectUnauthorized: !credentials.insecureSkipTlsVerify,
    ...(credentials.ca !== undefined && { ca: credentials.ca }),
    ...(credentials.serverName !== undefined && { serverName: credentials.serverName }),
    ...(identity.cert !== undefined && { cert: identity.cert }),
    ...(identity.key !== undefined && { key: identity.key }),
  };
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return a.token === b.token && a.cert === b.cert && a.key === b.key;
}

function refusedText(credentials: Credentials, words: string): string {
  return `${credentials.server} does not accept the credentials of ${credentials.context}: they are wrong or have expired (${words})`;
}

/** Bun says only "was there a typo in the url or port?" when it cannot use a certificate or key. */
async function diagnose(credentials: Credentials, identity: Identity): Promise<string | undefined> {
  const { diagnoseTls } = await import('./tls-diagnosis.ts');
  return diagnoseTls(credentials, identity);
}

function failure(code: ApiErrorCode, status: number, detail: string, retryAfterSeconds?: number): ApiFailure {
  return { ok: false, code, status, detail, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

function unreachable(credentials: Credentials, error: unknown, signal: AbortSignal): ApiFailure {
  const cause: unknown = signal.aborted ? signal.reason : error;
  return failure('unreachable', 0, `${credentials.server}: ${detailOf(cause, 'the API server')}`);
}

async function refusal(response: Response): Promise<ApiFailure> {
  const body = await readText(response, REFUSAL_BYTES_MAX);
  const detail = messageOf(body ?? '') ?? `HTTP ${response.status} ${response.statusText}`;
  return failure(toApiErrorCode(response.status), response.status, detail, retryAfterOf(response.headers));
}

async function readJson(response: Response): Promise<ApiResult<unknown>> {
  const text = await readText(response, BODY_BYTES_MAX);
  if (text === undefined) return failure('server-error', response.status, `a reply of more than ${BODY_BYTES_MAX} bytes`);
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value };
  } catch {
    return failure('server-error', response.status, 'a reply that is not JSON: is this a Kubernetes API server?');
  }
}
