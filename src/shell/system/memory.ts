import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { openLibc } from './libc.ts';

/** From <asm-generic/mman-common.h>, the same on x64 and arm64. */
const MADV_DONTNEED = 4;

/** Start-up runs through most of the program's code, each part once. */
const STARTING_MS = 20;
/** By then what start-up does once is done, compiling included. */
const SETTLED_MS = 3000;
/** Reloads, bursts and scrapes touch code that is then idle again. */
const AGAIN_MS = 30_000;
/** After work that comes in bursts: long enough that a burst pays once, short enough that nobody sees it in a graph. */
const REST_MS = 2000;

/** Keeps resident memory near what serving needs. */
export interface MemoryKeeper {
  /** Call it with the bytes that a first list brought, or that were made of it: the heap is collected every so often. */
  readonly filled: (bytes: number) => void;
  /** Call it once, when the first list is known: from then on a collection would make queries wait. */
  readonly started: () => void;
}

/**
 * Gives back what start-up, a first list and bursts leave behind, until `signal` aborts: the rubbish in the heap, for the last time some
 * seconds after the start, in some milliseconds in which nothing else runs; and, again and again, the pages of the program's own file that
 * were touched on the way. Those are not lost: the kernel maps them again from the page cache when they are touched. Without /proc or a C
 * library only the heap is cleaned.
 */
export function createMemoryKeeper(clock: Clock, signal: AbortSignal): MemoryKeeper {
  const pace = createGarbagePace();
  const beganAt = clock.now();
  let startedAt = Number.POSITIVE_INFINITY;
  const keep = async (): Promise<void> => {
    const release = await openCodeRelease();
    while (clock.now() < startedAt + SETTLED_MS && !signal.aborted) {
      release();
      // Ever rarer: an API server that is away may be waited for for hours.
      await clock.after(Math.min(STARTING_MS + (clock.now() - beganAt) / 8, AGAIN_MS), signal);
    }
    if (signal.aborted) return;
    shrinkHeap();
    while (!signal.aborted) {
      release();
      await clock.after(AGAIN_MS, signal);
    }
  };
  void keep();
  return {
    filled: (bytes) => {
      if (startedAt > clock.now()) pace(bytes);
    },
    started: () => {
      startedAt = clock.now();
    },
  };
}

/** For work that comes in bursts with nothing between: call it when a piece is done, and 2 s later heap and code are given back. */
export function createBurstKeeper(clock: Clock, signal: AbortSignal): () => void {
  let waits = false;
  const giveBack = async () => {
    await clock.after(REST_MS, signal);
    waits = false;
    if (signal.aborted) return;
    shrinkHeap();
    (await openCodeRelease())();
  };
  return () => {
    if (waits) return;
    waits = true;
    void giveBack();
  };
}

function shrinkHeap(): void {
  Bun.gc(true);
  Bun.shrink();
}

/** Returns what drops the resident pages of the program's code: a few system calls. */
export async function openCodeRelease(): Promise<() => void> {
  const mappings = programMappings();
  const libc = mappings.length > 0 ? await openLibc({ madvise: { args: ['usize', 'usize', 'int'], returns: 'int' } } as const) : undefined;
  if (!libc?.ok) return () => {};
  const { madvise } = libc.value;
  return () => {
    for (const { start, length } of mappings) madvise(start, length, MADV_DONTNEED);
  };
}

interface Mapping {
  readonly start: number;
  readonly length: number;
}

function programMappings(): readonly Mapping[] {
  try {
    return codeMappings(readFileSync('/proc/self/maps', 'utf8'), readlinkSync('/proc/self/exe'));
  } catch {
    // Not Linux, or /proc is hidden: this is about thrift, nothing depends on it.
    return [];
  }
}

/**
 * The code of `file` and the constants that it begins with, in the text of /proc/PID/maps (proc_pid_maps(5)): dropping their pages loses nothing.
 * Read-only data further on is left alone: it may have been relocated before it was protected (RELRO), and that would be lost.
 */
export function codeMappings(maps: string, file: string): readonly Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (?:r-xp \S+|r--p 0+) \S+ \S+\s+(.*)$/.exec(line);
    if (!match || match[3] !== file) return [];
    const start = Number.parseInt(match[1] ?? '', 16);
    return [{ start, length: Number.parseInt(match[2] ?? '', 16) - start }];
  });
}

const PACE_BYTES_MIN = 256 * 1024;
/** A collection costs in proportion to what is kept, so the more there is, the rarer they come: some dozens even for 100 MB. */
const PACE_SHARE = 1 / 8;

/**
 * For a burst of reading: call it with the bytes that came, and it collects every so often. Left alone, the heap of a first list grows to
 * several times what is kept in the end before the first full collection.
 */
export function createGarbagePace(collect: () => void = () => Bun.gc(true)): (bytes: number) => void {
  let read = 0;
  let collectAt = PACE_BYTES_MIN;
  return (bytes) => {
    read += bytes;
    if (read < collectAt) return;
    collectAt = read + Math.max(PACE_BYTES_MIN, read * PACE_SHARE);
    collect();
  };
}
