import type { SettingsFor } from '../settings.ts';
import type { Clock } from '../shell/system/clock.ts';
import type { Log } from '../shell/telemetry/log.ts';

/** What every role is given; `main.ts` makes it. `R` is the role's name and chooses the settings it sees. */
export interface RoleContext<R extends string = never> {
  readonly settings: SettingsFor<R>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on SIGTERM or SIGINT; a role then ends in its own time, at most lameduck + 2 s. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as Math.random. */
  readonly random: () => number;
  /** Writes at once; a reader that went away is not an error. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly version: string;
  /** Arguments after the flags. */
  readonly operands: readonly string[];
}

/** Exit codes: 0 done, 1 could not do it (one line on standard error says why), 2 usage. */
export type ExitCode = 0 | 1 | 2;

/** Says in one line why a role cannot do what it was asked, and returns the exit code for that. */
export function giveUp(context: Pick<RoleContext, 'stderr'>, reason: string): ExitCode {
  context.stderr(`minilb: ${reason.replace(/\s+/g, ' ').trim()}\n`);
  return 1;
}

/** What each module below `src/roles/` that `main.ts` loads exports as `run`. */
export type Run<R extends string> = (context: RoleContext<R>) => Promise<ExitCode>;
