import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Node } from '../object/node.ts';
import { type Cidr, cidrContains, type Ip, ipFamily } from '../value/ip.ts';

/** For a Node's name: the ready pod addresses on it that lie outside its podCIDRs. */
export type RouteEvidence = ReadonlyMap<string, readonly Ip[]>;

const SAMPLES_MAX = 3;

/**
 * Looks for ready endpoints that prove podCIDRs wrong: the CNI gives out addresses of its own (Calico; Cilium's cluster-pool, where
 * Node.spec.podCIDRs says something else). Pods with hostNetwork, whose address is a Node's, prove nothing, and neither does an address
 * of a family that the Node has no podCIDR of. At most three addresses a Node and family are kept, the smallest as text.
 */
export function findOutsideEndpoints(
  nodes: readonly Node[],
  cidrsOf: (node: Node) => readonly Cidr[],
  slices: Iterable<EndpointSlice>,
): RouteEvidence {
  const tests = new Map(nodes.map((node) => [node.name, { 4: insideTest(cidrsOf(node), 4), 6: insideTest(cidrsOf(node), 6) }]));
  const nodeIps = new Set(nodes.flatMap((node) => node.internalIps));
  const found = new Map<string, Ip[]>();
  for (const slice of slices) {
    for (const { address, ready, nodeName } of slice.endpoints) {
      if (!ready || nodeName === '' || nodeIps.has(address)) continue;
      const inside = tests.get(nodeName)?.[slice.family];
      if (inside && !inside(address)) keepSample(found, nodeName, address);
    }
  }
  return found;
}

function keepSample(found: Map<string, Ip[]>, nodeName: string, address: Ip): void {
  const samples = found.get(nodeName) ?? [];
  if (samples.includes(address)) return;
  const family = ipFamily(address);
  const same = [...samples.filter((ip) => ipFamily(ip) === family), address].sort().slice(0, SAMPLES_MAX);
  found.set(nodeName, [...samples.filter((ip) => ipFamily(ip) !== family), ...same]);
}

/** Undefined without a CIDR of the family. IPv4 goes by numbers: with 50,000 endpoints the general test would stall queries. */
function insideTest(cidrs: readonly Cidr[], family: 4 | 6): ((ip: Ip) => boolean) | undefined {
  const own = cidrs.filter((cidr) => ipFamily(cidr.address) === family);
  if (own.length === 0) return undefined;
  if (family === 6) return (ip) => own.some((cidr) => cidrContains(cidr, ip));
  const nets = own.map(({ address, bits }) => ({ first: ipv4Number(address), size: 2 ** (32 - bits) }));
  return (ip) => {
    const number = ipv4Number(ip);
    return nets.some((net) => number >= net.first && number < net.first + net.size);
  };
}

function ipv4Number(ip: Ip): number {
  let number = 0;
  let part = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === 46) {
      number = number * 256 + part;
      part = 0;
    } else part = part * 10 + code - 48;
  }
  return number * 256 + part;
}
