import { realpathSync } from 'node:fs';
import type { L3Lab } from './l3-lab.ts';
import { pause } from './wait.ts';

export interface TrafficReport {
  readonly attempts: number;
  /** `atMs`: wall clock of the beginning of the connection. */
  readonly failures: readonly { readonly atMs: number; readonly why: string }[];
  /** The longest that the driver itself stood still. */
  readonly stallMsMax: number;
}

const SCRIPT = realpathSync(`${import.meta.dirname}/connect-loop.ts`);
/** A driver that stood still this long says nothing about the network. */
export const STALL_MS_MAX = 250;
const SETTLE_MS = 500;

/** Opens a connection every 10 ms from the client through the router while `body` runs, and half a second before and after. */
export async function withTraffic(lab: L3Lab, address: string, body: () => Promise<void>): Promise<TrafficReport> {
  const child = Bun.spawn(['ip', 'netns', 'exec', lab.client.name, process.execPath, SCRIPT, address, '80'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await pause(SETTLE_MS);
    await body();
    await pause(SETTLE_MS);
  } finally {
    child.kill('SIGTERM');
  }
  const text = await child.stdout.text();
  return JSON.parse(text) as TrafficReport;
}

/** The same, twice when the driver stalled and something failed. Returns the failures. */
export async function failuresDuring(lab: L3Lab, address: string, body: () => Promise<void>): Promise<TrafficReport['failures']> {
  const first = await withTraffic(lab, address, body);
  if (first.failures.length === 0 || first.stallMsMax < STALL_MS_MAX) return first.failures;
  return (await withTraffic(lab, address, body)).failures;
}
