import type { Clock } from '../../src/shell/system/clock.ts';

/** A clock that stands still until a test lets time pass. */
export interface FakeClock extends Clock {
  /** Moves time on by `ms`, stopping at each timer on the way in order; what a timer sets off runs before the next one fires. */
  readonly advance: (ms: number) => Promise<void>;
  /** Lets everything run that waits for no timer. */
  readonly settle: () => Promise<void>;
  /** Timers that wait now; a test's last line can hold this to 0 to show that nothing was left behind. */
  readonly pending: () => number;
}

interface Timer {
  readonly due: number;
  readonly fire: () => void;
}

/** `wallMs` is the wall-clock time at `now() === 0`; the default is 2026-01-01T00:00:00Z. */
export function createFakeClock(wallMs = 1_767_225_600_000): FakeClock {
  let now = 0;
  const timers = new Set<Timer>();

  const settle = async () => {
    // Twice: a promise chain may itself have queued an immediate.
    for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  };

  const earliest = (limit: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (timer.due <= limit && (!first || timer.due < first.due)) first = timer;
    return first;
  };

  return {
    now: () => now,
    wall: () => wallMs + now,
    after: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const fire = () => {
          timers.delete(timer);
          signal.removeEventListener('abort', fire);
          resolve();
        };
        const timer: Timer = { due: now + Math.max(0, ms), fire };
        timers.add(timer);
        signal.addEventListener('abort', fire);
      }),
    advance: async (ms) => {
      const end = now + ms;
      await settle();
      for (let timer = earliest(end); timer; timer = earliest(end)) {
        now = Math.max(now, timer.due);
        timer.fire();
        await settle();
      }
      now = end;
    },
    settle,
    pending: () => timers.size,
  };
}
