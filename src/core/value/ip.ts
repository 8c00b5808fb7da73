declare const ipBrand: unique symbol;

/** An address in canonical text: dotted decimal, or RFC 5952 for IPv6. Never IPv4-mapped, never with a zone id. */
export type Ip = string & { readonly [ipBrand]: true };

/** A network in canonical form: host bits are zero. */
export interface Cidr {
  readonly address: Ip;
  readonly bits: number;
}

/** Parses an address; `undefined` for anything else (zone ids, leading zeros and ports included). `::ffff:a.b.c.d` becomes `a.b.c.d`. */
export function parseIp(text: unknown): Ip | undefined {
  if (typeof text !== 'string' || text.length > 45) return undefined;
  // There is one way to write an IPv4 address: the text is canonical as it is.
  if (!text.includes(':')) return parseIpv4(text) < 0 ? undefined : (text as Ip);
  const bytes = parseIpv6(text);
  return bytes && ipFromBytes(bytes);
}

/** An IPv4 address as a 32-bit number in network order. Makes no garbage: lists hold tens of thousands. */
export function ipv4Word(ip: Ip): number {
  return parseIpv4(ip);
}

export function ipFamily(ip: Ip): 4 | 6 {
  return ip.includes(':') ? 6 : 4;
}

/** The address in network order: 4 or 16 bytes. */
export function ipBytes(ip: Ip): Uint8Array {
  const bytes = ip.includes(':') ? parseIpv6(ip) : ipv4Bytes(ip);
  if (!bytes) throw new Error(`not an address: ${ip}`);
  return bytes;
}

/** Canonical text of 4 or 16 bytes in network order; IPv4-mapped ones become IPv4. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ip;
  if (isMapped(bytes)) return bytes.subarray(12).join('.') as Ip;
  return formatIpv6(bytes) as Ip;
}

/** Parses `address/bits` and clears the host bits; `undefined` for anything else. */
export function parseCidr(text: unknown): Cidr | undefined {
  if (typeof text !== 'string') return undefined;
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const width = text.slice(slash + 1);
  if (!ip || !/^\d{1,3}$/.test(width)) return undefined;
  const bits = Number(width);
  if (bits > (ipFamily(ip) === 4 ? 32 : 128)) return undefined;
  return { address: maskIp(ip, bits), bits };
}

export function cidrText(cidr: Cidr): string {
  return `${cidr.address}/${cidr.bits}`;
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (ipFamily(cidr.address) !== ipFamily(ip)) return false;
  const a = ipBytes(cidr.address);
  const b = ipBytes(ip);
  const whole = cidr.bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = cidr.bits & 7;
  return rest === 0 || ((a[whole] ?? 0) ^ (b[whole] ?? 0)) >> (8 - rest) === 0;
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.bits <= b.bits ? cidrContains(a, b.address) : cidrContains(b, a.address);
}

function maskIp(ip: Ip, bits: number): Ip {
  const bytes = ipBytes(ip);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.max(0, Math.min(8, bits - i * 8));
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - keep));
  }
  return ipFromBytes(bytes);
}

/** Dotted decimal without leading zeros as a 32-bit number; -1 for anything else. */
function parseIpv4(text: string): number {
  let word = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i <= text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      if (octet === 0) return -1;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return -1;
    } else {
      if (octet < 0 || (i < text.length && (digit !== -2 || ++dots > 3))) return -1;
      word = word * 256 + octet;
      octet = -1;
    }
  }
  return dots === 3 ? word : -1;
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const word = parseIpv4(text);
  return word < 0 ? undefined : Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  });
  return bytes;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = i === parts.length - 1 ? ipv4Bytes(part) : undefined;
      if (!v4) return undefined;
      groups.push(((v4[0] ?? 0) << 8) | (v4[1] ?? 0), ((v4[2] ?? 0) << 8) | (v4[3] ?? 0));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
