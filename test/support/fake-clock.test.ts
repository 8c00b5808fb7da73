import { expect, test } from 'bun:test';
import { createFakeClock } from './fake-clock.ts';

test('timers fire in the order of their times, and what they set off is in time for the same advance', async () => {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const seen: string[] = [];
  void clock.after(20, signal).then(() => seen.push(`b ${clock.now()}`));
  void clock
    .after(10, signal)
    .then(() => seen.push(`a ${clock.now()}`))
    .then(() => clock.after(5, signal))
    .then(() => seen.push(`a+5 ${clock.now()}`));
  await clock.advance(19);
  expect(seen).toEqual(['a 10', 'a+5 15']);
  await clock.advance(1);
  expect(seen).toEqual(['a 10', 'a+5 15', 'b 20']);
  expect(clock.pending()).toBe(0);
});

test('an aborted signal ends a wait at once and leaves no timer', async () => {
  const clock = createFakeClock();
  const abort = new AbortController();
  const waiting = clock.after(1000, abort.signal);
  abort.abort();
  await waiting;
  await clock.after(1000, abort.signal);
  expect(clock.now()).toBe(0);
  expect(clock.pending()).toBe(0);
});
