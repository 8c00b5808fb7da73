import { describe, expect, test } from 'bun:test';
import { ip, service } from '../../../test/support/values.ts';
import { addressesByRoute } from './addresses-by-route.ts';
import type { Service } from './service.ts';

const rows: readonly [rule: string, given: Partial<Service>, held: readonly string[]][] = [
  [
    'of our class, both families',
    { loadBalancerClass: 'minilb-l3', ingress: [{ ip: ip('10.0.100.1') }, { ip: ip('fd00::1') }] },
    ['10.0.100.1', 'fd00::1'],
  ],
  ['without a class, asked for', { ingress: [{ ip: ip('10.0.100.1') }], requestedIps: [ip('10.0.100.1')] }, ['10.0.100.1']],
  ['without a class, not asked for: somebody else’s', { ingress: [{ ip: ip('10.0.100.1') }] }, []],
  ['of another class: MetalLB answers ARP itself', { loadBalancerClass: 'metallb', ingress: [{ ip: ip('10.0.100.1') }] }, []],
  ['a Node’s own address, as ServiceLB writes it', { ingress: [{ ip: ip('192.168.1.30') }], requestedIps: [ip('192.168.1.30')] }, []],
  ['a host name is no address', { loadBalancerClass: 'minilb-l3', ingress: [{ hostname: 'web.default.minilb' }] }, []],
  ['what is no load balancer any more', { type: 'ClusterIP', loadBalancerClass: 'minilb-l3', ingress: [{ ip: ip('10.0.100.1') }] }, []],
];

describe('addresses that minilb l3 holds, which a wildcard -listen must not take', () => {
  test.each(rows)('%s', (_, given, held) => {
    const services = [service('default/web', { type: 'LoadBalancer', ...given })];
    expect([...addressesByRoute(services, new Set([ip('192.168.1.30')]))]).toEqual(held.map(ip));
  });
});
