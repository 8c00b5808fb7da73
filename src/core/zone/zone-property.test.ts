import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { dnsName, gateway, ingress, listener, parent, points, route } from '../../../test/support/claim-values.ts';
import { endpoint, ip, service, slice, type TestCluster, testCluster } from '../../../test/support/values.ts';
import { zoneRecords } from '../../../test/support/zone-records.ts';
import type { ClaimInput } from '../claim/claim-book.ts';
import type { Node } from '../object/node.ts';
import type { Service } from '../object/service.ts';
import { parseCidr } from '../value/ip.ts';
import { createZone, type Zone, type ZoneConfig } from './zone.ts';

const config: ZoneConfig = {
  domain: dnsName('minilb'),
  ttlSeconds: 5,
  nameservers: [],
  serial: 1,
  claims: {
    hosts: [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('*.minilb') }, { pattern: dnsName('*.a.sko.ai'), namespace: 'a' }],
    ingressClasses: [],
    gatewayClasses: [],
  },
};

interface Step {
  readonly kind: ClaimInput | 'Slices' | 'Nodes';
  readonly key: string;
  readonly apply: (cluster: TestCluster) => void;
}

const key = fc.constantFrom('a/web', 'b/web', 'a/api');
const host = fc.constantFrom('www.sko.ai', 'www.a.sko.ai', '*.sko.ai', '*.a.sko.ai', 'web.a.minilb', 'x.a.minilb', 'a.minilb', '*.minilb');
const point = fc.constantFrom(
  '192.0.2.1',
  'web.a.minilb',
  '10-0-0-1.web.a.minilb',
  'x.a.minilb',
  'www.sko.ai',
  'x.www.a.sko.ai',
  'lb.example.com',
);
const to = fc.uniqueArray(point, { maxLength: 3 });
const gone = fc.boolean();

function put<T>(map: Map<string, T>, at: string, value: T, none: boolean): void {
  if (none) map.delete(at);
  else map.set(at, value);
}

const services: fc.Arbitrary<Step> = fc
  .tuple(key, fc.constantFrom('plain', 'headless', 'external', 'other', 'minilb', 'nodes'), to, fc.array(host, { maxLength: 2 }), gone)
  .map(([at, form, status, hosts, none]) => {
    const annotations = { ...(hosts.length > 0 && { 'minilb/host': hosts.join() }), ...(form === 'nodes' && { 'minilb/answer': 'nodes' }) };
    const forms: Readonly<Record<string, Partial<Service>>> = {
      headless: { headless: true },
      external: { type: 'ExternalName', externalName: status[0] ?? 'www.sko.ai' },
      other: { type: 'LoadBalancer', ingress: points(...status) },
      minilb: { type: 'LoadBalancer', loadBalancerClass: 'minilb', ports: [{ name: 'http', protocol: 'TCP', port: 80 }] },
    };
    return { kind: 'Service', key: at, apply: (cluster) => put(cluster.services, at, service(at, { annotations, ...forms[form] }), none) };
  });

const slices: fc.Arbitrary<Step> = fc
  .tuple(
    key,
    fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean(), fc.constantFrom('', 'h0'), fc.constantFrom('', 'n1', 'n2')), {
      maxLength: 4,
    }),
  )
  .map(([at, list]) => {
    const endpoints = list.map(([last, ready, hostname, nodeName]) =>
      endpoint(`10.0.0.${last}`, ready ? 'ready' : 'not ready', { hostname, nodeName }),
    );
    const ports = [{ name: 'http', protocol: 'TCP' as const, port: 8080 }];
    return {
      kind: 'Slices',
      key: at,
      apply: (cluster) => put(cluster.sliceLists, at, [slice(at, 's', endpoints, { ports })], list.length === 0),
    };
  });

const ingresses: fc.Arbitrary<Step> = fc.tuple(key, fc.array(host, { maxLength: 3 }), to, gone).map(([at, hosts, status, none]) => ({
  kind: 'Ingress',
  key: at,
  apply: (cluster) => put(cluster.ingresses, at, ingress(at, hosts, { points: points(...status) }), none),
}));

const gateways: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('a/gw', 'b/gw'), to, gone).map(([at, status, none]) => ({
  kind: 'Gateway',
  key: at,
  apply: (cluster) =>
    put(cluster.gateways, at, gateway(at, [listener('', { namespaces: { from: 'All' } })], { points: points(...status) }), none),
}));

const routes: fc.Arbitrary<Step> = fc
  .tuple(key, fc.array(host, { maxLength: 2 }), fc.constantFrom('a/gw', 'b/gw'), gone)
  .map(([at, hosts, of, none]) => ({
    kind: 'HTTPRoute',
    key: at,
    apply: (cluster) => put(cluster.routes, `HTTPRoute ${at}`, route(at, hosts, [parent(of)]), none),
  }));

const nodeLists = new Map<TestCluster, readonly Node[]>();
const nodes: fc.Arbitrary<Step> = fc.uniqueArray(fc.constantFrom('n1', 'n2'), { maxLength: 2 }).map((names) => ({
  kind: 'Nodes',
  key: '',
  apply: (cluster) => {
    nodeLists.set(
      cluster,
      names.map((name) => ({
        ...service(`/${name}`),
        podCidrs: [parseCidr('10.0.0.0/30') ?? expect.unreachable()],
        internalIps: [ip(`192.168.1.${name.slice(1)}`)],
      })),
    );
  },
}));

function take(zone: Zone, cluster: TestCluster, kind: Step['kind'], at: string): void {
  if (kind === 'Nodes') zone.setNodes(cluster, nodeLists.get(cluster) ?? []);
  else if (kind === 'Slices') zone.update(cluster, at);
  else {
    if (kind === 'Service') zone.update(cluster, at);
    zone.updateClaims(cluster, kind, at);
  }
}

function fromScratch(cluster: TestCluster): Zone {
  const zone = createZone(config);
  zone.setNodes(cluster, nodeLists.get(cluster) ?? []);
  for (const at of cluster.gateways.keys()) take(zone, cluster, 'Gateway', at);
  for (const id of cluster.routes.keys()) take(zone, cluster, 'HTTPRoute', id.slice('HTTPRoute '.length));
  for (const at of cluster.ingresses.keys()) take(zone, cluster, 'Ingress', at);
  for (const at of cluster.services.keys()) take(zone, cluster, 'Service', at);
  return zone;
}

test('in place equals from scratch, after any sequence of changes of any kind', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(services, slices, ingresses, gateways, routes, nodes), { maxLength: 40, size: 'max' }), (steps) => {
      const cluster = testCluster();
      const zone = createZone(config);
      for (const step of steps) {
        step.apply(cluster);
        take(zone, cluster, step.kind, step.key);
        const { serial } = zone.soa;
        take(zone, cluster, step.kind, step.key);
        expect(zone.soa.serial).toBe(serial);
      }
      const fresh = fromScratch(cluster);
      expect(zoneRecords(zone)).toEqual(zoneRecords(fresh));
      expect(zone.names.size()).toBe(fresh.names.size());
      for (const last of [1, 2, 3, 4])
        expect([...zone.reverse.servicesAt(ip(`10.0.0.${last}`))].sort()).toEqual(
          [...fresh.reverse.servicesAt(ip(`10.0.0.${last}`))].sort(),
        );
      nodeLists.delete(cluster);
    }),
    { numRuns: 600 },
  );
});
