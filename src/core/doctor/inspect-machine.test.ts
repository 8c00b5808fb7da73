import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { clusterFacts, machineFacts, node, pathFact, resolverFact, type Sick, serverPod } from '../../../test/support/doctor-values.ts';
import { cidr } from '../../../test/support/route-values.ts';
import { ip } from '../../../test/support/values.ts';
import { CATALOGUE, type FindingCode } from './catalogue.ts';
import { inspectMachine } from './inspect.ts';
import type { MachineFacts, ResolverFact, Said } from './machine-facts.ts';

const silent: Said = { kind: 'silent' };
const failed = (reason: string): Said => ({ kind: 'failed', reason });
const records = (...texts: readonly string[]): Said => ({ kind: 'answer', rcode: 'NOERROR', records: texts });
const nxdomain: Said = { kind: 'answer', rcode: 'NXDOMAIN', records: [] };
const resolver = (over: Partial<ResolverFact>): Partial<MachineFacts> => ({ resolvers: [resolverFact(over)] });
const server = (probe: Said): Partial<MachineFacts> => ({
  servers: [{ who: 'Pod minilb/dns-1', at: { ip: ip('192.168.1.10'), port: 53 }, probe }],
});
const compared = (name: string, said: Said) => ({ name: dnsName(name), type: 'A' as const, direct: ['10.244.0.1'], said });
const stale = (waitedSeconds: number, sameAgain: boolean) => ({ ttlSeconds: 5, waitedSeconds, same: true, sameAgain });

const rows: readonly [name: string, machine: Partial<MachineFacts>, code: FindingCode, seen: string, ...paste: string[]][] = [
  [
    'a server that says nothing',
    server(silent),
    'ServerSilent',
    'does not answer this machine at 192.168.1.10 port 53',
    'dig @192.168.1.10',
  ],
  ['a server that refuses', server(failed('REFUSED')), 'ServerRefuses', 'it answers REFUSED'],
  [
    'a query that arrives from a node',
    { ...server(records('"client=192.168.1.10 server=dns-1"')) },
    'SourceNat',
    'from 192.168.1.10, an address of the cluster',
  ],
  [
    'a query that arrives from a pod’s range',
    { ...server(records('"client=10.244.0.77 server=dns-1"')) },
    'SourceNat',
    'from 10.244.0.77, an address of the cluster',
  ],
  [
    'no resolver but minilb',
    resolver({ at: { ip: ip('192.168.1.10'), port: 53 } }),
    'OnlyResolver',
    'Its only resolvers are minilb: 192.168.1.10',
    'sudo tee -a /etc/resolv.conf',
  ],
  [
    'somebody’s zone of that name',
    { foreignZone: { primary: 'ns1.example.net', by: ip('9.9.9.9') } },
    'DomainIsRealZone',
    '9.9.9.9 says that ns1.example.net serves a zone of that name',
  ],
  ['a resolver that says nothing', resolver({ probe: silent, root: silent }), 'ResolverSilent', 'does not answer', 'dig @192.168.1.1'],
  [
    'dnsmasq that does not forward',
    resolver({ probe: nxdomain }),
    'ResolverDoesNotForward',
    'that it does not exist (NXDOMAIN)',
    'server=/minilb/192.168.1.10',
    'rebind-domain-ok=/minilb/',
  ],
  [
    'a resolver that does not say what it is: lines for two',
    resolver({ probe: failed('REFUSED'), program: '' }),
    'ResolverDoesNotForward',
    'REFUSED',
    'server=/minilb/192.168.1.10',
    'forward-addr: 192.168.1.10',
  ],
  [
    'Unbound that validates',
    resolver({ probe: failed('SERVFAIL'), unchecked: records('"client=…"'), program: 'unbound 1.17.1' }),
    'ResolverValidates',
    '(SERVFAIL) and gives them when it shall not validate',
    'server:',
    'domain-insecure: "minilb"',
  ],
  [
    'systemd-resolved that validates',
    resolver({ probe: failed('SERVFAIL'), unchecked: records('"client=…"'), program: 'systemd-resolved' }),
    'ResolverValidates',
    'SERVFAIL',
    'minilb.negative',
    '# minilb',
  ],
  [
    'rebind protection',
    resolver({ host: compared('web.default.minilb', records()) }),
    'ResolverDropsPrivateAddresses',
    'of web.default.minilb (10.244.0.1) it gives no data (NODATA)',
    'rebind-domain-ok=/minilb/',
  ],
  [
    'a stale cache that refreshes while it answers',
    resolver({ staleness: stale(7, false), program: 'dnsmasq-pi-hole-v2.90' }),
    'ResolverStale',
    '7 s old and may be kept for 5 s, and a new one right after',
    'sudo pihole-FTL --config dns.cache.optimizer -1',
  ],
  [
    'a cache that keeps answers for longer than they may be',
    resolver({ staleness: stale(7, true), program: 'unbound 1.17.1' }),
    'ResolverStale',
    'and again right after',
    'cache-min-ttl: 0',
  ],
  [
    'a claimed host that the resolver asks others for',
    resolver({ claimed: compared('mqtt.example.com', nxdomain) }),
    'ClaimedHostNotForwarded',
    'mqtt.example.com is claimed in the cluster (10.244.0.1)',
    'server=/mqtt.example.com/192.168.1.10',
  ],
  [
    'a name beside a claimed one that is refused',
    resolver({ sibling: { name: dnsName('x.example.com'), said: failed('REFUSED') } }),
    'SiblingsDie',
    '(x.example.com) gets REFUSED',
    'server=/mqtt.example.com/192.168.1.10',
  ],
  [
    'no route at all',
    { paths: [pathFact({ result: 'no-route', hop: undefined })] },
    'NoRouteToPods',
    'no route to 10.244.0.1',
    'sudo ip route replace 10.244.0.0/24 via 192.168.1.10',
  ],
  [
    'a router that has no route, while the Node answers',
    { paths: [pathFact({ result: 'silent', nodeAlive: 'alive' })] },
    'NoRouteToPods',
    'packets go to 192.168.1.1, which has no route to 10.244.0.0/24 or drops them',
    'sudo ip route replace 10.244.0.0/24 via 192.168.1.10',
  ],
  [
    'a pod that is silent behind its own Node',
    { paths: [pathFact({ result: 'silent', nodeAlive: 'alive', hop: ip('192.168.1.10') })] },
    'PodSilent',
    'packets go straight to 192.168.1.10, which does',
    'kubectl get networkpolicies -A',
  ],
  [
    'a connection that opens and passes nothing',
    { paths: [pathFact({ result: 'stuck' })] },
    'AsymmetricPath',
    'is never acknowledged: a stateful firewall on the way (192.168.1.1?)',
    'sudo ip route replace 10.244.0.0/24 via 192.168.1.10',
  ],
  [
    'a route to another place',
    { kernelRoutes: [{ destination: cidr('10.244.0.0/24'), via: ip('192.168.1.66') }] },
    'RouteWrong',
    'leads to 192.168.1.66; the pods are on Node n1, at 192.168.1.10',
    'sudo ip route replace 10.244.0.0/24 via 192.168.1.10',
  ],
  [
    'a route of a range that no Node has any more',
    { kernelRoutes: [{ destination: cidr('10.244.7.0/24'), via: ip('192.168.1.10') }] },
    'RouteLeftOver',
    'no Node has pods there',
    'sudo ip route del 10.244.7.0/24 via 192.168.1.10',
  ],
];

describe('what is wrong between this machine and the cluster', () => {
  test.each(rows)('%s', (_, machine, code, seen, ...paste) => {
    const found = inspectMachine(machineFacts(machine), clusterFacts());
    expect(found.map((each) => each.code)).toEqual([code]);
    expect(found[0]?.severity).toBe(CATALOGUE[code].severity);
    expect(found[0]?.seen).toContain(seen);
    const lines = found[0]?.remedy.paste.join('\n') ?? '';
    expect(lines !== '').toBe(paste.length > 0);
    for (const part of paste) expect(lines).toContain(part);
  });

  const quiet: readonly [name: string, machine: Partial<MachineFacts>, sick?: Sick][] = [
    ['all is well', {}],
    ['an answer younger than its TTL and a second', resolver({ staleness: stale(5.9, false) })],
    ['a NAT between here and the cluster that is not the cluster’s', server(records('"client=203.0.113.9 server=dns-1"'))],
    ['a second resolver beside minilb', { resolvers: [resolverFact(), resolverFact({ at: { ip: ip('192.168.1.10'), port: 53 } })] }],
    [
      'a resolver without an answer about the world, whatever it says of siblings',
      resolver({ root: failed('SERVFAIL'), sibling: { name: dnsName('x.example.com'), said: failed('SERVFAIL') } }),
    ],
    ['a pod that refuses the connection has been reached', { paths: [pathFact({ result: 'refused' })] }],
    ['a pod of a Node that is silent too: it is not the path', { paths: [pathFact({ result: 'silent', nodeAlive: 'silent' })] }],
    [
      'routes on a node are its CNI’s',
      {
        ownAddresses: [ip('192.168.1.10'), ip('192.168.1.2')],
        kernelRoutes: [{ destination: cidr('10.244.0.0/24'), via: ip('10.244.0.0') }],
      },
    ],
    [
      'a route to something else',
      {
        kernelRoutes: [
          { destination: cidr('10.9.0.0/16'), via: ip('192.168.1.10') },
          { destination: cidr('10.9.1.0/24'), via: ip('192.168.1.1') },
        ],
      },
    ],
    [
      'a real zone whose other names are let through',
      { foreignZone: { primary: 'ns1.example.net', by: ip('9.9.9.9') } },
      { settings: { forwarding: true, fallthrough: true, claimHosts: true } },
    ],
    [
      'before installation there is nothing to reach',
      { servers: [], resolvers: [resolverFact({ probe: undefined, host: undefined, claimed: undefined, staleness: undefined })] },
    ],
  ];
  for (const [name, machine, sick] of quiet)
    test(`nothing is said of: ${name}`, () => {
      expect(inspectMachine(machineFacts(machine), clusterFacts(sick))).toEqual([]);
    });

  test('with -upstream a real zone is let through by a flag for each server', () => {
    const sick = { settings: { forwarding: true, claimHosts: true }, pods: [serverPod({})] };
    const found = inspectMachine(machineFacts({ foreignZone: { primary: 'ns1.example.net', by: ip('9.9.9.9') } }), clusterFacts(sick));
    expect(found[0]?.remedy.paste).toEqual([
      `kubectl -n minilb patch deployment minilb-dns --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"-fallthrough"}]'`,
    ]);
  });

  test('IPv6 routes are told by ip -6', () => {
    const nodes = [node('n1', ['fd00:10::/64'], ['fd00::10'])];
    const paths = [pathFact({ address: ip('fd00:10::1'), result: 'no-route', hop: undefined })];
    const found = inspectMachine(machineFacts({ paths, kernelRoutes: [] }), clusterFacts({ nodes }));
    expect(found[0]?.remedy.paste).toEqual(['sudo ip -6 route replace fd00:10::/64 via fd00::10']);
  });
});
