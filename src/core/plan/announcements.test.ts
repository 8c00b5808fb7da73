import { describe, expect, test } from 'bun:test';
import { cidr, routeNode, routeService as svc } from '../../../test/support/route-values.ts';
import { type EndpointState, endpoint, slice } from '../../../test/support/values.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { RouteService } from '../object/route-service.ts';
import { type AnnouncementInputs, announcedElsewhere, planAnnouncements } from './announcements.ts';

const on = (node: string, state: EndpointState = 'ready', address = '10.244.0.5') => endpoint(address, state, { nodeName: node });
const inputs = (
  services: readonly RouteService[],
  slices: Readonly<Record<string, readonly EndpointSlice[]>>,
  over: Partial<AnnouncementInputs> = {},
): AnnouncementInputs => ({
  loadBalancerClass: 'minilb-l3',
  prefixes: [cidr('10.0.100.0/24'), cidr('fd00:100::/64')],
  node: 'a',
  services,
  slicesOf: (key) => slices[key] ?? [],
  nodeOf: () => undefined,
  drainSeconds: 0,
  drainTaint: '',
  holdSeconds: 60,
  nowMs: 0,
  seen: new Map(),
  ...over,
});
const here = (key: string) => ({ [key]: [slice(key, 's', [on('a')])] });

describe('what a node is to hold', () => {
  test('the status says which addresses: none without one, none outside the prefixes, none of another class', () => {
    const services = [svc('d/new'), svc('d/odd', { status: ['192.0.2.1'] }), svc('d/other', { class: 'metallb', status: ['10.0.100.9'] })];
    const slices = { ...here('d/new'), ...here('d/odd'), ...here('d/other') };
    expect([...planAnnouncements(inputs(services, slices)).desired]).toEqual([]);
  });

  test('each family by its own endpoints', () => {
    const service = svc('d/web', { status: ['10.0.100.1', 'fd00:100::1'], families: ['IPv4', 'IPv6'] });
    const slices = { 'd/web': [slice('d/web', 's4', [on('a')]), slice('d/web', 's6', [on('b', 'ready', 'fd00:244::5')])] };
    expect([...planAnnouncements(inputs([service], slices)).desired].map(String)).toEqual(['10.0.100.1']);
  });

  test('of two that hold one address, only the older counts, as the allocator decides it', () => {
    const services = [svc('d/young', { age: 1, status: ['10.0.100.1'] }), svc('d/old', { age: 2, status: ['10.0.100.1'] })];
    const plan = planAnnouncements(inputs(services, here('d/young')));
    expect([...plan.desired]).toEqual([]);
    expect(plan.reports.find((report) => report.service === 'd/young')?.reason).toBe('held-by-older-service');
  });

  test('a shared address is announced when one of its Services has a pod here', () => {
    const share = { annotations: { 'minilb/share': 'k' }, status: ['10.0.100.1'] };
    const services = [svc('d/a', share), svc('d/b', { ...share, port: 443 })];
    expect([...planAnnouncements(inputs(services, here('d/b'))).desired].map(String)).toEqual(['10.0.100.1']);
  });

  test('-hold counts from when the endpoints were last usable, over several plans', () => {
    const service = svc('d/web', { status: ['10.0.100.1'] });
    const down = { 'd/web': [slice('d/web', 's', [on('a', 'not ready')])] };
    const nodeOf = () => routeNode('a', { ready: false });
    const first = planAnnouncements(inputs([service], here('d/web'), { nodeOf, nowMs: 1000 }));
    const second = planAnnouncements(inputs([service], down, { nodeOf, nowMs: 31_000, seen: first.seen }));
    expect([second.reports[0]?.kind, second.againMs]).toEqual(['keep', 30_000]);
    const third = planAnnouncements(inputs([service], down, { nodeOf, nowMs: 61_000, seen: second.seen }));
    expect([third.reports[0]?.kind, third.againMs]).toEqual(['withdraw', undefined]);
  });

  test('policy Local and no nodeName at all: nobody announces, and the Service is told', () => {
    const service = svc('d/web', { status: ['10.0.100.1'], local: true });
    const plan = planAnnouncements(inputs([service], { 'd/web': [slice('d/web', 's', [on('')])] }));
    expect([plan.desired.size, plan.notices[0]?.code]).toEqual([0, 'LocalWithoutNode']);
  });

  test('who else announces', () => {
    const service = svc('d/web', { status: ['10.0.100.1'] });
    const two = { 'd/web': [slice('d/web', 's', [on('a'), on('b', 'ready', '10.244.1.5')])] };
    const nodes = [routeNode('a'), routeNode('b')];
    expect([...announcedElsewhere(inputs([service], two), nodes)].map(String)).toEqual(['10.0.100.1']);
    expect([...announcedElsewhere(inputs([service], here('d/web')), nodes)]).toEqual([]);
  });
});
