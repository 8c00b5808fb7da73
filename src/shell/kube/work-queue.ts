import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';

/** `done` forgets the key's failures, `retry` comes back after a growing delay, `retryAfterMs` at a time the handler chose. */
export type WorkOutcome = 'done' | 'retry' | { readonly retryAfterMs: number };

export interface WorkQueueOptions {
  /** For log lines. */
  readonly name: string;
  /** Never called twice at once for one key. A throw is logged and counts as `retry`. */
  readonly handle: (key: string, signal: AbortSignal) => Promise<WorkOutcome>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Handlers at work at once, for different keys; default 4. */
  readonly workers?: number;
  /** Keys known at once; default 200,000. */
  readonly keysMax?: number;
}

export interface WorkQueue {
  /** Asks for `key` to be handled; false when the queue is full or closed. Asking again before it starts changes nothing. */
  readonly add: (key: string) => boolean;
  readonly ready: Promise<void>;
  /** Resolves when the signal has aborted and the last handler has returned. */
  readonly closed: Promise<void>;
  /** Keys that wait, are at work, or are due later. */
  readonly size: () => number;
}

const WORKERS = 4;
const KEYS_MAX = 200_000;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 60_000;

/**
 * A queue with client-go's semantics: a key waits once however often it is added, is handled by one worker at a time, and one
 * added while it is being handled is handled again afterwards. An `add` during a key's delay ends the delay but keeps its failures.
 */
export function createWorkQueue(options: WorkQueueOptions, signal: AbortSignal): WorkQueue {
  const { handle, clock, random, log, name, workers = WORKERS, keysMax = KEYS_MAX } = options;
  const waiting = new Set<string>();
  const active = new Set<string>();
  const again = new Set<string>();
  const delayed = new Map<string, AbortController>();
  const failures = new Map<string, number>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let full = false;

  const size = () => waiting.size + active.size + delayed.size;

  const add = (key: string): boolean => {
    if (signal.aborted) return false;
    if (active.has(key)) again.add(key);
    else if (!waiting.has(key)) {
      if (!delayed.has(key) && size() >= keysMax) return refuse(key);
      forgetDelay(key);
      waiting.add(key);
      pump();
    }
    return true;
  };

  const refuse = (key: string): false => {
    if (!full) log.error(`the ${name} queue is full; keys are left out until it drains`, { key, keysMax });
    full = true;
    return false;
  };

  const forgetDelay = (key: string) => {
    delayed.get(key)?.abort();
    delayed.delete(key);
  };

  const pump = () => {
    for (const key of waiting) {
      if (active.size >= workers) return;
      waiting.delete(key);
      active.add(key);
      void work(key);
    }
  };

  const work = async (key: string) => {
    let outcome: WorkOutcome = 'retry';
    try {
      outcome = await handle(key, signal);
    } catch (error) {
      if (!signal.aborted) log.error(`handling a key of the ${name} queue failed`, { key, error: String(error) });
    }
    active.delete(key);
    if (signal.aborted) {
      if (active.size === 0) close();
      return;
    }
    settle(key, outcome);
    if (full && size() < keysMax) full = false;
    pump();
  };

  const settle = (key: string, outcome: WorkOutcome) => {
    const delayMs = delayAfter(key, outcome);
    if (again.delete(key)) waiting.add(key);
    else if (delayMs !== undefined) delay(key, delayMs);
  };

  const delayAfter = (key: string, outcome: WorkOutcome): number | undefined => {
    if (outcome !== 'retry') {
      failures.delete(key);
      return outcome === 'done' ? undefined : outcome.retryAfterMs;
    }
    const failed = failures.get(key) ?? 0;
    failures.set(key, failed + 1);
    return backoffMs(failed, random);
  };

  const delay = (key: string, ms: number) => {
    const timer = new AbortController();
    delayed.set(key, timer);
    void clock.after(ms, timer.signal).then(() => {
      if (timer.signal.aborted) return;
      delayed.delete(key);
      waiting.add(key);
      pump();
    });
  };

  const stop = () => {
    for (const timer of delayed.values()) timer.abort();
    delayed.clear();
    waiting.clear();
    again.clear();
    if (active.size === 0) close();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });

  return { add, ready: Promise.resolve(), closed, size };
}

/** Half fixed, half random, doubling from 0.2 s to 60 s: replicas that failed together do not come back together. */
function backoffMs(failed: number, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failed, 20));
  return ceiling / 2 + (ceiling / 2) * random();
}
