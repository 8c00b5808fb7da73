import { expect, test } from 'bun:test';
import { dnsName, gateway, ingress, listener, parent, points, route } from '../../../test/support/claim-values.ts';
import { endpoint, service, slice, testCluster } from '../../../test/support/values.ts';
import { createZone } from '../zone/zone.ts';
import { claimantsOf } from './claimants.ts';
import { explainName } from './explain.ts';

const cluster = testCluster();
cluster.ingresses.set('a/web', ingress('a/web', ['www.sko.ai', 'shop.evil.ai']));
cluster.ingresses.set('b/web', ingress('b/web', ['www.sko.ai'], { created: '2026-02-01T00:00:00Z' }));
cluster.ingresses.set('a/new', ingress('a/new', ['new.sko.ai'], { points: [] }));
cluster.ingresses.set('a/wild', ingress('a/wild', ['*.wild.sko.ai', 'exact.wild.sko.ai'], { points: points('192.0.2.7') }));
cluster.ingresses.set('a/two', ingress('a/two', ['*.two.sko.ai'], { points: points('192.0.2.8') }));
cluster.ingresses.set('a/pods', ingress('a/pods', ['pods.sko.ai'], { points: points('nginx.ingress.minilb') }));
cluster.ingresses.set('a/none', ingress('a/none', ['none.sko.ai'], { points: points('none.ingress.minilb') }));
cluster.ingresses.set('a/out', ingress('a/out', ['out.sko.ai'], { points: points('lb.example.com') }));
cluster.ingresses.set('a/outs', ingress('a/outs', ['outs.sko.ai'], { points: points('lb.example.com', 'lb.example.net') }));
cluster.ingresses.set('a/both', ingress('a/both', ['both.sko.ai'], { points: points('lb.example.com', '192.0.2.9') }));
cluster.ingresses.set('a/in', ingress('a/in', ['a.grafana.minilb', '*.minilb', '*.ns.minilb']));
cluster.gateways.set('a/gw', gateway('a/gw', [listener('*.sko.ai')]));
cluster.gateways.set('a/down', gateway('a/down', [listener('*.sko.ai', { refusal: 'PortUnavailable' })]));
cluster.gateways.set('a/grpc', gateway('a/grpc', [listener('*.grpc.sko.ai', { kinds: ['GRPCRoute'] })]));
cluster.routes.set('HTTPRoute a/api', route('a/api', ['api.sko.ai'], [parent('a/gw'), parent('a/gone')]));
cluster.routes.set('HTTPRoute a/late', route('a/late', ['late.sko.ai'], [parent('a/gw', { accepted: false, reason: 'NoMatchingParent' })]));
cluster.routes.set('HTTPRoute b/guest', route('b/guest', ['guest.sko.ai'], [parent('a/gw')]));
cluster.routes.set('HTTPRoute a/down', route('a/down', ['down.sko.ai'], [parent('a/down')]));
cluster.routes.set('HTTPRoute a/any', route('a/any', [], [parent('a/grpc')]));
cluster.routes.set('HTTPRoute b/two', route('b/two', ['*.two.sko.ai'], [parent('b/gw')], { created: '2026-02-01T00:00:00Z' }));
cluster.gateways.set('b/gw', gateway('b/gw', [listener('*.sko.ai')]));
const put = (key: string, over: Parameters<typeof service>[1], ...endpoints: Parameters<typeof slice>[2]) => {
  cluster.services.set(key, service(key, over));
  cluster.sliceLists.set(key, [slice(key, 'a', endpoints, { ports: [{ name: 'mqtt', protocol: 'TCP', port: 1883 }] })]);
};
put('ingress/nginx', {}, endpoint('10.244.0.5'), endpoint('10.244.1.6', 'not ready'));
const annotations = { 'minilb/host': 'mqtt.sko.ai, *.iot.sko.ai' };
put('home/mqtt', { annotations, ports: [{ name: 'mqtt', protocol: 'TCP', port: 1883 }] }, endpoint('10.244.0.7'));
put('mallory/wide', { annotations: { 'minilb/host': '*.sko.ai' } }, endpoint('10.244.0.8'));

const hosts = [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('*.a.sko.ai'), namespace: 'a' }, { pattern: dnsName('*.minilb') }];
const claims = { hosts, ingressClasses: [], gatewayClasses: [] };
const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1, claims });
for (const key of cluster.gateways.keys()) zone.updateClaims(cluster, 'Gateway', key);
for (const key of cluster.ingresses.keys()) zone.updateClaims(cluster, 'Ingress', key);
for (const id of cluster.routes.keys()) zone.updateClaims(cluster, 'HTTPRoute', id.slice('HTTPRoute '.length));
for (const key of cluster.services.keys()) {
  zone.update(cluster, key);
  zone.updateClaims(cluster, 'Service', key);
}
const facts = {
  zone,
  view: cluster,
  services: () => cluster.services.values(),
  claimants: () => claimantsOf(cluster.services.values(), cluster.ingresses.values(), cluster.routes.values()),
  synced: true,
  forwarding: false,
  fallthrough: false,
};

const rows: readonly [name: string, summary: string, ...sentences: string[]][] = [
  [
    'www.sko.ai',
    'www.sko.ai has 1 address.',
    'Ingress a/web has the name; it leads to 192.0.2.1.',
    'Ingress b/web claims the name too and does not get it: an older object of another namespace has it: Ingress a/web.',
    'Service mallory/wide has *.sko.ai; Ingress a/web comes before it, by the closer www.sko.ai.',
  ],
  [
    'shop.evil.ai',
    'shop.evil.ai is not ours: the query is REFUSED.',
    'Ingress a/web claims the name and is refused: -claim-hosts lists no pattern for it.',
  ],
  [
    'new.sko.ai',
    'new.sko.ai has 1 address.',
    'Ingress a/new claims nothing yet: its status has no address, so its ingress controller has not taken it up.',
    'Service mallory/wide has the name by *.sko.ai through its annotation minilb/host; it leads to wide.mallory.minilb.',
  ],
  ['x.wild.sko.ai', 'x.wild.sko.ai has 1 address.', 'Ingress a/wild has the name by *.wild.sko.ai; it leads to 192.0.2.7.'],
  [
    'exact.wild.sko.ai',
    'exact.wild.sko.ai has 1 address.',
    'Ingress a/wild has the name; it leads to 192.0.2.7.',
    'Ingress a/wild has *.wild.sko.ai; Ingress a/wild comes before it, by the closer exact.wild.sko.ai.',
  ],
  [
    'x.two.sko.ai',
    'x.two.sko.ai has 1 address.',
    'Ingress a/two has the name by *.two.sko.ai; it leads to 192.0.2.8.',
    'HTTPRoute b/two claims the name by *.two.sko.ai too and does not get it: an older object of another namespace has it: Ingress a/two.',
  ],
  [
    'y.x.two.sko.ai',
    'y.x.two.sko.ai has 1 address.',
    'HTTPRoute b/two has the name by *.two.sko.ai through Gateway b/gw; it leads to 192.0.2.10.',
  ],
  [
    'x.a.sko.ai',
    'x.a.sko.ai is not ours: the query is REFUSED.',
    'Service mallory/wide has *.sko.ai, which does not reach this name: -claim-hosts reserves it for other namespaces.',
  ],
  ['x.home.minilb', 'x.home.minilb does not exist (NXDOMAIN).', 'There is no Service x in the namespace home.'],
  ['free.minilb', 'free.minilb has 1 address.', 'Ingress a/in has the name by *.minilb; it leads to 192.0.2.1.'],
  [
    'home.minilb',
    'home.minilb exists and has no such records (NODATA).',
    'Ingress a/in has *.minilb, which does not reach this name: home.minilb stands for a namespace that has Services.',
  ],
  ['grafana.minilb', 'grafana.minilb has 1 address.', 'Ingress a/in has the name by *.minilb; it leads to 192.0.2.1.'],
  [
    'pods.sko.ai',
    'pods.sko.ai has 1 address.',
    'Ingress a/pods has the name; it leads to nginx.ingress.minilb.',
    'Behind it is Service ingress/nginx, of type ClusterIP.',
    '1 of the 2 endpoints of Service ingress/nginx is ready.',
    '10.244.1.6 is left out: its pod is not ready (kubectl describe pod shows which probe or condition fails).',
  ],
  [
    'none.sko.ai',
    'none.sko.ai exists and has no such records (NODATA).',
    'none.ingress.minilb has nothing to give: no Service or claim has that name.',
  ],
  [
    'out.sko.ai',
    'out.sko.ai leads to lb.example.com.',
    'lb.example.com is outside the cluster: the answer is a CNAME alone, which dnsmasq and stub resolvers do not follow. Run minilb with -upstream.',
  ],
  [
    'outs.sko.ai',
    'outs.sko.ai exists and has no such records (NODATA).',
    'lb.example.com and lb.example.net are outside the cluster, and a name may lead to one such name at most (RFC 2181 §10.1).',
  ],
  ['both.sko.ai', 'both.sko.ai has 1 address.', 'lb.example.com is outside the cluster and left out: addresses come first.'],
  [
    'mqtt.sko.ai',
    'mqtt.sko.ai has 1 address.',
    'Service home/mqtt has the name through its annotation minilb/host; it leads to mqtt.home.minilb.',
    'The only endpoint of Service home/mqtt is ready.',
  ],
  [
    '_mqtt._tcp.mqtt.sko.ai',
    '_mqtt._tcp.mqtt.sko.ai has 1 record and no address.',
    'It stands for a port of mqtt.sko.ai, by SRV.',
    'Service home/mqtt has the name through its annotation minilb/host; it leads to mqtt.home.minilb.',
  ],
  [
    'sko.ai',
    'sko.ai exists and has no such records (NODATA).',
    'Nothing claims the name itself, but it stands above a claimed one, www.sko.ai, and so it exists. It has no data.',
  ],
  [
    '_acme-challenge.x.iot.sko.ai',
    '_acme-challenge.x.iot.sko.ai is not ours: the query is REFUSED.',
    'Service home/mqtt has *.iot.sko.ai, but no wildcard stands for a label that begins with _.',
  ],
  [
    'api.sko.ai',
    'api.sko.ai has 1 address.',
    'HTTPRoute a/api has the name through Gateway a/gw; it leads to 192.0.2.10.',
    'HTTPRoute a/api gets no name through Gateway a/gone: there is no such object.',
  ],
  [
    'late.sko.ai',
    'late.sko.ai has 1 address.',
    'HTTPRoute a/late gets no name through Gateway a/gw: its controller has not accepted the route (NoMatchingParent).',
  ],
  [
    'guest.sko.ai',
    'guest.sko.ai has 1 address.',
    'HTTPRoute b/guest gets no name through listener web of Gateway a/gw: allowedRoutes.namespaces leave the route’s namespace out.',
  ],
  [
    'down.sko.ai',
    'down.sko.ai has 1 address.',
    'HTTPRoute a/down has the name through listener web of Gateway a/down, which its controller has not accepted (PortUnavailable): clients may find nobody there.',
  ],
  [
    'x.grpc.sko.ai',
    'x.grpc.sko.ai has 1 address.',
    'HTTPRoute a/any gets no name through listener web of Gateway a/grpc: allowedRoutes.kinds leave this kind out.',
  ],
];

test('a wildcard itself may be asked about, and is spoken of once', () => {
  const { notes } = explainName(dnsName('*.iot.sko.ai'), facts);
  expect(notes.slice(0, 2).map(({ text }) => text)).toEqual([
    'Service home/mqtt has the name by *.iot.sko.ai through its annotation minilb/host; it leads to mqtt.home.minilb.',
    'Service mallory/wide has *.sko.ai; Service home/mqtt comes before it, by the closer *.iot.sko.ai.',
  ]);
});

test.each(rows)('who claims %s, who has it, and what is in the way', (name, summary, ...sentences) => {
  const report = explainName(dnsName(name), facts);
  const texts = report.notes.map(({ text }) => text);
  for (const sentence of sentences) expect(texts).toContain(sentence);
  expect(report.summary).toBe(summary);
});

/** With no wildcard over everything. */
const bare = (() => {
  const small = testCluster();
  small.ingresses.set('a/web', ingress('a/web', ['www.sko.ai', '*.app.sko.ai', 'a.grafana.minilb']));
  const made = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1 });
  made.updateClaims(small, 'Ingress', 'a/web');
  return { ...facts, zone: made, view: small, services: () => [], claimants: () => claimantsOf([], small.ingresses.values(), []) };
})();

test.each([
  ['x.www.sko.ai', 'It lies below www.sko.ai, which Ingress a/web claims; names below a claimed name are not the claim’s.'],
  ['_acme-challenge.www.sko.ai', 'It lies below www.sko.ai, which Ingress a/web claims; names below a claimed name are not the claim’s.'],
  ['y.x.app.sko.ai', 'Ingress a/web has *.app.sko.ai, but the wildcard of an Ingress stands for one label only.'],
  ['app.sko.ai', 'Nothing claims the name itself, but it stands above a claimed one, *.app.sko.ai, and so it exists. It has no data.'],
  [
    'grafana.minilb',
    'Nothing claims the name itself, but it stands above a claimed one, a.grafana.minilb, and so it exists. It has no data.',
  ],
])('why %s is not a claim’s', (name, sentence) => {
  expect(explainName(dnsName(name), bare).notes.map(({ text }) => text)).toContain(sentence);
});

test('with -upstream a name above a claim is asked there', () => {
  const { notes, summary } = explainName(dnsName('sko.ai'), { ...bare, forwarding: true });
  expect([summary, notes.at(-1)?.text]).toEqual([
    'sko.ai is asked of -upstream.',
    'Nothing claims the name itself, but it stands above a claimed one, www.sko.ai, and so it exists. -upstream is asked, and where it knows no such name, the answer is no data.',
  ]);
});
