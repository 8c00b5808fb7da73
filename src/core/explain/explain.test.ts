import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { endpoint, ip, service, slice, testCluster } from '../../../test/support/values.ts';
import { parseCidr } from '../value/ip.ts';
import { createZone } from '../zone/zone.ts';
import { claimantsOf } from './claimants.ts';
import { explainName } from './explain.ts';
import { parseReport } from './parse-report.ts';
import { renderReport } from './render-report.ts';

const cluster = testCluster();
const http = [{ name: 'http', protocol: 'TCP' as const, port: 8080 }];
const put = (key: string, over: Parameters<typeof service>[1], slices: ReturnType<typeof slice>[]) => {
  cluster.services.set(key, service(key, over));
  cluster.sliceLists.set(key, slices);
};
put('default/web', { type: 'LoadBalancer', loadBalancerClass: 'minilb', ports: [{ name: 'http', protocol: 'TCP', port: 80 }] }, [
  slice('default/web', 'a', [endpoint('10.244.0.5'), endpoint('10.244.1.6', 'not ready', { nodeName: 'n2' })], { ports: http }),
]);
put('default/even', { ports: [{ name: '', protocol: 'TCP', port: 8080 }] }, [slice('default/even', 'a', [endpoint('10.244.0.8')])]);
put('default/drain', {}, [slice('default/drain', 'a', [endpoint('10.244.0.9', 'serving terminating')])]);
put('default/rolling', {}, [
  slice('default/rolling', 'a', [
    endpoint('10.244.0.1'),
    endpoint('10.244.0.2', 'serving terminating'),
    endpoint('10.244.0.3', 'terminating'),
  ]),
]);
put('default/down', {}, [slice('default/down', 'a', [endpoint('10.244.0.4', 'not ready')])]);
put('default/empty', {}, [slice('default/empty', 'a', [])]);
put('default/none', {}, []);
put('default/ext', { type: 'ExternalName', externalName: 'db.example.com' }, []);
put('default/db', { headless: true }, [slice('default/db', 'a', [endpoint('10.244.0.7', 'ready', { hostname: 'db-0' })])]);
const fenced = parseCidr('192.0.2.0/24') ?? expect.unreachable();
put('team/fenced', { type: 'LoadBalancer', loadBalancerClass: 'minilb', sourceRanges: [fenced] }, [
  slice('team/fenced', 'a', [endpoint('10.244.0.11')]),
]);

const zone = createZone({
  domain: dnsName('minilb'),
  ttlSeconds: 5,
  nameservers: [{ name: dnsName('ns.dns.minilb'), addresses: [ip('192.168.1.5')] }],
  serial: 1,
});
for (const key of cluster.services.keys()) zone.update(cluster, key);
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
    'web.default.minilb',
    'web.default.minilb has 1 address.',
    'It is the name of Service default/web, of type LoadBalancer and class minilb.',
    '1 of the 2 endpoints of Service default/web is ready.',
    '10.244.1.6 on node n2 is left out: its pod is not ready (kubectl describe pod shows which probe or condition fails).',
    'Clients must use port 8080, not 80 (http)/TCP: the name leads straight to the pods, and that is where they listen.',
  ],
  [
    'even.default.minilb',
    'even.default.minilb has 1 address.',
    'It is the name of Service default/even, of type ClusterIP.',
    'The only endpoint of Service default/even is ready.',
  ],
  [
    'drain.default.minilb',
    'drain.default.minilb has 1 address.',
    'No endpoint of Service default/drain is ready. 1 is shutting down and still serves: better that than nothing, until another is ready.',
  ],
  [
    'rolling.default.minilb',
    'rolling.default.minilb has 1 address.',
    '10.244.0.2 is left out: its pod is shutting down, and others are ready.',
    '10.244.0.3 is left out: its pod is shutting down and serves no more.',
  ],
  [
    'down.default.minilb',
    'down.default.minilb exists and has no such records (NODATA).',
    'The only endpoint of Service default/down cannot be used.',
    '10.244.0.4 is left out: its pod is not ready (kubectl describe pod shows which probe or condition fails).',
  ],
  [
    'empty.default.minilb',
    'empty.default.minilb exists and has no such records (NODATA).',
    'Service default/empty has no endpoints: no pod matches its selector, or none has an address yet.',
  ],
  [
    'none.default.minilb',
    'none.default.minilb exists and has no such records (NODATA).',
    'Service default/none has no EndpointSlices: nobody has made any. If it has a selector, look at kube-controller-manager; if not, they are yours to write.',
  ],
  [
    'ext.default.minilb',
    'ext.default.minilb leads to db.example.com.',
    'Service default/ext is of type ExternalName: the name is a CNAME to db.example.com.',
  ],
  [
    'db.default.minilb',
    'db.default.minilb has 1 address.',
    'It is the name of Service default/db, which is headless: every endpoint is given out, also over UDP.',
  ],
  [
    'db-0.db.default.minilb',
    'db-0.db.default.minilb has 1 address.',
    'It stands for one endpoint of Service default/db: its hostname, or its address with dashes. It exists while that endpoint can be used.',
  ],
  ['10-244-0-7.db.default.minilb', '10-244-0-7.db.default.minilb has 1 address.'],
  ['10-244-0-99.db.default.minilb', '10-244-0-99.db.default.minilb does not exist (NXDOMAIN).'],
  [
    'fenced.team.minilb',
    'fenced.team.minilb has 1 address.',
    'loadBalancerSourceRanges is not enforced: clients reach the pods without passing a load balancer. Use a NetworkPolicy.',
  ],
  [
    'wbe.default.minilb',
    'wbe.default.minilb does not exist (NXDOMAIN).',
    'There is no Service wbe in the namespace default.',
    'There is web.default.minilb.',
  ],
  [
    'fenced.default.minilb',
    'fenced.default.minilb does not exist (NXDOMAIN).',
    'There is no Service fenced in the namespace default.',
    'There is fenced.team.minilb.',
  ],
  [
    'web.nowhere.minilb',
    'web.nowhere.minilb does not exist (NXDOMAIN).',
    'There is no Service web in the namespace nowhere, and no other one either.',
    'There is web.default.minilb.',
  ],
  [
    'team.minilb',
    'team.minilb exists and has no such records (NODATA).',
    'It stands for the namespace team, which has 1 Service; names are below it: fenced.team.minilb.',
  ],
  ['nobody.minilb', 'nobody.minilb does not exist (NXDOMAIN).', 'No Service is in a namespace nobody, and nothing else has the name.'],
  ['minilb', 'minilb has 2 records and no address.', 'It is the name of the zone itself: it has SOA and NS, and no addresses.'],
  [
    'ns.dns.minilb',
    'ns.dns.minilb has 1 address.',
    'It is a server of the zone, by -nameserver or by default; its addresses are where this server listens.',
  ],
  [
    'web.default',
    'web.default is not ours: the query is REFUSED.',
    'Names of Services end in the zone’s name: ask for web.default.minilb.',
    'It is outside the zone minilb, and nothing in the cluster claims it. The server refuses such questions, since it has no -upstream: ask the resolver of your network.',
  ],
  [
    '5.0.0.127.in-addr.arpa',
    '5.0.0.127.in-addr.arpa is not ours: the query is REFUSED.',
    'It is no reverse name of a pod’s address. The server refuses such questions, since it has no -upstream: ask the resolver of your network.',
  ],
];

describe('what a tired person reads at night', () => {
  test.each(rows)('%s', (name, summary, ...sentences) => {
    const report = explainName(dnsName(name), facts);
    expect(report.summary).toBe(summary);
    const texts = report.notes.map(({ text }) => text);
    for (const sentence of sentences) expect(texts).toContain(sentence);
    expect(parseReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test('a name of -upstream', () => {
    const report = explainName(dnsName('www.example.com'), { ...facts, forwarding: true });
    expect(report).toMatchObject({ found: true, summary: 'www.example.com is asked of -upstream.' });
    expect(report.notes.at(-1)?.text).toEndWith('The server passes such questions to -upstream, for clients that it forwards for.');
  });

  test('a domain below home.arpa is one like others, not a reverse zone', () => {
    const home = createZone({ domain: dnsName('k8s.home.arpa'), ttlSeconds: 5, nameservers: [], serial: 1 });
    home.update(cluster, 'default/web');
    const report = explainName(dnsName('web.default.k8s.home.arpa'), { ...facts, zone: home });
    expect(report.answers.map(({ type }) => type)).toEqual(['A', 'AAAA', 'SRV']);
    expect(report.notes[0]?.text).toBe('It is the name of Service default/web, of type LoadBalancer and class minilb.');
  });

  test.each([
    [
      '5.0.244.10.in-addr.arpa',
      'It is the reverse name of 10.244.0.5, an endpoint of Service default/older, the oldest of those that have it; the others are default/web.',
    ],
    ['99.0.244.10.in-addr.arpa', '10.244.0.99 is inside a Node’s podCIDR, and no usable endpoint of a Service has it.'],
    ['0.244.10.in-addr.arpa', 'It stands for addresses of 10.244.0.0/24; reverse names of endpoints are below it.'],
  ])('reverse names: %s', (name, sentence) => {
    const reverse = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1 });
    const view = testCluster();
    view.services.set('default/web', service('default/web'));
    view.services.set('default/older', service('default/older', { created: '2020-01-01T00:00:00Z' }));
    for (const key of view.services.keys()) {
      view.sliceLists.set(key, [slice(key, 'a', [endpoint('10.244.0.5')])]);
      reverse.update(view, key);
    }
    reverse.setNodes(view, [{ ...service('/n1'), podCidrs: [parseCidr('10.244.0.0/24') ?? expect.unreachable()], internalIps: [] }]);
    expect(explainName(dnsName(name), { ...facts, view, zone: reverse }).notes.map(({ text }) => text)).toEqual([sentence]);
  });

  test('before the first sync', () => {
    const report = explainName(dnsName('web.default.minilb'), { ...facts, synced: false });
    expect(report).toMatchObject({ found: false, summary: 'web.default.minilb gets SERVFAIL.' });
    expect(report.notes.map(({ code }) => code)).toEqual(['NotSynced']);
  });
});

test('as a page: the outcome first, what is trouble stands out, and where it is from', () => {
  const source = {
    kind: 'computed',
    cluster: 'https://10.0.0.1 (home)',
    pod: 'minilb/minilb-dns-1',
    settings: ['-domain=minilb'],
    reason: 'it has no -page',
  } as const;
  expect(
    renderReport({ ...explainName(dnsName('down.default.minilb'), facts), source }),
  ).toBe(`down.default.minilb exists and has no such records (NODATA).

What a client gets:
  A     nothing (NODATA)
  AAAA  nothing (NODATA)
  SRV   nothing (NODATA)

Why:
  - It is the name of Service default/down, of type ClusterIP.
  ! The only endpoint of Service default/down cannot be used.
  ! 10.244.0.4 is left out: its pod is not ready (kubectl describe pod shows which probe or condition fails).
  ! Clients must use port 8080, not 80/TCP: the name leads straight to the pods, and that is where they listen.

Worked out from https://10.0.0.1 (home) with the settings of pod minilb/minilb-dns-1: -domain=minilb. No running pod was asked: it has no -page.
`);
});

test.each([[undefined], ['x'], [{}], [{ name: 'a', domain: 'b', summary: 'c' }], [[]]])('%j is no report', (raw) => {
  expect(parseReport(raw)).toBeUndefined();
});
