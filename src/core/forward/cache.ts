import type { Query } from '../wire/query.ts';
import { asksFor, type Question, questionHash } from './question.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

export interface CachedAnswer {
  readonly question: Question;
  readonly answer: UpstreamAnswer;
  readonly storedMs: number;
  readonly expiresMs: number;
  readonly bytes: number;
  /** Asked for since the last time room was needed. */
  used: boolean;
}

/** Answers from upstream by question, as long as their TTLs last and never longer. Times are monotonic milliseconds. */
export interface AnswerCache {
  /** Makes no garbage. */
  readonly find: (query: Query, nowMs: number) => CachedAnswer | undefined;
  /** `query` must be the one that `question` was made from, or an equal one. An answer with a TTL of 0 is not kept. */
  readonly put: (query: Query, question: Question, answer: UpstreamAnswer, nowMs: number) => void;
  readonly size: () => number;
  readonly bytes: () => number;
}

export interface CacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export const CACHE_LIMITS: CacheLimits = { entriesMax: 10_000, bytesMax: 4 * 1024 * 1024 };
/** What an entry costs besides its bytes, roughly. */
const ENTRY_BYTES = 400;

/** The least recently useful entries make room for new ones. Questions with the same hash displace each other: it is a cache. */
export function createAnswerCache(limits: CacheLimits = CACHE_LIMITS): AnswerCache {
  const entries = new Map<number, CachedAnswer>();
  let bytes = 0;

  const remove = (hash: number, entry: CachedAnswer): void => {
    entries.delete(hash);
    bytes -= entry.bytes;
  };

  /** The second-chance rule: in order of age, but who was used goes to the end once. */
  const makeRoom = (nowMs: number): void => {
    for (const [hash, entry] of entries) {
      if (entries.size <= limits.entriesMax && bytes <= limits.bytesMax) return;
      remove(hash, entry);
      if (!entry.used || entry.expiresMs <= nowMs) continue;
      entry.used = false;
      entries.set(hash, entry);
      bytes += entry.bytes;
    }
  };

  return {
    find(query, nowMs) {
      const hash = questionHash(query);
      const entry = entries.get(hash);
      if (entry === undefined || !asksFor(query, entry.question)) return undefined;
      if (nowMs >= entry.expiresMs) {
        remove(hash, entry);
        return undefined;
      }
      entry.used = true;
      return entry;
    },
    put(query, question, answer, nowMs) {
      const hash = questionHash(query);
      const known = entries.get(hash);
      if (known) remove(hash, known);
      const size = ENTRY_BYTES + question.name.length + answer.body.length + 8 * answer.ttlAt.length;
      if (answer.ttlSeconds <= 0 || size > limits.bytesMax) return;
      const expiresMs = nowMs + answer.ttlSeconds * 1000;
      entries.set(hash, { question, answer, storedMs: nowMs, expiresMs, bytes: size, used: false });
      bytes += size;
      makeRoom(nowMs);
    },
    size: () => entries.size,
    bytes: () => bytes,
  };
}
