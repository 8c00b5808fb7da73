import { type Cidr, cidrText } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ParsedFile } from './adapter.ts';
import { type Backend, isBackendName, parseHostPort, parsePort, parseRange, type Upstream } from './backend.ts';
import type { Header } from './header.ts';
import type { Directive } from './nginx-text.ts';

/**
 * Reads one upstream block and one server block back into the backend they were rendered from; anything else in the file is an error.
 * The Go updater's files have no header that names the backend, and listen on IPv4 only.
 */
export function readNginxBackend(directives: readonly Directive[], header: Header | undefined): Result<ParsedFile, 'edited'> {
  if (header && directives.length === 0) return ok({ backend: { ...NOTHING, ...header }, families: [] });
  const [upstream, server, ...rest] = directives;
  if (!upstream?.block || !server?.block || rest.length > 0) return err('edited', 'it is not one upstream and one server');
  const name = upstream.words[1] ?? '';
  if (upstream.words[0] !== 'upstream' || upstream.words.length !== 2 || !isBackendName(name)) return err('edited', 'its upstream is odd');
  if (server.words.join(' ') !== 'server') return err('edited', 'its server is odd');
  const servers = readUpstream(upstream.block);
  if (!servers.ok) return servers;
  const listener = readServer(server.block, name);
  if (!listener.ok) return listener;
  const { families, ...serves } = listener.value;
  const backend: Backend = { ...NOTHING, ...serves, ...servers.value, name, owner: header?.owner ?? '' };
  if (header && (header.name !== name || header.port !== backend.port || header.protocol !== backend.protocol))
    return err('edited', 'it is not what its second line says');
  return ok({ backend, families });
}

const NOTHING: Omit<Backend, 'name' | 'port' | 'protocol' | 'owner'> = {
  upstreams: [],
  timeoutSeconds: 0,
  connectTimeoutSeconds: 0,
  sourceRanges: [],
  sticky: false,
  proxyProtocol: false,
  healthCheckPort: 0,
};

function readUpstream(block: readonly Directive[]): Result<Pick<Backend, 'upstreams' | 'sticky'>, 'edited'> {
  const upstreams: Upstream[] = [];
  let sticky = false;
  for (const [i, directive] of block.entries()) {
    const line = lineOf(directive);
    const upstream = line.startsWith('server ') ? parseHostPort(line.slice('server '.length)) : undefined;
    if (upstream) upstreams.push(upstream);
    else if (i === 0 && line === 'hash $remote_addr consistent') sticky = true;
    else return odd(line);
  }
  return ok({ upstreams, sticky });
}

type Serves = Pick<Backend, 'port' | 'protocol' | 'sourceRanges' | 'timeoutSeconds' | 'connectTimeoutSeconds' | 'proxyProtocol'>;

/** In the order they are written in; each once, but for listen and allow. */
const ORDER = ['listen', 'allow', 'deny', 'proxy_pass', 'proxy_timeout', 'proxy_connect_timeout', 'proxy_protocol'];

function readServer(block: readonly Directive[], name: string): Result<Serves & { readonly families: readonly (4 | 6)[] }, 'edited'> {
  const lines = block.map(lineOf);
  const places = lines.map((line) => ORDER.indexOf(line.split(' ')[0] ?? ''));
  const misplaced = places.findIndex((place, i) => place < 0 || place < (places[i - 1] ?? 0) || (place > 1 && place === places[i - 1]));
  if (misplaced >= 0) return odd(lines[misplaced] ?? '');
  const valuesOf = (word: string) => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const listens = valuesOf('listen').map((value) => /^(\[::\]:)?(\d+)( udp(?: reuseport)?)?$/.exec(value));
  const ranges = valuesOf('allow').map((value) => strictRange(value));
  const [timeout] = valuesOf('proxy_timeout').map(parseSeconds);
  const [connect] = valuesOf('proxy_connect_timeout').map(parseSeconds);
  const [pass] = valuesOf('proxy_pass');
  const [protocol] = valuesOf('proxy_protocol');
  const [deny] = valuesOf('deny');
  const [first] = listens;
  const port = parsePort(first?.[2] ?? '');
  if (!first || port === undefined) return odd('listen');
  const families = listens.map((listen) => (listen?.[1] ? 6 : 4));
  if (listens.some((listen) => listen?.[2] !== first[2] || listen?.[3] !== first[3])) return odd('listen');
  if (!['4', '6', '4 6'].includes(families.join(' '))) return odd('listen');
  if (ranges.includes(undefined) || (deny !== undefined) !== ranges.length > 0 || (deny ?? 'all') !== 'all') return odd('allow');
  if (pass !== name || timeout === undefined || connect === undefined || (protocol ?? 'on') !== 'on') return odd('proxy_…');
  return ok({
    port,
    protocol: first[3] ? 'UDP' : 'TCP',
    sourceRanges: ranges.filter((range) => range !== undefined),
    timeoutSeconds: timeout,
    connectTimeoutSeconds: connect,
    proxyProtocol: protocol === 'on',
    families,
  });
}

function strictRange(text: string): Cidr | undefined {
  const range = parseRange(text);
  return range && cidrText(range) === text ? range : undefined;
}

function parseSeconds(text: string): number | undefined {
  return /^[1-9]\d{0,8}s$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}

/** A directive as one line; one with a block or with a space inside a word is no line of ours. */
function lineOf(directive: Directive): string {
  const line = directive.words.join(' ');
  return directive.block || directive.words.some((word) => /\s/.test(word)) ? `{ ${line}` : line;
}

function odd(line: string): Result<never, 'edited'> {
  return err('edited', `"${line.slice(0, 80)}" is not as an updater writes it`);
}
