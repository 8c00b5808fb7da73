import type { ClientRange } from '../settings/kinds.ts';
import { createCidrIndex } from '../value/cidr-index.ts';
import { type Cidr, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import { PRIVATE_NETWORKS } from './upstreams.ts';

export interface ClientNetworks {
  readonly forwardClients: readonly ClientRange[];
  /** On-link networks of the addresses that are listened on. */
  readonly onLink: readonly Cidr[];
  readonly nodeIps: readonly Ip[];
}

const NODE_IPV6_BITS = 64;

/**
 * The networks whose clients are forwarded for: unless `forwardClients` replaces them, private, loopback, link-local, shared and unique
 * local ones, the on-link ones, and the /64 of each Node's IPv6 address. Anybody else would make this an open resolver (RFC 5358 §4).
 */
export function forwardNetworks({ forwardClients, onLink, nodeIps }: ClientNetworks): readonly Cidr[] {
  const listed = forwardClients.map((range) => range.cidr);
  if (forwardClients.some((range) => !range.added)) return listed;
  const nodes = nodeIps.flatMap((ip) => (ip.includes(':') ? (parseCidr(`${ip}/${NODE_IPV6_BITS}`) ?? []) : []));
  return [...PRIVATE_NETWORKS, ...onLink, ...nodes, ...listed];
}

/** Whether an address lies in any of these networks; the answer for the addresses seen lately is remembered. */
export interface AddressGate {
  readonly admits: (address: string) => boolean;
}

/** Addresses remembered; beyond that all are forgotten at once. */
export const REMEMBERED_MAX = 4_096;

export function createAddressGate(networks: readonly Cidr[]): AddressGate {
  const index = createCidrIndex(networks, (cidr) => cidr);
  const remembered = new Map<string, boolean>();
  return {
    admits(address) {
      const known = remembered.get(address);
      if (known !== undefined) return known;
      const ip = parseIp(address);
      const admitted = ip !== undefined && index.holding(ip).length > 0;
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(address, admitted);
      return admitted;
    },
  };
}
