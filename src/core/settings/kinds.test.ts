import { describe, expect, test } from 'bun:test';
import {
  addresses,
  cidrs,
  clientRanges,
  dnsServers,
  domain,
  type Kind,
  loadBalancerClass,
  nameServers,
  socketAddress,
  socketAddresses,
  words,
} from './kinds.ts';

/** The value as JSON, or the reason. */
function read(kind: Kind<unknown>, text: string): string {
  const value = kind.parse(text);
  return value.ok ? JSON.stringify(value.value) : value.detail;
}

describe('domain', () => {
  const longest = `${'a'.repeat(61)}.${'b'.repeat(63)}`;
  const rows: readonly [name: string, text: string, result: string][] = [
    ['is lower-cased', 'K8s.Example.COM', '"k8s.example.com"'],
    ['loses its final dot', 'minilb.', '"minilb"'],
    ['with an empty label is none', '..', 'is not a domain name: "." has the label "", which is not 1–63 letters, digits, - or _'],
    ['empty is none', '', 'is not a domain name: the name is empty'],
    ['must be a host name (RFC 1123), since it goes into status', 'my_lb', 'is not a host name: only letters, digits and - (RFC 1123)'],
    ['is no wildcard', '*.example', 'is not a host name: only letters, digits and - (RFC 1123)'],
    ['of 125 characters leaves room for <63>.<63>. in 253', longest, JSON.stringify(longest)],
  ];
  test.each(rows)('%s', (_, text, result) => expect(read(domain, text)).toBe(result));
  test('of 126 characters does not', () => {
    expect(read(domain, `${'a'.repeat(62)}.${'b'.repeat(63)}`)).toBe(
      'leaves no room for <service>.<namespace> before it: at most 125 characters',
    );
  });
});

describe('socket address', () => {
  const bad = 'is not [address]:port, for example :53, 192.168.1.5:53 or [fd00::5]:53';
  const rows: readonly [text: string, result: string][] = [
    [':53', '{"port":53}'],
    ['127.0.0.1:8053', '{"ip":"127.0.0.1","port":8053}'],
    ['[::1]:53', '{"ip":"::1","port":53}'],
    ['127.0.0.1:0', '{"ip":"127.0.0.1","port":0}'],
    ['53', bad],
    ['localhost:53', bad],
    ['::1:53', bad],
    [':65536', bad],
    ['127.0.0.1', bad],
    ['', bad],
  ];
  test.each(rows)('%s', (text, result) => expect(read(socketAddress, text)).toBe(result));
  test('several, with commas', () =>
    expect(read(socketAddresses, '10.0.0.1:53, [fd00::1]:53')).toBe('[{"ip":"10.0.0.1","port":53},{"ip":"fd00::1","port":53}]'));
  test('none is not allowed', () => expect(read(socketAddresses, '')).toBe(bad));
});

describe('lists', () => {
  const NO_SERVER = 'is not an address with or without a port, such as 192.168.1.1, 127.0.0.1:5335 or [fd00::1]:53';
  const rows: readonly [name: string, kind: Kind<unknown>, text: string, result: string][] = [
    ['an empty list', cidrs, '', '[]'],
    ['networks', cidrs, '10.0.0.0/8, fd00::/8', '[{"address":"10.0.0.0","bits":8},{"address":"fd00::","bits":8}]'],
    ['host bits are cleared', cidrs, '10.1.2.3/8', '[{"address":"10.0.0.0","bits":8}]'],
    ['a network without width', cidrs, '10.0.0.0', 'is not an address/bits such as 10.244.0.0/16'],
    ['one bad entry is named', cidrs, '10.0.0.0/8,x', 'has an entry, "x", that is not an address/bits such as 10.244.0.0/16'],
    ['addresses', addresses, '10.0.0.1,fd00::1', '["10.0.0.1","fd00::1"]'],
    ['a name server', nameServers, 'NS1.Example.=10.0.0.1', '[{"name":"ns1.example","address":"10.0.0.1"}]'],
    ['a name server without address', nameServers, 'ns1.example', 'is not a name=address such as ns1.example.com=192.168.1.5'],
    ['a wildcard is no name server', nameServers, '*.example=10.0.0.1', 'is not a name=address such as ns1.example.com=192.168.1.5'],
    [
      'DNS servers, with and without a port',
      dnsServers,
      '192.168.1.1,127.0.0.1:5335,fd00::1,[fd00::2]:54,[fd00::3]',
      '[{"ip":"192.168.1.1","port":53},{"ip":"127.0.0.1","port":5335},{"ip":"fd00::1","port":53},{"ip":"fd00::2","port":54},{"ip":"fd00::3","port":53}]',
    ],
    ['a DNS server by name', dnsServers, 'dns.example', NO_SERVER],
    ['a DNS server on port 0', dnsServers, '10.0.0.1:0', NO_SERVER],
    ['a DNS server on port 65536', dnsServers, '10.0.0.1:65536', NO_SERVER],
    ['a DNS server’s half bracket', dnsServers, '[fd00::1:53', NO_SERVER],
    [
      'client ranges, in place of the defaults and added',
      clientRanges,
      '10.0.0.0/8,+fd00::/8',
      '[{"cidr":{"address":"10.0.0.0","bits":8},"added":false},{"cidr":{"address":"fd00::","bits":8},"added":true}]',
    ],
    ['a client range without width', clientRanges, '+10.0.0.1', 'is not an address/bits such as 203.0.113.0/24, or +203.0.113.0/24'],
    ['too many', addresses, '10.0.0.1,'.repeat(257), 'has more than 256 entries'],
  ];
  test.each(rows)('%s', (_, kind, text, result) => expect(read(kind, text)).toBe(result));
});

describe('load balancer class (core/v1 ServiceSpec.loadBalancerClass)', () => {
  test.each(['minilb', 'internal-vip', 'example.com/internal-vip', 'lb.paperlb.com/paperlb-class'])('%s', (text) => {
    expect(read(loadBalancerClass, text)).toBe(JSON.stringify(text));
  });
  test.each(['', '-a', 'a b', 'a/b/c', '/a', `${'a'.repeat(64)}`])('not %p', (text) => {
    expect(read(loadBalancerClass, text)).toBe('is not a load balancer class such as minilb or example.com/minilb');
  });
});

test('words hold no control characters', () => {
  expect(read(words('file'), '/home/me/.kube/config')).toBe('"/home/me/.kube/config"');
  expect(read(words('file'), 'a\u0000b')).toBe('holds control characters');
});
