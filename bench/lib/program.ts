import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The compiled program under measurement. */
export interface Program {
  readonly pid: number;
  readonly dnsPort: number;
  readonly healthPort: number;
  /** Milliseconds (monotonic) when it was started. */
  readonly startedAt: number;
  readonly stop: () => Promise<void>;
}

export const BINARY = join(import.meta.dir, '../../dist/minilb');

/** Starts `dist/minilb dns` on loopback, after the words `before` (`taskset`, `env`); its log goes to `logFile`. */
export async function startProgram(
  kubeconfig: string,
  logFile: string,
  extra: readonly string[] = [],
  before: readonly string[] = [],
): Promise<Program> {
  const dnsPort = await freeUdpPort();
  const healthPort = await freeUdpPort();
  const startedAt = performance.now();
  const child = Bun.spawn(
    [
      ...before,
      BINARY,
      'dns',
      '-kubeconfig',
      kubeconfig,
      '-listen',
      `127.0.0.1:${dnsPort}`,
      '-health',
      `127.0.0.1:${healthPort}`,
      '-lameduck',
      '0',
      ...extra,
    ],
    { stdout: 'ignore', stderr: Bun.file(logFile) },
  );
  const stop = async () => {
    child.kill('SIGTERM');
    await child.exited;
  };
  return { pid: child.pid, dnsPort, healthPort, startedAt, stop };
}

export interface ProcessFigures {
  /** Resident memory and its peak, megabytes (10^6 bytes). */
  readonly rssMb: number;
  readonly peakMb: number;
  /** CPU since its start, milliseconds; of all threads, and steps of 10 ms. */
  readonly userMs: number;
  readonly kernelMs: number;
}

export function readProcess(pid: number): ProcessFigures {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (key: string) => (Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { rssMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM'), userMs: Number(stat[11]) * 10, kernelMs: Number(stat[12]) * 10 };
}

/** Forgets the peak so far (proc_pid_clear_refs(5)). */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Nanoseconds of CPU that all threads of a process have had: finer than the clock ticks of `readProcess`. */
export function cpuNanoseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

/** Datagrams that the kernel dropped on this local UDP port, from /proc/net/udp. */
export function udpDrops(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const line = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((each) => each.includes(`:${hex} `));
  return Number(line?.trim().split(/\s+/).at(-1) ?? 0);
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  const port = await new Promise<number>((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)));
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
