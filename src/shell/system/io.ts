import { err, ok, type Result } from '../../core/value/result.ts';

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EROFS', 'the file system is read-only'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['ENOENT', 'no such file or folder'],
  ['ENOTDIR', 'not a folder'],
]);

/** Does something with files; a failure of the system becomes one line that names the file. */
export async function tryIo<T>(what: string, act: () => Promise<T>): Promise<Result<T, 'io'>> {
  try {
    return ok(await act());
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    const path = (error as NodeJS.ErrnoException).path;
    return err('io', `cannot ${what}${path ? ` (${path})` : ''}: ${REASONS.get(code) ?? code}`);
  }
}

/** The system's code of an error (`ENOENT`); empty for an error that is not the system's. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : '';
}
