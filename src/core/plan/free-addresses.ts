import { type Cidr, cidrContains, type Ip, ipFamily } from '../value/ip.ts';
import { isHost, lastIp, nextIp } from '../value/ip-range.ts';

export interface FreeAddressOptions {
  readonly prefixes: readonly Cidr[];
  readonly reserve: readonly Cidr[];
  readonly nodeIps: ReadonlySet<Ip>;
  readonly resting: ReadonlyMap<Ip, string>;
}

/** Gives out the lowest free address each time it is asked; an address given once is not given again. */
export interface FreeAddresses {
  readonly lowest: (family: 4 | 6) => Ip | undefined;
}

/**
 * Goes through the prefixes in their order, once: reserved networks are jumped over. The first address of a network, and the last of an
 * IPv4 one, are left out: some clients take them for the network's own. Whoever wants one of them can ask for it.
 */
export function createFreeAddresses(options: FreeAddressOptions, isTaken: (ip: Ip) => boolean): FreeAddresses {
  const walks = { 4: walk(4, options, isTaken), 6: walk(6, options, isTaken) };
  return { lowest: (family) => walks[family].next().value ?? undefined };
}

function* walk(family: 4 | 6, options: FreeAddressOptions, isTaken: (ip: Ip) => boolean): Generator<Ip, undefined> {
  for (const prefix of options.prefixes) {
    if (ipFamily(prefix.address) !== family) continue;
    const last = lastIp(prefix);
    const edges = isHost(prefix) || last === nextIp(prefix.address) ? [] : [prefix.address];
    if (edges.length > 0 && family === 4) edges.push(last);
    for (let ip: Ip | undefined = prefix.address; ip !== undefined && cidrContains(prefix, ip); ip = nextIp(ip)) {
      const current: Ip = ip;
      const reserved = options.reserve.find((cidr) => cidrContains(cidr, current));
      if (reserved) ip = lastIp(reserved);
      else if (!edges.includes(current) && !options.nodeIps.has(current) && !options.resting.has(current) && !isTaken(current))
        yield current;
    }
  }
  return undefined;
}
