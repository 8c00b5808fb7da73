import type { Clock } from '../shell/system/clock.ts';

/** The longest that closing may take after lameduck before the process ends anyway. */
export const CLOSING_MS_MAX = 2000;

/** Resolves when `signal` has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Waits until everything has closed, at most two seconds; false when something had not. */
export async function closeAll(closing: readonly (Promise<unknown> | undefined)[], clock: Clock): Promise<boolean> {
  const done = new AbortController();
  const all = Promise.all(closing).then(() => true);
  const late = clock.after(CLOSING_MS_MAX, done.signal).then(() => false);
  const closed = await Promise.race([all, late]);
  done.abort();
  return closed;
}
