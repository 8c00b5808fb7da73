import type { FFIFunction } from 'bun:ffi';
import { err, ok, type Result } from '../../core/value/result.ts';

const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/** Opens functions of the C library, glibc or musl, for the few things that Bun has no call for. */
export async function openLibc<const S extends Record<string, FFIFunction>>(
  symbols: S,
  libraries: readonly string[] = LIBRARIES,
): Promise<Result<import('bun:ffi').Library<S>['symbols'], 'no-libc'>> {
  const { dlopen } = await import('bun:ffi');
  const failures: string[] = [];
  for (const library of libraries) {
    try {
      return ok(dlopen(library, symbols).symbols);
    } catch (error) {
      failures.push(String(error));
    }
  }
  return err('no-libc', failures.join('; '));
}
