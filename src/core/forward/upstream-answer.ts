import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { type DecodedRecord, decodeMessage } from '../wire/decode.ts';
import { HEADER_BYTES, MESSAGE_BYTES_MAX, type RCODE, TYPE } from '../wire/message.ts';
import { foldWireName, wireNameText } from '../wire/text.ts';
import type { Question } from './question.ts';

/** A CNAME of the answer, in the order of the chain. */
export interface Alias {
  /** Absent for a name that none of ours can be: odd bytes. */
  readonly target: DnsName | undefined;
  /** Where the target stands in a reply, for a compression pointer. */
  readonly targetAt: number;
  /** End of this CNAME and its signatures in `body`, and the answers up to there. */
  readonly end: number;
  readonly answers: number;
}

/** What an upstream said, stripped to what was asked, as bytes that follow the question in a reply. */
export interface UpstreamAnswer {
  readonly rcode: typeof RCODE.NOERROR | typeof RCODE.NXDOMAIN;
  /** AD, from an upstream whose word is taken for it. */
  readonly authentic: boolean;
  readonly body: Uint8Array;
  /** Where the TTLs stand in `body`. */
  readonly ttlAt: readonly number[];
  readonly answers: number;
  readonly authorities: number;
  /** How long it may be kept; 0: not at all. */
  readonly ttlSeconds: number;
  readonly aliases: readonly Alias[];
}

/** No answer is kept longer (RFC 8767 §4 counsels a cap of days; an address at home changes sooner). */
export const TTL_SECONDS_MAX = 86_400;
/** No negative answer is kept longer (RFC 2308 §5: one to three hours). */
export const NEGATIVE_TTL_SECONDS_MAX = 3_600;
/** CNAMEs followed in one answer; BIND and Unbound stop at about as many. */
export const ALIASES_MAX = 12;
/** Records kept of one answer. */
export const RECORDS_MAX = 2_000;
/** Room that a reply needs besides the body: header, question and OPT. */
const FRAME_BYTES = 512;
const BODY_BYTES_MAX = MESSAGE_BYTES_MAX - FRAME_BYTES;
const POINTER_MAX = 0x3fff;
const RECORD_FIXED_BYTES = 10;

/** Sections of a response, as decoded. */
export interface Sections {
  readonly rcode: typeof RCODE.NOERROR | typeof RCODE.NXDOMAIN;
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
}

/**
 * Keeps only the records on the CNAME chain that begins at the name asked for, and the SOA of a negative answer: an upstream cannot speak
 * for other names (RFC 5452 §6, RFC 2181 §5.4.1). With DO also signatures, DNAMEs and denials, for a validator behind us. `too-large` for
 * what no reply could hold.
 */
export function toUpstreamAnswer(question: Question, sections: Sections, authentic: boolean): UpstreamAnswer | 'too-large' {
  const body = createBody(question);
  const chain = readChain(question, sections.answers);
  const aliases: Alias[] = [];
  for (const step of chain.steps) {
    for (const record of step.records) body.add(record);
    if (!step.target) continue;
    const name = parseDnsName(wireNameText(step.target));
    aliases.push({
      target: name.ok ? name.value : undefined,
      targetAt: body.offsetOf(step.target),
      end: body.length(),
      answers: body.records(),
    });
  }
  const answers = body.records();
  const negative = !chain.found;
  let ttlSeconds = Math.min(body.ttlSecondsMin(), TTL_SECONDS_MAX);
  const soa = negative ? soaFor(chain.last, sections.authorities) : undefined;
  if (soa) {
    body.add(soa);
    ttlSeconds = Math.min(ttlSeconds, soa.ttlSeconds);
  }
  if (question.dnssecOk) for (const record of sections.authorities.filter(isDenial)) body.add(record);
  if (body.length() > BODY_BYTES_MAX || body.records() > RECORDS_MAX) return 'too-large';
  return {
    rcode: sections.rcode,
    authentic,
    body: body.bytes(),
    ttlAt: body.ttlAt,
    answers,
    authorities: body.records() - answers,
    // Without an SOA nobody said how long there will be nothing (RFC 2308 §5).
    ttlSeconds: negative && !soa ? 0 : Math.max(0, ttlSeconds),
    aliases,
  };
}

/** The answer's records one by one, as old as they are; makes garbage. */
export function recordsOf(question: Question, answer: UpstreamAnswer, ageSeconds: number): readonly DecodedRecord[] {
  const base = HEADER_BYTES + question.name.length + 4;
  const message = new Uint8Array(base + answer.body.length);
  const view = new DataView(message.buffer);
  view.setUint16(4, 1);
  view.setUint16(6, answer.answers);
  message.set(question.name, HEADER_BYTES);
  message.set(answer.body, base);
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(`an answer that was kept cannot be read: ${decoded.detail}`);
  return decoded.value.answers.map((record) => ({ ...record, ttlSeconds: Math.max(0, record.ttlSeconds - ageSeconds) }));
}

interface Step {
  readonly records: readonly DecodedRecord[];
  /** Folded target of the CNAME that this step is; absent for the end of the chain. */
  readonly target: Uint8Array | undefined;
}

function readChain(question: Question, answers: readonly DecodedRecord[]) {
  const byOwner = Map.groupBy(
    answers.filter((record) => record.class === question.class),
    (record) => nameKey(record.owner),
  );
  const steps: Step[] = [];
  let last = question.name;
  let found = false;
  while (!found && steps.length < ALIASES_MAX) {
    const here = byOwner.get(nameKey(last)) ?? [];
    const wanted = here.filter((record) => record.type === question.type || question.type === TYPE.ANY);
    const signatures = (covered: number) => (question.dnssecOk ? here.filter((record) => signs(record, covered)) : []);
    if (wanted.length > 0) {
      steps.push({ records: question.type === TYPE.ANY ? wanted : [...wanted, ...signatures(question.type)], target: undefined });
      found = true;
      break;
    }
    const alias = here.find((record) => record.type === TYPE.CNAME);
    if (!alias) break;
    const dnames = question.dnssecOk ? dnamesAbove(last, answers) : [];
    last = foldWireName(alias.data);
    steps.push({ records: [...dnames, alias, ...signatures(TYPE.CNAME)], target: last });
  }
  return { steps, last, found };
}

/** The SOA for a negative answer about `name`, its TTL lowered to what RFC 2308 §5 lets it be kept for. */
function soaFor(name: Uint8Array, authorities: readonly DecodedRecord[]): DecodedRecord | undefined {
  const soa = authorities.find((record) => record.type === TYPE.SOA && isSuffix(foldWireName(record.owner), name));
  if (!soa) return undefined;
  const minimum = new DataView(soa.data.buffer, soa.data.byteOffset).getUint32(soa.data.length - 4);
  return { ...soa, ttlSeconds: Math.min(soa.ttlSeconds, minimum, NEGATIVE_TTL_SECONDS_MAX) };
}

/** DNAMEs that a CNAME may have been made from, with their signatures (RFC 6672 §5.3.1). */
function dnamesAbove(name: Uint8Array, answers: readonly DecodedRecord[]): readonly DecodedRecord[] {
  const ours = (record: DecodedRecord) => isSuffix(foldWireName(record.owner), name);
  return answers.filter((record) => (record.type === TYPE.DNAME || signs(record, TYPE.DNAME)) && ours(record));
}

function signs(record: DecodedRecord, covered: number): boolean {
  return record.type === TYPE.RRSIG && (((record.data[0] ?? 0) << 8) | (record.data[1] ?? 0)) === covered;
}

function isDenial(record: DecodedRecord): boolean {
  const { type } = record;
  return type === TYPE.NSEC || type === TYPE.NSEC3 || signs(record, TYPE.NSEC) || signs(record, TYPE.NSEC3) || signs(record, TYPE.SOA);
}

/** True when `suffix` is `name` or an ancestor of it; both folded. */
function isSuffix(suffix: Uint8Array, name: Uint8Array): boolean {
  let at = 0;
  while (name.length - at > suffix.length) at += (name[at] ?? 0) + 1;
  return name.length - at === suffix.length && suffix.every((byte, i) => byte === name[at + i]);
}

function nameKey(name: Uint8Array): string {
  return String.fromCharCode(...foldWireName(name));
}

/** Records as bytes, owners that were seen before as pointers; `question` lies before them. */
function createBody(question: Question) {
  const base = HEADER_BYTES + question.name.length + 4;
  const offsets = new Map<string, number>([[nameKey(question.name), HEADER_BYTES]]);
  const parts: Uint8Array[] = [];
  const ttlAt: number[] = [];
  let length = 0;
  let records = 0;
  let ttlSecondsMin = TTL_SECONDS_MAX;
  const add = (record: DecodedRecord): void => {
    records++;
    if (length > BODY_BYTES_MAX || records > RECORDS_MAX) return;
    const key = nameKey(record.owner);
    const known = offsets.get(key);
    const owner = known === undefined ? record.owner : Uint8Array.of(0xc0 | (known >> 8), known & 255);
    if (known === undefined && base + length <= POINTER_MAX) offsets.set(key, base + length);
    const fixed = new Uint8Array(RECORD_FIXED_BYTES);
    const view = new DataView(fixed.buffer);
    view.setUint16(0, record.type);
    view.setUint16(2, record.class);
    view.setUint32(4, record.ttlSeconds);
    view.setUint16(8, record.data.length);
    const data = length + owner.length + RECORD_FIXED_BYTES;
    ttlAt.push(length + owner.length + 4);
    if (record.type === TYPE.CNAME && base + data <= POINTER_MAX && !offsets.has(nameKey(record.data)))
      offsets.set(nameKey(record.data), base + data);
    parts.push(owner, fixed, record.data);
    length = data + record.data.length;
    ttlSecondsMin = Math.min(ttlSecondsMin, record.ttlSeconds);
  };
  const bytes = () => {
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  return {
    add,
    bytes,
    ttlAt,
    length: () => length,
    records: () => records,
    ttlSecondsMin: () => ttlSecondsMin,
    offsetOf: (name: Uint8Array) => offsets.get(nameKey(name)) ?? HEADER_BYTES,
  };
}
