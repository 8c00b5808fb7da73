import * as packet from 'dns-packet';
import { ownQuestion, type Question } from '../../src/core/forward/question.ts';
import { type DnsName, nameToWire } from '../../src/core/value/dns-name.ts';
import { RCODE, TYPE } from '../../src/core/wire/message.ts';
import { createQuery, parseQuery, type Query } from '../../src/core/wire/query.ts';
import { type QueryOptions, queryBytes } from './dns-query.ts';

/** Records as tests write them: `www.example.com 300 A 192.0.2.1`, `example.com 900 SOA 60` (the minimum). */
export type RecordText = string;

export interface MessageOptions {
  readonly id?: number;
  readonly question?: readonly [name: string, type: string];
  readonly rcode?: keyof typeof RCODE;
  /** Header bits to set or, with `-`, to clear: `tc`, `ad`, `-qr`. */
  readonly flags?: readonly string[];
  readonly answers?: readonly RecordText[];
  readonly authorities?: readonly RecordText[];
  readonly additionals?: readonly RecordText[];
}

const BITS: Readonly<Record<string, number>> = { aa: 0x400, tc: 0x200, rd: 0x100, ra: 0x80, ad: 0x20, cd: 0x10 };

/** A response as bytes, by an independent codec. */
export function responseBytes(name: string, type: string, options: MessageOptions = {}): Uint8Array {
  const flags = (options.flags ?? []).reduce((sum, flag) => sum | (BITS[flag] ?? 0), BITS['rd'] ?? 0);
  const [askedName, askedType] = options.question ?? [name, type];
  const bytes = packet.encode({
    type: options.flags?.includes('-qr') ? 'query' : 'response',
    id: options.id ?? 1,
    flags: flags | RCODE[options.rcode ?? 'NOERROR'],
    questions: [{ name: askedName, type: askedType, class: 'IN' }],
    answers: (options.answers ?? []).map(toRecord),
    authorities: (options.authorities ?? []).map(toRecord),
    additionals: (options.additionals ?? []).map(toRecord),
  });
  return new Uint8Array(bytes);
}

function toRecord(text: RecordText): packet.Answer {
  const [name = '', ttl = '0', type = 'A', ...rest] = text.split(' ');
  return { name, ttl: Number(ttl), type, class: 'IN', data: toData(type, rest, name) };
}

function toData(type: string, rest: readonly string[], name: string): unknown {
  const [first = ''] = rest;
  const below = (label: string) => (name === '.' ? label : `${label}.${name}`);
  if (type === 'SOA')
    return { mname: below('ns'), rname: below('admin'), serial: 1, refresh: 60, retry: 10, expire: 600, minimum: Number(first) };
  if (type === 'MX') return { preference: Number(first), exchange: rest[1] };
  if (type === 'TXT') return [rest.join(' ')];
  return first;
}

/** A query as the server reads it. */
export function toQuery(name: string, type: string, options: QueryOptions = {}): Query {
  const query = createQuery();
  const bytes = queryBytes(name, type, { rd: true, ...options });
  const outcome = parseQuery(bytes, bytes.length, query);
  if (outcome !== 'ok') throw new Error(`not a query: ${outcome}`);
  return query;
}

export function questionOf(name: string, type: keyof typeof TYPE): Question {
  return ownQuestion(name === '.' ? Uint8Array.of(0) : nameToWire(name as DnsName), TYPE[type]);
}
