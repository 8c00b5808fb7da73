import { networkInterfaces } from 'node:os';
import { type Cidr, parseCidr } from '../../core/value/ip.ts';

/** An address of this host that a wildcard `-listen` binds. */
export interface LocalAddress {
  /** As sockets take it: IPv6 link-local with its zone (`fe80::1%eth0`). */
  readonly address: string;
  readonly interface: string;
  /** The on-link network; absent for what the system reports without one. */
  readonly network?: Cidr;
}

/** What `os.networkInterfaces()` returns, as far as it is used. */
export type Interfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>;

interface InterfaceAddress {
  readonly address: string;
  readonly family: string | number;
  readonly cidr?: string | null;
}

/** kube-proxy's IPVS addresses and NodeLocal DNSCache's: other programs answer there. */
const FOREIGN_INTERFACES: ReadonlySet<string> = new Set(['kube-ipvs0', 'nodelocaldns']);

/**
 * The addresses on which a wildcard listens, sorted. Left out: those of kube-ipvs0 and of NodeLocal DNSCache, all of
 * 169.254/16 (node-local DNS, metadata services), `excluded` ones (addresses that minilb itself holds for Services), and IPv6
 * link-local ones of interfaces that have no other address: a node has one such for every pod.
 */
export function localAddresses(interfaces: Interfaces, excluded: ReadonlySet<string>): readonly LocalAddress[] {
  const found = new Map<string, LocalAddress>();
  for (const [label, entries = []] of Object.entries(interfaces)) {
    // IPv4 labels: eth0:1 is an address of eth0.
    const name = label.split(':')[0] ?? label;
    if (FOREIGN_INTERFACES.has(name)) continue;
    const numbered = entries.some((entry) => !isLinkLocal(entry.address));
    for (const entry of entries) {
      if (excluded.has(entry.address) || entry.address.startsWith('169.254.')) continue;
      const linkLocal = isLinkLocal(entry.address);
      if (linkLocal && !numbered) continue;
      const address = linkLocal ? `${entry.address}%${name}` : entry.address;
      const network = parseCidr(entry.cidr ?? undefined);
      found.set(address, { address, interface: name, ...(network && { network }) });
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Reads the kernel's addresses now. */
export function readInterfaces(): Interfaces {
  return networkInterfaces();
}

function isLinkLocal(address: string): boolean {
  return /^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(address);
}
