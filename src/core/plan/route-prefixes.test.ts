import { describe, expect, test } from 'bun:test';
import { cidr } from '../../../test/support/route-values.ts';
import { ip } from '../../../test/support/values.ts';
import { connectedNetworks, overlapFaults, prefixFaults } from './route-prefixes.ts';

const rows: readonly [name: string, prefixes: readonly string[], fault: RegExp | undefined][] = [
  ['both families', ['10.0.100.0/24', 'fd00:100::/64'], undefined],
  ['none at all: L3LB_PREFIX is required', [], /required/],
  ['wider than /8', ['0.0.0.0/0'], /shorter than \/8/],
  ['wider than /32 (IPv6)', ['2000::/3'], /shorter than \/32/],
  ['loopback', ['127.1.0.0/16'], /reserved/],
  ['multicast', ['239.0.0.0/8'], /reserved/],
  ['link-local', ['fe80::/64'], /reserved/],
  ['one inside the other', ['10.0.0.0/8', '10.0.100.0/24'], /overlap/],
];

describe('-prefix by itself', () => {
  test.each(rows)('%s', (_, prefixes, fault) => {
    const text = prefixFaults(prefixes.map(cidr)).join('; ');
    if (fault) expect(text).toMatch(fault);
    else expect(text).toBe('');
  });
});

test('networks that the node is connected to: by addresses of a network, not by /32 and /128', () => {
  const connected = connectedNetworks([
    { interface: 'eth0', ip: ip('192.168.1.30'), bits: 24 },
    { interface: 'lo', ip: ip('10.0.100.1'), bits: 32 },
    { interface: 'lo', ip: ip('fd00:100::1'), bits: 128 },
  ]);
  expect(overlapFaults([cidr('10.0.100.0/24'), cidr('fd00:100::/64')], connected)).toEqual([]);
  expect(overlapFaults([cidr('192.168.1.128/25')], connected)).toEqual([
    'the prefix 192.168.1.128/25 overlaps 192.168.1.0/24, a network that this node is connected to by eth0',
  ]);
});
