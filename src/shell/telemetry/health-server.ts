import type { SocketAddress } from '../../core/settings/kinds.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { bindReason } from '../system/bind-error.ts';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not, one short line each. */
  readonly reasons: readonly string[];
}

export interface HealthOptions {
  readonly listen: SocketAddress;
  /** Asked at each request: not ready before the first sync and in lameduck. */
  readonly readiness: () => Readiness;
  /** A latch: true for ever after the first full sync. */
  readonly synced: () => boolean;
  readonly metrics: Metrics;
}

export interface HealthServer {
  /** Settles at once: the port that was bound, or one line that says why not. */
  readonly ready: Promise<Result<{ readonly port: number }, 'cannot-listen'>>;
  /** Resolves when the socket is closed, after `signal` aborted or when it could not be bound. */
  readonly closed: Promise<void>;
}

const IDLE_SECONDS_MAX = 10;
const SCRAPES_MAX = 4;
const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/**
 * Serves over HTTP, GET and HEAD only:
 * - `/readyz`: 503 with reasons before the first sync and in lameduck, else 200; an outage of the API server does not unready.
 * - `/livez`: 200 while the process lives.
 * - `/healthz`: the seed's probe for both: readiness until the first sync, then 200 until exit.
 * - `/metrics`: Prometheus' text format.
 */
export function createHealthServer(options: HealthOptions, signal: AbortSignal): HealthServer {
  const server = bind(options);
  if (!server.ok) return { ready: Promise.resolve(server), closed: Promise.resolve() };
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const port = server.value.port ?? options.listen.port;
  return { ready: Promise.resolve(ok({ port })), closed: aborted.then(() => server.value.stop(true)) };
}

function bind(options: HealthOptions): Result<Bun.Server<undefined>, 'cannot-listen'> {
  const { ip, port } = options.listen;
  const shown = `${ip === undefined ? '' : ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  const fetch = createHandler(options);
  const start = (hostname: string) =>
    Bun.serve({
      hostname,
      port,
      fetch,
      error: () => plain('internal error', 500),
      idleTimeout: IDLE_SECONDS_MAX,
      maxRequestBodySize: 1024,
      development: false,
      // Bun 1.4.5 shares the port with another program when development is false and this is not said.
      reusePort: false,
    });
  try {
    return ok(ip === undefined ? startOnAll(start) : start(ip));
  } catch (error) {
    return err('cannot-listen', `cannot listen (-health) on ${shown}: ${reasonOf(error)}`);
  }
}

/** `::` takes IPv4 too; a host without IPv6 has only 0.0.0.0. */
function startOnAll(start: (hostname: string) => Bun.Server<undefined>): Bun.Server<undefined> {
  try {
    return start('::');
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') throw error;
    return start('0.0.0.0');
  }
}

function createHandler(options: HealthOptions): (request: Request) => Response | Promise<Response> {
  let scrapes = 0;
  const scrape = async () => {
    if (scrapes >= SCRAPES_MAX) return plain('too many scrapes at once', 503);
    scrapes++;
    try {
      return new Response(await options.metrics.text(), { headers: { ...TEXT, 'content-type': options.metrics.contentType } });
    } finally {
      scrapes--;
    }
  };
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain('only GET and HEAD', 405, { allow: 'GET, HEAD' });
    switch (new URL(request.url).pathname) {
      case '/livez':
        return plain('ok', 200);
      case '/healthz':
        return options.synced() ? plain('ok', 200) : answerReadiness(options.readiness());
      case '/readyz':
        return answerReadiness(options.readiness());
      case '/metrics':
        return scrape();
      default:
        return plain('there are /healthz, /readyz, /livez and /metrics', 404);
    }
  };
}

function answerReadiness({ ready, reasons }: Readiness): Response {
  return ready ? plain('ok', 200) : plain(['not ready', ...reasons].join('\n'), 503);
}

function plain(text: string, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...TEXT, ...headers } });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return code === '' ? String(error) : bindReason(code);
}
