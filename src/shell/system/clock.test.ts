import { heapStats } from 'bun:jsc';
import { expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock, withTimeout } from './clock.ts';

test('a limit is late after its time, or when its parent aborts', async () => {
  const clock = createFakeClock();
  const parent = new AbortController();
  const [one, other] = [withTimeout(clock, 1000, parent.signal), withTimeout(clock, 5000, parent.signal)];
  await clock.advance(1000);
  await one.late;
  expect([one.signal.aborted, other.signal.aborted]).toEqual([true, false]);
  expect(one.signal.reason).toEqual(new Error('no answer within 1 s'));
  parent.abort();
  await other.late;
  expect(withTimeout(clock, 1, parent.signal).signal.aborted).toBe(true);
});

test('a limit that is done takes no timer, and its signal still follows the parent: a stream goes on after its headers', async () => {
  const clock = createFakeClock();
  const parent = new AbortController();
  const limit = withTimeout(clock, 1000, parent.signal);
  limit.done();
  await clock.advance(2000);
  expect([limit.signal.aborted, clock.pending()]).toEqual([false, 0]);
  parent.abort();
  expect(limit.signal.aborted).toBe(true);
});

test('a thousand limits that were raced and done leave nothing behind', async () => {
  const parent = new AbortController();
  const signals = () => heapStats().objectTypeCounts['AbortSignal'] ?? 0;
  const before = signals();
  for (let i = 0; i < 1000; i++) {
    const limit = withTimeout(systemClock, 60_000, parent.signal);
    await Promise.race([Promise.resolve(), limit.late]);
    limit.done();
  }
  await systemClock.after(10, parent.signal);
  Bun.gc(true);
  expect(signals() - before).toBeLessThan(100);
});
