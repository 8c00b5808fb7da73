import { describe, expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { createWorkQueue, type WorkOutcome, type WorkQueueOptions } from './work-queue.ts';

interface Call {
  readonly key: string;
  readonly at: number;
  readonly end: (outcome: WorkOutcome) => void;
  readonly fail: (error: Error) => void;
}

function setUp(options: Partial<WorkQueueOptions> = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const abort = new AbortController();
  const calls: Call[] = [];
  const handle = (key: string) =>
    new Promise<WorkOutcome>((end, fail) => {
      calls.push({ key, at: clock.now(), end, fail });
    });
  const queue = createWorkQueue({ name: 'test', handle, clock, random: () => 0.5, log, ...options }, abort.signal);
  return { queue, clock, log, abort, calls, keys: () => calls.map((call) => call.key) };
}

describe('work queue (client-go util/workqueue)', () => {
  test('a key that waits is handled once however often it is added', async () => {
    const { queue, calls, clock, keys } = setUp({ workers: 1 });
    for (const key of ['a', 'b', 'b', 'c', 'b']) queue.add(key);
    expect(queue.size()).toBe(3);
    for (let i = 0; i < 3; i++) {
      calls[i]?.end('done');
      await clock.settle();
    }
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(queue.size()).toBe(0);
  });

  test('a key added while it is handled is handled again afterwards, never by two workers', async () => {
    const { queue, calls, clock, keys } = setUp();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(keys()).toEqual(['a']);
    calls[0]?.end('done');
    await clock.settle();
    expect(keys()).toEqual(['a', 'a']);
    calls[1]?.end('done');
    await clock.settle();
    expect(keys()).toEqual(['a', 'a']);
  });

  test('different keys are handled side by side, up to the number of workers', () => {
    const { queue, keys } = setUp({ workers: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(keys()).toEqual(['a', 'b']);
  });

  test('failures delay a key exponentially with jitter up to a minute, and success forgets them', async () => {
    const { queue, calls, clock } = setUp();
    queue.add('a');
    for (let i = 0; i < 12; i++) {
      calls.at(-1)?.end('retry');
      await clock.advance(45_000);
    }
    const gaps = calls.slice(1).map((call, i) => call.at - (i === 0 ? 0 : 45_000 * i));
    expect(gaps).toEqual([150, 300, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000, 45_000]);
    calls.at(-1)?.end('done');
    queue.add('a');
    await clock.settle();
    calls.at(-1)?.end('retry');
    const before = clock.now();
    await clock.advance(1000);
    expect((calls.at(-1)?.at ?? 0) - before).toBe(150);
  });

  test('one failing key delays no other', async () => {
    const { queue, calls, clock, keys } = setUp({ workers: 1 });
    queue.add('bad');
    queue.add('good');
    calls[0]?.end('retry');
    await clock.settle();
    expect(keys()).toEqual(['bad', 'good']);
  });

  test('the handler may choose the time of the next try; a change in between comes first and replaces it', async () => {
    const { queue, calls, clock } = setUp();
    queue.add('a');
    calls[0]?.end({ retryAfterMs: 5000 });
    await clock.advance(4999);
    expect(calls.length).toBe(1);
    await clock.advance(1);
    expect(calls.length).toBe(2);
    calls[1]?.end({ retryAfterMs: 5000 });
    await clock.settle();
    queue.add('a');
    expect(calls.length).toBe(3);
    calls[2]?.end('done');
    await clock.advance(10_000);
    expect(calls.length).toBe(3);
    expect(clock.pending()).toBe(0);
  });

  test('a handler that throws is logged and tried again', async () => {
    const { queue, calls, clock, log } = setUp();
    queue.add('a');
    calls[0]?.fail(new Error('boom'));
    await clock.advance(200);
    expect(calls.length).toBe(2);
    expect(log.lines).toEqual([
      { level: 'error', message: 'handling a key of the test queue failed', fields: { key: 'a', error: 'Error: boom' } },
    ]);
  });

  test('a full queue refuses new keys, says so once, and takes them again when there is room', async () => {
    const { queue, calls, clock, log } = setUp({ keysMax: 2, workers: 1 });
    expect([queue.add('a'), queue.add('b'), queue.add('c'), queue.add('d'), queue.add('b')]).toEqual([true, true, false, false, true]);
    expect(log.lines.length).toBe(1);
    calls[0]?.end('done');
    await clock.settle();
    expect(queue.add('c')).toBe(true);
  });

  test('closing drops what waits, lets handlers end, and leaves no timer', async () => {
    const { queue, calls, clock, abort, keys } = setUp({ workers: 1 });
    queue.add('late');
    calls[0]?.end('retry');
    await clock.settle();
    queue.add('a');
    queue.add('b');
    let closed = false;
    void queue.closed.then(() => {
      closed = true;
    });
    abort.abort();
    await clock.settle();
    expect(closed).toBe(false);
    calls[1]?.end('retry');
    await queue.closed;
    expect(keys()).toEqual(['late', 'a']);
    expect([queue.add('c'), queue.size(), clock.pending()]).toEqual([false, 0, 0]);
  });
});
