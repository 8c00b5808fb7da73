import type { Node } from '../object/node.ts';
import { type CidrIndex, createCidrIndex } from '../value/cidr-index.ts';
import { type Cidr, cidrText, type Ip, ipFamily, parseCidr } from '../value/ip.ts';

/** What names depend on in Nodes. */
export interface NodeFacts {
  /** Equal keys mean equal facts: a Node's heartbeat changes nothing. */
  readonly key: string;
  readonly known: boolean;
  readonly internalIps: (nodeName: string) => readonly Ip[];
  readonly isNodeIp: (ip: Ip) => boolean;
  /** The podCIDRs that hold an address, widest first. */
  readonly podCidrs: CidrIndex<Cidr>;
  readonly allPodCidrs: readonly Cidr[];
  /** True for an address inside a podCIDR or a Node's own network: what a client that has the routes can reach. */
  readonly isReachable: (ip: Ip) => boolean;
}

/** The network around a Node's address is not in the API: taken as wide as networks at home and in racks mostly are. */
const NODE_NETWORK_BITS = { 4: 24, 6: 64 };

export function createNodeFacts(nodes: readonly Node[]): NodeFacts {
  const ips = new Map(nodes.map((node) => [node.name, node.internalIps]));
  const nodeIps = new Set(nodes.flatMap((node) => node.internalIps));
  const allPodCidrs = nodes.flatMap((node) => node.podCidrs);
  const podCidrs = createCidrIndex(allPodCidrs, (cidr) => cidr);
  const networks = createCidrIndex(
    [...nodeIps].flatMap((ip) => parseCidr(`${ip}/${NODE_NETWORK_BITS[ipFamily(ip)]}`) ?? []),
    (cidr) => cidr,
  );
  return {
    key: keyOfNodes(nodes),
    known: nodes.length > 0,
    internalIps: (nodeName) => ips.get(nodeName) ?? [],
    isNodeIp: (ip) => nodeIps.has(ip),
    podCidrs,
    allPodCidrs,
    isReachable: (ip) => podCidrs.holding(ip).length > 0 || networks.holding(ip).length > 0,
  };
}

/** See `NodeFacts.key`. */
export function keyOfNodes(nodes: readonly Node[]): string {
  const lines = nodes.map((node) => `${node.name} ${node.podCidrs.map(cidrText)} ${node.internalIps}`);
  return lines.sort().join('\n');
}
