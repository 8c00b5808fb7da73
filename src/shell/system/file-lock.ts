import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { err, ok, type Result } from '../../core/value/result.ts';

const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];
// <sys/file.h>
const LOCK_EX = 2;
const LOCK_NB = 4;

export interface FileLock {
  readonly release: () => void;
}

/**
 * Locks a file against other processes (flock(2)): made if it is not there, given back by the kernel when this process ends, however that
 * happens. The holder's pid stands in the file for people to read.
 */
export async function lockFile(path: string): Promise<Result<FileLock, 'held' | 'io'>> {
  const flock = await openFlock();
  if (!flock.ok) return err('io', flock.detail);
  try {
    closeSync(openSync(path, 'a', 0o600));
    // Held open for reading only, or the file system could not be made read-only under it.
    const fd = openSync(path, 'r');
    if (flock.value(fd, LOCK_EX | LOCK_NB) !== 0) {
      const holder = readFileSync(fd, 'utf8').trim();
      closeSync(fd);
      return err('held', holder === '' ? '' : `held by process ${holder}`);
    }
    writeFileSync(path, `${process.pid}\n`);
    return ok({ release: () => closeSync(fd) });
  } catch (error) {
    return err('io', error instanceof Error ? error.message : String(error));
  }
}

async function openFlock(): Promise<Result<(fd: number, operation: number) => number, 'no-libc'>> {
  const { dlopen } = await import('bun:ffi');
  const failures: string[] = [];
  for (const library of LIBRARIES) {
    try {
      return ok(dlopen(library, { flock: { args: ['int', 'int'], returns: 'int' } } as const).symbols.flock);
    } catch (error) {
      failures.push(String(error));
    }
  }
  return err('no-libc', failures.join('; '));
}
