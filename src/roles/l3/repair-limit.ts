import type { NodeAddressPlan } from '../../core/plan/node-addresses.ts';
import type { Ip } from '../../core/value/ip.ts';
import type { Clock } from '../../shell/system/clock.ts';

/** Keeps minilb from fighting over an address: what somebody takes away is put back a few times a minute, and not more. */
export interface RepairLimit {
  readonly windowMs: number;
  /** The plan without additions that would be one repair too many. */
  readonly limit: (plan: NodeAddressPlan) => NodeAddressPlan;
  /** Remembers what was applied; returns how many of the additions were repairs. */
  readonly note: (plan: NodeAddressPlan) => number;
}

const REPAIRS_MAX = 10;
const WINDOW_MS = 60_000;

export function createRepairLimit(clock: Clock): RepairLimit {
  /** Addresses that we have put there and not taken away, with the times of their repairs. */
  const placed = new Map<Ip, readonly number[]>();
  const recent = (ip: Ip) => (placed.get(ip) ?? []).filter((at) => at > clock.now() - WINDOW_MS);
  return {
    windowMs: WINDOW_MS,
    limit: (plan) => ({ ...plan, add: plan.add.filter((ip) => recent(ip).length < REPAIRS_MAX) }),
    note: (plan) => {
      const repaired = plan.add.filter((ip) => placed.has(ip));
      for (const ip of plan.remove) placed.delete(ip);
      for (const ip of [...plan.add, ...plan.hold]) if (!placed.has(ip)) placed.set(ip, []);
      for (const ip of repaired) placed.set(ip, [...recent(ip), clock.now()]);
      return repaired.length;
    },
  };
}
