import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { waitFor } from './wait.ts';

/** A process started by a test. It is killed when the test process dies, however that happens. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Exit code so far; `undefined` while it runs. */
  readonly exitCode: () => number | undefined;
  readonly exited: Promise<number>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** SIGTERM, and SIGKILL after five seconds; resolves when it is gone. */
  readonly stop: () => Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly string[];
  /** Takes stdout and stderr, appended. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Outlives this process (`npm run cluster -- up`). */
  readonly detached?: boolean;
}

const STOP_MS_MAX = 5_000;
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});

/** Starts a program with its output in a file. */
export function startChild(options: ChildOptions): Child {
  const log = openSync(options.log, 'a');
  const guard = !options.detached && Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const process_ = Bun.spawn([...guard, ...options.command], {
    stdio: ['ignore', log, log],
    env: { ...ownEnvironment(), ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.detached && { detached: true }),
  });
  closeSync(log);
  if (options.detached) process_.unref();
  const child: Child = {
    name: options.name,
    pid: process_.pid,
    exitCode: () => process_.exitCode ?? (process_.signalCode ? 128 : undefined),
    exited: process_.exited,
    signal: (signal) => process_.kill(signal),
    stop: () => stopChild(child),
  };
  if (!options.detached) running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

async function stopChild(child: Child): Promise<void> {
  child.signal('SIGTERM');
  await waitFor(`${child.name} to end`, () => child.exitCode() !== undefined, STOP_MS_MAX).catch(() => child.signal('SIGKILL'));
  await child.exited;
}

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await portFromKernel();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** As many different ones. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** Asked twice in a row, the kernel may give the same one, and a program told to listen on it twice ends. */
const given = new Set<number>();

function portFromKernel(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Runs a program to its end and returns what it wrote; throws with its stderr when it fails. */
export async function run(
  command: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: options.input === undefined ? 'ignore' : Buffer.from(options.input),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...ownEnvironment(), ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
  });
  const [out, problem, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.slice(0, 4).join(' ')} … ended with ${code}: ${problem.trim() || out.trim()}`);
  return out;
}

/** The environment without what is meant for the tests alone: a minilb that saw it would warn of it, rightly. */
export function ownEnvironment(): Readonly<Record<string, string>> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('MINILB_TEST_'));
  return Object.fromEntries(kept) as Record<string, string>;
}
