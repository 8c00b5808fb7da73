import { readFileSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { type BoundPorts, parseSocketTables, type SocketTable } from '../../core/proxy/proc-net.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { errorCode } from '../system/io.ts';

/** The proxy's main process as it is now. */
export interface RunningProgram {
  readonly pid: number;
  /** Titles by pid, as /proc/PID/cmdline has them; some are old ones that only end what they began. */
  readonly workers: ReadonlyMap<number, string>;
  readonly argv: readonly string[];
}

const LOG_BYTES_MAX = 64 * 1024;

/** Finds the process whose pid stands in the file; a pid that has become another program's does not count. */
export async function findProgram(pidFile: string, processName: string): Promise<Result<RunningProgram, 'not-running'>> {
  try {
    const pid = Number((await readFile(pidFile, 'utf8')).split('\n', 1)[0]);
    if (!Number.isInteger(pid) || pid < 2) return err('not-running', `${processName} is not running: ${pidFile} holds no pid`);
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    if (name !== processName) return err('not-running', `${processName} is not running: process ${pid} of ${pidFile} is ${name}`);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const workers = new Map<number, string>();
    for (const child of children.trim().split(/\s+/).filter(Boolean)) {
      const title = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => undefined);
      // A zombie has no title: it waits for its parent to notice.
      if (title) workers.set(Number(child), title);
    }
    return ok({ pid, workers, argv });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') return err('not-running', `${pidFile} may not be read`);
    return err('not-running', `${processName} is not running (${pidFile})`);
  }
}

/** Has the program read its configuration again. Says nothing of what comes of it. */
export function signalReload(program: RunningProgram, signal: NodeJS.Signals): Result<void, 'not-running' | 'not-permitted'> {
  try {
    process.kill(program.pid, signal);
    return ok(undefined);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return err('not-running', `process ${program.pid} has just ended`);
    return err(
      'not-permitted',
      `not permitted to signal process ${program.pid}: run the updater as the same user, or give it CAP_KILL (docs/updater.md)`,
    );
  }
}

/** What is bound in this network namespace. A family that the host does not have has no table. */
export function readBoundPorts(): BoundPorts {
  const tables: SocketTable[] = [];
  for (const protocol of ['TCP', 'UDP'] as const)
    for (const family of [4, 6] as const) {
      const path = `/proc/self/net/${protocol.toLowerCase()}${family === 6 ? '6' : ''}`;
      try {
        tables.push({ protocol, family, text: readFileSync(path, 'latin1') });
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    }
  return parseSocketTables(tables);
}

/** The families this host can listen on. */
export async function hostFamilies(): Promise<readonly (4 | 6)[]> {
  const six = await stat('/proc/self/net/if_inet6').catch(() => undefined);
  return six ? [4, 6] : [4];
}

/** Reads what is written to a log from now on, at most 64 KiB of it; nothing when there is no log or it may not be read. */
export async function followLog(path: string | undefined): Promise<() => Promise<string>> {
  const start = path === undefined ? undefined : (await stat(path).catch(() => undefined))?.size;
  return async () => {
    if (path === undefined || start === undefined) return '';
    const file = await open(path, 'r').catch(() => undefined);
    if (!file) return '';
    try {
      const bytes = Buffer.alloc(LOG_BYTES_MAX);
      const { bytesRead } = await file.read(bytes, 0, LOG_BYTES_MAX, start);
      return bytes.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  };
}
