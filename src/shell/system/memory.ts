import { readFileSync, readlinkSync } from 'node:fs';
import { openLibc } from './libc.ts';

/** From <asm-generic/mman-common.h>, the same on x64 and arm64. */
const MADV_DONTNEED = 4;

/**
 * Gives back what start-up and a first list have left behind, at the cost of some milliseconds in which nothing else runs: the rubbish in the
 * heap, and the pages of the program's own file that were read on the way and that serving does not need. Those are not lost: the
 * kernel maps them again from the page cache when they are touched. Where that is not possible (no /proc, no C library) only the heap is cleaned.
 */
export async function releaseMemory(): Promise<void> {
  Bun.gc(true);
  Bun.shrink();
  const libc = await openLibc({ madvise: { args: ['usize', 'usize', 'int'], returns: 'int' } } as const);
  if (!libc.ok) return;
  for (const { start, length } of programMappings()) libc.value.madvise(start, length, MADV_DONTNEED);
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
