import { FLAG, HEADER_BYTES, LABELS_MAX, NAME_BYTES_MAX, OPTION, TYPE, UDP_PLAIN_BYTES_MAX } from './message.ts';

/** A name on the wire with what lookups need, in buffers that are reused. */
export interface WireName {
  /** The name in wire form, ASCII upper case folded (RFC 4343), root byte included. */
  readonly name: Uint8Array;
  /** Bytes used in `name`; 1 for the root, 0 where there is no name. */
  nameLength: number;
  /** Labels in the name, the root not counted. */
  labels: number;
  /** `offsets[i]`: where label `i` (its length byte) begins in `name`. */
  readonly offsets: Uint8Array;
  /** `hashes[i]`: `hashWireName` of the suffix that begins at label `i`. */
  readonly hashes: Uint32Array;
}

/** A parsed query. One is made at start (`createQuery`) and filled again by each `parseQuery`. */
export interface Query extends WireName {
  id: number;
  /** The header's second word as it came; see `FLAG`. */
  flags: number;
  opcode: number;
  rd: boolean;
  cd: boolean;
  qtype: number;
  qclass: number;
  /** End of the question in the packet, which begins at 12; 12 when there is none that can be echoed. */
  questionEnd: number;
  /** True when the query had an OPT record, so that the reply must have one (RFC 6891 §6.1.1). */
  edns: boolean;
  ednsVersion: number;
  /** The client's UDP payload size, never under 512; 512 without EDNS. */
  udpSize: number;
  /** DNSSEC OK (RFC 3225). */
  do: boolean;
  /** True when the name server identifier was asked for (RFC 5001). */
  nsid: boolean;
}

/** What to do with a packet: answer it, answer with that RCODE, or nothing at all. */
export type ParseOutcome = 'drop' | 'formerr' | 'notimp' | 'badvers' | 'ok';

const HASH_BASIS = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
const HASH_MASK = 0x7fffffff;
const OPT_FIXED_BYTES = 10;

export function createQuery(): Query {
  return {
    id: 0,
    flags: 0,
    opcode: 0,
    rd: false,
    cd: false,
    ...createWireName(),
    qtype: 0,
    qclass: 0,
    questionEnd: HEADER_BYTES,
    edns: false,
    ednsVersion: 0,
    udpSize: UDP_PLAIN_BYTES_MAX,
    do: false,
    nsid: false,
  };
}

/** Buffers for one name. */
export function createWireName(): WireName {
  return {
    name: new Uint8Array(NAME_BYTES_MAX),
    nameLength: 0,
    labels: 0,
    offsets: new Uint8Array(LABELS_MAX + 1),
    hashes: new Uint32Array(LABELS_MAX + 1),
  };
}

/** Fills `into` with a lower-case wire name, as if it had been asked for. */
export function setWireName(into: WireName, wire: Uint8Array): void {
  into.name.set(wire);
  into.nameLength = wire.length;
  into.labels = 0;
  for (let at = 0; wire[at]; at += (wire[at] as number) + 1) into.offsets[into.labels++] = at;
  hashSuffixes(into);
}

/**
 * FNV-1a over a lower-case wire name from its last byte to its first, the root byte left out, so that the hashes of all
 * suffixes come on the way. 31 bits, so that it is a small integer everywhere. The root's hash is that of no bytes.
 */
export function hashWireName(wire: Uint8Array, length = wire.length): number {
  let hash = HASH_BASIS;
  for (let i = length - 2; i >= 0; i--) hash = Math.imul(hash ^ (wire[i] as number), HASH_PRIME);
  return hash & HASH_MASK;
}

/**
 * Reads a packet into `into`. The tests come in this order: length and QR; opcode; parse and OPT count; EDNS version;
 * QDCOUNT. Class and name are the caller's. Never throws; `into` always holds what a reply needs (`id`, `flags`,
 * `questionEnd`, `edns`, …). Bytes after the last record are ignored, as BIND and Knot do.
 */
export function parseQuery(packet: Uint8Array, length: number, into: Query): ParseOutcome {
  if (length < HEADER_BYTES || ((packet[2] as number) & 0x80) !== 0) return 'drop';
  readHeader(packet, into);
  const whole = readSections(packet, length, into);
  // A bare header or an opcode's own format must still get NOTIMP (RFC 8906 §8.1), so the opcode goes before the parse.
  if (into.opcode !== 0) {
    into.questionEnd = HEADER_BYTES;
    return 'notimp';
  }
  if (!whole) return 'formerr';
  if (into.ednsVersion !== 0) return 'badvers';
  return u16(packet, 4) === 1 ? 'ok' : 'formerr';
}

function readHeader(packet: Uint8Array, into: Query): void {
  into.id = u16(packet, 0);
  const flags = u16(packet, 2);
  into.flags = flags;
  into.opcode = (flags >> 11) & 15;
  into.rd = (flags & FLAG.RD) !== 0;
  into.cd = (flags & FLAG.CD) !== 0;
  into.nameLength = 0;
  into.labels = 0;
  into.qtype = 0;
  into.qclass = 0;
  into.questionEnd = HEADER_BYTES;
  into.edns = false;
  into.ednsVersion = 0;
  into.udpSize = UDP_PLAIN_BYTES_MAX;
  into.do = false;
  into.nsid = false;
}

/** False when the message cannot be read to its end, or has an OPT where none may be. */
function readSections(packet: Uint8Array, length: number, into: Query): boolean {
  const questions = u16(packet, 4);
  let at = HEADER_BYTES;
  if (questions === 1) {
    at = readQuestion(packet, length, into);
  } else {
    for (let i = 0; i < questions && at >= 0; i++) at = skipQuestion(packet, length, at);
  }
  if (at < 0) return false;
  const before = u16(packet, 6) + u16(packet, 8);
  const records = before + u16(packet, 10);
  for (let i = 0; i < records; i++) {
    at = readRecord(packet, length, at, i >= before, into);
    if (at < 0) return false;
  }
  return true;
}

/** Reads the only question; no pointer is possible there, since nothing but the header lies before it. */
function readQuestion(packet: Uint8Array, length: number, into: Query): number {
  const { name, offsets } = into;
  let at = HEADER_BYTES;
  let labels = 0;
  for (;;) {
    if (at >= length) return -1;
    const size = packet[at] as number;
    const begin = at - HEADER_BYTES;
    if (size === 0) break;
    if (size > 63 || begin + size + 2 > NAME_BYTES_MAX || at + size >= length) return -1;
    offsets[labels++] = begin;
    for (const end = at + size; at <= end; at++) name[at - HEADER_BYTES] = fold(packet[at] as number);
  }
  const nameLength = at + 1 - HEADER_BYTES;
  const end = at + 5;
  if (end > length) return -1;
  name[nameLength - 1] = 0;
  into.nameLength = nameLength;
  into.labels = labels;
  into.qtype = u16(packet, at + 1);
  into.qclass = u16(packet, at + 3);
  into.questionEnd = end;
  hashSuffixes(into);
  return end;
}

/** Length bytes are under 64 and so stay what they are. */
function fold(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

function hashSuffixes(into: WireName): void {
  const { name, offsets, hashes } = into;
  let hash = HASH_BASIS;
  let at = into.nameLength - 2;
  for (let label = into.labels - 1; label >= 0; label--) {
    for (const begin = offsets[label] as number; at >= begin; at--) hash = Math.imul(hash ^ (name[at] as number), HASH_PRIME);
    hashes[label] = hash & HASH_MASK;
  }
}

function skipQuestion(packet: Uint8Array, length: number, at: number): number {
  const end = skipName(packet, length, at) + 4;
  return end < HEADER_BYTES || end > length ? -1 : end;
}

/** Where the name that begins at `at` ends; far below zero when it does not end inside the packet. */
function skipName(packet: Uint8Array, length: number, from: number): number {
  let at = from;
  while (at < length && at - from < NAME_BYTES_MAX) {
    const size = packet[at] as number;
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2 <= length && (u16(packet, at) & 0x3fff) < from ? at + 2 : -MALFORMED;
    if (size > 63) return -MALFORMED;
    at += size + 1;
  }
  return -MALFORMED;
}

const MALFORMED = 1 << 20;

/** Skips one record, reading it when it is OPT; -1 when it is cut, or an OPT where none may be (RFC 6891 §6.1.1). */
function readRecord(packet: Uint8Array, length: number, at: number, additional: boolean, into: Query): number {
  const fixed = skipName(packet, length, at);
  if (fixed < 0 || fixed + OPT_FIXED_BYTES > length) return -1;
  const data = fixed + OPT_FIXED_BYTES;
  const end = data + u16(packet, fixed + 8);
  if (end > length) return -1;
  if (u16(packet, fixed) !== TYPE.OPT) return end;
  if (!additional || into.edns || fixed !== at + 1) return -1;
  into.edns = true;
  into.udpSize = Math.max(u16(packet, fixed + 2), UDP_PLAIN_BYTES_MAX);
  into.ednsVersion = packet[fixed + 5] as number;
  into.do = ((packet[fixed + 6] as number) & 0x80) !== 0;
  return readOptions(packet, data, end, into);
}

function readOptions(packet: Uint8Array, from: number, end: number, into: Query): number {
  let at = from;
  while (at < end) {
    if (at + 4 > end) return -1;
    if (u16(packet, at) === OPTION.NSID) into.nsid = true;
    at += 4 + u16(packet, at + 2);
  }
  return at === end ? end : -1;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
