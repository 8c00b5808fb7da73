import { compact } from '../object/raw.ts';
import { type Cidr, cidrsOverlap, cidrText, type Ip, ipFamily, parseCidr } from '../value/ip.ts';

/** Something that a prefix must not touch, with the words for it. */
export interface PrefixNeighbour {
  readonly cidr: Cidr;
  readonly what: string;
}

const SPECIAL = compact(
  ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'].map(parseCidr),
);
/** Shorter ones are surely a mistake: an agent would take addresses for its own. */
const BITS_MIN = { 4: 8, 6: 32 } as const;

/** Says what is wrong with `-prefix` by itself; empty when nothing is. */
export function prefixFaults(prefixes: readonly Cidr[]): readonly string[] {
  if (prefixes.length === 0) return ['-prefix (L3LB_PREFIX) is required: the networks that addresses come from, for example 10.0.100.0/24'];
  return prefixes.flatMap((prefix, i) => {
    const text = cidrText(prefix);
    const min = BITS_MIN[ipFamily(prefix.address)];
    if (prefix.bits < min) return [`the prefix ${text} is shorter than /${min}`];
    if (SPECIAL.some((cidr) => cidrsOverlap(cidr, prefix))) return [`the prefix ${text} is loopback, link-local, multicast or reserved`];
    const twin = prefixes.slice(0, i).find((other) => cidrsOverlap(other, prefix));
    return twin ? [`the prefixes ${cidrText(twin)} and ${text} overlap`] : [];
  });
}

/** Says which neighbours the prefixes overlap: podCIDRs, ServiceCIDRs, networks that a node is connected to. */
export function overlapFaults(prefixes: readonly Cidr[], neighbours: readonly PrefixNeighbour[]): readonly string[] {
  return prefixes.flatMap((prefix) => {
    const near = neighbours.find(({ cidr }) => cidrsOverlap(cidr, prefix));
    return near ? [`the prefix ${cidrText(prefix)} overlaps ${cidrText(near.cidr)}, ${near.what}`] : [];
  });
}

/** The networks that the node is connected to, from its addresses: every holder of an address in one of them would answer ARP for it. */
export function connectedNetworks(
  addresses: readonly { readonly interface: string; readonly ip: Ip; readonly bits: number }[],
): readonly PrefixNeighbour[] {
  return compact(
    addresses.map((one) => {
      const cidr = one.bits < (ipFamily(one.ip) === 4 ? 32 : 128) ? parseCidr(`${one.ip}/${one.bits}`) : undefined;
      return cidr && { cidr, what: `a network that this node is connected to by ${one.interface}` };
    }),
  );
}
