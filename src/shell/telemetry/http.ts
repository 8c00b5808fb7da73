import type { SocketAddress } from '../../core/settings/kinds.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { bindReason } from '../system/bind-error.ts';

/** An HTTP server that only answers reads. */
export interface HttpServer {
  readonly port: number;
  readonly stop: (closeActiveConnections: boolean) => Promise<void>;
}

const IDLE_SECONDS_MAX = 10;
const REQUEST_BODY_BYTES_MAX = 1024;

/** Headers of plain text that nobody may keep. */
export const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Listens; the failure is one line that names the flag. */
export function bindHttp(
  listen: SocketAddress,
  flag: string,
  fetch: (request: Request) => Response | Promise<Response>,
): Result<HttpServer, 'cannot-listen'> {
  const { ip, port } = listen;
  const shown = `${ip === undefined ? '' : ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  const start = (hostname: string) =>
    Bun.serve({
      hostname,
      port,
      fetch,
      error: () => plain('internal error', 500),
      idleTimeout: IDLE_SECONDS_MAX,
      maxRequestBodySize: REQUEST_BODY_BYTES_MAX,
      development: false,
      // Bun 1.4.5 shares the port with another program when development is false and this is not said.
      reusePort: false,
    });
  try {
    const server = ip === undefined ? startOnAll(start) : start(ip);
    return ok({ port: server.port ?? port, stop: (active) => server.stop(active) });
  } catch (error) {
    return err('cannot-listen', `cannot listen (-${flag}) on ${shown}: ${reasonOf(error)}`);
  }
}

/** Resolves when the server has closed, after `signal` aborted. */
export async function closeHttp(server: HttpServer, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.stop(true);
}

/** The refusal of anything but GET and HEAD. */
export function onlyReads({ method }: Request): Response | undefined {
  return method === 'GET' || method === 'HEAD' ? undefined : plain('only GET and HEAD', 405, { allow: 'GET, HEAD' });
}

export function plain(text: string, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...TEXT, ...headers } });
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

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return code === '' ? String(error) : bindReason(code);
}
