import type { ListedBackend } from '../../core/proxy/list-backends.ts';
import type { Caller, Change } from '../../core/proxy/plan-change.ts';
import { parseDelete, parseUpdate, type RequestDefaults } from '../../core/proxy/request.ts';
import { bearerOf } from '../../core/proxy/tokens.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { bindReason } from '../system/bind-error.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SubmitErrorCode } from './change-queue.ts';
import { BODY_BYTES_MAX, type BodyErrorCode, createBodyReader } from './read-body.ts';
import type { TlsMaterial } from './tls-files.ts';
import type { TokenFile } from './token-file.ts';

export interface UpdaterServerOptions {
  /** A host name or address; empty: every address of this host. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMaterial | undefined;
  readonly tokens: TokenFile | undefined;
  readonly defaults: RequestDefaults;
  /** Judges a change before it queues: upstreams that are not allowed, names that lead there. */
  readonly check: (change: Change) => Promise<Result<void, 'refused'>>;
  readonly submit: (change: Change, caller: Caller, signal: AbortSignal) => Promise<Result<void, SubmitErrorCode>>;
  readonly list: () => Promise<Result<readonly ListedBackend[], 'io'>>;
  /** Why this is not healthy; `undefined` when it is. */
  readonly fault: () => string | undefined;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
}

export interface UpdaterServer {
  /** Settles at once: the port that was bound, or one line that says why not. */
  readonly ready: Promise<Result<{ readonly port: number }, 'cannot-listen'>>;
  readonly closed: Promise<void>;
}

const PATH = '/api/v1/lb';
const IDLE_SECONDS_MAX = 60;
/** Calls that are being read or wait for their change; each holds a connection. */
const CALLS_MAX = 2_500;

/**
 * The updater's HTTP API, as nginx-lb-updater answers it (text/plain, `{}` or `{"err":"…"}` and a newline):
 * - `POST /api/v1/lb`, `DELETE /api/v1/lb`: 200; 400 `failed to decode request: …`; 409 when name or port belong to somebody else; 500
 *   `failed to update stream: …`, `failed to delete stream: …`; 401 without a token where one is needed; 413, 408 and 503 at the limits.
 * - `GET /api/v1/lb`: the caller's own backends and those of nobody, as JSON.
 * - `GET /healthz`, `GET /metrics`: to anybody who can connect.
 */
export function createUpdaterServer(options: UpdaterServerOptions, signal: AbortSignal): UpdaterServer {
  const server = bind(options);
  if (!server.ok) return { ready: Promise.resolve(server), closed: Promise.resolve() };
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const port = server.value.port ?? options.port;
  // Calls under way get their answer: what they asked for is live, or it was rolled back.
  return { ready: Promise.resolve(ok({ port })), closed: aborted.then(() => server.value.stop(false)) };
}

function bind(options: UpdaterServerOptions): Result<Bun.Server<undefined>, 'cannot-listen'> {
  const { host, port, tls } = options;
  const start = (hostname: string) =>
    Bun.serve({
      hostname,
      port,
      fetch: createHandler(options),
      error: () => reply(500, { err: 'internal error' }),
      idleTimeout: IDLE_SECONDS_MAX,
      maxRequestBodySize: BODY_BYTES_MAX + 1,
      development: false,
      reusePort: false,
      ...(tls && {
        tls: {
          cert: tls.cert,
          key: tls.key,
          ...(tls.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
        },
      }),
    });
  try {
    return ok(host === '' ? startOnAll(start) : start(host));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return err('cannot-listen', `cannot listen on ${host}:${port}: ${code === '' ? String(error) : bindReason(code)}`);
  }
}

/** `::` takes IPv4 too; a host without IPv6 has only 0.0.0.0. */
function startOnAll(start: (hostname: string) => Bun.Server<undefined>): Bun.Server<undefined> {
  try {
    return start('::');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw error;
    return start('0.0.0.0');
  }
}

function createHandler(options: UpdaterServerOptions): (request: Request) => Promise<Response> {
  const { metrics, clock } = options;
  const readBody = createBodyReader(clock);
  let calls = 0;
  const limited = async (request: Request): Promise<Response> => {
    if (calls >= CALLS_MAX) return reply(503, { err: 'too many calls at once' }, { 'retry-after': '1' });
    calls++;
    try {
      return await answerApi(options, readBody, request);
    } finally {
      calls--;
    }
  };
  return async (request) => {
    const path = new URL(request.url).pathname;
    if (path === PATH) {
      const response = await limited(request);
      const method = ['GET', 'POST', 'DELETE'].includes(request.method) ? request.method : 'other';
      metrics.inc('updaterCalls', { method, status: String(response.status) });
      return response;
    }
    if (path !== '/healthz' && path !== '/metrics') return plain(404, `there are ${PATH}, /healthz and /metrics`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET and HEAD', { allow: 'GET, HEAD' });
    if (path === '/metrics') return new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType } });
    const fault = options.fault();
    return fault === undefined ? plain(200, 'ok') : plain(503, fault);
  };
}

type BodyReader = (request: Request) => Promise<Result<string, BodyErrorCode>>;

async function answerApi(options: UpdaterServerOptions, readBody: BodyReader, request: Request): Promise<Response> {
  const caller = identify(options.tokens, request);
  if (!caller) return reply(401, { err: 'a valid bearer token is needed' }, { 'www-authenticate': 'Bearer' });
  if (request.method === 'GET') return answerList(options, caller);
  if (request.method !== 'POST' && request.method !== 'DELETE')
    return reply(405, { err: 'only GET, POST and DELETE' }, { allow: 'GET, POST, DELETE' });
  const body = await readBody(request);
  if (!body.ok) return answerBodyError(body.code);
  const verb = request.method === 'POST' ? 'update' : 'delete';
  const change = verb === 'update' ? toPut(body.value, options.defaults) : toDelete(body.value);
  if (!change.ok && change.code === 'undecodable') return reply(400, { err: `failed to decode request: ${change.detail}` });
  const outcome = change.ok ? await submitChecked(options, change.value, caller, request.signal) : change;
  const name = !change.ok ? '' : change.value.kind === 'put' ? change.value.backend.name : change.value.name;
  if (outcome.ok) {
    options.log.info(`${verb}d`, { backend: name, ...(caller.owner !== '' && { owner: caller.owner }) });
    return reply(200, {});
  }
  options.log.warn(`${verb} failed`, { backend: name, code: outcome.code, reason: outcome.detail });
  const status = outcome.code === 'conflict' ? 409 : outcome.code === 'busy' ? 503 : 500;
  return reply(status, { err: `failed to ${verb} stream: ${outcome.detail}` }, status === 503 ? { 'retry-after': '1' } : {});
}

async function submitChecked(
  { check, submit }: UpdaterServerOptions,
  change: Change,
  caller: Caller,
  signal: AbortSignal,
): Promise<Result<void, SubmitErrorCode>> {
  const checked = await check(change);
  return checked.ok ? submit(change, caller, signal) : checked;
}

async function answerList({ list, fault, version }: UpdaterServerOptions, caller: Caller): Promise<Response> {
  const backends = await list();
  if (!backends.ok) return reply(500, { err: backends.detail });
  const own = backends.value.filter(({ owner }) => owner === '' || owner === caller.owner || !caller.owners.includes(owner));
  const reason = fault();
  const text = JSON.stringify({ version, healthy: reason === undefined, ...(reason !== undefined && { reason }), backends: own });
  return new Response(`${text}\n`, { headers: { ...HEADERS, 'content-type': 'application/json' } });
}

/** `undefined` when a token is needed and the right one is not there. */
function identify(tokens: TokenFile | undefined, request: Request): Caller | undefined {
  if (!tokens) return { owner: '', owners: [] };
  const token = bearerOf(request.headers.get('authorization'));
  const owner = token === undefined ? undefined : tokens.ownerOf(token);
  return owner === undefined ? undefined : { owner, owners: tokens.owners() };
}

function toPut(body: string, defaults: RequestDefaults) {
  const backend = parseUpdate(body, defaults);
  return backend.ok ? ok<Change>({ kind: 'put', backend: backend.value }) : backend;
}

function toDelete(body: string) {
  const name = parseDelete(body);
  return name.ok ? ok<Change>({ kind: 'delete', name: name.value }) : name;
}

function answerBodyError(code: BodyErrorCode): Response {
  const close = { connection: 'close' };
  if (code === 'too-large') return reply(413, { err: `the body is longer than ${BODY_BYTES_MAX} bytes` }, close);
  if (code === 'too-slow') return reply(408, { err: 'the body did not come in time' }, close);
  if (code === 'busy') return reply(503, { err: 'too many bodies at once' }, { ...close, 'retry-after': '1' });
  return reply(400, { err: 'failed to decode request: the body broke off' }, close);
}

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', server: 'minilb-updater' };

function reply(status: number, body: { readonly err?: string }, headers: Readonly<Record<string, string>> = {}): Response {
  return plain(status, JSON.stringify(body), headers);
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', ...headers } });
}
