import { type Cidr, type Ip, ipBytes, ipFamily, ipFromBytes } from './ip.ts';

/** The address after this one; undefined after the last of its family. */
export function nextIp(ip: Ip): Ip | undefined {
  const bytes = ipBytes(ip);
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = ((bytes[i] ?? 0) + 1) & 0xff;
    if (bytes[i] !== 0) return ipFromBytes(bytes);
  }
  return undefined;
}

/** The last address of a network. */
export function lastIp({ address, bits }: Cidr): Ip {
  const bytes = ipBytes(address);
  for (let i = 0; i < bytes.length; i++) {
    const host = 8 - Math.max(0, Math.min(8, bits - i * 8));
    bytes[i] = (bytes[i] ?? 0) | ((1 << host) - 1);
  }
  return ipFromBytes(bytes);
}

/** Whether a network is a single address. */
export function isHost({ address, bits }: Cidr): boolean {
  return bits === (ipFamily(address) === 4 ? 32 : 128);
}
