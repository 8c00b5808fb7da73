import { type Cidr, cidrText, type Ip, ipFamily, parseCidr } from './ip.ts';

/** Which of many networks hold an address: one look-up for each prefix length in use instead of one comparison for each network. */
export interface CidrIndex<T> {
  /** Values of the networks that hold `ip` and are no narrower than `bitsMax` (default: any), widest first. */
  readonly holding: (ip: Ip, bitsMax?: number) => readonly T[];
}

export function createCidrIndex<T>(items: readonly T[], cidrOf: (item: T) => Cidr): CidrIndex<T> {
  const byNet = new Map<string, T[]>();
  const widths = { 4: new Set<number>(), 6: new Set<number>() };
  for (const item of items) {
    const cidr = cidrOf(item);
    const key = cidrText(cidr);
    const same = byNet.get(key);
    if (same) same.push(item);
    else byNet.set(key, [item]);
    widths[ipFamily(cidr.address)].add(cidr.bits);
  }
  const sorted = { 4: [...widths[4]].sort((a, b) => a - b), 6: [...widths[6]].sort((a, b) => a - b) };
  return {
    holding: (ip, bitsMax = 128) =>
      sorted[ipFamily(ip)].flatMap((bits) => {
        const net = bits <= bitsMax ? parseCidr(`${ip}/${bits}`) : undefined;
        return (net && byNet.get(cidrText(net))) ?? [];
      }),
  };
}
