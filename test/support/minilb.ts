import { realpathSync } from 'node:fs';
import { waitFor } from './wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);

/** A minilb process as a user starts it: nothing of the tests' environment, and no home folder with a kubeconfig. */
export interface Minilb {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exited: Promise<number>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Waits until standard error (the log) holds this, and returns the line. */
  readonly logged: (part: string | RegExp) => Promise<string>;
  /** Ends it at once; for `finally`. */
  readonly kill: () => Promise<void>;
}

export interface MinilbOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A module that Bun loads before main.ts. */
  readonly preload?: string;
}

/** Starts `minilb ARGS` from the source. */
export function startMinilb(args: readonly string[], options: MinilbOptions = {}): Minilb {
  // So that it ends with the test process, however that one ends.
  const setpriv = Bun.which('setpriv');
  const guard = setpriv ? [setpriv, '--pdeathsig', 'KILL'] : [];
  const child = Bun.spawn(
    [...guard, process.execPath, ...(options.preload ? [`--preload=${options.preload}`] : []), `${ROOT}/src/main.ts`, ...args],
    {
      cwd: options.cwd ?? '/',
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = Promise.all([child.exited, stdout.ended, stderr.ended]).then(([code]) => code);
  const logged = (part: string | RegExp) =>
    waitFor(`a line with ${part} in ${JSON.stringify(args.join(' '))}`, () => {
      const line = stderr
        .text()
        .split('\n')
        .find((each) => (typeof part === 'string' ? each.includes(part) : part.test(each)));
      if (line === undefined && child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr.text()}`);
      return line;
    });
  const kill = async () => {
    child.kill('SIGKILL');
    await child.exited;
  };
  return { pid: child.pid, stdout: stdout.text, stderr: stderr.text, exited, signal: (signal) => child.kill(signal), logged, kill };
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `minilb ARGS` to its end. */
export async function runMinilb(args: readonly string[], options: MinilbOptions = {}): Promise<Finished> {
  const minilb = startMinilb(args, options);
  const exitCode = await minilb.exited;
  return { exitCode, stdout: minilb.stdout(), stderr: minilb.stderr() };
}

function collect(stream: ReadableStream<Uint8Array>): { readonly text: () => string; readonly ended: Promise<void> } {
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  return { text: () => text, ended: read() };
}
