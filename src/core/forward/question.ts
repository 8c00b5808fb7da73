import { writeU16 } from '../wire/encode.ts';
import { CLASS, FLAG, HEADER_BYTES, TYPE, UDP_EDNS_BYTES_MAX } from '../wire/message.ts';
import { type Query, setWireName } from '../wire/query.ts';

/** What is asked upstream. Equal questions share one cache entry and, while it is under way, one upstream query. */
export interface Question {
  /** Uncompressed wire form, folded (RFC 4343). */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

const OPT_BYTES = 11;

/** The question of a query as a value that outlives it. */
export function toQuestion(query: Query): Question {
  const { qtype, qclass, cd } = query;
  return { name: query.name.slice(0, query.nameLength), type: qtype, class: qclass, dnssecOk: query.do, checkingDisabled: cd };
}

/** A number that equal questions share; others seldom do. Makes no garbage. */
export function questionHash(query: Query): number {
  const name = query.labels > 0 ? (query.hashes[0] as number) : 0;
  const bits = (query.qclass << 2) | (query.do ? 2 : 0) | (query.cd ? 1 : 0);
  return (Math.imul(name ^ Math.imul(query.qtype, 0x9e3779b1), 0x85ebca6b) ^ bits) >>> 0;
}

export function asksFor(query: Query, question: Question): boolean {
  const { name } = question;
  if (query.nameLength !== name.length || query.qtype !== question.type || query.qclass !== question.class) return false;
  if (query.do !== question.dnssecOk || query.cd !== question.checkingDisabled) return false;
  for (let i = 0; i < name.length; i++) if (query.name[i] !== name[i]) return false;
  return true;
}

/** A text that equal questions, and no others, share. */
export function questionKey(question: Question): string {
  const { name, type, dnssecOk, checkingDisabled } = question;
  return `${type} ${question.class} ${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''} ${String.fromCharCode(...name)}`;
}

export interface UpstreamQueryOptions {
  /** Random for each attempt (RFC 5452 §9.2). */
  readonly id: number;
  /** False for an upstream that does not know OPT (RFC 6891 §6.2.2). */
  readonly edns: boolean;
  /** AD in a query asks for AD in the answer (RFC 6840 §5.7). */
  readonly authentic: boolean;
}

/** The query as it is sent: nothing of the client's OPT but DO goes along, for OPT is hop by hop (RFC 6891 §6.2.6). */
export function encodeQuestion(question: Question, options: UpstreamQueryOptions): Uint8Array {
  const { name } = question;
  const end = HEADER_BYTES + name.length + 4;
  const out = new Uint8Array(end + (options.edns ? OPT_BYTES : 0));
  writeU16(out, 0, options.id);
  writeU16(out, 2, FLAG.RD | (question.checkingDisabled ? FLAG.CD : 0) | (options.authentic ? FLAG.AD : 0));
  writeU16(out, 4, 1);
  out.set(name, HEADER_BYTES);
  writeU16(out, end - 4, question.type);
  writeU16(out, end - 2, question.class);
  if (!options.edns) return out;
  writeU16(out, 10, 1);
  writeU16(out, end + 1, TYPE.OPT);
  writeU16(out, end + 3, UDP_EDNS_BYTES_MAX);
  writeU16(out, end + 7, question.dnssecOk ? 0x8000 : 0);
  return out;
}

/** A question of our own: a probe, or the SOA of a zone. */
export function ownQuestion(name: Uint8Array, type: number): Question {
  return { name, type, class: CLASS.IN, dnssecOk: false, checkingDisabled: false };
}

/** Makes `into` the query that a question came from, as far as caches look at it. */
export function fillQuery(into: Query, question: Question): Query {
  setWireName(into, question.name);
  into.qtype = question.type;
  into.qclass = question.class;
  into.do = question.dnssecOk;
  into.cd = question.checkingDisabled;
  return into;
}
