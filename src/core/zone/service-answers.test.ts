import { describe, expect, test } from 'bun:test';
import { dnsName, points } from '../../../test/support/claim-values.ts';
import { endpoint, ip, service, slice, testCluster } from '../../../test/support/values.ts';
import { answerLine, askZone } from '../../../test/support/zone-asker.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Node } from '../object/node.ts';
import type { IngressPoint, Service } from '../object/service.ts';
import { parseCidr } from '../value/ip.ts';
import { createZone, type Zone, type ZoneConfig } from './zone.ts';

const config: ZoneConfig = { domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1 };

function node(name: string, cidrs: readonly string[], ips: readonly string[]): Node {
  return { ...service(`/${name}`), podCidrs: cidrs.map((text) => parseCidr(text) ?? expect.unreachable()), internalIps: ips.map(ip) };
}

const NODES = [
  node('n1', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.31', '2001:db8::31']),
  node('n2', ['10.244.4.0/22'], ['192.168.1.32']),
];

interface Written {
  readonly service: Partial<Service>;
  readonly slices?: readonly EndpointSlice[];
}

function zoneOf(written: Readonly<Record<string, Written>>, nodes: readonly Node[] = NODES, over: Partial<ZoneConfig> = {}): Zone {
  const cluster = testCluster();
  const zone = createZone({ ...config, ...over });
  for (const [key, { service: fields, slices = [] }] of Object.entries(written)) {
    cluster.services.set(key, service(key, fields));
    cluster.sliceLists.set(key, [...slices]);
    zone.update(cluster, key);
  }
  zone.setNodes(cluster, nodes);
  return zone;
}

const pods = [
  slice('default/web', 'a', [endpoint('10.244.0.5', 'ready', { nodeName: 'n1' }), endpoint('10.244.4.6', 'ready', { nodeName: 'n2' })]),
];
const balancer = { type: 'LoadBalancer' } as const;
const ours = { type: 'LoadBalancer', loadBalancerClass: 'minilb' } as const;
const answer = (mode: string) => ({ annotations: { 'minilb/answer': mode } });
const PODS = 'A 10.244.0.5, A 10.244.4.6';

describe('what a Service’s name answers', () => {
  const rows: readonly [rule: string, service: Partial<Service>, slices: readonly EndpointSlice[], a: string][] = [
    ['ClusterIP: pods', {}, pods, PODS],
    ['class minilb: pods, whatever the status says', { ...ours, ingress: points('192.0.2.1') }, pods, PODS],
    [
      'another load balancer’s address (MetalLB, ServiceLB)',
      { ...balancer, ingress: points('192.0.2.1', '192.0.2.2') },
      pods,
      'A 192.0.2.1, A 192.0.2.2',
    ],
    ['of another class too', { ...balancer, loadBalancerClass: 'metallb', ingress: points('192.0.2.1') }, pods, 'A 192.0.2.1'],
    ['another load balancer that has given none yet: pods', balancer, pods, PODS],
    ['another load balancer’s hostname', { ...balancer, ingress: points('lb.example.com') }, pods, 'CNAME lb.example.com'],
    ['a status that is our own name: pods', { ...balancer, ingress: points('web.default.minilb') }, pods, PODS],
    ['minilb/answer: endpoints', { ...balancer, ingress: points('192.0.2.1'), ...answer('endpoints') }, pods, PODS],
    ['minilb/answer: addresses, none yet', { ...ours, ...answer('addresses') }, pods, 'NODATA soa minilb'],
    ['minilb/answer: nodes, those with a usable endpoint', { ...ours, ...answer('nodes') }, pods, 'A 192.168.1.31, A 192.168.1.32'],
    [
      'minilb/answer: nodes, not those without',
      { ...ours, ...answer('nodes') },
      [
        slice('default/web', 'a', [
          endpoint('10.244.0.5', 'ready', { nodeName: 'n1' }),
          endpoint('10.244.4.6', 'not ready', { nodeName: 'n2' }),
        ]),
      ],
      'A 192.168.1.31',
    ],
    ['minilb/answer: nonsense is none', { ...balancer, ingress: points('192.0.2.1'), ...answer('pods') }, pods, 'A 192.0.2.1'],
    ['label minilb/ignore: no name at all', { ignored: true }, pods, 'NXDOMAIN soa minilb'],
    [
      'class minilb: an endpoint without node outside every network is not published (Cilium’s 192.192.192.192)',
      ours,
      [slice('default/web', 'a', [endpoint('192.192.192.192')]), ...pods],
      PODS,
    ],
    ['one inside a node’s network is', ours, [slice('default/web', 'a', [endpoint('192.168.1.50')])], 'A 192.168.1.50'],
    ['one inside a podCIDR is', ours, [slice('default/web', 'a', [endpoint('10.244.5.50')])], 'A 10.244.5.50'],
    ['other classes publish it', {}, [slice('default/web', 'a', [endpoint('192.192.192.192')])], 'A 192.192.192.192'],
  ];
  test.each(rows)('%s', (_, fields, slices, a) => {
    expect(answerLine(zoneOf({ 'default/web': { service: fields, slices } }), 'web.default.minilb', 'A')).toBe(a);
  });

  test('nodes answer in the families that the endpoints have there', () => {
    const slices = [slice('default/web', 'a', [endpoint('fd00:244::5', 'ready', { nodeName: 'n1' })])];
    const zone = zoneOf({ 'default/web': { service: answer('nodes'), slices } });
    expect([answerLine(zone, 'web.default.minilb', 'A'), answerLine(zone, 'web.default.minilb', 'AAAA')]).toEqual([
      'NODATA soa minilb',
      'AAAA 2001:db8::31',
    ]);
  });

  test('by route: the addresses that minilb l3 -allocate gave, each family for its type', () => {
    const route = { ...balancer, loadBalancerClass: 'minilb-l3', ingress: points('10.0.100.1', 'fd00:100::1') };
    const zone = zoneOf({ 'default/web': { service: route, slices: pods } });
    const answers = ['A', 'AAAA'].map((type) => answerLine(zone, 'web.default.minilb', type));
    expect(answers).toEqual(['A 10.0.100.1', 'AAAA fd00:100::1']);
  });

  test('without known Nodes nothing is held back, and new Nodes are looked at', () => {
    const slices = [slice('default/web', 'a', [endpoint('192.192.192.192')])];
    expect(answerLine(zoneOf({ 'default/web': { service: ours, slices } }, []), 'web.default.minilb', 'A')).toBe('A 192.192.192.192');
  });

  test('-services class: our classes and annotated ones', () => {
    const services = { services: 'class', byName: 'minilb', ownClasses: ['minilb', 'minilb-l3'] } as const;
    const zone = zoneOf(
      {
        'default/plain': { service: {} },
        'default/ours': { service: ours },
        'default/route': { service: { ...balancer, loadBalancerClass: 'minilb-l3' } },
        'default/other': { service: { ...balancer, loadBalancerClass: 'metallb' } },
        'default/host': { service: { annotations: { 'minilb/host': 'a.sko.ai' } } },
        'default/asked': { service: answer('endpoints') },
      },
      [],
      { services },
    );
    const names = ['plain', 'ours', 'route', 'other', 'host', 'asked'];
    expect(names.filter((name) => answerLine(zone, `${name}.default.minilb`, 'A') === 'NODATA soa minilb')).toEqual([
      'ours',
      'route',
      'host',
      'asked',
    ]);
  });
});

describe('SRV (RFC 2782): the real ports', () => {
  const http = { name: 'http', protocol: 'TCP', port: 80 } as const;
  const slicesOf = (...ports: readonly number[]) =>
    ports.map((port, i) =>
      slice('default/web', `s${i}`, [endpoint(`10.244.0.${i + 1}`)], { ports: [{ name: 'http', protocol: 'TCP', port }] }),
    );
  const ask = (fields: Partial<Service>, slices: readonly EndpointSlice[], name: string, type = 'SRV') =>
    answerLine(zoneOf({ 'default/web': { service: { ports: [http], ...fields }, slices } }), name, type);
  const srv = '_http._tcp.web.default.minilb';
  const proxied = {
    type: 'LoadBalancer',
    loadBalancerClass: 'lb.paperlb.com/paperlb-class',
    ports: [http, { name: 'dns', protocol: 'UDP', port: 53 }],
  } as const;
  const at = (
    host: IngressPoint,
    ...ports: readonly (readonly [port: number, protocol: string, error?: string])[]
  ): readonly IngressPoint[] => [
    { ...host, ports: ports.map(([port, protocol, error]) => ({ port, protocol, failed: error !== undefined })) },
  ];

  const rows: readonly [rule: string, service: Partial<Service>, slices: readonly EndpointSlice[], name: string, answer: string][] = [
    ['one port serves all: the Service’s name is the target', {}, slicesOf(8080, 8080), srv, 'SRV 0 0 8080 web.default.minilb'],
    [
      'ports that differ: each endpoint’s own name',
      {},
      slicesOf(8080, 9090),
      srv,
      'SRV 0 0 8080 10-244-0-1.web.default.minilb, SRV 0 0 9090 10-244-0-2.web.default.minilb',
    ],
    [
      'another load balancer: the Service’s port',
      { ...balancer, ingress: points('192.0.2.1') },
      slicesOf(8080),
      srv,
      'SRV 0 0 80 web.default.minilb',
    ],
    [
      'by proxy: the load balancer’s port (core/v1 PortStatus), found by its place among the Service’s',
      { ...proxied, ingress: at({ ip: ip('192.0.2.1') }, [8100, 'TCP'], [8101, 'UDP']) },
      slicesOf(8080),
      srv,
      'SRV 0 0 8100 web.default.minilb',
    ],
    [
      'by proxy: each protocol its own',
      { ...proxied, ingress: at({ ip: ip('192.0.2.1') }, [8100, 'TCP'], [8101, 'UDP']) },
      slicesOf(8080),
      '_dns._udp.web.default.minilb',
      'SRV 0 0 8101 web.default.minilb',
    ],
    [
      'by proxy: a port with an error is not served',
      { ...proxied, ingress: at({ ip: ip('192.0.2.1') }, [80, 'TCP', 'x/Y'], [8101, 'UDP']) },
      slicesOf(8080),
      srv,
      'NXDOMAIN soa minilb',
    ],
    [
      'by proxy: the original lists its one port, the first',
      { ...proxied, ingress: at({ ip: ip('192.0.2.1') }, [8100, 'TCP']) },
      slicesOf(8080),
      '_dns._udp.web.default.minilb',
      'NXDOMAIN soa minilb',
    ],
    [
      'by proxy: addresses that list different ports: the Service’s own',
      { ...proxied, ingress: [...at({ ip: ip('192.0.2.1') }, [8100, 'TCP']), ...at({ ip: ip('192.0.2.2') }, [8200, 'TCP'])] },
      slicesOf(8080),
      srv,
      'SRV 0 0 80 web.default.minilb',
    ],
    [
      'by proxy, a load balancer by name',
      { ...proxied, ingress: at({ hostname: 'lb.example.com' }, [8100, 'TCP'], [8101, 'UDP']) },
      slicesOf(8080),
      srv,
      'SRV 0 0 8100 lb.example.com',
    ],
    ['a port without a name has none', { ports: [{ ...http, name: '' }] }, slicesOf(8080), srv, 'NXDOMAIN soa minilb'],
    ['another protocol has none', {}, slicesOf(8080), '_http._udp.web.default.minilb', 'NXDOMAIN soa minilb'],
    ['another port has none', {}, slicesOf(8080), '_https._tcp.web.default.minilb', 'NXDOMAIN soa minilb'],
    ['_proto above a port is an empty non-terminal (RFC 8020)', {}, slicesOf(8080), '_tcp.web.default.minilb', 'NODATA soa minilb'],
    ['_proto above none does not exist', {}, slicesOf(8080), '_udp.web.default.minilb', 'NXDOMAIN soa minilb'],
    ['a Service without usable endpoints has none', {}, [], srv, 'NXDOMAIN soa minilb'],
    ['a CNAME is never a target', { type: 'ExternalName', externalName: 'x.example.com' }, [], srv, 'NXDOMAIN soa minilb'],
  ];
  test.each(rows)('%s', (_, fields, slices, name, expected) => {
    expect(ask(fields, slices, name)).toBe(expected);
  });

  test('other types there are no data', () => {
    expect(ask({}, slicesOf(8080), srv, 'A')).toBe('NODATA soa minilb');
  });

  test('case means nothing, and addresses come in the additional section', () => {
    const zone = zoneOf({ 'default/web': { service: { ports: [http] }, slices: slicesOf(8080, 9090) } });
    expect(askZone(zone, '_HTTP._tcp.Web.default.minilb', 'SRV')).toMatchObject({
      rcode: 'NOERROR',
      flags: ['aa'],
      additionals: ['10-244-0-1.Web.default.minilb A 10.244.0.1', '10-244-0-2.Web.default.minilb A 10.244.0.2'],
    });
  });

  test('many endpoints that do not fit are cut and say so; addresses that do not fit are left out', () => {
    const many = Array.from({ length: 200 }, (_, i) => 8000 + i);
    const zone = zoneOf({ 'default/web': { service: { ports: [http] }, slices: slicesOf(...many) } });
    expect(askZone(zone, srv, 'SRV', { edns: 1232 })).toMatchObject({ flags: ['aa', 'tc'] });
    expect(askZone(zone, srv, 'SRV', { tcp: true })).toMatchObject({ flags: ['aa'] });
  });

  test('hostNetwork: the endpoint’s port; hostPort: the Service’s', () => {
    const at = (address: string) => [
      slice('default/web', 'a', [endpoint(address, 'ready', { nodeName: 'n1' })], {
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      }),
    ];
    expect(ask(answer('nodes'), at('192.168.1.31'), srv)).toBe('SRV 0 0 8080 web.default.minilb');
    expect(ask(answer('nodes'), at('10.244.0.5'), srv)).toBe('SRV 0 0 80 web.default.minilb');
  });
});

describe('PTR and its reverse zones', () => {
  const zone = zoneOf({
    'default/web': { service: { created: '2026-01-01T00:00:00Z' }, slices: pods },
    'default/older': { service: { created: '2020-01-01T00:00:00Z' }, slices: [slice('default/older', 'a', [endpoint('10.244.0.5')])] },
    'default/db': {
      service: { headless: true },
      slices: [
        slice('default/db', 'a', [endpoint('10.244.0.9', 'ready', { hostname: 'db-0' })]),
        slice('default/db', 'b', [endpoint('fd00:244::9')]),
      ],
    },
    'default/out': { service: {}, slices: [slice('default/out', 'a', [endpoint('10.99.0.1')])] },
    'default/lb': { service: { ...balancer, ingress: points('10.244.0.77') } },
  });
  const V6 = '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa';
  const rows: readonly [rule: string, name: string, type: string, answer: string][] = [
    ['an endpoint: its name', '6.4.244.10.in-addr.arpa', 'PTR', 'PTR 10-244-4-6.web.default.minilb'],
    ['one per address: the older Service', '5.0.244.10.in-addr.arpa', 'PTR', 'PTR 10-244-0-5.older.default.minilb'],
    ['its hostname where it has one', '9.0.244.10.in-addr.arpa', 'PTR', 'PTR db-0.db.default.minilb'],
    ['IPv6 (RFC 3596 §2.5)', V6, 'PTR', 'PTR fd00-244--9.db.default.minilb'],
    ['inside a podCIDR, no endpoint: NXDOMAIN', '200.0.244.10.in-addr.arpa', 'PTR', 'NXDOMAIN soa 0.244.10.in-addr.arpa'],
    ['a load balancer’s address is no endpoint', '77.0.244.10.in-addr.arpa', 'PTR', 'NXDOMAIN soa 0.244.10.in-addr.arpa'],
    ['other types of an endpoint’s name', '6.4.244.10.in-addr.arpa', 'A', 'NODATA soa 244.10.in-addr.arpa'],
    ['the apex is the enclosing octet boundary: SOA', '0.244.10.in-addr.arpa', 'SOA', 'SOA ns.dns.minilb hostmaster.minilb 5'],
    ['NS at the apex', '0.244.10.in-addr.arpa', 'NS', 'NS ns.dns.minilb'],
    ['a /22 has its apex at the /16', '244.10.in-addr.arpa', 'SOA', 'SOA ns.dns.minilb hostmaster.minilb 5'],
    ['an octet inside the /22', '5.244.10.in-addr.arpa', 'PTR', 'NODATA soa 244.10.in-addr.arpa'],
    ['inside the apex but outside the CIDR: foreign', '1.9.244.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['an octet outside the CIDR: foreign', '9.244.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['above the apex: foreign', '10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['an endpoint outside every podCIDR: foreign', '1.0.99.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['nonsense below in-addr.arpa: foreign', 'x.0.244.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['an octet over 255: foreign', '256.0.244.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['too many octets: foreign', '1.5.0.244.10.in-addr.arpa', 'PTR', 'REFUSED'],
    ['other names below arpa: foreign', 'home.arpa', 'SOA', 'REFUSED'],
  ];
  test.each(rows)('%s', (_, name, type, expected) => {
    expect(answerLine(zone, name, type)).toBe(expected);
  });

  test('the name that a PTR gives resolves to the address again', () => {
    expect(answerLine(zone, '10-244-4-6.web.default.minilb', 'A')).toBe('A 10.244.4.6');
    expect(answerLine(zone, 'fd00-244--9.db.default.minilb', 'AAAA')).toBe('AAAA fd00:244::9');
  });

  test('an endpoint that goes takes its PTR along, also after the index was made', () => {
    const cluster = testCluster();
    const small = createZone(config);
    small.setNodes(cluster, NODES);
    cluster.services.set('default/web', service('default/web'));
    cluster.sliceLists.set('default/web', [...pods]);
    small.update(cluster, 'default/web');
    expect(answerLine(small, '6.4.244.10.in-addr.arpa', 'PTR')).toBe('PTR 10-244-4-6.web.default.minilb');
    cluster.sliceLists.set('default/web', [slice('default/web', 'a', [endpoint('10.244.4.7')])]);
    small.update(cluster, 'default/web');
    expect(answerLine(small, '6.4.244.10.in-addr.arpa', 'PTR')).toBe('NXDOMAIN soa 244.10.in-addr.arpa');
    expect(answerLine(small, '7.4.244.10.in-addr.arpa', 'PTR')).toBe('PTR 10-244-4-7.web.default.minilb');
    cluster.services.clear();
    small.update(cluster, 'default/web');
    expect(answerLine(small, '7.4.244.10.in-addr.arpa', 'PTR')).toBe('NXDOMAIN soa 244.10.in-addr.arpa');
  });
});
