import { describe, expect, test } from 'bun:test';
import { node, service } from '../../../test/support/external-values.ts';
import { endpoint, slice } from '../../../test/support/values.ts';
import { createTargets } from './balancer-targets.ts';

const BOTH = ['ExternalIP', 'InternalIP'] as const;
const EXCLUDE = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
const a = node('a', '10.0.0.1');
const b = node('b', '10.0.0.2');
const down = node('down', '10.0.0.9', { ready: false });
const at = (type: string, address: string) => ({ type, address });
const dual = node('dual', '', { addresses: [at('InternalIP', '10.0.0.5'), at('InternalIP', 'fd00::5'), at('ExternalIP', '192.0.2.5')] });

const local = { spec: { externalTrafficPolicy: 'Local' } };
const endpoints = (...list: readonly (readonly [nodeName: string, state: 'ready' | 'not ready' | 'serving terminating'])[]) => [
  slice(
    'default/web',
    's',
    list.map(([nodeName, state], i) => endpoint(`10.244.0.${i + 1}`, state, { nodeName })),
  ),
];

const rows: readonly [
  name: string,
  nodes: Parameters<typeof createTargets>[0],
  changes: object,
  slices: ReturnType<typeof endpoints>,
  result: string,
][] = [
  ['Ready Nodes, by name', [b, a], {}, [], '10.0.0.1 10.0.0.2'],
  ['a Node that is not Ready gets nothing', [a, down], {}, [], '10.0.0.1'],
  ['none is Ready: all, with an Event', [down], {}, [], '10.0.0.9 NoReadyNode'],
  ['a cordon changes nothing', [node('c', '10.0.0.3', { spec: { unschedulable: true } })], {}, [], '10.0.0.3'],
  ['the exclude label', [a, node('x', '10.0.0.8', { labels: EXCLUDE })], {}, [], '10.0.0.1'],
  [
    'the autoscaler’s taint',
    [a, node('x', '10.0.0.8', { spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } })],
    {},
    [],
    '10.0.0.1',
  ],
  ['all labelled out', [node('x', '10.0.0.8', { labels: EXCLUDE })], {}, [], ' NoTargets'],
  ['an excluded Node is no refuge when none is Ready', [down, node('x', '10.0.0.8', { labels: EXCLUDE })], {}, [], '10.0.0.9 NoReadyNode'],
  ['ExternalIP comes before InternalIP, one address a Node', [dual], {}, [], '192.0.2.5'],
  ['only addresses of the Service’s families', [dual, a], { spec: { ipFamilies: ['IPv6'] } }, [], 'fd00::5'],
  ['a dual-stack Service: the type decides, then its first family', [dual], { spec: { ipFamilies: ['IPv6', 'IPv4'] } }, [], '192.0.2.5'],
  ['no Node has an address of the family', [a], { spec: { ipFamilies: ['IPv6'] } }, [], ' NoNodeAddress'],
  ['Local: Nodes with a ready endpoint', [a, b], local, endpoints(['b', 'ready'], ['a', 'not ready']), '10.0.0.2'],
  ['Local: a Node that is not Ready gets nothing even so', [a, down], local, endpoints(['down', 'ready']), ' NoTargets'],
  ['Local: no ready endpoint: nobody', [a, b], local, [], ' NoTargets'],
  [
    'Local: the last pods serve while they terminate, as kube-proxy has it',
    [a, b],
    local,
    endpoints(['a', 'serving terminating']),
    '10.0.0.1',
  ],
  ['Local: … not beside a ready one', [a, b], local, endpoints(['a', 'serving terminating'], ['b', 'ready']), '10.0.0.2'],
  [
    'Local: slices of another family do not count',
    [a, b],
    { spec: { externalTrafficPolicy: 'Local', ipFamilies: ['IPv6'] } },
    endpoints(['a', 'ready']),
    ' NoTargets',
  ],
];

describe('which Nodes get the traffic', () => {
  test.each(rows)('%s', (_, nodes, changes, slices, expected) => {
    const { hosts, remarks } = createTargets(nodes)(service(changes), () => slices, BOTH);
    expect([hosts.join(' '), ...remarks.map(([code]) => code)].join(' ')).toBe(expected);
  });

  test('nodeAddressTypes of the config: the order, and nothing else', () => {
    const targets = createTargets([dual, a]);
    expect(targets(service(), () => [], ['InternalIP', 'ExternalIP']).hosts as readonly string[]).toEqual(['10.0.0.1', '10.0.0.5']);
    expect(targets(service(), () => [], ['ExternalIP']).hosts as readonly string[]).toEqual(['192.0.2.5']);
  });

  test('an updater takes 1,000 at most', () => {
    const many = Array.from({ length: 1001 }, (_, i) => node(`n${i}`, `10.1.${i >> 8}.${i & 255}`));
    const { hosts, remarks } = createTargets(many)(service(), () => [], BOTH);
    expect([hosts.length, remarks[0]?.[0]]).toEqual([1000, 'TooManyTargets']);
  });
});
