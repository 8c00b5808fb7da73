import { type Cidr, cidrText, type Ip, ipFamily, parseCidr, parseIp } from '../value/ip.ts';

/** One port of a load balancer and where it leads: what one call to the updater says, and one file in its folder holds. */
export interface Backend {
  /** `^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$`; also the name of its file. */
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Empty: the port stays reserved, and nothing listens there. */
  readonly upstreams: readonly Upstream[];
  readonly timeoutSeconds: number;
  readonly connectTimeoutSeconds: number;
  /** Who may connect (core/v1 Service.spec.loadBalancerSourceRanges); empty: everybody. */
  readonly sourceRanges: readonly Cidr[];
  /** One client stays with one upstream (core/v1 Service.spec.sessionAffinity: ClientIP). */
  readonly sticky: boolean;
  /** A PROXY protocol v1 line goes before each TCP connection to an upstream. */
  readonly proxyProtocol: boolean;
  /** Where an upstream says over HTTP whether it has an endpoint (core/v1 Service.spec.healthCheckNodePort); 0: not asked. */
  readonly healthCheckPort: number;
  /** The name of the token it was written with; empty when there was none. */
  readonly owner: string;
}

export type Protocol = 'TCP' | 'UDP';

export interface Upstream {
  /** An address in canonical text, without brackets, or a DNS name in lower case. */
  readonly host: string;
  readonly port: number;
}

/** A socket that a proxy is expected to hold, on every address of one family. */
export interface Listen {
  readonly protocol: Protocol;
  readonly family: 4 | 6;
  readonly port: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/;

/** Whether this may name a backend or an owner: it becomes a file name and a word of the proxy's configuration. */
export function isBackendName(text: string): boolean {
  return NAME.test(text);
}

/** `8103/TCP`: what may belong to one backend only. */
export function portKey(backend: Pick<Backend, 'port' | 'protocol'>): string {
  return `${backend.port}/${backend.protocol}`;
}

/** What is to listen for a backend on a host that has these families. */
export function listensOf(backend: Backend, families: readonly (4 | 6)[]): readonly Listen[] {
  if (backend.upstreams.length === 0) return [];
  return families.map((family) => ({ protocol: backend.protocol, family, port: backend.port }));
}

export function listenKey({ protocol, family, port }: Listen): string {
  return `${protocol}${family} ${port}`;
}

/** `10.0.0.1:80`, `[fd00::1]:80`, `node.example:80`. */
export function hostPort({ host, port }: Upstream): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * An address or a DNS name in canonical text; `undefined` for anything else. A name whose last label is a number is none: the C library
 * reads `127.1`, `2130706433` and `0x7f.1` as addresses, past every check.
 */
export function parseHost(text: string): string | undefined {
  const ip = parseIp(/^\[.*\]$/.test(text) ? text.slice(1, -1) : text);
  if (ip) return ip;
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > 253 || !name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))) return undefined;
  return /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name) ? undefined : name;
}

/** The reverse of `hostPort`, strictly: what it would not have written is `undefined`. */
export function parseHostPort(text: string): Upstream | undefined {
  const colon = text.lastIndexOf(':');
  const host = parseHost(text.slice(0, Math.max(0, colon)));
  const port = parsePort(text.slice(colon + 1));
  if (host === undefined || port === undefined) return undefined;
  return hostPort({ host, port }) === text ? { host, port } : undefined;
}

/** 1–65535 in plain decimal. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** A network as the API and files write it; an address alone means itself. Canonical, or `undefined`. */
export function parseRange(text: string): Cidr | undefined {
  const ip: Ip | undefined = parseIp(text);
  return ip ? { address: ip, bits: ipFamily(ip) === 4 ? 32 : 128 } : parseCidr(text);
}

export function sameBackend(a: Backend, b: Backend): boolean {
  return JSON.stringify(fields(a)) === JSON.stringify(fields(b));
}

function fields(backend: Backend): readonly unknown[] {
  const { name, port, protocol, timeoutSeconds, connectTimeoutSeconds, sticky, proxyProtocol, healthCheckPort, owner } = backend;
  return [
    [name, port, protocol, timeoutSeconds, connectTimeoutSeconds, sticky, proxyProtocol, healthCheckPort, owner],
    backend.upstreams.map(hostPort),
    backend.sourceRanges.map(cidrText),
  ];
}
