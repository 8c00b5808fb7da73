import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { cidrContains, cidrsOverlap, cidrText, type Ip, ipBytes, ipFamily, ipFromBytes, parseCidr, parseIp } from './ip.ts';

const addresses: readonly [name: string, text: unknown, canonical: string | undefined][] = [
  ['dotted decimal is kept', '10.244.0.5', '10.244.0.5'],
  ['a leading zero is refused: some parsers read octal', '10.244.0.05', undefined],
  ['an octet over 255 is refused', '10.244.0.256', undefined],
  ['three octets are refused', '10.244.0', undefined],
  ['IPv6 is lower case without leading zeros (RFC 5952 §4.1, §4.3)', '2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['the first of two equal runs is shortened (RFC 5952 §4.2.3)', '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['a single zero group is not shortened (RFC 5952 §4.2.2)', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['the unspecified address', '0:0:0:0:0:0:0:0', '::'],
  ['an IPv4-mapped address is the IPv4 address', '::ffff:10.0.0.1', '10.0.0.1'],
  ['an IPv4-mapped address in hexadecimal too', '::ffff:a00:1', '10.0.0.1'],
  ['an embedded IPv4 address counts as two groups', '64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['a zone id is refused', 'fe80::1%eth0', undefined],
  ['two :: are refused', '1::2::3', undefined],
  [':: that stands for no group is refused', '1:2:3:4:5:6:7::8', undefined],
  ['nine groups are refused', '1:2:3:4:5:6:7:8:9', undefined],
  ['a port is refused', '10.0.0.1:80', undefined],
  ['brackets are refused', '[::1]', undefined],
  ['white space is refused', ' 10.0.0.1', undefined],
  ['the empty text is refused', '', undefined],
  ['a number is refused', 10, undefined],
];

describe('address', () => {
  test.each(addresses)('%s', (_, text, canonical) => {
    expect(parseIp(text) as string | undefined).toBe(canonical);
  });

  test('bytes and text name the same address, both ways', () => {
    const bytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    fc.assert(
      fc.property(bytes, (value) => {
        const ip = ipFromBytes(value);
        expect(parseIp(ip)).toBe(ip);
        expect(ipFromBytes(ipBytes(ip))).toBe(ip);
        expect(ipBytes(ip).length).toBe(ipFamily(ip) === 4 ? 4 : 16);
      }),
    );
  });
});

const cidrs: readonly [name: string, text: unknown, canonical: string | undefined][] = [
  ['a network is kept', '10.244.0.0/24', '10.244.0.0/24'],
  ['host bits are cleared', '10.244.0.77/24', '10.244.0.0/24'],
  ['host bits are cleared inside an octet', '10.244.7.0/22', '10.244.4.0/22'],
  ['everything', '0.0.0.0/0', '0.0.0.0/0'],
  ['IPv6', 'fd00:10:244:1::/64', 'fd00:10:244:1::/64'],
  ['a width over 32 is refused for IPv4', '10.0.0.0/33', undefined],
  ['a width over 128 is refused', '::/129', undefined],
  ['no width is refused', '10.0.0.0', undefined],
  ['a sign is refused', '10.0.0.0/+8', undefined],
];

describe('network', () => {
  test.each(cidrs)('%s', (_, text, canonical) => {
    const cidr = parseCidr(text);
    expect(cidr && cidrText(cidr)).toBe(canonical);
  });

  const inside: readonly [cidr: string, ip: string, contains: boolean][] = [
    ['10.244.0.0/24', '10.244.0.255', true],
    ['10.244.0.0/24', '10.244.1.0', false],
    ['10.244.4.0/22', '10.244.7.9', true],
    ['10.244.4.0/22', '10.244.8.0', false],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['fd00::/8', 'fdff::1', true],
    ['10.0.0.1/32', '10.0.0.1', true],
  ];
  test.each(inside)('%s holds %s: %p', (cidr, ip, contains) => {
    expect(cidrContains(parseCidr(cidr) ?? fail(), parseIp(ip) ?? fail())).toBe(contains);
  });

  test('overlap does not depend on the order', () => {
    const [wide, narrow, other] = ['10.0.0.0/8', '10.244.0.0/16', '11.0.0.0/8'].map((text) => parseCidr(text) ?? fail());
    if (!wide || !narrow || !other) return fail();
    expect([cidrsOverlap(wide, narrow), cidrsOverlap(narrow, wide), cidrsOverlap(wide, other)]).toEqual([true, true, false]);
  });
});

function fail(): never {
  throw new Error('the table is wrong');
}

test('an Ip that did not come from parseIp is a broken invariant', () => {
  expect(() => ipBytes('nonsense' as Ip)).toThrow('not an address');
});
