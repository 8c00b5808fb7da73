import type { SocketAddress } from '../../core/settings/kinds.ts';
import { ok, type Result } from '../../core/value/result.ts';
import { bindHttp, closeHttp, onlyReads, plain, TEXT } from './http.ts';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not, one short line each. */
  readonly reasons: readonly string[];
}

export interface HealthOptions {
  readonly listen: SocketAddress;
  /** The flag that `listen` comes from, for messages; `health` when absent. */
  readonly flag?: string;
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

const SCRAPES_MAX = 4;

/**
 * Serves over HTTP, GET and HEAD only:
 * - `/readyz`: 503 with reasons before the first sync and in lameduck, else 200; an outage of the API server does not unready.
 * - `/livez`: 200 while the process lives.
 * - `/healthz`: the seed's probe for both: readiness until the first sync, then 200 until exit.
 * - `/metrics`: Prometheus' text format.
 */
export function createHealthServer(options: HealthOptions, signal: AbortSignal): HealthServer {
  const server = bindHttp(options.listen, options.flag ?? 'health', createHandler(options));
  if (!server.ok) return { ready: Promise.resolve(server), closed: Promise.resolve() };
  return { ready: Promise.resolve(ok({ port: server.value.port })), closed: closeHttp(server.value, signal) };
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
    const refused = onlyReads(request);
    if (refused) return refused;
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
