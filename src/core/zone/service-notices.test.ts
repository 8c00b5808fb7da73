import { describe, expect, test } from 'bun:test';
import { dnsName, points } from '../../../test/support/claim-values.ts';
import { endpoint, service, slice, testCluster } from '../../../test/support/values.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service } from '../object/service.ts';
import { parseCidr } from '../value/ip.ts';
import { createNodeFacts } from './node-facts.ts';
import { serviceNotices } from './service-notices.ts';
import { createZone } from './zone.ts';
import { serviceAliasNotices } from './zone-notices.ts';

const naming = { domain: dnsName('minilb'), services: 'all', byName: 'minilb', ownClasses: ['minilb'] } as const;
const cidr = (text: string) => parseCidr(text) ?? expect.unreachable();
const nodes = createNodeFacts([{ ...service('/n1'), podCidrs: [cidr('10.244.0.0/24')], internalIps: [] }]);
const ours = { type: 'LoadBalancer', loadBalancerClass: 'minilb', ports: [{ name: 'http', protocol: 'TCP', port: 80 }] } as const;
const at = (port: number, name = 'a', address = '10.244.0.5') =>
  slice('default/web', name, [endpoint(address)], { ports: [{ name: 'http', protocol: 'TCP', port }] });
const say = (fields: Partial<Service>, slices: readonly EndpointSlice[] = [at(80)]) =>
  serviceNotices(service('default/web', fields), slices, naming, nodes).map(({ code, text }) => `${code}: ${text}`);
const answer = (mode: string) => ({ annotations: { 'minilb/answer': mode } });

describe('what the user of a Service hears', () => {
  const rows: readonly [rule: string, service: Partial<Service>, slices: readonly EndpointSlice[], starts: readonly string[]][] = [
    ['equal ports: nothing', ours, [at(80)], []],
    [
      'a port that is another one at the pods: the one that clients must use',
      ours,
      [at(8080)],
      ['PortsDiffer: Clients of web.default.minilb must use port 8080, not 80 (http)/TCP: the name leads straight to the pods.'],
    ],
    [
      'several ports: one notice',
      { ...ours, ports: [...ours.ports, { name: 'dns', protocol: 'UDP', port: 53 }] },
      [at(8080), slice('default/web', 'b', [endpoint('10.244.0.5')], { ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] })],
      ['PortsDiffer: Clients of web.default.minilb must use port 8080, not 80 (http)/TCP; port 5353, not 53 (dns)/UDP: '],
    ],
    [
      'pods that differ among themselves',
      ours,
      [at(80), at(8080, 'b', '10.244.0.6')],
      ['PortsDiffer: Clients of web.default.minilb must use ports 80, 8080, which differ from pod to pod, not 80 (http)/TCP: '],
    ],
    ['a port that no endpoint has is no gap', ours, [], []],
    [
      'nor is one of a slice without endpoints',
      ours,
      [slice('default/web', 'a', [], { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] })],
      [],
    ],
    ['another class: its load balancer maps ports', { ...ours, loadBalancerClass: 'metallb' }, [at(8080)], []],
    ['Nodes map ports', { ...ours, ...answer('nodes') }, [at(8080)], []],
    [
      'an endpoint that no client could reach',
      ours,
      [at(80, 'a', '192.192.192.192')],
      ['UnroutableEndpoint: 192.192.192.192 lies outside every podCIDR'],
    ],
    ['an answer that is none', { ...ours, ...answer('pods') }, [at(80)], ['InvalidAnswer: minilb/answer is "pods": it must be']],
    ['minilb/ignore: silence', { ...ours, ignored: true }, [at(8080)], []],
  ];
  test.each(rows)('%s', (_, fields, slices, starts) => {
    const said = say(fields, slices);
    expect(said.map((text, i) => text.slice(0, starts[i]?.length))).toEqual([...starts]);
  });
});

describe('a Service whose name is a CNAME alone (dnsmasq and stub resolvers do not follow it)', () => {
  const rows: readonly [rule: string, service: Partial<Service>, said: readonly string[]][] = [
    ['ExternalName to a foreign name', { type: 'ExternalName', externalName: 'db.example.com' }, ['CnameOnly']],
    ['ExternalName to a name of ours is completed', { type: 'ExternalName', externalName: 'other.default.minilb' }, []],
    ['a load balancer that gives a host name', { type: 'LoadBalancer', ingress: points('lb.example.com') }, ['CnameOnly']],
    ['a load balancer that gives an address too', { type: 'LoadBalancer', ingress: points('lb.example.com', '192.0.2.1') }, []],
    ['pods', {}, []],
  ];
  test.each(rows)('%s', (_, fields, said) => {
    const cluster = testCluster();
    const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1 });
    cluster.services.set('default/other', service('default/other'));
    cluster.services.set('default/web', service('default/web', fields));
    for (const key of cluster.services.keys()) {
      cluster.sliceLists.set(key, [slice(key, 'a', [endpoint('10.244.0.5')])]);
      zone.update(cluster, key);
    }
    expect(serviceAliasNotices(zone, service('default/web', fields)).map(({ code }): string => code)).toEqual([...said]);
  });
});
