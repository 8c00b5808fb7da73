import { cidrContains, type Ip, parseCidr } from '../value/ip.ts';

/** One `-upstream` address. */
export interface UpstreamAddress {
  readonly ip: Ip;
  readonly port: number;
}

/** What is known of an upstream; times are monotonic milliseconds. */
export interface UpstreamHealth {
  /** Time-outs and refused connections in a row. */
  readonly failures: number;
  /** When it is tried again in its turn; before that it comes after the others. */
  readonly retryAtMs: number;
  /** It sends our own questions back to us. */
  readonly looping: boolean;
}

export const HEALTHY: UpstreamHealth = { failures: 0, retryAtMs: 0, looping: false };

/** Silence of one query may be the query's fault; of more it is the upstream's. */
const FAILURES_TO_REST = 2;
const REST_MS_MIN = 1_000;
const REST_MS_MAX = 30_000;

/** Any answer, SERVFAIL too, shows that it lives. */
export function afterAnswer(health: UpstreamHealth): UpstreamHealth {
  return health.failures === 0 ? health : { ...health, failures: 0, retryAtMs: 0 };
}

/** Silence or a refused connection: from the second in a row on it rests, one second, doubling to thirty. */
export function afterSilence(health: UpstreamHealth, nowMs: number): UpstreamHealth {
  const failures = health.failures + 1;
  if (failures < FAILURES_TO_REST) return { ...health, failures };
  const restMs = Math.min(REST_MS_MIN * 2 ** Math.min(failures - FAILURES_TO_REST, 10), REST_MS_MAX);
  return { ...health, failures, retryAtMs: nowMs + restMs };
}

/** The ones that may be asked, best first: in the order given, those that rest behind the others by when their rest ends. Looping ones never. */
export function inOrderOfHealth<T extends { readonly health: UpstreamHealth }>(upstreams: readonly T[], nowMs: number): readonly T[] {
  const usable = upstreams.filter((upstream) => !upstream.health.looping);
  const resting = usable.filter((upstream) => upstream.health.retryAtMs > nowMs);
  const rested = usable.filter((upstream) => upstream.health.retryAtMs <= nowMs);
  return [...rested, ...resting.sort((a, b) => a.health.retryAtMs - b.health.retryAtMs)];
}

export function isLoopback(ip: Ip): boolean {
  return ip === '::1' || ip.startsWith('127.');
}

const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '::1/128',
  'fe80::/10',
  'fc00::/7',
];
/** Private, loopback, link-local, shared (100.64/10) and unique local networks. */
export const PRIVATE_NETWORKS = PRIVATE.flatMap((text) => parseCidr(text) ?? []);

/** An address that no public server has. */
export function isPrivate(ip: Ip): boolean {
  return PRIVATE_NETWORKS.some((cidr) => cidrContains(cidr, ip));
}
