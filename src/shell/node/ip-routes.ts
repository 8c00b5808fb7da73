import { asArray, asObject, asString, compact } from '../../core/object/raw.ts';
import { type HeldPlan, type HeldRoute, heldRouteBatch } from '../../core/plan/held-routes.ts';
import { connectedNetworks } from '../../core/plan/route-prefixes.ts';
import { type Cidr, type Ip, ipFamily, parseCidr, parseIp } from '../../core/value/ip.ts';
import { ok, type Result } from '../../core/value/result.ts';
import type { RunProcess } from '../system/run-process.ts';
import { toGateways, toNodeState } from './ip-addresses.ts';
import { createIpCommand, type IpErrorCode, type RefusedLine } from './ip-command.ts';

export interface KernelRoutes {
  /** Routes of the main table that bear the mark. */
  readonly held: readonly HeldRoute[];
  /** Connected networks, and the machine's own addresses and default gateways as networks of one address. */
  readonly reserved: readonly Cidr[];
}

/** The routes of this network namespace with one `proto` number, through iproute2. */
export interface NodeRoutes {
  readonly read: (signal: AbortSignal) => Promise<Result<KernelRoutes, IpErrorCode>>;
  /** Returns what the kernel refused, in the words of `ip`, by its place in `[...remove, ...add]`. */
  readonly apply: (plan: Pick<HeldPlan, 'add' | 'remove'>, signal: AbortSignal) => Promise<Result<readonly RefusedLine[], IpErrorCode>>;
}

export function createNodeRoutes(run: RunProcess, protocol: number): NodeRoutes {
  const ip = createIpCommand(run);
  return {
    read: async (signal) => {
      const links = await ip.json(['address', 'show'], signal);
      if (!links.ok) return links;
      const held: HeldRoute[] = [];
      const gateways: Ip[] = [];
      for (const family of ['-4', '-6']) {
        const own = await ip.json([family, 'route', 'show', 'table', 'main', 'proto', String(protocol)], signal);
        if (!own.ok) return own;
        const ways = await ip.json([family, 'route', 'show', 'default'], signal);
        if (!ways.ok) return ways;
        held.push(...compact(asArray(own.value).map((raw) => toHeldRoute(raw, family))));
        gateways.push(...toGateways(ways.value));
      }
      const { addresses } = toNodeState(links.value);
      const hosts = [...addresses.map((one) => one.ip), ...gateways].map((one) => ({ address: one, bits: ipFamily(one) === 4 ? 32 : 128 }));
      return ok({ held, reserved: [...connectedNetworks(addresses).map(({ cidr }) => cidr), ...hosts] });
    },
    apply: async (plan, signal) => {
      const lines = heldRouteBatch(plan, protocol);
      return lines.length === 0 ? ok([]) : ip.batch(lines, signal);
    },
  };
}

/** Projects an entry of `ip -j route show`: a host's is written without bits, everything as `default`. */
function toHeldRoute(raw: unknown, family: string): HeldRoute | undefined {
  const route = asObject(raw);
  const dst = asString(route?.['dst']) ?? '';
  const everything = family === '-4' ? '0.0.0.0/0' : '::/0';
  const cidr = parseCidr(dst === 'default' ? everything : dst.includes('/') ? dst : `${dst}/${family === '-4' ? 32 : 128}`);
  const via = parseIp(route?.['gateway']);
  const device = asString(route?.['dev']);
  return cidr && { cidr, ...(via && { via }), ...(device !== undefined && { device }) };
}
