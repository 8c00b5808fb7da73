import { asArray, asObject, type RawObject } from '../object/raw.ts';
import type { Cidr } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { type Backend, isBackendName, type Protocol, parseHost, parseRange, type Upstream } from './backend.ts';

/** The longest lists one call may hold. */
export const UPSTREAMS_MAX = 1000;
export const SOURCE_RANGES_MAX = 500;
export const TIMEOUT_SECONDS_MAX = 7 * 24 * 3600;

export interface RequestDefaults {
  readonly timeoutSeconds: number;
  readonly connectTimeoutSeconds: number;
}

/** `undecodable`: the body is not what the API takes (400). `refused`: it is, but says something that cannot be (500, as the original). */
export type RequestErrorCode = 'undecodable' | 'refused';

/**
 * Reads the body of `POST /api/v1/lb`: `backendName`, `lbPort`, `lbProtocol`, `upstreamServers[].host|port`, `proxyTimeoutSeconds`,
 * `proxyConnectTimeoutSeconds`, and ours besides: `sourceRanges`, `sessionAffinity`, `proxyProtocol`, `healthCheckNodePort`. Like Go's
 * encoding/json: keys in any case, unknown ones ignored, null is as good as absent. Protocols in any case, empty is TCP; a time-out of 0
 * or less is the default. The owner is left empty.
 */
export function parseUpdate(body: string, defaults: RequestDefaults): Result<Backend, RequestErrorCode> {
  const raw = decode(body);
  if (!raw.ok) return raw;
  const read = readFields(raw.value);
  if (!read.ok) return read;
  const { name, port, protocol, servers, timeout, connectTimeout, ranges, affinity, proxyProtocol, healthCheckPort } = read.value;
  const fault =
    nameFault(name) ??
    portFault('lbPort', port) ??
    (protocolOf(protocol) ? undefined : `unknown protocol ${quote(protocol)}: TCP and UDP are served`) ??
    timeoutFault('proxyTimeoutSeconds', timeout) ??
    timeoutFault('proxyConnectTimeoutSeconds', connectTimeout) ??
    (servers.length > UPSTREAMS_MAX ? `more than ${UPSTREAMS_MAX} upstream servers` : undefined) ??
    (ranges.length > SOURCE_RANGES_MAX ? `more than ${SOURCE_RANGES_MAX} source ranges` : undefined) ??
    (['', 'None', 'ClientIP'].includes(affinity) ? undefined : `unknown sessionAffinity ${quote(affinity)}: None or ClientIP`) ??
    (healthCheckPort === 0 ? undefined : portFault('healthCheckNodePort', healthCheckPort));
  if (fault) return err('refused', fault);
  const upstreams = toUpstreams(servers);
  if (!upstreams.ok) return upstreams;
  const sourceRanges = toRanges(ranges);
  if (!sourceRanges.ok) return sourceRanges;
  return ok({
    name,
    port,
    protocol: protocolOf(protocol) ?? 'TCP',
    upstreams: upstreams.value,
    timeoutSeconds: timeout > 0 ? timeout : defaults.timeoutSeconds,
    connectTimeoutSeconds: connectTimeout > 0 ? connectTimeout : defaults.connectTimeoutSeconds,
    sourceRanges: sourceRanges.value,
    sticky: affinity === 'ClientIP',
    proxyProtocol,
    healthCheckPort,
    owner: '',
  });
}

/** Reads the body of `DELETE /api/v1/lb`: the name of the backend that is to go. */
export function parseDelete(body: string): Result<string, RequestErrorCode> {
  const raw = decode(body);
  if (!raw.ok) return raw;
  const name = text(raw.value, 'backendName');
  if (!name.ok) return name;
  const trimmed = name.value.trim();
  const fault = nameFault(trimmed);
  return fault ? err('refused', fault) : ok(trimmed);
}

interface Fields {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly ranges: readonly string[];
  readonly affinity: string;
  readonly proxyProtocol: boolean;
  readonly healthCheckPort: number;
}

function readFields(raw: RawObject): Result<Fields, 'undecodable'> {
  const name = text(raw, 'backendName');
  const port = integer(raw, 'lbPort');
  const protocol = text(raw, 'lbProtocol');
  const servers = list(raw, 'upstreamServers', toServer, 'an object with host and port');
  const timeout = integer(raw, 'proxyTimeoutSeconds');
  const connectTimeout = integer(raw, 'proxyConnectTimeoutSeconds');
  const ranges = list(raw, 'sourceRanges', (item) => (typeof item === 'string' ? ok(item) : wrong('sourceRanges', 'a string')), 'strings');
  const affinity = text(raw, 'sessionAffinity');
  const proxyProtocol = truth(raw, 'proxyProtocol');
  const healthCheckPort = integer(raw, 'healthCheckNodePort');
  if (!name.ok) return name;
  if (!port.ok) return port;
  if (!protocol.ok) return protocol;
  if (!servers.ok) return servers;
  if (!timeout.ok) return timeout;
  if (!connectTimeout.ok) return connectTimeout;
  if (!ranges.ok) return ranges;
  if (!affinity.ok) return affinity;
  if (!proxyProtocol.ok) return proxyProtocol;
  if (!healthCheckPort.ok) return healthCheckPort;
  return ok({
    name: name.value.trim(),
    port: port.value,
    protocol: protocol.value.trim(),
    servers: servers.value,
    timeout: timeout.value,
    connectTimeout: connectTimeout.value,
    ranges: ranges.value,
    affinity: affinity.value,
    proxyProtocol: proxyProtocol.value,
    healthCheckPort: healthCheckPort.value,
  });
}

function toServer(raw: unknown): Result<{ readonly host: string; readonly port: number }, 'undecodable'> {
  const server = raw === null ? {} : asObject(raw);
  if (!server) return wrong('upstreamServers', 'a list of objects with host and port');
  const folded = foldKeys(server);
  const host = text(folded, 'host');
  const port = integer(folded, 'port');
  if (!host.ok) return host;
  return port.ok ? ok({ host: host.value.trim(), port: port.value }) : port;
}

function toUpstreams(servers: Fields['servers']): Result<readonly Upstream[], 'refused'> {
  const upstreams = new Map<string, Upstream>();
  for (const { host, port } of servers) {
    const parsed = parseHost(host);
    if (parsed === undefined) return err('refused', `upstream server ${quote(host)} is neither an address nor a DNS name`);
    const fault = portFault(`port of upstream server ${parsed}`, port);
    if (fault) return err('refused', fault);
    upstreams.set(`${parsed} ${port}`, { host: parsed, port });
  }
  return ok([...upstreams.values()]);
}

function toRanges(texts: readonly string[]): Result<readonly Cidr[], 'refused'> {
  const ranges = new Map<string, Cidr>();
  for (const each of texts) {
    const range = parseRange(each.trim());
    if (!range) return err('refused', `source range ${quote(each)} is not an address/bits such as 10.0.0.0/8`);
    ranges.set(JSON.stringify(range), range);
  }
  return ok([...ranges.values()]);
}

function decode(body: string): Result<RawObject, 'undecodable'> {
  if (body.trim() === '') return err('undecodable', 'EOF');
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch (error) {
    return err('undecodable', `invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const object = raw === null ? {} : asObject(raw);
  return object ? ok(foldKeys(object)) : err('undecodable', 'the body is not a JSON object');
}

/** encoding/json matches keys in any case; of several the last one wins. */
function foldKeys(raw: RawObject): RawObject {
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value]));
}

function fieldOf(raw: RawObject, key: string): unknown {
  return raw[key.toLowerCase()] ?? undefined;
}

function text(raw: RawObject, key: string): Result<string, 'undecodable'> {
  const value = fieldOf(raw, key) ?? '';
  return typeof value === 'string' ? ok(value) : wrong(key, 'a string');
}

function integer(raw: RawObject, key: string): Result<number, 'undecodable'> {
  const value = fieldOf(raw, key) ?? 0;
  return typeof value === 'number' && Number.isSafeInteger(value) ? ok(value) : wrong(key, 'a whole number');
}

function truth(raw: RawObject, key: string): Result<boolean, 'undecodable'> {
  const value = fieldOf(raw, key) ?? false;
  return typeof value === 'boolean' ? ok(value) : wrong(key, 'true or false');
}

function list<T>(
  raw: RawObject,
  key: string,
  toItem: (item: unknown) => Result<T, 'undecodable'>,
  what: string,
): Result<readonly T[], 'undecodable'> {
  const value = fieldOf(raw, key) ?? [];
  if (!Array.isArray(value)) return wrong(key, `a list of ${what}`);
  const items: T[] = [];
  for (const each of asArray(value)) {
    const item = toItem(each);
    if (!item.ok) return item;
    items.push(item.value);
  }
  return ok(items);
}

function wrong(key: string, what: string): { readonly ok: false; readonly code: 'undecodable'; readonly detail: string } {
  return err('undecodable', `${key} is not ${what}`);
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'empty backend name';
  return isBackendName(name)
    ? undefined
    : `backend name ${quote(name)} is not 1–200 letters, digits, _, . or -, the first a letter or digit`;
}

function portFault(what: string, port: number): string | undefined {
  return port >= 1 && port <= 65535 ? undefined : `${what} is ${port}, which is not a port from 1 to 65535`;
}

function timeoutFault(what: string, seconds: number): string | undefined {
  return seconds > TIMEOUT_SECONDS_MAX ? `${what} is ${seconds}, which is more than ${TIMEOUT_SECONDS_MAX}` : undefined;
}

function protocolOf(protocol: string): Protocol | undefined {
  const upper = protocol.toUpperCase();
  if (upper === '' || upper === 'TCP') return 'TCP';
  return upper === 'UDP' ? 'UDP' : undefined;
}

function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
