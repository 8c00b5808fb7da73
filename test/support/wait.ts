import { systemClock } from '../../src/shell/system/clock.ts';

const WAIT_MS_MAX = 30_000;
const never = new AbortController().signal;

/** Sleeps; tests wait for conditions, so this is for pauses that are themselves the matter. */
export function pause(ms: number): Promise<void> {
  return systemClock.after(ms, never);
}

/**
 * Asks again and again until `probe` returns something truthy without throwing, and returns that. After `ms` it throws and says what was
 * awaited and what the last attempt gave.
 */
export async function waitFor<T>(what: string, probe: () => T | Promise<T>, ms = WAIT_MS_MAX, everyMs = 20): Promise<NonNullable<T>> {
  const until = systemClock.now() + ms;
  let last = '';
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = String(value);
    } catch (error) {
      last = String(error);
    }
    if (systemClock.now() > until) throw new Error(`waited ${ms} ms in vain for ${what}; the last attempt gave ${last}`);
    await pause(everyMs);
  }
}
