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
  /** The target of a CNAME; never beside addresses (RFC 2181 §10.1). */
  cname: DnsName | undefined;
  /** Headless names give every address also over UDP; others a subset that fits. */
  complete: boolean;
  /** True for a Service's own name: `<dashed-ip>.<name>` below it names one endpoint. */
  endpointNames: boolean;
}

export const NO_WORDS = new Uint32Array(0);
export const WORDS_PER_A = 1;
export const WORDS_PER_AAAA = 4;

export function emptyAnswer(): Answer {
  return { a: NO_WORDS, aaaa: NO_WORDS, cname: undefined, complete: false, endpointNames: false };
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
  into.cname = from.cname;
  into.complete = from.complete;
  into.endpointNames = from.endpointNames;
}

/** Same meaning: the same addresses in any order, the same target and flags. */
export function sameAnswer(x: Answer, y: Answer): boolean {
  return (
    x.cname === y.cname &&
    x.complete === y.complete &&
    x.endpointNames === y.endpointNames &&
    sameAddresses(x.a, y.a, WORDS_PER_A) &&
    sameAddresses(x.aaaa, y.aaaa, WORDS_PER_AAAA)
  );
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

function sameAddresses(x: Uint32Array, y: Uint32Array, stride: number): boolean {
  if (x.length !== y.length) return false;
  const sorted = (words: Uint32Array) => unpackAddresses(words, stride).sort().join();
  return sorted(x) === sorted(y);
}
