import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { responseBytes, toQuery } from '../../../test/support/upstream-message.ts';
import { createAnswerCache } from './cache.ts';
import { judge } from './judge.ts';
import { asksFor, questionHash, questionKey, toQuestion } from './question.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

function answerFor(name: string, ttlSeconds: number, address = '192.0.2.1'): UpstreamAnswer {
  const question = toQuestion(toQuery(name, 'A'));
  const judged = judge(responseBytes(name, 'A', { answers: [`${name} ${ttlSeconds} A ${address}`] }), 1, question, false);
  if (judged.kind !== 'answer') throw new Error(judged.kind);
  return judged.answer;
}

describe('the key: folded name, type, class, DO and CD', () => {
  const base = toQuery('www.example.com', 'A');
  const rows: readonly [name: string, other: ReturnType<typeof toQuery>, same: boolean][] = [
    ['the same', toQuery('www.example.com', 'A'), true],
    ['another case (RFC 4343)', toQuery('WWW.Example.com', 'A'), true],
    ['EDNS without DO', toQuery('www.example.com', 'A', { edns: 1232 }), true],
    ['another name', toQuery('ww.example.com', 'A'), false],
    ['another type', toQuery('www.example.com', 'AAAA'), false],
    ['DO', toQuery('www.example.com', 'A', { edns: 1232, dnssecOk: true }), false],
    ['CD (RFC 4035 §4.7)', toQuery('www.example.com', 'A', { cd: true }), false],
  ];
  test.each(rows)('%s', (_, other, same) => {
    expect(asksFor(other, toQuestion(base))).toBe(same);
    expect(questionKey(toQuestion(other)) === questionKey(toQuestion(base))).toBe(same);
    if (same) expect(questionHash(other)).toBe(questionHash(base));
  });

  test('the root has a key too', () => {
    expect(asksFor(toQuery('.', 'NS'), toQuestion(toQuery('.', 'NS')))).toBe(true);
    expect(questionHash(toQuery('.', 'NS'))).toBe(questionHash(toQuery('.', 'NS')));
  });
});

/** A cache as simple as can be: nothing is ever displaced. */
function model() {
  const entries = new Map<string, { readonly answer: UpstreamAnswer; readonly until: number }>();
  return {
    put: (key: string, answer: UpstreamAnswer, now: number) => void entries.set(key, { answer, until: now + answer.ttlSeconds * 1000 }),
    find: (key: string, now: number) => {
      const entry = entries.get(key);
      return entry && now < entry.until ? entry.answer : undefined;
    },
  };
}

const names = Array.from({ length: 30 }, (_, i) => `n${i}.example.com`);
const step = fc.record({
  kind: fc.constantFrom('put' as const, 'find' as const),
  name: fc.constantFrom(...names),
  ttl: fc.integer({ min: 0, max: 5 }),
  waitMs: fc.integer({ min: 0, max: 1500 }),
});

describe('the cache, after any sequence of steps', () => {
  test('never gives an answer that a simple cache would not give, and all of them while there is room', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const cache = createAnswerCache({ entriesMax: 1000, bytesMax: 1_000_000 });
        const simple = model();
        let now = 0;
        for (const { kind, name, ttl, waitMs } of steps) {
          now += waitMs;
          const query = toQuery(name, 'A');
          if (kind === 'put') {
            const answer = answerFor(name, ttl);
            cache.put(query, toQuestion(query), answer, now);
            simple.put(name, answer, now);
          } else expect(cache.find(query, now)?.answer).toBe(simple.find(name, now) as UpstreamAnswer);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('never holds more entries or bytes than it may, and never an expired or another question’s answer', () => {
    const limits = { entriesMax: 7, bytesMax: 3_000 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const cache = createAnswerCache(limits);
        const simple = model();
        let now = 0;
        for (const { kind, name, ttl, waitMs } of steps) {
          now += waitMs;
          const query = toQuery(name, 'A');
          if (kind === 'put') {
            const answer = answerFor(name, ttl);
            cache.put(query, toQuestion(query), answer, now);
            simple.put(name, answer, now);
          } else {
            const found = cache.find(query, now);
            if (found) expect(found.answer).toBe(simple.find(name, now) as UpstreamAnswer);
          }
          expect(cache.size()).toBeLessThanOrEqual(limits.entriesMax);
          expect(cache.bytes()).toBeLessThanOrEqual(limits.bytesMax);
          expect(cache.bytes()).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the cache', () => {
  const put = (cache: ReturnType<typeof createAnswerCache>, name: string, ttl: number, now: number) =>
    cache.put(toQuery(name, 'A'), toQuestion(toQuery(name, 'A')), answerFor(name, ttl), now);

  test('gives no stale answer: gone in the millisecond its TTL ends', () => {
    const cache = createAnswerCache();
    put(cache, 'a.example', 2, 1000);
    expect(cache.find(toQuery('a.example', 'A'), 2999)).toBeDefined();
    expect(cache.find(toQuery('a.example', 'A'), 3000)).toBeUndefined();
    expect(cache.size()).toBe(0);
  });

  test('who is asked for stays when room is needed', () => {
    const cache = createAnswerCache({ entriesMax: 3, bytesMax: 1_000_000 });
    for (const name of ['a.example', 'b.example', 'c.example']) put(cache, name, 60, 0);
    cache.find(toQuery('a.example', 'A'), 1);
    put(cache, 'd.example', 60, 2);
    expect(['a', 'b', 'c', 'd'].map((label) => cache.find(toQuery(`${label}.example`, 'A'), 3) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test('a newer answer takes the place of the older one, a TTL of 0 removes it', () => {
    const cache = createAnswerCache();
    put(cache, 'a.example', 60, 0);
    put(cache, 'a.example', 60, 1);
    expect(cache.size()).toBe(1);
    put(cache, 'a.example', 0, 2);
    expect([cache.size(), cache.bytes()]).toEqual([0, 0]);
  });
});
