import { err, ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';

export type IpErrorCode = 'ip-failed';

/** A line of a batch that the kernel refused, by its place in the batch from 0, and what it said. */
export interface RefusedLine {
  readonly index: number;
  readonly detail: string;
}

/** The program `ip` (iproute2): arguments and standard input, never a shell. */
export interface IpCommand {
  /** `ip -j ARGS`. */
  readonly json: (args: readonly string[], signal: AbortSignal) => Promise<Result<unknown, IpErrorCode>>;
  /** Runs all lines, also after one that was refused; returns those that were. */
  readonly batch: (lines: readonly string[], signal: AbortSignal) => Promise<Result<readonly RefusedLine[], IpErrorCode>>;
}

const TIMEOUT_MS = 10_000;

export function createIpCommand(run: RunProcess): IpCommand {
  return {
    json: async (args, signal) => {
      const result = await run(['ip', '-j', ...args], { timeoutMs: TIMEOUT_MS }, signal);
      if (!result.ok) return err('ip-failed', result.detail);
      if (result.value.exitCode !== 0) return err('ip-failed', `ip -j ${args.join(' ')}: ${firstLine(result.value.stderr)}`);
      return parseJson(result.value.stdout);
    },
    batch: async (lines, signal) => {
      const input = lines.map((line) => `${line}\n`).join('');
      const result = await run(['ip', '-force', '-batch', '-'], { input, timeoutMs: TIMEOUT_MS }, signal);
      if (!result.ok) return err('ip-failed', result.detail);
      const refused = refusedLines(result.value.stderr);
      if (result.value.exitCode !== 0 && refused.length === 0) return err('ip-failed', `ip -batch: ${firstLine(result.value.stderr)}`);
      return ok(refused);
    },
  };
}

/** What the kernel says of a line comes before `Command failed -:3`. */
export function refusedLines(stderr: string): readonly RefusedLine[] {
  const refused: RefusedLine[] = [];
  let said = '';
  for (const line of stderr.split('\n')) {
    const number = /^Command failed .*:(\d+)$/.exec(line)?.[1];
    if (number === undefined) said = line.trim() || said;
    else refused.push({ index: Number(number) - 1, detail: said });
  }
  return refused;
}

/** Without anything to show `ip -j` prints nothing at all. */
function parseJson(text: string): Result<unknown, IpErrorCode> {
  if (text.trim() === '') return ok([]);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err('ip-failed', 'ip -j printed something that is not JSON');
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.trim() ?? '';
}
