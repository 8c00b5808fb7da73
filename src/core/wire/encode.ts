import { CLASS, FLAG, HEADER_BYTES, OPTION, TYPE } from './message.ts';
import type { Query, WireName } from './query.ts';

// Every writer puts bytes into `out` at `at`, keeps below `limit`, and returns the offset behind them, or -1 when they do not
// fit (then `out` may hold a part of them beyond `at`). An `at` of -1 stays -1, so that calls can follow each other.

/** Owner of a record that belongs to the name asked for: a pointer to offset 12 (RFC 1035 §4.1.4). */
export const QUESTION_POINTER = 0xc00c;
/** An A record with that owner. */
export const A_RECORD_BYTES = 16;
/** An AAAA record with that owner. */
export const AAAA_RECORD_BYTES = 28;

export interface SoaData {
  readonly mname: Uint8Array;
  readonly rname: Uint8Array;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  readonly minimumSeconds: number;
}

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: Uint8Array;
}

export function writeU16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value;
}

export function writeU32(out: Uint8Array, at: number, value: number): void {
  writeU16(out, at, value >>> 16);
  writeU16(out, at + 2, value & 0xffff);
}

/** The reply's flag word: QR, the query's opcode, RD and CD, plus `extra` (masks of `FLAG`) and the low bits of `rcode`. */
export function replyFlags(query: Query, rcode: number, extra: number): number {
  return FLAG.QR | (query.flags & (0x7800 | FLAG.RD | FLAG.CD)) | extra | (rcode & 15);
}

/**
 * Writes the header and copies the question in the case it was asked in (`packet` is the query's). Returns where the
 * answer section begins. QDCOUNT is 0 when the query had no question that could be read.
 */
export function writeReplyHead(out: Uint8Array, packet: Uint8Array, query: Query, flags: number): number {
  const end = query.questionEnd;
  writeU16(out, 0, query.id);
  writeU16(out, 2, flags);
  writeU16(out, 4, end > HEADER_BYTES ? 1 : 0);
  writeU32(out, 6, 0);
  writeU16(out, 10, 0);
  for (let i = HEADER_BYTES; i < end; i++) out[i] = packet[i] as number;
  return end;
}

/** Sets ANCOUNT, NSCOUNT and ARCOUNT. */
export function writeCounts(out: Uint8Array, answers: number, authorities: number, additionals: number): void {
  writeU16(out, 6, answers);
  writeU16(out, 8, authorities);
  writeU16(out, 10, additionals);
}

/** Writes bytes as they are: prepared records, for example. */
export function writeBytes(out: Uint8Array, at: number, limit: number, bytes: Uint8Array): number {
  const length = bytes.length;
  if (at < 0 || at + length > limit) return -1;
  // Short copies are quicker in a loop than through `set`.
  if (length > 64) out.set(bytes, at);
  else for (let i = 0; i < length; i++) out[at + i] = bytes[i] as number;
  return at + length;
}

/** Writes a lower-case wire name, its longest suffix shared with the question as a pointer to it (RFC 1035 §4.1.4). */
export function writeName(out: Uint8Array, at: number, limit: number, name: Uint8Array, question: WireName | null): number {
  const own = question === null ? name.length : sharedFrom(name, question);
  if (own === name.length) return writeBytes(out, at, limit, name);
  if (at < 0 || at + own + 2 > limit) return -1;
  for (let i = 0; i < own; i++) out[at + i] = name[i] as number;
  const target = (question as WireName).nameLength - (name.length - own);
  writeU16(out, at + own, 0xc000 | (HEADER_BYTES + target));
  return at + own + 2;
}

/** Offset in `name` where the longest suffix of whole labels begins that the question ends with too; `name.length` for none. */
function sharedFrom(name: Uint8Array, question: WireName): number {
  const shift = question.nameLength - name.length;
  let same = name.length;
  while (same > 0 && same + shift > 0 && name[same - 1] === question.name[same + shift - 1]) same--;
  for (let label = 0; label < question.labels; label++) {
    const begin = (question.offsets[label] as number) - shift;
    if (begin >= same && begin < name.length - 1 && isLabelStart(name, begin)) return begin;
  }
  return name.length;
}

function isLabelStart(name: Uint8Array, offset: number): boolean {
  let at = 0;
  while (at < offset) at += (name[at] as number) + 1;
  return at === offset;
}

/** Writes a record's owner (see `writeName`), type, class, TTL and a data length of 0, to be set by `closeRecord`. */
export function openRecord(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  type: number,
  ttlSeconds: number,
  recordClass: number = CLASS.IN,
): number {
  const fixed = writeName(out, at, limit, owner, question);
  if (fixed < 0 || fixed + 10 > limit) return -1;
  writeU16(out, fixed, type);
  writeU16(out, fixed + 2, recordClass);
  writeU32(out, fixed + 4, ttlSeconds);
  writeU16(out, fixed + 8, 0);
  return fixed + 10;
}

/** Sets the length of the data that began at `data` (from `openRecord`) and ends at `end`; -1 when either is. */
export function closeRecord(out: Uint8Array, data: number, end: number): number {
  if (data < 0 || end < 0) return -1;
  writeU16(out, data - 2, end - data);
  return end;
}

/** An A or AAAA record (4 or 16 bytes of address) of the name asked for. */
export function writeAddress(out: Uint8Array, at: number, limit: number, ttlSeconds: number, address: Uint8Array): number {
  const length = address.length;
  if (at < 0 || at + 12 + length > limit) return -1;
  writeU16(out, at, QUESTION_POINTER);
  writeU16(out, at + 2, length === 4 ? TYPE.A : TYPE.AAAA);
  writeU16(out, at + 4, CLASS.IN);
  writeU32(out, at + 6, ttlSeconds);
  writeU16(out, at + 10, length);
  for (let i = 0; i < length; i++) out[at + 12 + i] = address[i] as number;
  return at + 12 + length;
}

/** An A or AAAA record of another owner (ADDITIONAL of SRV and NS). */
export function writeAddressOf(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  ttlSeconds: number,
  address: Uint8Array,
): number {
  const type = address.length === 4 ? TYPE.A : TYPE.AAAA;
  const data = openRecord(out, at, limit, owner, question, type, ttlSeconds);
  return closeRecord(out, data, writeBytes(out, data, limit, address));
}

/** A record whose data is one name: NS, CNAME or PTR. */
export function writeNameRecord(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  type: typeof TYPE.NS | typeof TYPE.CNAME | typeof TYPE.PTR,
  ttlSeconds: number,
  target: Uint8Array,
): number {
  const data = openRecord(out, at, limit, owner, question, type, ttlSeconds);
  return closeRecord(out, data, writeName(out, data, limit, target, question));
}

export function writeSoa(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  ttlSeconds: number,
  soa: SoaData,
): number {
  const data = openRecord(out, at, limit, owner, question, TYPE.SOA, ttlSeconds);
  const numbers = writeName(out, writeName(out, data, limit, soa.mname, question), limit, soa.rname, question);
  if (numbers < 0 || numbers + 20 > limit) return -1;
  writeU32(out, numbers, soa.serial);
  writeU32(out, numbers + 4, soa.refreshSeconds);
  writeU32(out, numbers + 8, soa.retrySeconds);
  writeU32(out, numbers + 12, soa.expireSeconds);
  writeU32(out, numbers + 16, soa.minimumSeconds);
  return closeRecord(out, data, numbers + 20);
}

/** The target is never compressed (RFC 2782, "Target"). */
export function writeSrv(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  ttlSeconds: number,
  srv: SrvData,
): number {
  const data = openRecord(out, at, limit, owner, question, TYPE.SRV, ttlSeconds);
  if (data < 0 || data + 6 > limit) return -1;
  writeU16(out, data, srv.priority);
  writeU16(out, data + 2, srv.weight);
  writeU16(out, data + 4, srv.port);
  return closeRecord(out, data, writeBytes(out, data + 6, limit, srv.target));
}

/** A TXT record; text over 255 bytes is split into several strings (RFC 1035 §3.3.14). */
export function writeTxt(
  out: Uint8Array,
  at: number,
  limit: number,
  owner: Uint8Array,
  question: WireName | null,
  ttlSeconds: number,
  text: Uint8Array,
  recordClass: number = CLASS.IN,
): number {
  const data = openRecord(out, at, limit, owner, question, TYPE.TXT, ttlSeconds, recordClass);
  let end = data;
  let from = 0;
  do {
    const part = text.subarray(from, from + 255);
    if (end < 0 || end + 1 + part.length > limit) return -1;
    out[end] = part.length;
    end = writeBytes(out, end + 1, limit, part);
    from += 255;
  } while (from < text.length);
  return closeRecord(out, data, end);
}

/** Bytes that `writeOpt` needs, so that room can be kept for it. */
export function optBytes(edeCode: number, edeText: Uint8Array | null, nsid: Uint8Array | null): number {
  return 11 + (edeCode < 0 ? 0 : 6 + (edeText?.length ?? 0)) + (nsid === null ? 0 : 4 + nsid.length);
}

/**
 * The reply's OPT: our payload size, version 0, the query's DO (RFC 3225 §3), the upper bits of `rcode`; with an Extended
 * DNS Error unless `edeCode` is -1 (RFC 8914 §2), and the identifier when there is one (RFC 5001 §2.3).
 */
export function writeOpt(
  out: Uint8Array,
  at: number,
  limit: number,
  query: Query,
  rcode: number,
  udpSize: number,
  edeCode: number,
  edeText: Uint8Array | null,
  nsid: Uint8Array | null,
): number {
  if (at < 0 || at + optBytes(edeCode, edeText, nsid) > limit) return -1;
  out[at] = 0;
  writeU16(out, at + 1, TYPE.OPT);
  writeU16(out, at + 3, udpSize);
  out[at + 5] = rcode >> 4;
  out[at + 6] = 0;
  writeU16(out, at + 7, query.do ? 0x8000 : 0);
  let end = at + 11;
  if (edeCode >= 0) {
    const length = edeText?.length ?? 0;
    writeU16(out, end, OPTION.EDE);
    writeU16(out, end + 2, 2 + length);
    writeU16(out, end + 4, edeCode);
    end += 6;
    if (edeText !== null) end = writeBytes(out, end, limit, edeText);
  }
  if (nsid !== null) {
    writeU16(out, end, OPTION.NSID);
    writeU16(out, end + 2, nsid.length);
    end = writeBytes(out, end + 4, limit, nsid);
  }
  writeU16(out, at + 9, end - at - 11);
  return end;
}

/** The whole reply to a query that is answered by its RCODE alone; -1 when it does not fit in `limit`. */
export function writeError(
  out: Uint8Array,
  limit: number,
  packet: Uint8Array,
  query: Query,
  rcode: number,
  udpSize: number,
  edeCode = -1,
): number {
  const end = writeReplyHead(out, packet, query, replyFlags(query, rcode, 0));
  if (!query.edns) return end <= limit ? end : -1;
  writeCounts(out, 0, 0, 1);
  return writeOpt(out, end, limit, query, rcode, udpSize, edeCode, null, null);
}
