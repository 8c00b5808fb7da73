import { open, readFile, rename } from 'node:fs/promises';
import { ok, type Result } from '../../core/value/result.ts';
import { tryIo } from './io.ts';

/** Reads a whole text; one that is not there is empty. */
export function readTextFile(path: string): Promise<Result<string, 'io'>> {
  return tryIo(`read ${path}`, async () => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  });
}

/**
 * Replaces a file in one step, so that a reader sees the old text or the new one, whole, also after a power cut. It lies beside it as
 * `PATH.new` for a moment, so the folder must be writable.
 */
export async function replaceFile(path: string, text: string): Promise<Result<undefined, 'io'>> {
  const fresh = `${path}.new`;
  const done = await tryIo(`write ${path}`, async () => {
    const file = await open(fresh, 'w', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  });
  return done.ok ? ok(undefined) : done;
}
