import { expect, test } from 'bun:test';
import { dnsName, gateway, ingress, listener, parent, points, route } from '../../../test/support/claim-values.ts';
import { testCluster } from '../../../test/support/values.ts';
import { createZone } from '../zone/zone.ts';
import { claimantsOf } from './claimants.ts';
import { explainName } from './explain.ts';

const cluster = testCluster();
cluster.ingresses.set('a/web', ingress('a/web', ['www.sko.ai', 'shop.evil.ai']));
cluster.ingresses.set('b/web', ingress('b/web', ['www.sko.ai'], { created: '2026-02-01T00:00:00Z' }));
cluster.ingresses.set('a/new', ingress('a/new', ['new.sko.ai'], { points: [] }));
cluster.ingresses.set('a/wild', ingress('a/wild', ['*.wild.sko.ai'], { points: points('192.0.2.7') }));
cluster.gateways.set('a/gw', gateway('a/gw', [listener('*.sko.ai')]));
cluster.routes.set('HTTPRoute a/api', route('a/api', ['api.sko.ai'], [parent('a/gw')]));
cluster.routes.set('HTTPRoute a/late', route('a/late', ['late.sko.ai'], [parent('a/gw', { accepted: false, reason: 'NoMatchingParent' })]));
cluster.routes.set('HTTPRoute b/guest', route('b/guest', ['guest.sko.ai'], [parent('a/gw')]));

const claims = { hosts: [{ pattern: dnsName('*.sko.ai') }], ingressClasses: [], gatewayClasses: [] };
const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1, claims });
for (const key of cluster.gateways.keys()) zone.updateClaims(cluster, 'Gateway', key);
for (const key of cluster.ingresses.keys()) zone.updateClaims(cluster, 'Ingress', key);
for (const id of cluster.routes.keys()) zone.updateClaims(cluster, 'HTTPRoute', id.slice('HTTPRoute '.length));
const facts = {
  zone,
  view: cluster,
  services: () => [],
  claimants: () => claimantsOf([], cluster.ingresses.values(), cluster.routes.values()),
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
  ],
  [
    'shop.evil.ai',
    'shop.evil.ai is not ours: the query is REFUSED.',
    'Ingress a/web claims the name and is refused: -claim-hosts lists no pattern for it.',
  ],
  [
    'new.sko.ai',
    'new.sko.ai is not ours: the query is REFUSED.',
    'Ingress a/new claims nothing yet: its status has no address, so its ingress controller has not taken it up.',
  ],
  ['x.wild.sko.ai', 'x.wild.sko.ai has 1 address.', 'Ingress a/wild has the name by *.wild.sko.ai; it leads to 192.0.2.7.'],
  ['api.sko.ai', 'api.sko.ai has 1 address.', 'HTTPRoute a/api has the name through Gateway a/gw; it leads to 192.0.2.10.'],
  [
    'late.sko.ai',
    'late.sko.ai is not ours: the query is REFUSED.',
    'HTTPRoute a/late gets no name through Gateway a/gw: its controller has not accepted the route (NoMatchingParent).',
  ],
  [
    'guest.sko.ai',
    'guest.sko.ai is not ours: the query is REFUSED.',
    'HTTPRoute b/guest gets no name through listener web of Gateway a/gw: allowedRoutes.namespaces leave the route’s namespace out.',
  ],
];

test.each(rows)('who claims %s, who has it, and what is in the way', (name, summary, ...sentences) => {
  const report = explainName(dnsName(name), facts);
  expect(report.summary).toBe(summary);
  const texts = report.notes.map(({ text }) => text);
  for (const sentence of sentences) expect(texts).toContain(sentence);
});
