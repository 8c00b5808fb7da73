import { describe, expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createOriginGates } from './origin-gates.ts';

describe('an updater that falls silent', () => {
  const gates = () => {
    const clock = createFakeClock();
    return { clock, ...createOriginGates(clock, () => 1) };
  };

  test('is asked by one at a time, less and less often, at last every 30 s', async () => {
    const { clock, enter, silent } = gates();
    expect(enter('a')).toBeUndefined();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      silent('a', 'no route');
      const shut = enter('a');
      waits.push((shut?.waitMs ?? 0) - 500);
      await clock.advance(shut?.waitMs ?? 0);
      expect(enter('a')).toBeUndefined();
      expect(enter('a')).toEqual({ waitMs: 2500, detail: 'no route' });
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('calls that were under way together count once', () => {
    const { enter, silent } = gates();
    for (let i = 0; i < 64; i++) expect(enter('a')).toBeUndefined();
    for (let i = 0; i < 64; i++) silent('a', 'no route');
    expect(enter('a')?.waitMs).toBe(1500);
  });

  test('one answer opens it for all, and others are not held up meanwhile', () => {
    const { enter, silent, answered } = gates();
    enter('a');
    silent('a', 'no route');
    expect([enter('a')?.waitMs, enter('b')]).toEqual([1500, undefined]);
    answered('a');
    expect(enter('a')).toBeUndefined();
  });

  test('a try that is never heard of again does not shut it for ever', async () => {
    const { clock, enter, silent } = gates();
    silent('a', 'no route');
    await clock.advance(1000);
    expect(enter('a')).toBeUndefined();
    await clock.advance(11_000);
    expect(enter('a')).toBeUndefined();
  });
});
