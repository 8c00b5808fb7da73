import { expect, test } from 'bun:test';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { type EndpointSlice, toEndpointSlice } from '../core/object/endpoint-slice.ts';
import { type Node, toNode } from '../core/object/node.ts';
import { renderRoutes } from '../core/plan/render-routes.ts';
import { createRoutePlanner, whenChanged } from './route-planner.ts';

function node(name: string, cidr: string, ip: string): Node {
  const parsed = toNode({
    metadata: { name, uid: name },
    spec: { podCIDRs: [cidr] },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

function slice(nodeName: string, address: string): EndpointSlice {
  const labels = { 'kubernetes.io/service-name': 'web' };
  const endpoints = [{ addresses: [address], nodeName }];
  const parsed = toEndpointSlice({ metadata: { namespace: 'default', name: 'web-1', labels }, addressType: 'IPv4', endpoints });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

function setUp() {
  const clock = createFakeClock();
  const abort = new AbortController();
  const world = { nodes: [node('a', '10.244.0.0/24', '192.168.1.30')], slices: [] as EndpointSlice[] };
  const printed: string[] = [];
  const notices: string[] = [];
  const print = whenChanged((text) => printed.push(text.split('\n').slice(1, -1).join('; ')));
  const planner = createRoutePlanner(
    {
      nodes: () => world.nodes,
      slices: () => world.slices,
      via: [],
      cidrs: [],
      clock,
      planned: (plan) => print(renderRoutes(plan)),
      notice: (notice) => notices.push(notice.code),
    },
    abort.signal,
  );
  return { clock, abort, world, printed, notices, planner };
}

test('routes are printed at the first sync and when Nodes change, once for many changes, and not when nothing differs', async () => {
  const { clock, world, printed, planner } = setUp();
  planner.changed('nodes');
  planner.changed('endpoints');
  await clock.advance(1000);
  for (let i = 0; i < 5; i++) planner.changed('nodes');
  await clock.advance(60_000);
  expect(printed).toEqual(['ip route add 10.244.0.0/24 via 192.168.1.30']);
  planner.changed('endpoints');
  await clock.advance(100);
  world.nodes.push(node('b', '10.244.1.0/24', '192.168.1.31'));
  planner.changed('nodes');
  await clock.advance(1000);
  expect(printed[1]).toBe('ip route add 10.244.0.0/24 via 192.168.1.30; ip route add 10.244.1.0/24 via 192.168.1.31');
});

test('what a pod proved about podCIDRs outlives the pod, until the podCIDRs change', async () => {
  const { clock, world, printed, notices, planner } = setUp();
  planner.changed('nodes');
  await clock.advance(1000);
  world.slices = [slice('a', '10.0.7.9')];
  planner.changed('endpoints');
  await clock.advance(10_000);
  expect(printed[1]).toStartWith('# a 10.244.0.0/24: ready pods on the Node have addresses outside');
  world.slices = [slice('a', '10.0.7.10')];
  planner.changed('endpoints');
  await clock.advance(10_000);
  expect([printed.length, notices]).toEqual([2, ['EndpointsOutsidePodCidrs']]);
  world.nodes = [node('a', '10.0.7.0/24', '192.168.1.30')];
  planner.changed('nodes');
  await clock.advance(1000);
  expect(printed[2]).toBe('ip route add 10.0.7.0/24 via 192.168.1.30');
});

test('closing leaves no timer', async () => {
  const { clock, abort, printed, planner } = setUp();
  planner.changed('endpoints');
  abort.abort();
  await planner.closed;
  planner.changed('nodes');
  await clock.advance(60_000);
  expect([printed.length, clock.pending()]).toEqual([0, 0]);
});
