import { ipFromBytes } from '../value/ip.ts';
import type { DecodedRecord } from './decode.ts';
import { TYPE } from './message.ts';

/**
 * Presentation form of an uncompressed wire name, without the trailing dot; `.` for the root. Dots and backslashes inside labels and
 * bytes that do not print are escaped (RFC 4343 §2.1). The case stays.
 */
export function wireNameText(wire: Uint8Array): string {
  return nameTextAt(wire, 0).text;
}

/** Lower-case copy of a wire name (RFC 4343 §3: ASCII only). */
export function foldWireName(wire: Uint8Array): Uint8Array {
  return wire.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
}

/** A record's data as master files write it (RFC 1035 §5); types without a form of their own as RFC 3597 §5 does (`\# 4 0a000001`). */
export function recordDataText(record: Pick<DecodedRecord, 'type' | 'data'>): string {
  const { data } = record;
  const u16 = (at: number) => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  const u32 = (at: number) => u16(at) * 0x10000 + u16(at + 2);
  switch (record.type) {
    case TYPE.A:
    case TYPE.AAAA:
      return ipFromBytes(data);
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.DNAME:
      return absolute(data, 0).text;
    case TYPE.MX:
      return `${u16(0)} ${absolute(data, 2).text}`;
    case TYPE.SRV:
      return `${u16(0)} ${u16(2)} ${u16(4)} ${absolute(data, 6).text}`;
    case TYPE.SOA: {
      const mname = absolute(data, 0);
      const rname = absolute(data, mname.end);
      const numbers = [0, 4, 8, 12, 16].map((i) => u32(rname.end + i));
      return `${mname.text} ${rname.text} ${numbers.join(' ')}`;
    }
    case TYPE.TXT:
      return textStrings(data) ?? unknownText(data);
    default:
      return unknownText(data);
  }
}

interface NameAt {
  readonly text: string;
  readonly end: number;
}

function absolute(bytes: Uint8Array, from: number): NameAt {
  const { text, end } = nameTextAt(bytes, from);
  return { text: text === '.' ? text : `${text}.`, end };
}

function nameTextAt(bytes: Uint8Array, from: number): NameAt {
  const labels: string[] = [];
  let at = from;
  for (let size = bytes[at] ?? 0; size > 0; size = bytes[at] ?? 0) {
    labels.push(escaped(bytes.subarray(at + 1, at + 1 + size), /[.\\"();@$ ]/));
    at += size + 1;
  }
  return { text: labels.length === 0 ? '.' : labels.join('.'), end: at + 1 };
}

function escaped(bytes: Uint8Array, special: RegExp): string {
  let text = '';
  for (const byte of bytes) {
    const letter = String.fromCharCode(byte);
    if (byte < 32 || byte > 126) text += `\\${String(byte).padStart(3, '0')}`;
    else text += special.test(letter) ? `\\${letter}` : letter;
  }
  return text;
}

/** `undefined` when the strings do not fill the data exactly. */
function textStrings(data: Uint8Array): string | undefined {
  const strings: string[] = [];
  let at = 0;
  while (at < data.length) {
    const end = at + 1 + (data[at] ?? 0);
    if (end > data.length) return undefined;
    strings.push(`"${escaped(data.subarray(at + 1, end), /["\\]/)}"`);
    at = end;
  }
  return strings.length === 0 ? undefined : strings.join(' ');
}

function unknownText(data: Uint8Array): string {
  const hex = [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `\\# ${data.length}${hex === '' ? '' : ` ${hex}`}`;
}
