import { type Cidr, cidrText } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ParsedFile } from './adapter.ts';
import { type Backend, parseHostPort, parsePort, parseRange, type Upstream } from './backend.ts';
import type { Header } from './header.ts';

/** What is left to read of a section, one line at a time. */
interface Lines {
  readonly lines: readonly string[];
  at: number;
}

type Read<T> = Result<T, 'edited'>;

/** Reads a listen section back into the backend it was rendered from; anything else in the file is an error. */
export function readHaproxyBackend(text: string, header: Header): Read<ParsedFile> {
  const all = text.split('\n');
  if (all.at(-1) !== '') return err('edited', 'its last line does not end');
  const body = all.slice(0, -1).filter((line) => !line.startsWith('#'));
  if (body.length === 0) return ok({ backend: { ...IDLE, ...header }, families: [] });
  const rest: Lines = { lines: body, at: 0 };
  const begins = take(rest, new RegExp(`^listen (${escapeDots(header.name)})$`)) && take(rest, /^\tmode tcp$/);
  const four = take(rest, /^\tbind 0\.0\.0\.0:(\d+)$/);
  const six = take(rest, /^\tbind \[::\]:(\d+) v6only$/);
  const ranges = takeRanges(rest);
  const connectTimeoutSeconds = seconds(take(rest, /^\ttimeout connect (\d+)s$/));
  const client = seconds(take(rest, /^\ttimeout client (\d+)s$/));
  const server = seconds(take(rest, /^\ttimeout server (\d+)s$/));
  const redispatch = take(rest, /^\toption redispatch 1$/);
  const balance = take(rest, /^\tbalance (source|roundrobin)$/);
  const sticky = balance === 'source';
  const consistent = !sticky || take(rest, /^\thash-type consistent$/);
  const checked = take(rest, /^\toption httpchk$/) !== undefined;
  const servers = takeServers(rest, checked);
  const families = [...(four ? [4 as const] : []), ...(six ? [6 as const] : [])];
  const ports = [four, six].filter((port) => port !== undefined);
  const portsRight = ports.length > 0 && ports.every((port) => parsePort(port) === header.port) && header.protocol === 'TCP';
  const timeoutsRight = connectTimeoutSeconds !== undefined && client !== undefined && client === server;
  if (!begins || !portsRight || !ranges || !timeoutsRight || !redispatch || !balance || !consistent || !servers)
    return err('edited', `"${(rest.lines[rest.at] ?? 'its end').trim().slice(0, 80)}" is not as the updater writes it`);
  if (rest.at < rest.lines.length) return err('edited', `"${rest.lines[rest.at]?.slice(0, 80)}" is too much`);
  const backend: Backend = { ...header, ...servers, sourceRanges: ranges, sticky, timeoutSeconds: client, connectTimeoutSeconds };
  return ok({ backend, families });
}

const IDLE: Omit<Backend, 'name' | 'port' | 'protocol' | 'owner'> = {
  upstreams: [],
  timeoutSeconds: 0,
  connectTimeoutSeconds: 0,
  sourceRanges: [],
  sticky: false,
  proxyProtocol: false,
  healthCheckPort: 0,
};

/** The pattern's first group (or all) of the next line, which is then used up; `undefined` when it does not match. */
function take(rest: Lines, pattern: RegExp): string | undefined {
  const match = pattern.exec(rest.lines[rest.at] ?? '');
  if (!match) return undefined;
  rest.at++;
  return match[1] ?? match[0];
}

function takeRanges(rest: Lines): readonly Cidr[] | undefined {
  const ranges: Cidr[] = [];
  for (;;) {
    const text = take(rest, /^\tacl minilb_source src (\S+)$/);
    if (text === undefined) break;
    const range = parseRange(text);
    if (!range || cidrText(range) !== text) return undefined;
    ranges.push(range);
  }
  const rejected = take(rest, /^\ttcp-request connection reject if !minilb_source$/) !== undefined;
  return rejected === ranges.length > 0 ? ranges : undefined;
}

function takeServers(rest: Lines, checked: boolean): Pick<Backend, 'upstreams' | 'proxyProtocol' | 'healthCheckPort'> | undefined {
  const upstreams: Upstream[] = [];
  let options: string | undefined;
  for (;;) {
    const line = take(rest, /^\tserver (s\d+ \S+(?: check port \d+ inter 5s)?(?: send-proxy)?)$/);
    if (line === undefined) break;
    const [, number, place = '', more = ''] = /^s(\d+) (\S+)(.*)$/.exec(line) ?? [];
    const upstream = parseHostPort(place);
    options ??= more;
    if (!upstream || number !== String(upstreams.length + 1) || more !== options) return undefined;
    upstreams.push(upstream);
  }
  const port = /^ check port (\d+) /.exec(options ?? '')?.[1];
  const healthCheckPort = port === undefined ? 0 : parsePort(port);
  if (upstreams.length === 0 || healthCheckPort === undefined || healthCheckPort > 0 !== checked) return undefined;
  return { upstreams, proxyProtocol: (options ?? '').endsWith(' send-proxy'), healthCheckPort };
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Of what a name may hold, only the dot means something in a pattern. */
function escapeDots(name: string): string {
  return name.replaceAll('.', '\\.');
}
