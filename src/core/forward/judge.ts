import { type DecodedMessage, decodeMessage } from '../wire/decode.ts';
import { FLAG, HEADER_BYTES, RCODE, rcodeName, TYPE } from '../wire/message.ts';
import { foldWireName } from '../wire/text.ts';
import type { Question } from './question.ts';
import { toUpstreamAnswer, type UpstreamAnswer } from './upstream-answer.ts';

/** What to do with a message that came from where an answer is awaited. */
export type Verdict =
  /** Not an answer to our question: somebody may be guessing, so the real one is still awaited. */
  | { readonly kind: 'ignored'; readonly reason: string }
  /** Ask again over TCP. */
  | { readonly kind: 'truncated' }
  /** The upstream does not understand OPT: ask again without. */
  | { readonly kind: 'no-edns' }
  /** The upstream has no answer; another one may. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'answer'; readonly answer: UpstreamAnswer };

/**
 * Judges a message by RFC 5452 §9: ID and question must be ours (address and port are the socket's to check). What is not an answer to our
 * question is ignored, whatever else is wrong with it. `trusted`: AD is believed (an upstream on loopback).
 */
export function judge(bytes: Uint8Array, id: number, question: Question, trusted: boolean): Verdict {
  if (bytes.length < HEADER_BYTES) return ignored('short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== id) return ignored('id');
  if ((flags & FLAG.QR) === 0 || ((flags >> 11) & 15) !== 0) return ignored('not a response');
  // A cut message may end inside a record: its question is looked at, not the rest.
  const truncated = (flags & FLAG.TC) !== 0;
  const decoded = decodeMessage(truncated ? questionOnly(bytes) : bytes);
  if (!decoded.ok) return ignored(`malformed: ${decoded.detail}`);
  const message = decoded.value;
  if (message.rcode === RCODE.FORMERR && message.questions.length === 0) return { kind: 'no-edns' };
  if (!answers(message, question)) return ignored('question');
  if (truncated) return { kind: 'truncated' };
  if (message.rcode === RCODE.FORMERR) return { kind: 'no-edns' };
  return judgeContent(message, question, trusted);
}

function judgeContent(message: DecodedMessage, question: Question, trusted: boolean): Verdict {
  const { rcode } = message;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return { kind: 'failed', reason: rcodeName(rcode) };
  // A list of other servers to ask is no answer for those who asked us to find one (RFC 2308 §2.2, "REFERRAL RESPONSE").
  const has = (type: number) => message.authorities.some((record) => record.type === type);
  if (rcode === RCODE.NOERROR && message.answers.length === 0 && has(TYPE.NS) && !has(TYPE.SOA))
    return { kind: 'failed', reason: 'referral' };
  const sections = { rcode, answers: message.answers, authorities: message.authorities };
  const answer = toUpstreamAnswer(question, sections, trusted && (message.flags & FLAG.AD) !== 0);
  return answer === 'too-large' ? { kind: 'failed', reason: answer } : { kind: 'answer', answer };
}

function answers(message: DecodedMessage, question: Question): boolean {
  const [asked] = message.questions;
  if (!asked || message.questions.length !== 1 || asked.type !== question.type || asked.class !== question.class) return false;
  const name = foldWireName(asked.name);
  return name.length === question.name.length && name.every((byte, i) => byte === question.name[i]);
}

function questionOnly(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.fill(0, 6, HEADER_BYTES);
  return copy;
}

function ignored(reason: string): Verdict {
  return { kind: 'ignored', reason };
}
