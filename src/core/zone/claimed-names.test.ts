import { describe, expect, test } from 'bun:test';
import { dnsName, gateway, ingress, listener, parent, points, route } from '../../../test/support/claim-values.ts';
import { endpoint, service, slice, type TestCluster, testCluster } from '../../../test/support/values.ts';
import { answerLine, askZone, type ZoneAskOptions } from '../../../test/support/zone-asker.ts';
import type { HostRule } from '../claim/policy.ts';
import { createZone, type Zone } from './zone.ts';

interface World {
  readonly cluster: TestCluster;
  readonly zone: Zone;
  /** Brings the zone up to date with everything in the cluster. */
  readonly settle: () => void;
}

function world(hosts: readonly HostRule[] = []): World {
  const cluster = testCluster();
  const zone = createZone({
    domain: dnsName('minilb'),
    ttlSeconds: 5,
    nameservers: [],
    serial: 1,
    claims: { hosts, ingressClasses: [], gatewayClasses: [] },
  });
  const settle = () => {
    for (const key of cluster.gateways.keys()) zone.updateClaims(cluster, 'Gateway', key);
    for (const id of cluster.routes.keys()) zone.updateClaims(cluster, 'HTTPRoute', id.slice('HTTPRoute '.length));
    for (const key of cluster.ingresses.keys()) zone.updateClaims(cluster, 'Ingress', key);
    for (const key of cluster.services.keys()) {
      zone.update(cluster, key);
      zone.updateClaims(cluster, 'Service', key);
    }
  };
  return { cluster, zone, settle };
}

/** Service `ingress/nginx` with two pods and class minilb; `default/mqtt` with one; `default/empty` with none ready. */
function home(hosts: readonly HostRule[] = []): World {
  const made = world(hosts);
  const { services, sliceLists } = made.cluster;
  const byName = { type: 'LoadBalancer', loadBalancerClass: 'minilb' } as const;
  services.set('ingress/nginx', service('ingress/nginx', { ...byName, ingress: points('nginx.ingress.minilb') }));
  sliceLists.set('ingress/nginx', [
    slice('ingress/nginx', 'a', [endpoint('10.244.0.5'), endpoint('10.244.1.6')]),
    slice('ingress/nginx', 'b', [endpoint('fd00::5')]),
  ]);
  services.set(
    'default/mqtt',
    service('default/mqtt', {
      annotations: { 'minilb/host': 'mqtt.sko.ai, *.iot.sko.ai' },
      ports: [{ name: 'mqtt', protocol: 'TCP', port: 1883 }],
    }),
  );
  sliceLists.set('default/mqtt', [
    slice('default/mqtt', 'a', [endpoint('10.244.2.7')], { ports: [{ name: 'mqtt', protocol: 'TCP', port: 8883 }] }),
  ]);
  services.set('default/empty', service('default/empty'));
  services.set('default/out', service('default/out', { type: 'ExternalName', externalName: 'lb.example.com' }));
  return made;
}

const NGINX = 'A 10.244.0.5, A 10.244.1.6';

describe('where a claimed name leads', () => {
  const rows: readonly [name: string, status: readonly string[], a: string][] = [
    ['a hostname <svc>.<ns>.<domain>: that Service’s pods', ['nginx.ingress.minilb'], NGINX],
    ['an address: itself', ['192.0.2.1'], 'A 192.0.2.1'],
    ['every entry: addresses and pods together', ['192.0.2.1', 'nginx.ingress.minilb'], `${NGINX}, A 192.0.2.1`],
    ['a foreign hostname: CNAME', ['lb.example.com'], 'CNAME lb.example.com'],
    ['addresses win over a foreign hostname (RFC 2181 §10.1)', ['lb.example.com', '192.0.2.1'], 'A 192.0.2.1'],
    ['two foreign hostnames: no data', ['lb.example.com', 'lb.example.net'], 'NODATA soa www.sko.ai'],
    ['a foreign hostname beside a Service without pods: no data', ['lb.example.com', 'empty.default.minilb'], 'NODATA soa www.sko.ai'],
    ['a Service without ready pods: no data, never NXDOMAIN', ['empty.default.minilb'], 'NODATA soa www.sko.ai'],
    ['no such Service: no data', ['none.default.minilb'], 'NODATA soa www.sko.ai'],
    ['another claimed name: followed', ['mqtt.sko.ai'], 'A 10.244.2.7'],
    ['a claimed wildcard: followed', ['x.iot.sko.ai'], 'A 10.244.2.7'],
    ['an ExternalName of ours: its target', ['out.default.minilb'], 'CNAME lb.example.com'],
    ['itself: no data', ['www.sko.ai'], 'NODATA soa www.sko.ai'],
    ['one endpoint', ['10-244-0-5.nginx.ingress.minilb'], 'A 10.244.0.5'],
    ['an address that somebody wrote as a hostname', ['127.0.0.1'], 'A 127.0.0.1'],
    ['case and a trailing dot mean nothing', ['NGINX.Ingress.minilb.'], NGINX],
  ];
  test.each(rows)('%s', (_, status, a) => {
    const { cluster, zone, settle } = home();
    cluster.ingresses.set('default/web', ingress('default/web', ['www.sko.ai'], { points: points(...status) }));
    settle();
    expect(answerLine(zone, 'www.sko.ai', 'A')).toBe(a);
  });

  test('AAAA comes from the same pods', () => {
    const { cluster, zone, settle } = home();
    cluster.ingresses.set('default/web', ingress('default/web', ['www.sko.ai'], { points: points('nginx.ingress.minilb') }));
    settle();
    expect(answerLine(zone, 'www.sko.ai', 'AAAA')).toBe('AAAA fd00::5');
  });

  test('a loop of claimed names ends with no data, and so does a chain over eight names', () => {
    const { cluster, zone, settle } = world();
    const chain = (from: number, to: string) =>
      cluster.ingresses.set(`default/i${from}`, ingress(`default/i${from}`, [`n${from}.sko.ai`], { points: points(to) }));
    for (let i = 0; i < 10; i++) chain(i, `n${i + 1}.sko.ai`);
    chain(10, '192.0.2.1');
    cluster.ingresses.set('default/a', ingress('default/a', ['a.sko.ai'], { points: points('b.sko.ai') }));
    cluster.ingresses.set('default/b', ingress('default/b', ['b.sko.ai'], { points: points('a.sko.ai') }));
    settle();
    const ask = (name: string) => answerLine(zone, name, 'A');
    expect([ask('a.sko.ai'), ask('b.sko.ai')]).toEqual(['NODATA soa a.sko.ai', 'NODATA soa b.sko.ai']);
    expect([ask('n0.sko.ai'), ask('n2.sko.ai'), ask('n10.sko.ai')]).toEqual(['NODATA soa n0.sko.ai', 'A 192.0.2.1', 'A 192.0.2.1']);
  });

  test('a Gateway’s addresses, all of them', () => {
    const { cluster, zone, settle } = home();
    const gw = gateway('infra/gw', [listener('*.sko.ai')], { points: points('192.0.2.1', 'fd00::1', 'nginx.ingress.minilb') });
    cluster.gateways.set('infra/gw', gw);
    cluster.routes.set('HTTPRoute infra/r', route('infra/r', [], [parent('infra/gw')]));
    settle();
    expect(answerLine(zone, 'a.b.sko.ai', 'A')).toBe(`${NGINX}, A 192.0.2.1`);
    expect(answerLine(zone, 'a.b.sko.ai', 'AAAA')).toBe('AAAA fd00::1, AAAA fd00::5');
    expect(answerLine(zone, 'sko.ai', 'A')).toBe('NODATA soa sko.ai');
  });
});

describe('what a claim outside the domain owns', () => {
  const { cluster, zone, settle } = home();
  cluster.ingresses.set('default/web', ingress('default/web', ['www.sko.ai'], { points: points('nginx.ingress.minilb') }));
  cluster.ingresses.set('default/lb', ingress('default/lb', ['lb.sko.ai'], { points: points('lb.example.com') }));
  cluster.ingresses.set('default/wild', ingress('default/wild', ['*.app.sko.ai'], { points: points('192.0.2.9') }));
  cluster.ingresses.set('default/four', ingress('default/four', ['four.sko.ai'], { points: points('192.0.2.4') }));
  cluster.ingresses.set('default/in', ingress('default/in', ['grafana.minilb'], { points: points('192.0.2.5') }));
  settle();

  const rows: readonly [rule: string, name: string, type: string, alone: string, withUpstream: string][] = [
    ['addresses', 'www.sko.ai', 'A', NGINX, NGINX],
    [
      'the family it lacks is answered here, or a public AAAA leaks in',
      'four.sko.ai',
      'AAAA',
      'NODATA soa four.sko.ai',
      'NODATA soa four.sko.ai',
    ],
    ['HTTPS (RFC 9460) is answered here', 'www.sko.ai', 'UNKNOWN_65', 'NODATA soa www.sko.ai', 'NODATA soa www.sko.ai'],
    ['SVCB too', 'www.sko.ai', 'UNKNOWN_64', 'NODATA soa www.sko.ai', 'NODATA soa www.sko.ai'],
    ['a CNAME it has not', 'www.sko.ai', 'CNAME', 'NODATA soa www.sko.ai', 'NODATA soa www.sko.ai'],
    ['a CNAME it has', 'lb.sko.ai', 'CNAME', 'CNAME lb.example.com', 'CNAME lb.example.com'],
    ['DS is no data (RFC 4035 §3.1.4.1)', 'www.sko.ai', 'DS', 'NODATA soa www.sko.ai', 'NODATA soa www.sko.ai'],
    [
      'SOA is never answered: an ACME client would take it for a zone cut',
      'www.sko.ai',
      'SOA',
      'NODATA soa www.sko.ai',
      'NODATA soa www.sko.ai',
    ],
    ['nor is NS', 'www.sko.ai', 'NS', 'NODATA soa www.sko.ai', 'NODATA soa www.sko.ai'],
    ['MX is the real zone’s', 'www.sko.ai', 'MX', 'NODATA soa www.sko.ai', 'forward, NODATA'],
    ['TXT is the real zone’s', 'www.sko.ai', 'TXT', 'NODATA soa www.sko.ai', 'forward, NODATA'],
    ['CAA is the real zone’s, also beside a CNAME', 'lb.sko.ai', 'CAA', 'NODATA soa lb.sko.ai', 'forward, NODATA'],
    ['a name below a claim is not ours', 'x.www.sko.ai', 'A', 'REFUSED', 'forward'],
    ['_acme-challenge below a claim is not ours', '_acme-challenge.www.sko.ai', 'TXT', 'REFUSED', 'forward'],
    ['_acme-challenge below a wildcard is not ours', '_acme-challenge.app.sko.ai', 'TXT', 'REFUSED', 'forward'],
    ['nor below a name that a wildcard stands for', '_acme-challenge.x.iot.sko.ai', 'TXT', 'REFUSED', 'forward'],
    ['a name above a claim is an empty non-terminal', 'sko.ai', 'A', 'NODATA soa sko.ai', 'forward, NODATA'],
    ['and so is the suffix of a wildcard', 'app.sko.ai', 'A', 'NODATA soa app.sko.ai', 'forward, NODATA'],
    ['up to the top', 'ai', 'NS', 'NODATA soa ai', 'forward, NODATA'],
    ['a sibling is not ours', 'mail.sko.ai', 'A', 'REFUSED', 'forward'],
    ['an Ingress wildcard is one label', 'x.app.sko.ai', 'A', 'A 192.0.2.9', 'A 192.0.2.9'],
    ['and not two', 'y.x.app.sko.ai', 'A', 'REFUSED', 'forward'],
    ['a minilb/host wildcard is more', 'y.x.iot.sko.ai', 'A', 'A 10.244.2.7', 'A 10.244.2.7'],
    ['a claim inside the domain is the zone’s, with all types', 'grafana.minilb', 'MX', 'NODATA soa minilb', 'NODATA soa minilb'],
    ['and has its address', 'grafana.minilb', 'A', 'A 192.0.2.5', 'A 192.0.2.5'],
    ['an unknown name in the domain is never forwarded', 'nobody.minilb', 'A', 'NXDOMAIN soa minilb', 'NXDOMAIN soa minilb'],
    ['a dashed address below a claim is no endpoint’s name', '10-244-0-5.www.sko.ai', 'A', 'REFUSED', 'forward'],
    [
      'SRV below a minilb/host name, with the pods’ real port',
      '_mqtt._tcp.mqtt.sko.ai',
      'SRV',
      'SRV 0 0 8883 mqtt.sko.ai',
      'SRV 0 0 8883 mqtt.sko.ai',
    ],
    ['and below its wildcard', '_mqtt._tcp.a.iot.sko.ai', 'SRV', 'SRV 0 0 8883 a.iot.sko.ai', 'SRV 0 0 8883 a.iot.sko.ai'],
    ['other types there are the real zone’s', '_mqtt._tcp.mqtt.sko.ai', 'TXT', 'NODATA soa _mqtt._tcp.mqtt.sko.ai', 'forward, NODATA'],
    ['other ports there are not ours', '_http._tcp.mqtt.sko.ai', 'SRV', 'REFUSED', 'forward'],
    ['an Ingress host has no SRV', '_mqtt._tcp.www.sko.ai', 'SRV', 'REFUSED', 'forward'],
  ];
  test.each(rows)('%s: %s %s', (_, name, type, alone, withUpstream) => {
    expect(answerLine(zone, name, type)).toBe(alone);
    expect(answerLine(zone, name, type, { forwarding: true })).toBe(withUpstream);
  });

  test('a claimed name is answered with AA, in the case it was asked in', () => {
    expect(askZone(zone, 'Four.SKO.ai', 'A')).toMatchObject({ flags: ['aa'], answers: ['Four.SKO.ai A 192.0.2.4'], ttls: [5] });
  });

  test('an SRV brings the addresses of its target', () => {
    expect(askZone(zone, '_mqtt._tcp.mqtt.sko.ai', 'SRV')).toMatchObject({ additionals: ['mqtt.sko.ai A 10.244.2.7'] });
  });
});

describe('which claim a name meets', () => {
  const pick = (hosts: readonly HostRule[], claims: Readonly<Record<string, string>>, name: string) => {
    const { cluster, zone, settle } = world(hosts);
    for (const [i, [pattern, of]] of Object.entries(claims).entries()) {
      const key = `${of}/i${i}`;
      cluster.services.set(key, service(key, { annotations: { 'minilb/host': pattern } }));
      cluster.sliceLists.set(key, [slice(key, 'a', [endpoint(`10.0.0.${i + 1}`)])]);
    }
    settle();
    return answerLine(zone, name, 'A');
  };
  const rows: readonly [
    rule: string,
    rules: readonly HostRule[],
    claims: Readonly<Record<string, string>>,
    name: string,
    answer: string,
  ][] = [
    ['exact before wildcard', [], { '*.sko.ai': 'a', 'www.sko.ai': 'b' }, 'www.sko.ai', 'A 10.0.0.2'],
    ['the longer wildcard first', [], { '*.sko.ai': 'a', '*.x.sko.ai': 'b' }, 'w.x.sko.ai', 'A 10.0.0.2'],
    ['an exact claim does not hide the wildcard from names below it', [], { '*.sko.ai': 'a', 'x.sko.ai': 'b' }, 'w.x.sko.ai', 'A 10.0.0.1'],
    ['an empty non-terminal gives way to a wildcard', [], { '*.sko.ai': 'a', 'w.x.sko.ai': 'b' }, 'x.sko.ai', 'A 10.0.0.1'],
    [
      'a wildcard never captures what -claim-hosts reserves for another namespace',
      [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('*.a.sko.ai'), namespace: 'team-a' }],
      { '*.sko.ai': 'team-b' },
      'www.a.sko.ai',
      'REFUSED',
    ],
    [
      'nor one exact name',
      [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('www.sko.ai'), namespace: 'team-a' }],
      { '*.sko.ai': 'team-b' },
      'www.sko.ai',
      'REFUSED',
    ],
    [
      'but what is reserved for its own namespace it does',
      [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('*.a.sko.ai'), namespace: 'team-b' }],
      { '*.sko.ai': 'team-b' },
      'www.a.sko.ai',
      'A 10.0.0.1',
    ],
    [
      'and what is free again inside',
      [{ pattern: dnsName('*.sko.ai') }, { pattern: dnsName('*.a.sko.ai'), namespace: 'x' }, { pattern: dnsName('*.b.a.sko.ai') }],
      { '*.sko.ai': 'team-b' },
      'w.b.a.sko.ai',
      'A 10.0.0.1',
    ],
    [
      'a wildcard over the domain does not reach below a namespace’s node',
      [{ pattern: dnsName('*.minilb') }],
      { '*.minilb': 'team-b', 'x.team-a.minilb': 'team-a' },
      'y.team-a.minilb',
      'NXDOMAIN soa minilb',
    ],
    ['nor the node itself', [{ pattern: dnsName('*.minilb') }], { '*.minilb': 'team-b' }, 'team-b.minilb', 'NODATA soa minilb'],
    ['but free names in the domain', [{ pattern: dnsName('*.minilb') }], { '*.minilb': 'team-b' }, 'any.minilb', 'A 10.0.0.1'],
  ];
  test.each(rows)('%s', (_, rules, claims, name, answer) => {
    expect(pick(rules, claims, name)).toBe(answer);
  });
});

describe('what changes with what', () => {
  test('an endpoint change reaches every name that leads to the Service, by way of one shared answer', () => {
    const { cluster, zone, settle } = home();
    for (let i = 0; i < 50; i++)
      cluster.ingresses.set(`default/i${i}`, ingress(`default/i${i}`, [`h${i}.sko.ai`], { points: points('nginx.ingress.minilb') }));
    settle();
    cluster.sliceLists.set('ingress/nginx', [slice('ingress/nginx', 'a', [endpoint('10.244.9.9')])]);
    expect(zone.update(cluster, 'ingress/nginx').map(String)).toEqual(['nginx.ingress.minilb']);
    expect([answerLine(zone, 'h0.sko.ai', 'A'), answerLine(zone, 'h49.sko.ai', 'AAAA')]).toEqual(['A 10.244.9.9', 'NODATA soa h49.sko.ai']);
    const answers = new Set(Array.from({ length: 50 }, (_, i) => zone.names.get(dnsName(`h${i}.sko.ai`))?.answer));
    expect(answers.size).toBe(1);
  });

  test('a name goes with its object, and its empty non-terminals with it', () => {
    const { cluster, zone, settle } = world();
    cluster.ingresses.set('default/web', ingress('default/web', ['www.sko.ai', '*.app.sko.ai']));
    settle();
    const before = zone.names.size();
    cluster.ingresses.delete('default/web');
    expect(zone.updateClaims(cluster, 'Ingress', 'default/web').map(String).sort()).toEqual(['*.app.sko.ai', 'www.sko.ai']);
    expect([before - zone.names.size(), answerLine(zone, 'www.sko.ai', 'A'), answerLine(zone, 'sko.ai', 'A')]).toEqual([
      4,
      'REFUSED',
      'REFUSED',
    ]);
  });

  test('when the owner goes, the next claim has the name', () => {
    const { cluster, zone, settle } = world();
    cluster.ingresses.set('a/old', ingress('a/old', ['www.sko.ai'], { created: '2020-01-01T00:00:00Z' }));
    cluster.ingresses.set('b/new', ingress('b/new', ['www.sko.ai'], { points: points('192.0.2.2') }));
    settle();
    expect(answerLine(zone, 'www.sko.ai', 'A')).toBe('A 192.0.2.1');
    cluster.ingresses.delete('a/old');
    zone.updateClaims(cluster, 'Ingress', 'a/old');
    expect(answerLine(zone, 'www.sko.ai', 'A')).toBe('A 192.0.2.2');
  });

  test('a namespace’s first Service takes its node and all below from other namespaces’ claims, and its last gives them back', () => {
    const { cluster, zone, settle } = world();
    cluster.ingresses.set('a/x', ingress('a/x', ['shop.minilb', 'www.shop.minilb']));
    settle();
    const ask = () => [answerLine(zone, 'shop.minilb', 'A'), answerLine(zone, 'www.shop.minilb', 'A')];
    expect(ask()).toEqual(['A 192.0.2.1', 'A 192.0.2.1']);
    cluster.services.set('shop/db', service('shop/db'));
    zone.update(cluster, 'shop/db');
    expect(ask()).toEqual(['NODATA soa minilb', 'NXDOMAIN soa minilb']);
    cluster.services.clear();
    zone.update(cluster, 'shop/db');
    expect(ask()).toEqual(['A 192.0.2.1', 'A 192.0.2.1']);
  });

  test('a Service’s name wins over a claim, and leaves it behind', () => {
    const { cluster, zone, settle } = world();
    cluster.services.set('shop/api', service('shop/api'));
    cluster.ingresses.set('shop/x', ingress('shop/x', ['web.shop.minilb']));
    settle();
    expect(answerLine(zone, 'web.shop.minilb', 'A')).toBe('A 192.0.2.1');
    cluster.services.set('shop/web', service('shop/web'));
    cluster.sliceLists.set('shop/web', [slice('shop/web', 'a', [endpoint('10.0.0.8')])]);
    zone.update(cluster, 'shop/web');
    expect(answerLine(zone, 'web.shop.minilb', 'A')).toBe('A 10.0.0.8');
    cluster.services.delete('shop/web');
    zone.update(cluster, 'shop/web');
    expect(answerLine(zone, 'web.shop.minilb', 'A')).toBe('A 192.0.2.1');
  });

  test('a name of one of the zone’s servers is taken from a claim, and given back', () => {
    const { cluster, zone, settle } = world();
    cluster.ingresses.set('a/x', ingress('a/x', ['ns1.minilb']));
    settle();
    zone.setNameservers([{ name: dnsName('ns1.minilb'), addresses: [] }]);
    expect(answerLine(zone, 'ns1.minilb', 'A')).toBe('NODATA soa minilb');
    zone.setNameservers([]);
    expect(answerLine(zone, 'ns1.minilb', 'A')).toBe('A 192.0.2.1');
  });
});

describe('before the first sync', () => {
  const ask = (name: string, options: ZoneAskOptions = {}) =>
    answerLine(world([{ pattern: dnsName('*.sko.ai') }]).zone, name, 'A', { synced: false, ...options });
  test('names that -claim-hosts covers may be claimed: SERVFAIL; the others are foreign', () => {
    expect([ask('www.sko.ai'), ask('a.b.sko.ai'), ask('sko.ai'), ask('www.example.com')]).toEqual([
      'SERVFAIL',
      'SERVFAIL',
      'REFUSED',
      'REFUSED',
    ]);
    expect(ask('www.example.com', { forwarding: true })).toBe('forward');
  });
});
