/** Time as the rest of the program sees it; tests put a clock of their own in its place. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary point. */
  readonly now: () => number;
  /** Wall-clock milliseconds since 1970 (UTC). */
  readonly wall: () => number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. Look at `signal.aborted` afterwards. */
  readonly after: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The real clock. Its timers do not keep the process alive by themselves being forgotten: an aborted signal clears them. */
export const systemClock: Clock = {
  now: () => performance.now(),
  // biome-ignore lint/style/noRestrictedGlobals: this file is where time comes from
  wall: () => Date.now(),
  after: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      // biome-ignore lint/style/noRestrictedGlobals: this file is where time comes from
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    }),
};

/** A wait that has an end. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Resolves when `signal` aborts, to be raced with what takes no signal. Once `done`, it may never settle. */
  readonly late: Promise<undefined>;
  /** Releases the timer and all that waits for `late`; `signal` goes on following its parent. */
  readonly done: () => void;
}

/**
 * Makes a signal that aborts when `signal` does or after `ms`. Race with `late` instead of listening to the joined signal: Bun never frees a
 * signal made by `AbortSignal.any` that somebody still listens to, so that each wait would leave 7 KB behind.
 */
export function withTimeout(clock: Clock, ms: number, signal: AbortSignal): TimeLimit {
  const timer = new AbortController();
  const joined = AbortSignal.any([signal, timer.signal]);
  const released = new AbortController();
  void clock.after(ms, AbortSignal.any([signal, released.signal])).then(() => {
    if (!released.signal.aborted) timer.abort(new Error(`no answer within ${ms / 1000} s`));
  });
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const tell = () => resolve(undefined);
  if (joined.aborted) tell();
  else joined.addEventListener('abort', tell, { once: true });
  const done = () => {
    joined.removeEventListener('abort', tell);
    released.abort();
  };
  return { signal: joined, late, done };
}

/** RFC 3339 text with milliseconds, in UTC. */
export function isoTime(wallMs: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: this file is where time comes from
  return new Date(wallMs).toISOString();
}

/** Milliseconds since 1970 of an RFC 3339 text; NaN for what is none. */
export function wallOf(text: string): number {
  // biome-ignore lint/style/noRestrictedGlobals: this file is where time comes from
  return Date.parse(text);
}
