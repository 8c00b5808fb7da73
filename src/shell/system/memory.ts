import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { openLibc } from './libc.ts';

/** From <asm-generic/mman-common.h>, the same on x64 and arm64. */
const MADV_DONTNEED = 4;

/** By then what start-up does once is done, compiling included. */
const FIRST_MS = 3000;
/** Reloads, bursts and scrapes touch code that is then idle again. */
const AGAIN_MS = 300_000;
/** After work that comes in bursts: long enough that a burst pays once, short enough that nobody sees it in a graph. */
const REST_MS = 2000;

/**
 * Gives back what start-up and a first list have left behind: the rubbish in the heap, once, in some milliseconds in which nothing else
 * runs; and, now and then, the pages of the program's own file that were touched on the way and that serving does not need. Those are not
 * lost: the kernel maps them again from the page cache when they are touched. Without /proc or a C library only the heap is cleaned.
 */
export async function keepMemorySmall(clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.after(FIRST_MS, signal);
  if (signal.aborted) return;
  shrinkHeap();
  while (!signal.aborted) {
    await releaseCode();
    await clock.after(AGAIN_MS, signal);
  }
}

/** For work that comes in bursts with nothing between: call it when a piece is done, and 2 s later heap and code are given back. */
export function createBurstKeeper(clock: Clock, signal: AbortSignal): () => void {
  let waits = false;
  const giveBack = async () => {
    await clock.after(REST_MS, signal);
    waits = false;
    if (signal.aborted) return;
    shrinkHeap();
    await releaseCode();
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

/** Drops the resident pages of the program's code. */
export async function releaseCode(): Promise<void> {
  const mappings = programMappings();
  const libc = mappings.length > 0 ? await openLibc({ madvise: { args: ['usize', 'usize', 'int'], returns: 'int' } } as const) : undefined;
  if (!libc?.ok) return;
  for (const { start, length } of mappings) libc.value.madvise(start, length, MADV_DONTNEED);
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
 * The code of `file` in the text of /proc/PID/maps (proc_pid_maps(5)): dropping its pages loses nothing. Read-only data is left alone: it may be
 * relocated data that was written before it was protected (RELRO), and that would be lost.
 */
export function codeMappings(maps: string, file: string): readonly Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+\s+(.*)$/.exec(line);
    if (!match || match[3] !== file) return [];
    const start = Number.parseInt(match[1] ?? '', 16);
    return [{ start, length: Number.parseInt(match[2] ?? '', 16) - start }];
  });
}

const PACE_BYTES_MIN = 1024 * 1024;
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
