import type { StatusReport } from '../../core/page/api-schema.ts';
import { type Listing, type ListQuery, parseListQuery } from '../../core/page/listing.ts';
import type { SocketAddress } from '../../core/settings/kinds.ts';
import { type DnsName, parseDnsName } from '../../core/value/dns-name.ts';
import { parseIp } from '../../core/value/ip.ts';
import type { NameReport } from '../../core/value/report.ts';
import { ok, type Result } from '../../core/value/result.ts';
import { yieldTurn } from '../system/yield-turn.ts';
import { bindHttp, closeHttp, onlyReads, plain, TEXT } from '../telemetry/http.ts';

/** What a role shows. */
export interface PageSource {
  readonly status: () => StatusReport;
  /** By the last part of their path: `/api/v1/<name>`. */
  readonly lists: Readonly<Record<string, (query: ListQuery) => Listing>>;
  /** Says why a name has these addresses; only where names are served. */
  readonly explain?: (name: DnsName) => NameReport;
}

export interface PageOptions {
  readonly listen: SocketAddress;
  /** Called for each request; it may load code at the first one. */
  readonly source: () => Promise<PageSource>;
}

export interface PageServer {
  /** Settles at once: the port that was bound, or one line that says why not. */
  readonly ready: Promise<Result<{ readonly port: number }, 'cannot-listen'>>;
  /** Resolves when the socket is closed, after `signal` aborted or when it could not be bound. */
  readonly closed: Promise<void>;
}

/** Lists and reports look at everything there is: the server that answers DNS may not be kept busy with them. */
const AT_ONCE_MAX = 4;
const API = '/api/v1/';
const NAMES = `${API}names/`;
const JSON_HEADERS = { ...TEXT, 'content-type': 'application/json' };

/**
 * Serves over HTTP, GET and HEAD only: the status page at `/`, and below `/api/v1/` what it shows, as docs/api.md says. The Host header must be
 * an address or localhost: a page in somebody's browser that has its own name lead here (DNS rebinding) gets 403.
 */
export function createPageServer(options: PageOptions, signal: AbortSignal): PageServer {
  const server = bindHttp(options.listen, 'page', createHandler(options, signal));
  if (!server.ok) return { ready: Promise.resolve(server), closed: Promise.resolve() };
  return { ready: Promise.resolve(ok({ port: server.value.port })), closed: closeHttp(server.value, signal) };
}

function createHandler({ source }: PageOptions, signal: AbortSignal): (request: Request) => Response | Promise<Response> {
  let underWay = 0;
  const limited = async (work: () => Promise<unknown>): Promise<Response> => {
    if (underWay >= AT_ONCE_MAX) return plain('too many questions at once', 503, { 'retry-after': '1' });
    underWay++;
    try {
      return json(await work());
    } finally {
      underWay--;
    }
  };
  const report = (name: DnsName) =>
    limited(async () => {
      const { explain } = await source();
      return explain?.(name);
    });
  const list = async (request: Request, name: string, url: URL): Promise<Response> => {
    const { lists } = await source();
    const open = Object.hasOwn(lists, name) ? lists[name] : undefined;
    if (!open) return plain(`there is ${Object.keys(lists).join(', ')} below ${API}, and status`, 404);
    const query = parseListQuery(url.searchParams);
    return 'error' in query ? plain(query.error, 400) : limited(() => runListing(open(query), AbortSignal.any([request.signal, signal])));
  };
  const answer = async (request: Request, url: URL): Promise<Response> => {
    const { pathname } = url;
    if (pathname === `${API}status`) return json((await source()).status());
    if (pathname.startsWith(NAMES) && (await source()).explain) {
      const name = parseDnsName(decoded(pathname.slice(NAMES.length)));
      return name.ok ? report(name.value) : plain(name.detail, 400);
    }
    if (pathname.startsWith(API)) return list(request, pathname.slice(API.length), url);
    return (await import('./page-files.ts')).pageFile(pathname) ?? plain(`there is / and, below ${API}, what it shows`, 404);
  };
  return (request) => {
    const refused = onlyReads(request);
    if (refused) return refused;
    if (!isPlainHost(request.headers.get('host') ?? '')) return plain('the Host header must be an address or localhost', 403);
    return answer(request, new URL(request.url));
  };
}

/** Packets have their turn between two steps; nobody works for a client that has gone. */
async function runListing(listing: Listing, until: AbortSignal): Promise<unknown> {
  while (!listing.step()) {
    await yieldTurn();
    if (until.aborted) return {};
  }
  return listing.result();
}

function json(value: unknown): Response {
  return new Response(`${JSON.stringify(value)}\n`, { headers: JSON_HEADERS });
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
