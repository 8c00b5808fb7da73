import type { Said, Staleness } from '../../core/doctor/machine-facts.ts';
import { ownQuestion, type Question } from '../../core/forward/question.ts';
import { recordsOf, type UpstreamAnswer } from '../../core/forward/upstream-answer.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import { type DnsName, nameToWire } from '../../core/value/dns-name.ts';
import { CLASS, RCODE, TYPE } from '../../core/wire/message.ts';
import { recordDataText } from '../../core/wire/text.ts';
import { askUpstream, type Outcome } from '../../shell/dns/upstream-exchange.ts';
import { type Clock, withTimeout } from '../../shell/system/clock.ts';

/** A resolver may ask twice itself before it gives up. */
const ANSWER_MS_MAX = 5_000;
/** For the second answer to be a new one, wherever the second begins. */
const BEYOND_TTL_MS = 1_500;
/** What a cache that refreshes in the background gets for it. */
const REFRESH_MS = 500;
const TTL_SECONDS_MAX = 60;
const ROOT = Uint8Array.of(0);

/** Asks name servers one question at a time; never rejects. */
export interface Asking {
  readonly said: (to: ServerAddress, name: DnsName, type: 'A' | 'AAAA' | 'TXT', checkingDisabled?: boolean) => Promise<Said>;
  /** The name servers of the root. */
  readonly root: (to: ServerAddress) => Promise<Said>;
  readonly soa: (to: ServerAddress, name: DnsName) => Promise<UpstreamAnswer | undefined>;
  /** What a server says it is (`version.bind`, RFC 4892 §3); empty when it does not. */
  readonly program: (to: ServerAddress) => Promise<string>;
  /** Asks a name that answers anew each time three times; `undefined` when it is not answered. */
  readonly staleness: (to: ServerAddress, probe: DnsName) => Promise<Staleness | undefined>;
}

export function createAsking(clock: Clock, signal: AbortSignal): Asking {
  const exchange = async (to: ServerAddress, question: Question): Promise<Outcome> => {
    const limit = withTimeout(clock, ANSWER_MS_MAX, signal);
    try {
      return await askUpstream(to, question, { ignored: () => {}, tcp: () => {} }, limit.signal);
    } finally {
      limit.done();
    }
  };
  const said = async (to: ServerAddress, question: Question): Promise<Said> => toSaid(question, await exchange(to, question));
  return {
    said: (to, name, type, checkingDisabled = false) => said(to, { ...ownQuestion(nameToWire(name), TYPE[type]), checkingDisabled }),
    root: (to) => said(to, ownQuestion(ROOT, TYPE.NS)),
    soa: async (to, name) => {
      const outcome = await exchange(to, ownQuestion(nameToWire(name), TYPE.SOA));
      return outcome.kind === 'answer' ? outcome.answer : undefined;
    },
    program: async (to) => {
      const answer = await said(to, { ...ownQuestion(nameToWire('version.bind' as DnsName), TYPE.TXT), class: CLASS.CH });
      return answer.kind === 'answer' ? (answer.records[0] ?? '').replaceAll('"', '') : '';
    },
    staleness: async (to, probe) => {
      const question = ownQuestion(nameToWire(probe), TYPE.AAAA);
      const first = await exchange(to, question);
      if (first.kind !== 'answer' || first.answer.answers === 0 || first.answer.ttlSeconds > TTL_SECONDS_MAX) return undefined;
      const askedMs = clock.now();
      await clock.after(first.answer.ttlSeconds * 1000 + BEYOND_TTL_MS, signal);
      const waitedSeconds = (clock.now() - askedMs) / 1000;
      const second = await said(to, question);
      await clock.after(REFRESH_MS, signal);
      const texts = [toSaid(question, first), second, await said(to, question)].map(textOf);
      const { ttlSeconds } = first.answer;
      return texts[1] === undefined
        ? undefined
        : { ttlSeconds, waitedSeconds, same: texts[1] === texts[0], sameAgain: texts[2] === texts[0] };
    },
  };
}

function toSaid(question: Question, outcome: Outcome): Said {
  if (outcome.kind === 'failed') return { kind: 'failed', reason: outcome.reason };
  if (outcome.kind !== 'answer') return { kind: 'silent' };
  const { answer } = outcome;
  const records = recordsOf(question, answer, 0).filter((record) => record.type === question.type);
  const rcode = answer.rcode === RCODE.NXDOMAIN ? 'NXDOMAIN' : 'NOERROR';
  return { kind: 'answer', rcode, records: records.map(recordDataText).sort() };
}

function textOf(said: Said): string | undefined {
  return said.kind === 'answer' && said.records.length > 0 ? said.records.join(' ') : undefined;
}
