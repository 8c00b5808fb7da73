import { GUARD_TABLE, renderGuardRemoval } from '../../core/plan/guard.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';

export interface Guard {
  /** Replaces the guard's table at once; the same script twice is one call. */
  readonly apply: (script: string, signal: AbortSignal) => Promise<Result<void, 'nft-failed'>>;
  readonly isThere: (signal: AbortSignal) => Promise<Result<boolean, 'nft-failed'>>;
  readonly remove: (signal: AbortSignal) => Promise<Result<void, 'nft-failed'>>;
}

/** The nftables table of `-guard`, through `nft`. */
export function createGuard(run: RunProcess): Guard {
  let applied = '';
  const feed = async (script: string, signal: AbortSignal): Promise<Result<void, 'nft-failed'>> => {
    const result = await run(['nft', '-f', '-'], { input: script }, signal);
    if (!result.ok) return err('nft-failed', result.detail);
    return result.value.exitCode === 0 ? ok(undefined) : err('nft-failed', result.value.stderr.trim().slice(0, 500));
  };
  return {
    apply: async (script, signal) => {
      if (script === applied) return ok(undefined);
      const result = await feed(script, signal);
      if (result.ok) applied = script;
      return result;
    },
    isThere: async (signal) => {
      const result = await run(['nft', 'list', 'tables', 'inet'], {}, signal);
      if (!result.ok) return err('nft-failed', result.detail);
      if (result.value.exitCode !== 0) return err('nft-failed', result.value.stderr.trim().slice(0, 500));
      return ok(result.value.stdout.split('\n').includes(`table inet ${GUARD_TABLE}`));
    },
    remove: async (signal) => {
      applied = '';
      return feed(renderGuardRemoval(), signal);
    },
  };
}
