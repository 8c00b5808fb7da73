import { describe, expect, test } from 'bun:test';
import { routeNode } from '../../../test/support/route-values.ts';
import { endpoint as at, type EndpointState } from '../../../test/support/values.ts';
import { type AnnounceInputs, judgeAnnouncement, judgeNode } from './announce.ts';

const on = (node: string, state: EndpointState = 'ready') => at('10.244.0.5', state, { nodeName: node });
const inputs = (over: Partial<AnnounceInputs>): AnnounceInputs => ({
  node: 'a',
  eligibility: { eligible: true, reason: '' },
  endpoints: [],
  localPolicy: false,
  nodeDown: () => false,
  notReadyHereSeconds: 5,
  unusableSeconds: 5,
  drainSeconds: 0,
  holdSeconds: 60,
  ...over,
});

const rows: readonly [name: string, over: Partial<AnnounceInputs>, verdict: string][] = [
  ['a ready endpoint here', { endpoints: [on('a'), on('b')] }, 'announce ready-here'],
  ['a ready endpoint elsewhere only', { endpoints: [on('b')] }, 'withdraw not-here'],
  ['no criterion: the node is NotReady or cordoned', { endpoints: [on('a')], nodeDown: () => true }, 'announce ready-here'],
  [
    'only serving and terminating here, ready ones elsewhere',
    { endpoints: [on('a', 'serving terminating'), on('b')] },
    'withdraw only-terminating-here',
  ],
  [
    '-drain-seconds keeps such a node for so long',
    { endpoints: [on('a', 'serving terminating'), on('b')], drainSeconds: 30 },
    'keep draining 25',
  ],
  [
    '-drain-seconds is over',
    { endpoints: [on('a', 'serving terminating'), on('b')], drainSeconds: 30, notReadyHereSeconds: 30 },
    'withdraw only-terminating-here',
  ],
  [
    'only serving and terminating anywhere: the last one stays',
    { endpoints: [on('a', 'serving terminating'), on('b', 'not ready')] },
    'announce last-serving-here',
  ],
  ['only serving and terminating anywhere, none here', { endpoints: [on('b', 'serving terminating')] }, 'withdraw not-here'],
  ['no endpoint at all', {}, 'withdraw no-usable-endpoint'],
  ['no usable endpoint anywhere', { endpoints: [on('a', 'not ready'), on('b', 'terminating')] }, 'withdraw no-usable-endpoint'],
  ['not ready here, ready elsewhere', { endpoints: [on('a', 'not ready'), on('b')] }, 'withdraw not-here'],
  ['endpoints without nodeName, policy Cluster', { endpoints: [on('')] }, 'announce endpoints-without-node'],
  ['endpoints without nodeName, policy Local', { endpoints: [on('')], localPolicy: true }, 'withdraw local-without-node'],
  ['endpoints without nodeName beside one here, policy Local', { endpoints: [on(''), on('a')], localPolicy: true }, 'announce ready-here'],
  ['the node is excluded', { endpoints: [on('a')], eligibility: { eligible: false, reason: 'x' } }, 'withdraw node-excluded'],
  [
    'all unready at once while their nodes are down: held through the outage',
    { endpoints: [on('a', 'not ready'), on('b', 'not ready')], nodeDown: () => true },
    'keep held-through-node-outage 55',
  ],
  [
    'the pods are marked unready one by one: held from the first one on',
    { endpoints: [on('a', 'not ready'), on('b')], nodeDown: () => true },
    'keep held-through-node-outage 55',
  ],
  [
    'held no longer than -hold',
    { endpoints: [on('a', 'not ready')], nodeDown: () => true, unusableSeconds: 60 },
    'withdraw no-usable-endpoint',
  ],
  [
    'all unready while one of their nodes is up: no outage',
    { endpoints: [on('a', 'not ready'), on('b', 'not ready')], nodeDown: (name) => name === 'a' },
    'withdraw no-usable-endpoint',
  ],
];

describe('what a node announces (the table of judgeAnnouncement)', () => {
  test.each(rows)('%s', (_, over, verdict) => {
    const result = judgeAnnouncement(inputs(over));
    expect([result.kind, result.reason, ...(result.kind === 'keep' ? [result.seconds] : [])].join(' ')).toBe(verdict);
  });
});

const nodes: readonly [name: string, node: ReturnType<typeof routeNode> | undefined, taint: string, eligible: boolean][] = [
  ['a Node without marks', routeNode('a'), '', true],
  ['an unknown Node', undefined, 'drain', true],
  ['the label node.kubernetes.io/exclude-from-external-load-balancers', routeNode('a', { excluded: true }), '', false],
  ['condition NetworkUnavailable', routeNode('a', { networkUnavailable: true }), '', false],
  ['the taint of -drain-taint', routeNode('a', { taints: ['drain'] }), 'drain', false],
  ['another taint, such as unschedulable (cordoned)', routeNode('a', { taints: ['node.kubernetes.io/unschedulable'] }), 'drain', true],
  ['NotReady', routeNode('a', { ready: false }), '', true],
];

describe('which Nodes may announce', () => {
  test.each(nodes)('%s', (_, node, taint, eligible) => {
    expect(judgeNode(node, taint).eligible).toBe(eligible);
  });
});
