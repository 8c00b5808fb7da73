import { type DnsName, nameToWire } from '../value/dns-name.ts';
import { hashWireName, type Query } from '../wire/query.ts';

/** Names, each with all below it. */
export interface NameSet {
  /** True when the name asked for is one of them or below one. */
  readonly covers: (query: Query) => boolean;
}

export function createNameSet(names: readonly string[]): NameSet {
  const byHash = Map.groupBy(
    names.map((name) => nameToWire(name as DnsName)),
    (wire) => hashWireName(wire),
  );
  const ends = (query: Query, label: number, wire: Uint8Array) => {
    const start = query.offsets[label] as number;
    return query.nameLength - start === wire.length && wire.every((byte, i) => byte === query.name[start + i]);
  };
  return {
    covers(query) {
      for (let label = 0; label < query.labels; label++)
        if (byHash.get(query.hashes[label] as number)?.some((wire) => ends(query, label, wire))) return true;
      return false;
    },
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const NIBBLES_OF_ZERO = '0.'.repeat(31);

/**
 * Reverse zones of addresses that mean something here only: asking public servers about them tells strangers our addresses and burdens
 * AS112 (RFC 6303 §4; RFC 7793 for 100.64/10).
 */
export const PRIVATE_REVERSE = createNameSet([
  '10.in-addr.arpa',
  ...range(16, 31).map((n) => `${n}.172.in-addr.arpa`),
  '168.192.in-addr.arpa',
  ...range(64, 127).map((n) => `${n}.100.in-addr.arpa`),
  '0.in-addr.arpa',
  '127.in-addr.arpa',
  '254.169.in-addr.arpa',
  '2.0.192.in-addr.arpa',
  '100.51.198.in-addr.arpa',
  '113.0.203.in-addr.arpa',
  '255.255.255.255.in-addr.arpa',
  `0.${NIBBLES_OF_ZERO}ip6.arpa`,
  `1.${NIBBLES_OF_ZERO}ip6.arpa`,
  'd.f.ip6.arpa',
  ...['8', '9', 'a', 'b'].map((nibble) => `${nibble}.e.f.ip6.arpa`),
  '8.b.d.0.1.0.0.2.ip6.arpa',
]);

/**
 * Names whose absence keeps browsers and Apple devices on the network's resolver: Firefox's canary for DNS over HTTPS, and iCloud Private
 * Relay's servers. Pi-hole answers them the same way.
 */
export const BYPASSES = createNameSet(['use-application-dns.net', 'mask.icloud.com', 'mask-h2.icloud.com']);
