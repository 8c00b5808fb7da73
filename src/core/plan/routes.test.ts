import { describe, expect, test } from 'bun:test';
import { type CiliumNode, toCiliumNode } from '../object/cilium-node.ts';
import { type EndpointSlice, toEndpointSlice } from '../object/endpoint-slice.ts';
import { type Node, toNode } from '../object/node.ts';
import { compact } from '../object/raw.ts';
import { parseCidr } from '../value/ip.ts';
import { renderRoutes } from './render-routes.ts';
import { findOutsideEndpoints } from './route-evidence.ts';
import { planRoutes, podCidrsOf, type RouteInputs } from './routes.ts';

function node(name: string, podCIDRs: readonly string[], ips: readonly string[], routeVia?: string): Node {
  const parsed = toNode({
    metadata: { name, uid: `uid-${name}`, annotations: routeVia === undefined ? {} : { 'minilb/route-via': routeVia } },
    spec: { podCIDRs },
    status: { addresses: ips.map((address) => ({ type: 'InternalIP', address })) },
  });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

function cilium(name: string, podCIDRs: readonly string[]): CiliumNode {
  const parsed = toCiliumNode({ metadata: { name }, spec: { ipam: { podCIDRs } } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

interface Pod {
  readonly on?: string;
  readonly ip: string;
  readonly ready?: boolean;
}

function slices(...pods: readonly Pod[]): readonly EndpointSlice[] {
  return pods.map(({ on, ip, ready }) => {
    const parsed = toEndpointSlice({
      metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: ip.includes(':') ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [ip], conditions: { ready }, nodeName: on }],
    });
    if (!parsed.ok) throw new Error(parsed.detail);
    return parsed.value;
  });
}

interface Given {
  readonly nodes: readonly Node[];
  readonly cilium?: readonly CiliumNode[];
  readonly pods?: readonly Pod[];
  readonly via?: readonly string[];
  readonly cidrs?: readonly string[];
  readonly reserved?: readonly string[];
}

function plan(given: Given) {
  const cidrs = (texts: readonly string[] = []) => compact(texts.map(parseCidr));
  const ciliumNodes = given.cilium ?? [];
  const inputs: RouteInputs = {
    nodes: given.nodes,
    ciliumNodes,
    evidence: findOutsideEndpoints(given.nodes, podCidrsOf(ciliumNodes), slices(...(given.pods ?? []))),
    via: cidrs(given.via),
    cidrs: cidrs(given.cidrs),
    reserved: cidrs(given.reserved),
  };
  return planRoutes(inputs);
}

const A = node('a', ['10.244.0.0/24'], ['192.168.1.30']);
const B = node('b', ['10.244.1.0/24'], ['192.168.1.31']);
const one = (cidr: string) => [node('n', [cidr], ['192.168.1.30', 'fd00:1::30'])];
const lines = (given: Given) => renderRoutes(plan(given)).trimEnd().split('\n').slice(1);

const rows: readonly [name: string, given: Given, lines: readonly string[]][] = [
  ['a route a Node', { nodes: [B, A] }, ['ip route add 10.244.0.0/24 via 192.168.1.30', 'ip route add 10.244.1.0/24 via 192.168.1.31']],
  [
    'both families, several podCIDRs, each with the next hop of its family',
    { nodes: [node('a', ['10.244.0.0/24', 'fd00:244::/64', '10.245.0.0/24'], ['fd00:1::30', '192.168.1.30'])] },
    [
      'ip route add 10.244.0.0/24 via 192.168.1.30',
      'ip -6 route add fd00:244::/64 via fd00:1::30',
      'ip route add 10.245.0.0/24 via 192.168.1.30',
    ],
  ],
  [
    'minilb/route-via comes first',
    { nodes: [node('a', ['10.244.0.0/24'], ['192.168.1.30'], '10.9.9.9')] },
    ['ip route add 10.244.0.0/24 via 10.9.9.9'],
  ],
  [
    'minilb/route-via of one family leaves the other alone',
    { nodes: [node('a', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.30'], 'fd00:9::9')] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30', 'ip -6 route add fd00:244::/64 via fd00:9::9'],
  ],
  [
    '-via chooses among InternalIPs',
    { nodes: [node('a', ['10.244.0.0/24'], ['10.0.0.5', '192.168.1.30'])], via: ['192.168.1.0/24'] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30'],
  ],
  [
    '-via without a match',
    { nodes: [node('a', ['10.244.0.0/24'], ['10.0.0.5'])], via: ['192.168.1.0/24'] },
    ['# a 10.244.0.0/24: the Node has no IPv4 InternalIP inside -via and no annotation minilb/route-via'],
  ],
  [
    'no address of the family',
    { nodes: [node('a', ['fd00:244::/64'], ['192.168.1.30'])] },
    ['# a fd00:244::/64: the Node has no IPv6 InternalIP and no annotation minilb/route-via'],
  ],
  [
    'no podCIDRs',
    { nodes: [node('a', [], ['192.168.1.30'])] },
    ['# a: the Node has no podCIDRs: the CNI assigns addresses in a way of its own'],
  ],
  [
    'CiliumNode is preferred (cilium.io/v2 spec.ipam.podCIDRs)',
    { nodes: [A], cilium: [cilium('a', ['10.0.3.0/24'])] },
    ['ip route add 10.0.3.0/24 via 192.168.1.30'],
  ],
  ['an empty CiliumNode says nothing', { nodes: [A], cilium: [cilium('a', [])] }, ['ip route add 10.244.0.0/24 via 192.168.1.30']],
  ['a kubelet may claim everything: 0.0.0.0/0', { nodes: one('0.0.0.0/0') }, ['# n 0.0.0.0/0: the podCIDR 0.0.0.0/0 is shorter than /8']],
  ['/8 is allowed', { nodes: one('10.0.0.0/8') }, ['ip route add 10.0.0.0/8 via 192.168.1.30']],
  ['IPv6 shorter than /32', { nodes: one('fd00::/31') }, ['# n fd00::/31: the podCIDR fd00::/31 is shorter than /32']],
  ['IPv6 /32 is allowed', { nodes: one('fd00:2::/32') }, ['ip -6 route add fd00:2::/32 via fd00:1::30']],
  ['a single address is no network', { nodes: one('10.244.0.9/32') }, ['# n 10.244.0.9/32: the podCIDR 10.244.0.9/32 is longer than /30']],
  ['/30 is allowed', { nodes: one('10.244.0.8/30') }, ['ip route add 10.244.0.8/30 via 192.168.1.30']],
  ['IPv6 longer than /126', { nodes: one('fd00:2::9/128') }, ['# n fd00:2::9/128: the podCIDR fd00:2::9/128 is longer than /126']],
  [
    'minilb/route-via outside -via',
    { nodes: [node('a', ['10.244.0.0/24'], ['192.168.1.30'], '10.9.9.9')], via: ['192.168.1.0/24'] },
    ['# a 10.244.0.0/24: the next hop 10.9.9.9 is outside -via'],
  ],
  [
    'the next hop is the machine that shall hold the route, or its gateway',
    { nodes: [A], reserved: ['192.168.1.30/32'] },
    ['# a 10.244.0.0/24: the next hop 192.168.1.30 is this machine, or its gateway'],
  ],
  [
    'link-local',
    { nodes: one('169.254.1.0/24') },
    ['# n 169.254.1.0/24: the podCIDR 169.254.1.0/24 is loopback, link-local, multicast or reserved'],
  ],
  [
    'outside -cidrs',
    { nodes: [A, node('c', ['8.8.8.0/24'], ['192.168.1.32'])], cidrs: ['10.244.0.0/16'] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30', '# c 8.8.8.0/24: the podCIDR 8.8.8.0/24 is outside -cidrs'],
  ],
  [
    'wider than -cidrs is outside',
    { nodes: one('10.0.0.0/8'), cidrs: ['10.244.0.0/16'] },
    ['# n 10.0.0.0/8: the podCIDR 10.0.0.0/8 is outside -cidrs'],
  ],
  [
    'overlaps a connected network',
    { nodes: one('10.5.0.0/16'), reserved: ['10.5.7.0/24'] },
    ['# n 10.5.0.0/16: the podCIDR 10.5.0.0/16 overlaps the network 10.5.7.0/24'],
  ],
  [
    'holds a Node’s own address: it would take the nodes’ network',
    { nodes: [A, node('c', ['192.168.0.0/16'], ['10.9.0.1'])] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30', '# c 192.168.0.0/16: the podCIDR 192.168.0.0/16 holds the address of the Node a'],
  ],
  [
    'two Nodes overlap: neither is believed',
    { nodes: [A, B, node('c', ['10.244.1.128/25'], ['192.168.1.32'])] },
    [
      'ip route add 10.244.0.0/24 via 192.168.1.30',
      '# b 10.244.1.0/24: the podCIDR 10.244.1.0/24 overlaps 10.244.1.128/25 of the Node c',
      '# c 10.244.1.128/25: the podCIDR 10.244.1.128/25 overlaps 10.244.1.0/24 of the Node b',
    ],
  ],
  [
    'a claim that is refused anyway costs the others nothing',
    { nodes: [A, node('evil', ['0.0.0.0/1'], ['192.168.1.66'])] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30', '# evil 0.0.0.0/1: the podCIDR 0.0.0.0/1 is shorter than /8'],
  ],
  [
    'two Nodes with one InternalIP',
    { nodes: [A, node('c', ['10.244.2.0/24'], ['192.168.1.30'])] },
    [
      '# a 10.244.0.0/24: the next hop 192.168.1.30 is an InternalIP of the Node c too',
      '# c 10.244.2.0/24: the next hop 192.168.1.30 is an InternalIP of the Node a too',
    ],
  ],
  [
    'a next hop on loopback',
    { nodes: [node('a', ['10.244.0.0/24'], ['127.0.0.1'])] },
    ['# a 10.244.0.0/24: the next hop 127.0.0.1 is loopback, link-local, multicast or reserved'],
  ],
  [
    'a next hop inside a podCIDR',
    { nodes: [A, node('c', ['10.244.2.0/24'], ['192.168.1.32'], '10.244.0.9')] },
    ['ip route add 10.244.0.0/24 via 192.168.1.30', '# c 10.244.2.0/24: the next hop 10.244.0.9 lies inside the podCIDR 10.244.0.0/24'],
  ],
  [
    'an annotation that would end the comment is not repeated',
    { nodes: [node('a', ['10.244.0.0/24'], ['192.168.1.30'], 'x\nreboot')] },
    ['# a 10.244.0.0/24: the annotation minilb/route-via of the Node holds something that is no address'],
  ],
  [
    'ready pods outside the podCIDRs (Calico, Cilium cluster-pool)',
    {
      nodes: [A, B],
      pods: [
        { on: 'b', ip: '10.0.7.9' },
        { on: 'b', ip: '10.0.7.10' },
      ],
    },
    [
      'ip route add 10.244.0.0/24 via 192.168.1.30',
      '# b 10.244.1.0/24: ready pods on the Node have addresses outside its podCIDRs (10.0.7.10, 10.0.7.9): the CNI assigns others',
    ],
  ],
];

describe('routes', () => {
  test.each(rows)('%s', (_, given, expected) => expect(lines(given)).toEqual([...expected]));

  const noEvidence: readonly [name: string, pod: Pod, cilium: readonly CiliumNode[]][] = [
    ['a pod inside', { on: 'a', ip: '10.244.0.255' }, []],
    ['a pod that is not ready', { on: 'a', ip: '10.0.7.9', ready: false }, []],
    ['a pod with hostNetwork', { on: 'a', ip: '192.168.1.30' }, []],
    ['an endpoint without a Node (Cilium’s 192.192.192.192)', { ip: '192.192.192.192' }, []],
    ['a pod on an unknown Node', { on: 'gone', ip: '10.0.7.9' }, []],
    ['a pod of a family without podCIDRs', { on: 'a', ip: 'fd00:7::9' }, []],
    ['a pod inside the CiliumNode’s', { on: 'a', ip: '10.0.3.7' }, [cilium('a', ['10.0.3.0/24'])]],
  ];
  test.each(noEvidence)('%s proves nothing against a route', (_, pod, ciliumNodes) => {
    expect(plan({ nodes: [A], pods: [pod], cilium: ciliumNodes }).notices).toEqual([]);
  });

  test('evidence counts for its family alone', () => {
    const dual = node('a', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.30', 'fd00:1::30']);
    const faults = plan({ nodes: [dual], pods: [{ on: 'a', ip: 'fd00:7::9' }] }).routes.map((route) => route.fault?.code);
    expect(faults).toEqual([undefined, 'EndpointsOutsidePodCidrs']);
  });

  test('each fault is a notice about its Node', () => {
    expect(plan({ nodes: [A, node('c', [], [])] }).notices).toEqual([
      {
        object: { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'c', uid: 'uid-c' },
        code: 'NodeWithoutPodCidrs',
        text: 'No route: the Node has no podCIDRs: the CNI assigns addresses in a way of its own.',
      },
    ]);
  });

  test('5,000 Nodes, one of which claims all the others’ networks, are planned without comparing each with each', () => {
    const many = Array.from({ length: 5000 }, (_, i) => node(`n${i}`, [`10.${i >> 8}.${i & 255}.0/24`], [`172.16.${i >> 8}.${i & 255}`]));
    const faults = plan({ nodes: [...many, node('x', ['10.0.0.0/9'], ['172.16.99.1'])] }).routes.filter((route) => route.fault);
    expect(faults.length).toBe(5001);
  }, 5000);
});

describe('the printed text', () => {
  test('is the seed’s heading and commands', () => {
    expect(renderRoutes(plan({ nodes: [A] }))).toBe(
      'Add the following routes to your default gateway (router):\nip route add 10.244.0.0/24 via 192.168.1.30\n',
    );
    expect(renderRoutes(plan({ nodes: [] }))).toBe('# No routes: the cluster has no Nodes.\n');
  });
});
