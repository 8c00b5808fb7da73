import { err, ok, type Result } from '../../core/value/result.ts';
import { type Clock, withTimeout } from './clock.ts';

export interface ProcessOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  /** Killed after this; default 10 s. */
  readonly timeoutMs?: number;
  /** Of standard output and of standard error each; default 16 MiB. More kills it. */
  readonly outputBytesMax?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export type ProcessErrorCode = 'cannot-start' | 'timed-out' | 'too-much-output';

/** Runs a program with arguments, never through a shell, and waits for its end. An exit code other than 0 is a result, not a failure. */
export type RunProcess = (
  command: readonly [program: string, ...args: readonly string[]],
  options: ProcessOptions,
  signal: AbortSignal,
) => Promise<Result<ProcessOutput, ProcessErrorCode>>;

const TIMEOUT_MS = 10_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Makes a `RunProcess` whose time-outs follow `clock`. An aborted signal kills the program: `timed-out`. */
export function createProcessRunner(clock: Clock): RunProcess {
  return async (command, options, signal) => {
    const { input, timeoutMs = TIMEOUT_MS, outputBytesMax = OUTPUT_BYTES_MAX, cwd, env } = options;
    const limit = withTimeout(clock, timeoutMs, signal);
    try {
      const child = Bun.spawn([...command], {
        stdin: input === undefined ? 'ignore' : new TextEncoder().encode(input),
        stdout: 'pipe',
        stderr: 'pipe',
        signal: limit.signal,
        killSignal: 'SIGKILL',
        ...(cwd !== undefined && { cwd }),
        ...(env && { env }),
      });
      const kill = () => child.kill('SIGKILL');
      const [stdout, stderr, exitCode] = await Promise.all([
        readLimited(child.stdout, outputBytesMax, kill),
        readLimited(child.stderr, outputBytesMax, kill),
        child.exited,
      ]);
      if (stdout === undefined || stderr === undefined)
        return err('too-much-output', `${command[0]} wrote more than ${outputBytesMax} bytes`);
      if (limit.signal.aborted) return err('timed-out', `${command[0]} did not end within ${timeoutMs / 1000} s`);
      return ok({ exitCode, stdout, stderr });
    } catch (error) {
      if (limit.signal.aborted) return err('timed-out', `${command[0]} was stopped before it began`);
      return err('cannot-start', `${command[0]} cannot be started: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      limit.done();
    }
  };
}

async function readLimited(stream: ReadableStream<Uint8Array>, max: number, tooMuch: () => void): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > max) {
      tooMuch();
      return undefined;
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
