import type { SocketAddress } from '../../core/settings/kinds.ts';
import { type DnsName, parseDnsName } from '../../core/value/dns-name.ts';
import { parseIp } from '../../core/value/ip.ts';
import type { NameReport } from '../../core/value/report.ts';
import { ok, type Result } from '../../core/value/result.ts';
import { bindHttp, closeHttp, onlyReads, plain, TEXT } from './http.ts';

export interface PageOptions {
  readonly listen: SocketAddress;
  /** Called for each request; it may load code at the first one. */
  readonly explain: (name: DnsName) => Promise<NameReport>;
}

export interface PageServer {
  /** Settles at once: the port that was bound, or one line that says why not. */
  readonly ready: Promise<Result<{ readonly port: number }, 'cannot-listen'>>;
  /** Resolves when the socket is closed, after `signal` aborted or when it could not be bound. */
  readonly closed: Promise<void>;
}

/** A report looks at every Service: the server that answers DNS may not be kept busy with them. */
const REPORTS_AT_ONCE_MAX = 2;
const NAMES = '/api/v1/names/';

/**
 * Serves over HTTP, GET and HEAD only: `/api/v1/names/{name}`, why a name has these addresses, as a `NameReport` in JSON. The Host header must be
 * an address or localhost: a page in somebody's browser that has its own name lead here (DNS rebinding) gets 403.
 */
export function createPageServer(options: PageOptions, signal: AbortSignal): PageServer {
  const server = bindHttp(options.listen, 'page', createHandler(options));
  if (!server.ok) return { ready: Promise.resolve(server), closed: Promise.resolve() };
  return { ready: Promise.resolve(ok({ port: server.value.port })), closed: closeHttp(server.value, signal) };
}

function createHandler({ explain }: PageOptions): (request: Request) => Response | Promise<Response> {
  let underWay = 0;
  const report = async (name: DnsName) => {
    if (underWay >= REPORTS_AT_ONCE_MAX) return plain('too many questions at once', 503, { 'retry-after': '1' });
    underWay++;
    try {
      return new Response(`${JSON.stringify(await explain(name))}\n`, { headers: { ...TEXT, 'content-type': 'application/json' } });
    } finally {
      underWay--;
    }
  };
  return (request) => {
    const refused = onlyReads(request);
    if (refused) return refused;
    if (!isPlainHost(request.headers.get('host') ?? '')) return plain('the Host header must be an address or localhost', 403);
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(NAMES)) return plain(`there is ${NAMES}{name}`, 404);
    const name = parseDnsName(decoded(pathname.slice(NAMES.length)));
    return name.ok ? report(name.value) : plain(name.detail, 400);
  };
}

function isPlainHost(header: string): boolean {
  const host = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(header);
  const text = host?.[1] ?? host?.[2] ?? '';
  return text.toLowerCase() === 'localhost' || parseIp(text) !== undefined;
}

/** Percent signs that mean nothing stay as they are: no name has them. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
