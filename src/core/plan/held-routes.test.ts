import { describe, expect, test } from 'bun:test';
import { type Node, toNode } from '../object/node.ts';
import { compact } from '../object/raw.ts';
import { type Cidr, cidrText, parseCidr, parseIp } from '../value/ip.ts';
import { type HeldRoute, heldComments, heldRouteBatch, parseHeldComments, planHeldRoutes } from './held-routes.ts';
import { planRoutes } from './routes.ts';

function node(name: string, podCIDRs: readonly string[], ip: string): Node {
  const addresses = [{ type: 'InternalIP', address: ip }];
  const parsed = toNode({ metadata: { name, uid: name }, spec: { podCIDRs }, status: { addresses } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const nets = (...texts: readonly string[]): readonly Cidr[] => compact(texts.map(parseCidr));
const LIMITS = { cidrs: nets('10.244.0.0/16'), via: nets('192.168.1.0/24'), reserved: nets('192.168.1.0/24', '192.168.1.1/32') };

function held(...texts: readonly string[]): readonly HeldRoute[] {
  return texts.map((text) => {
    const [network, hop] = text.split(' via ');
    const [cidr, via] = [parseCidr(network), parseIp(hop)];
    if (!cidr) throw new Error(text);
    return { cidr, ...(via && { via }), device: 'lan' };
  });
}

const textOf = ({ cidr, via }: HeldRoute) => `${cidrText(cidr)}${via ? ` via ${via}` : ''}`;

function change(nodes: readonly Node[], before: readonly HeldRoute[], evidence: ReadonlyMap<string, never[]> = new Map()) {
  const plan = planRoutes({ nodes, ciliumNodes: [], evidence, ...LIMITS });
  const { add, remove, held: after, kept } = planHeldRoutes(before, plan, LIMITS);
  return { add: add.map(textOf), remove: remove.map(textOf), held: after.map(textOf).sort(), kept: kept.map(({ fault }) => fault.code) };
}

const A = node('a', ['10.244.0.0/24'], '192.168.1.30');
const B = node('b', ['10.244.1.0/24'], '192.168.1.31');
const [RA, RB] = ['10.244.0.0/24 via 192.168.1.30', '10.244.1.0/24 via 192.168.1.31'] as const;

type Row = readonly [name: string, nodes: readonly Node[], before: readonly string[], add: readonly string[], remove: readonly string[]];
const rows: readonly Row[] = [
  ['nothing held: all are added', [A, B], [], [RA, RB], []],
  ['all held: nothing to do', [A, B], [RA, RB], [], []],
  ['a Node is gone: its route is withdrawn', [A], [RA, RB], [], [RB]],
  ['another next hop: removed and added', [A], ['10.244.0.0/24 via 192.168.1.99'], [RA], ['10.244.0.0/24 via 192.168.1.99']],
  ['a second route to the same network is removed', [A], [RA, '10.244.0.0/24 via 192.168.1.98'], [], ['10.244.0.0/24 via 192.168.1.98']],
  ['a route with our mark that nobody wants is removed', [A], [RA, '10.9.0.0/16 via 192.168.1.5'], [], ['10.9.0.0/16 via 192.168.1.5']],
  ['a Node that claims a held network changes nothing', [A, B, node('evil', ['10.244.0.0/24'], '192.168.1.66')], [RA, RB], [], []],
  ['… nor part of it', [A, B, node('evil', ['10.244.0.128/25'], '192.168.1.66')], [RA, RB], [], []],
  ['… nor everything', [A, B, node('evil', ['0.0.0.0/0', '10.0.0.0/8'], '192.168.1.66')], [RA, RB], [], []],
  ['… nor the LAN', [A, B, node('evil', ['192.168.1.0/24'], '192.168.1.66')], [RA, RB], [], []],
  ['… nor a single address of it', [A, B, node('evil', ['192.168.1.30/32'], '192.168.1.66')], [RA, RB], [], []],
  ['… nor with another’s address for its own', [A, B, node('evil', ['10.244.9.0/24'], '192.168.1.30')], [RA, RB], [], []],
  ['… nor with an address inside a held network', [A, B, node('evil', ['10.244.9.0/24'], '10.244.0.7')], [RA, RB], [], []],
  ['… nor with the gateway for its address', [A, B, node('evil', ['10.244.9.0/24'], '192.168.1.1')], [RA, RB], [], []],
  ['two that were never held: neither is believed', [A, node('evil', ['10.244.0.0/24'], '192.168.1.66')], [], [], []],
  [
    'a held route outside the limits goes, though its Node is there',
    [node('c', ['10.9.0.0/16'], '192.168.1.5')],
    ['10.9.0.0/16 via 192.168.1.5'],
    [],
    ['10.9.0.0/16 via 192.168.1.5'],
  ],
];

describe('held routes become those of the plan', () => {
  test.each(rows)('%s', (_, nodes, before, add, remove) => {
    const first = change(nodes, held(...before));
    expect([first.add, first.remove]).toEqual([[...add], [...remove]]);
    const second = change(nodes, held(...first.held));
    expect([second.add, second.remove, second.held]).toEqual([[], [], first.held]);
  });

  test('a Node that shares its podCIDR with a hostile one keeps its route, and it is said why', () => {
    expect(change([A, node('evil', ['10.244.0.0/24'], '192.168.1.66')], held(RA)).kept).toEqual(['PodCidrOverlapsNode']);
  });

  test('with the Node that held it gone, the other one has the network', () => {
    expect(change([node('c', ['10.244.0.0/24'], '192.168.1.66')], held(RA))).toMatchObject({
      add: ['10.244.0.0/24 via 192.168.1.66'],
      remove: [RA],
    });
  });
});

test('each line of the batch names the mark, removals first', () => {
  const [old] = held('10.244.0.0/24 via 192.168.1.99');
  const add = held(RA).flatMap(({ cidr, via }) => (via ? [{ cidr, via }] : []));
  expect(heldRouteBatch({ add, remove: old ? [old] : [] }, 177)).toEqual([
    'route del 10.244.0.0/24 via 192.168.1.99 dev lan proto 177',
    'route add 10.244.0.0/24 via 192.168.1.30 proto 177',
  ]);
});

test('what a file says it holds is read again; anything else means nothing', () => {
  const routes = held(RA, 'fd00:244::/64 via fd00:1::30').flatMap(({ cidr, via }) => (via ? [{ cidr, via }] : []));
  expect(parseHeldComments(`x\n${heldComments(routes, '!')}`).map(textOf)).toEqual([RA, 'fd00:244::/64 via fd00:1::30']);
  const odd = ['# minilb holds 10.244.0.0/24 via fd00::1', '# minilb holds x via y', '# minilb holds 10.0.0.0/33 via 10.0.0.1', 'garbage'];
  expect(parseHeldComments(odd.join('\n'))).toEqual([]);
});
