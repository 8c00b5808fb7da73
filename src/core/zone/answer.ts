import type { IngressPoint, Protocol } from '../object/service.ts';
import type { DnsName } from '../value/dns-name.ts';
import { type Ip, ipBytes, ipFamily, ipFromBytes } from '../value/ip.ts';

/**
 * What one name answers. Names that lead to the same Service share one `Answer`, so an endpoint change touches one object
 * however many names depend on it. An `Answer` without addresses and target is NODATA.
 */
export interface Answer {
  /** IPv4 addresses, one 32-bit word each. Their order is the answer's to shuffle. */
  a: Uint32Array;
  /** IPv6 addresses, four 32-bit words each. Their order is the answer's to shuffle. */
  aaaa: Uint32Array;
  /** How many at the end of `a` come behind the others, because their Node looks dead; never all. */
  behindA: number;
  /** The same of `aaaa`. */
  behindAaaa: number;
  /** The target of a CNAME; never beside addresses (RFC 2181 §10.1). */
  cname: DnsName | undefined;
  /** Headless names give every address also over UDP; others a subset that fits. */
  complete: boolean;
  /** True for a Service's own name: `<dashed-ip>.<name>` below it names one endpoint. */
  endpointNames: boolean;
  /** Named ports, which have SRV records below the name. */
  srv: readonly SrvPort[];
  /** Where the name leads, when that had to be followed to what is here; absent for a Service's own endpoints. */
  points: readonly IngressPoint[] | undefined;
}

/** One named port of a Service: `_http._tcp` below its name. */
export interface SrvPort {
  /** `_http` and `_tcp` as lower-case wire labels, without the root. */
  readonly labels: Uint8Array;
  readonly protocol: Protocol;
  /** The one port that all addresses of the name have; 0 when they differ. */
  readonly port: number;
  /** The endpoints with their ports, where these differ. */
  readonly endpoints: readonly SrvEndpoint[];
}

export interface SrvEndpoint {
  readonly port: number;
  readonly address: Ip;
  /** The endpoint's own name, in wire form. */
  readonly target: Uint8Array;
}

export const NO_WORDS = new Uint32Array(0);
const NO_PORTS: readonly SrvPort[] = [];
export const WORDS_PER_A = 1;
export const WORDS_PER_AAAA = 4;

export function emptyAnswer(): Answer {
  return {
    a: NO_WORDS,
    aaaa: NO_WORDS,
    behindA: 0,
    behindAaaa: 0,
    cname: undefined,
    complete: false,
    endpointNames: false,
    srv: NO_PORTS,
    points: undefined,
  };
}

/** An answer of these addresses; duplicates count once. */
export function addressAnswer(addresses: readonly Ip[], complete: boolean): Answer {
  const unique = [...new Set(addresses)];
  return { ...emptyAnswer(), a: packAddresses(unique, 4), aaaa: packAddresses(unique, 6), complete };
}

/** Takes over the content of `from`, so that every name that shares `into` answers it from now on. */
export function replaceAnswer(into: Answer, from: Answer): void {
  into.a = from.a;
  into.aaaa = from.aaaa;
  into.behindA = from.behindA;
  into.behindAaaa = from.behindAaaa;
  into.cname = from.cname;
  into.complete = from.complete;
  into.endpointNames = from.endpointNames;
  into.srv = from.srv;
  into.points = from.points;
}

/** Same meaning: the same addresses in any order, the same target and flags. */
export function sameAnswer(x: Answer, y: Answer): boolean {
  return (
    x.cname === y.cname &&
    x.complete === y.complete &&
    x.endpointNames === y.endpointNames &&
    samePorts(x.srv, y.srv) &&
    pointsKey(x.points) === pointsKey(y.points) &&
    sameAddresses(x.a, x.behindA, y.a, y.behindA, WORDS_PER_A) &&
    sameAddresses(x.aaaa, x.behindAaaa, y.aaaa, y.behindAaaa, WORDS_PER_AAAA)
  );
}

/** `192.0.2.1 lb.example.com`, as written; the empty text for none. */
export function pointsKey(points: readonly IngressPoint[] | undefined): string {
  return points ? points.map(({ ip = '', hostname = '' }) => `${ip} ${hostname}`).join() : '';
}

function samePorts(x: readonly SrvPort[], y: readonly SrvPort[]): boolean {
  return x === y || (x.length === y.length && x.every((port, i) => samePort(port, y[i])));
}

function samePort(x: SrvPort, y: SrvPort | undefined): boolean {
  if (x === y) return true;
  if (!y || x.port !== y.port || x.endpoints.length !== y.endpoints.length || !sameBytes(x.labels, y.labels)) return false;
  return x.endpoints.every(({ port, address }, i) => port === y.endpoints[i]?.port && address === y.endpoints[i]?.address);
}

function sameBytes(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
}

/** Puts these addresses behind the others of their family; where none would be left in front, all stay equal. */
export function putBehind(answer: Answer, last: ReadonlySet<Ip>): void {
  [answer.a, answer.behindA] = partition(answer.a, WORDS_PER_A, last);
  [answer.aaaa, answer.behindAaaa] = partition(answer.aaaa, WORDS_PER_AAAA, last);
}

function partition(words: Uint32Array, stride: number, last: ReadonlySet<Ip>): [words: Uint32Array, behind: number] {
  const all = unpackAddresses(words, stride);
  const behind = all.filter((ip) => last.has(ip));
  if (behind.length === 0 || behind.length === all.length) return [words, 0];
  const front = all.filter((ip) => !last.has(ip));
  return [packAddresses([...front, ...behind], stride === WORDS_PER_A ? 4 : 6), behind.length];
}

/** The addresses that come behind the others. */
export function addressesBehind(answer: Answer): readonly Ip[] {
  return [
    ...unpackAddresses(answer.a.subarray(answer.a.length - answer.behindA * WORDS_PER_A), WORDS_PER_A),
    ...unpackAddresses(answer.aaaa.subarray(answer.aaaa.length - answer.behindAaaa * WORDS_PER_AAAA), WORDS_PER_AAAA),
  ];
}

/** The addresses as text, sorted by text. */
export function answerAddresses(answer: Answer): readonly Ip[] {
  return [...unpackAddresses(answer.a, WORDS_PER_A), ...unpackAddresses(answer.aaaa, WORDS_PER_AAAA)].sort();
}

/** Packs the addresses of one family, big-endian words. */
function packAddresses(addresses: readonly Ip[], family: 4 | 6): Uint32Array {
  const ofFamily = addresses.filter((ip) => ipFamily(ip) === family);
  if (ofFamily.length === 0) return NO_WORDS;
  const stride = family === 4 ? WORDS_PER_A : WORDS_PER_AAAA;
  const words = new Uint32Array(ofFamily.length * stride);
  ofFamily.forEach((ip, n) => {
    const bytes = ipBytes(ip);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < stride; i++) words[n * stride + i] = view.getUint32(4 * i);
  });
  return words;
}

function unpackAddresses(words: Uint32Array, stride: number): Ip[] {
  const addresses: Ip[] = [];
  for (let at = 0; at < words.length; at += stride) addresses.push(wordsToIp(words, at, stride));
  return addresses;
}

function wordsToIp(words: Uint32Array, at: number, stride: number): Ip {
  const bytes = new Uint8Array(4 * stride);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < stride; i++) view.setUint32(4 * i, words[at + i] ?? 0);
  return ipFromBytes(bytes);
}

function sameAddresses(x: Uint32Array, behindX: number, y: Uint32Array, behindY: number, stride: number): boolean {
  if (x.length !== y.length || behindX !== behindY) return false;
  const sorted = (words: Uint32Array) => unpackAddresses(words, stride).sort().join();
  const split = x.length - behindX * stride;
  return sorted(x.subarray(0, split)) === sorted(y.subarray(0, split)) && sorted(x.subarray(split)) === sorted(y.subarray(split));
}
