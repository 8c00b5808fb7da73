import { join } from 'node:path';
import { run } from '../../test/support/child.ts';
import { readProcess } from './program.ts';

/** The server under load has one core, the load the other: as on a box where somebody else works too. */
export const SERVER_CORE = ['taskset', '-c', '0'];
const LOAD_CORE = ['taskset', '-c', '1'];
const CLIENTS = 4;
const IN_FLIGHT = 100;

export interface LoadOptions {
  readonly port: number;
  /** File of `name type` lines. */
  readonly names: string;
  readonly seconds: number;
  readonly transport?: 'udp' | 'tcp';
  /** Queries a second; as many as it takes when absent. */
  readonly rate?: number;
  /** Also the time each query took. Costs dnsperf so much that it only goes with a `rate`. */
  readonly times?: boolean;
}

export interface Load {
  readonly sent: number;
  readonly lost: number;
  readonly perSecond: number;
  /** Milliseconds, sorted; empty without `times`. */
  readonly timesMs: readonly number[];
  /** Rcodes that came other than NOERROR. */
  readonly wrong: boolean;
}

/** Drives a server on loopback with dnsperf. */
export async function drive(options: LoadOptions): Promise<Load> {
  const { port, names, seconds, transport = 'udp', rate, times = false } = options;
  const words = [
    '-s',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-d',
    names,
    '-c',
    `${CLIENTS}`,
    '-q',
    `${IN_FLIGHT}`,
    '-l',
    `${seconds}`,
    '-m',
    transport,
  ];
  const text = await run([...LOAD_CORE, 'dnsperf', ...words, ...(rate ? ['-Q', `${rate}`] : []), ...(times ? ['-v'] : [])]);
  const figure = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(text)?.[1] ?? Number.NaN);
  const timesMs = [...text.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm)].map((match) => Number(match[1]) * 1000);
  return {
    sent: figure('Queries sent'),
    lost: figure('Queries lost'),
    perSecond: figure('Queries per second'),
    timesMs: timesMs.sort((a, b) => a - b),
    wrong: !/Response codes:\s+NOERROR \d+ \(100\.00%\)/.test(text),
  };
}

export interface Cost extends Load {
  /** User and kernel microseconds of CPU the server spent on one query. */
  readonly userUs: number;
  readonly kernelUs: number;
}

/** Drives a server and measures the CPU it took for it. */
export async function driveAndMeasure(pid: number, options: LoadOptions): Promise<Cost> {
  const before = readProcess(pid);
  const load = await drive(options);
  const after = readProcess(pid);
  const answered = load.sent - load.lost;
  return {
    ...load,
    userUs: ((after.userMs - before.userMs) * 1000) / answered,
    kernelUs: ((after.kernelMs - before.kernelMs) * 1000) / answered,
  };
}

/** The round that cost least: what others on the machine take is only ever added. */
export function leastOf(costs: readonly Cost[]): Cost {
  return costs.reduce((least, cost) => (cost.userUs + cost.kernelUs < least.userUs + least.kernelUs ? cost : least));
}

/** Writes the questions, in an order that caches cannot guess, and returns the file's path. */
export async function writeNames(folder: string, names: readonly string[]): Promise<string> {
  const path = join(folder, `names-${names.length}.txt`);
  const stride = 7919;
  const lines = names.map((_, i) => `${names[(i * stride) % names.length]} A`);
  await Bun.write(path, `${lines.join('\n')}\n`);
  return path;
}

export function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
