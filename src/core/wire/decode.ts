import { err, ok, type Result } from '../value/result.ts';
import { HEADER_BYTES, NAME_BYTES_MAX, TYPE } from './message.ts';

/** A question; `name` is in wire form, uncompressed, in the case it came in. */
export interface DecodedQuestion {
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
}

/** A record other than OPT. Names in it, the owner and those in `data`, are uncompressed and in the case they came in. */
export interface DecodedRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Values with the top bit set count as 0 (RFC 2181 §8). */
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface DecodedEdns {
  readonly udpSize: number;
  readonly version: number;
  readonly do: boolean;
  readonly options: readonly EdnsOption[];
}

export interface DecodedMessage {
  readonly id: number;
  /** The header's second word; see `FLAG`. */
  readonly flags: number;
  readonly opcode: number;
  /** With the upper bits from OPT (RFC 6891 §6.1.3). */
  readonly rcode: number;
  readonly questions: readonly DecodedQuestion[];
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly DecodedRecord[];
  readonly edns: DecodedEdns | undefined;
}

/** Pointers followed in one name at most. Each leads backwards, so none loops; this keeps chains of them cheap. */
const POINTERS_MAX = 126;

/** Where names stand in the data of types that may hold compressed ones (RFC 3597 §4): bytes before them, names, bytes behind. */
const NAMES_IN_DATA: ReadonlyMap<number, readonly [before: number, names: number, after: number]> = new Map([
  [TYPE.NS, [0, 1, 0]],
  [TYPE.CNAME, [0, 1, 0]],
  [TYPE.PTR, [0, 1, 0]],
  [TYPE.DNAME, [0, 1, 0]],
  [TYPE.SOA, [0, 2, 20]],
  [TYPE.MX, [2, 1, 0]],
  [TYPE.SRV, [6, 1, 0]],
]);
const FIXED_LENGTH: ReadonlyMap<number, number> = new Map([
  [TYPE.A, 4],
  [TYPE.AAAA, 16],
]);

/** What is wrong with a message; caught in `decodeMessage`, thrown nowhere else. */
class Malformed extends Error {}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * Decodes a whole message, query or response. Hostile input gives `malformed` with the reason: it never throws, never loops, and makes
 * no more than some 750 bytes of output for each record. Bytes behind the last record are ignored.
 */
export function decodeMessage(bytes: Uint8Array): Result<DecodedMessage, 'malformed'> {
  try {
    return ok(readMessage({ bytes, at: 0 }));
  } catch (error) {
    if (error instanceof Malformed) return err('malformed', error.message);
    throw error;
  }
}

function readMessage(cursor: Cursor): DecodedMessage {
  if (cursor.bytes.length < HEADER_BYTES) throw new Malformed(`${cursor.bytes.length} bytes are no header`);
  const [id, flags, questions, answers, authorities, additionals] = [
    u16(cursor),
    u16(cursor),
    u16(cursor),
    u16(cursor),
    u16(cursor),
    u16(cursor),
  ];
  const opts: Opt[] = [];
  const message = {
    id,
    flags,
    opcode: (flags >> 11) & 15,
    questions: times(questions, () => readQuestion(cursor)),
    answers: readRecords(cursor, answers, undefined),
    authorities: readRecords(cursor, authorities, undefined),
    additionals: readRecords(cursor, additionals, opts),
  };
  if (opts.length > 1) throw new Malformed('two OPT records');
  return { ...message, rcode: (flags & 15) | ((opts[0]?.rcodeHigh ?? 0) << 4), edns: opts[0]?.edns };
}

function readQuestion(cursor: Cursor): DecodedQuestion {
  return { name: readName(cursor), type: u16(cursor), class: u16(cursor) };
}

interface Opt {
  readonly rcodeHigh: number;
  readonly edns: DecodedEdns;
}

/** Reads a section; OPT records go into `opts`, and are malformed where that is missing (RFC 6891 §6.1.1). */
function readRecords(cursor: Cursor, count: number, opts: Opt[] | undefined): readonly DecodedRecord[] {
  const records: DecodedRecord[] = [];
  for (let i = 0; i < count; i++) {
    const owner = readName(cursor);
    const type = u16(cursor);
    const recordClass = u16(cursor);
    const ttl = u16(cursor) * 0x10000 + u16(cursor);
    const length = u16(cursor);
    const end = cursor.at + length;
    if (end > cursor.bytes.length)
      throw new Malformed(`${length} bytes of data announced at ${cursor.at}, ${cursor.bytes.length - cursor.at} there`);
    if (type !== TYPE.OPT) {
      const data = readData(cursor, type, end);
      records.push({ owner, type, class: recordClass, ttlSeconds: ttl > 0x7fffffff ? 0 : ttl, data });
    } else if (opts === undefined || owner.length !== 1) throw new Malformed('an OPT record where none may be');
    else opts.push(readOpt(cursor, recordClass, ttl, end));
    cursor.at = end;
  }
  return records;
}

function readOpt(cursor: Cursor, udpSize: number, ttl: number, end: number): Opt {
  const options: EdnsOption[] = [];
  while (cursor.at < end) {
    if (cursor.at + 4 > end) throw new Malformed('half an EDNS option');
    const code = u16(cursor);
    const length = u16(cursor);
    if (cursor.at + length > end) throw new Malformed('an EDNS option longer than its OPT record');
    options.push({ code, data: cursor.bytes.slice(cursor.at, cursor.at + length) });
    cursor.at += length;
  }
  return { rcodeHigh: ttl >>> 24, edns: { udpSize, version: (ttl >>> 16) & 255, do: (ttl & 0x8000) !== 0, options } };
}

function readData(cursor: Cursor, type: number, end: number): Uint8Array {
  const { bytes } = cursor;
  const from = cursor.at;
  const fixed = FIXED_LENGTH.get(type);
  if (fixed !== undefined && end - from !== fixed) throw new Malformed(`${end - from} bytes of address`);
  const layout = NAMES_IN_DATA.get(type);
  if (layout === undefined) return bytes.slice(from, end);
  const [before, names, after] = layout;
  if (from + before > end) throw new Malformed(`${end - from} bytes of data in a record of type ${type}`);
  cursor.at = from + before;
  const expanded = times(names, () => readName(cursor));
  if (cursor.at + after !== end) throw new Malformed(`data of type ${type} does not end with its record`);
  return concat([bytes.subarray(from, from + before), ...expanded, bytes.subarray(cursor.at, end)]);
}

/** Reads a name and moves behind it. Each pointer must lead before the part of the name that holds it. */
function readName(cursor: Cursor): Uint8Array {
  const { bytes } = cursor;
  const name = new Uint8Array(NAME_BYTES_MAX);
  let length = 0;
  let at = cursor.at;
  let start = at;
  let behind = -1;
  for (let pointers = 0; ; ) {
    const size = bytes[at];
    if (size === undefined) throw new Malformed('a name that ends outside the message');
    if (size >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) throw new Malformed('half a pointer');
      if (behind < 0) behind = at + 2;
      at = ((size & 0x3f) << 8) | low;
      if (at >= start || at < HEADER_BYTES) throw new Malformed('a pointer that does not lead backwards into the message');
      if (++pointers > POINTERS_MAX) throw new Malformed('too many pointers');
      start = at;
      continue;
    }
    if (size > 63) throw new Malformed('an unknown label type');
    if (length + size + 1 + (size === 0 ? 0 : 1) > NAME_BYTES_MAX) throw new Malformed('a name over 255 bytes');
    if (at + size >= bytes.length) throw new Malformed('a label that ends outside the message');
    for (let i = 0; i <= size; i++) name[length++] = bytes[at + i] as number;
    at += size + 1;
    if (size === 0) break;
  }
  cursor.at = behind < 0 ? at : behind;
  return name.slice(0, length);
}

function u16(cursor: Cursor): number {
  const { bytes, at } = cursor;
  if (at + 2 > bytes.length) throw new Malformed('the message ends too early');
  cursor.at += 2;
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Stops with the first item that throws, so that a count is never trusted further than the message reaches. */
function times<T>(count: number, make: () => T): readonly T[] {
  const made: T[] = [];
  for (let i = 0; i < count; i++) made.push(make());
  return made;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
