import { asArray, asInteger, asObject, asString, compact } from '../../core/object/raw.ts';
import { renderAddressBatch } from '../../core/plan/address-batch.ts';
import type { HeldAddress, NodeAddressPlan } from '../../core/plan/node-addresses.ts';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';
import { createIpCommand, type IpErrorCode } from './ip-command.ts';

export interface NodeState {
  readonly addresses: readonly HeldAddress[];
  readonly interfaces: readonly string[];
}

export interface BatchOutcome {
  /** Lines that the kernel refused; the others were done all the same. */
  readonly failed: number;
  /** What `ip` said of the first of them. */
  readonly detail: string;
}

/** The addresses of this network namespace, through iproute2. */
export interface NodeAddresses {
  readonly read: (signal: AbortSignal) => Promise<Result<NodeState, IpErrorCode>>;
  /** Next hops of default routes, both families. */
  readonly gateways: (signal: AbortSignal) => Promise<Result<readonly Ip[], IpErrorCode>>;
  readonly apply: (
    plan: Pick<NodeAddressPlan, 'add' | 'adopt' | 'remove'>,
    signal: AbortSignal,
  ) => Promise<Result<BatchOutcome, IpErrorCode>>;
}

/** Reads with `ip -j` and writes with one `ip -force -batch -`. */
export function createNodeAddresses(run: RunProcess, device: string): NodeAddresses {
  const ip = createIpCommand(run);
  return {
    read: async (signal) => {
      const links = await ip.json(['address', 'show'], signal);
      return links.ok ? ok(toNodeState(links.value)) : links;
    },
    gateways: async (signal) => {
      const v4 = await ip.json(['-4', 'route', 'show', 'default'], signal);
      const v6 = await ip.json(['-6', 'route', 'show', 'default'], signal);
      if (!v4.ok) return v4;
      if (!v6.ok) return v6;
      return ok([...toGateways(v4.value), ...toGateways(v6.value)]);
    },
    apply: async (plan, signal) => {
      const refused = await ip.batch(renderAddressBatch(plan, device).split('\n').slice(0, -1), signal);
      return refused.ok ? ok({ failed: refused.value.length, detail: refused.value[0]?.detail ?? '' }) : refused;
    },
  };
}

/** Projects the output of `ip -j route show default`. */
export function toGateways(raw: unknown): readonly Ip[] {
  const hops = asArray(raw).flatMap((route) => [
    asObject(route)?.['gateway'],
    ...asArray(asObject(route)?.['nexthops']).map((hop) => asObject(hop)?.['gateway']),
  ]);
  return compact(hops.map(parseIp));
}

/** Projects the output of `ip -j address show`; entries that do not parse are left out. */
export function toNodeState(raw: unknown): NodeState {
  const links = compact(asArray(raw).map(asObject));
  return {
    interfaces: compact(links.map((link) => asString(link['ifname']))),
    addresses: links.flatMap((link) =>
      compact(asArray(link['addr_info']).map((info) => toHeldAddress(asString(link['ifname']) ?? '', info))),
    ),
  };
}

function toHeldAddress(device: string, raw: unknown): HeldAddress | undefined {
  const info = asObject(raw);
  const ip = parseIp(info?.['local']);
  const bits = asInteger(info?.['prefixlen'], 0, 128);
  if (!ip || bits === undefined) return undefined;
  return { interface: device, ip, bits, metric: asInteger(info?.['metric'], 0, 0xffff_ffff) ?? 0 };
}
