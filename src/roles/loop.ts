import type { Clock } from '../shell/system/clock.ts';

export interface LoopOptions {
  readonly clock: Clock;
  /** At least this long between the end of one run and the beginning of the next. */
  readonly gapMs: number;
  /** A run at least this often. */
  readonly periodMs: number;
  /** `startedAt` is when the first thing that asked for this run happened. Returns when it wants to run again at the latest. */
  readonly run: (startedAt: number, signal: AbortSignal) => Promise<number | undefined>;
}

export interface Loop {
  /** Asks for a run; asking again before it starts changes nothing. */
  readonly changed: () => void;
  readonly closed: Promise<void>;
}

/** Runs once at once, then whenever something has changed, one run at a time. */
export function createLoop(options: LoopOptions, signal: AbortSignal): Loop {
  const { clock, gapMs, periodMs, run } = options;
  let changedAt: number | undefined = clock.now();
  let wake = new AbortController();

  const repeat = async () => {
    while (!signal.aborted) {
      const startedAt = changedAt ?? clock.now();
      changedAt = undefined;
      wake = new AbortController();
      const againMs = await run(startedAt, signal);
      await clock.after(gapMs, signal);
      if (changedAt === undefined) await clock.after(Math.min(periodMs, againMs ?? periodMs), AbortSignal.any([signal, wake.signal]));
    }
  };
  return {
    changed: () => {
      changedAt ??= clock.now();
      wake.abort();
    },
    closed: repeat(),
  };
}
