import type { Clock } from '../shell/system/clock.ts';

/** Slows down the writing of one status that somebody else keeps replacing. `value` tells one thing written from another, of one object. */
export interface RewritePace {
  /** Milliseconds to wait before the same value is written again: right after a write the store may not have seen it yet. */
  readonly waitMs: (key: string, value: string) => number;
  /** Call after a write; returns how often in a row the same was written. */
  readonly wrote: (key: string, value: string) => number;
  readonly forget: (key: string) => void;
  /** Whether this key was written and not forgotten. */
  readonly knows: (key: string) => boolean;
}

interface Written {
  readonly value: string;
  readonly at: number;
  readonly times: number;
}

const REMEMBERED_MAX = 50_000;
/** Whoever replaces what we wrote sees us come back after 1 s, 2 s, 4 s … and in the end every five minutes. */
const FIRST_MS = 1000;
const LAST_MS = 300_000;

export function createRewritePace(clock: Clock): RewritePace {
  const written = new Map<string, Written>();
  return {
    waitMs: (key, value) => {
      const last = written.get(key);
      if (!last || last.value !== value) return 0;
      return last.at + Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(last.times - 1, 20)) - clock.now();
    },
    wrote: (key, value) => {
      const before = written.get(key);
      const times = before?.value === value && clock.now() - before.at < 2 * LAST_MS ? before.times + 1 : 1;
      written.delete(key);
      written.set(key, { value, at: clock.now(), times });
      dropOldest(written, REMEMBERED_MAX);
      return times;
    },
    forget: (key) => void written.delete(key),
    knows: (key) => written.has(key),
  };
}

/** Maps keep the order in which keys came. */
export function dropOldest(map: Map<string, unknown>, sizeMax: number): void {
  if (map.size <= sizeMax) return;
  for (const key of map.keys()) return void map.delete(key);
}
