import { describe, expect, test } from 'bun:test';
import { ip } from '../../../test/support/values.ts';
import { toLoadBalancer } from '../object/load-balancer.ts';
import type { AnnouncementPlan, AnnouncementReport } from '../plan/announcements.ts';
import { MARK_METRIC } from '../plan/node-addresses.ts';
import { addressRows } from './address-rows.ts';
import { balancerRows } from './balancer-rows.ts';
import { arrayListing, parseListQuery } from './listing.ts';

const held = (address: string, metric = MARK_METRIC, name = 'lo') => ({ interface: name, ip: ip(address), bits: 32, metric });
const report = (address: string, kind: AnnouncementReport['kind']) => ({
  service: 'default/web',
  ip: ip(address),
  kind,
  reason: 'ready-here' as const,
});

describe('what a node holds, as the page lists it', () => {
  const reports = [
    report('10.0.100.1', 'announce'),
    report('10.0.100.2', 'announce'),
    report('10.0.100.3', 'withdraw'),
    report('10.0.100.4', 'withdraw'),
    report('10.0.100.5', 'announce'),
  ];
  const plan = { reports, eligibility: { eligible: true, reason: '' } } as unknown as AnnouncementPlan;
  const notices = [{ code: 'AddressForeign' as const, ip: ip('10.0.100.9'), text: 'somebody’s' }];
  const rows = addressRows({
    plan,
    interface: 'lo',
    notices,
    held: [held('10.0.100.1'), held('10.0.100.3'), held('10.0.100.5', MARK_METRIC, 'eth0')],
  });
  test('held, to be added, to be removed, elsewhere, and foreign; another interface does not count', () => {
    expect(rows.map(({ address, state, level }) => `${address} ${state} ${level}`)).toEqual([
      '10.0.100.1 held good',
      '10.0.100.2 missing trouble',
      '10.0.100.3 leaving notice',
      '10.0.100.4 elsewhere none',
      '10.0.100.5 missing trouble',
      '10.0.100.9 foreign trouble',
    ]);
  });

  test.each([
    ['', 6],
    ['q=100.4', 1],
    ['q=WEB', 5],
    ['only=trouble', 4],
  ])('%s: %i rows', (text, count) => {
    const query = parseListQuery(new URLSearchParams(text));
    const listing = 'error' in query ? expect.unreachable() : arrayListing(rows, query, ['address', 'service']);
    while (!listing.step());
    expect([listing.result().matched, listing.result().items.length]).toEqual([count, count]);
  });
});

describe('LoadBalancers as the page lists them', () => {
  const balancer = (name: string, spec: object, status: object, metadata: object = {}) => {
    const made = toLoadBalancer({ metadata: { namespace: 'default', name, uid: name, ...metadata }, spec, status });
    return made.ok ? made.value : expect.unreachable();
  };
  test('ready, pending with the reason, leaving; objects of the original have one port', () => {
    const condition = { type: 'Ready', status: 'False', reason: 'Refused', message: 'port 443 is taken', lastTransitionTime: '' };
    const rows = balancerRows([
      balancer(
        'a',
        { host: '192.0.2.1', ports: [{ protocol: 'UDP', servicePort: 53, port: 5353, nodePort: 30053 }] },
        { phase: 'READY', targetCount: 1 },
      ),
      balancer('b', { host: '192.0.2.1', port: 443, protocol: 'TCP' }, { phase: 'PENDING', conditions: [condition] }),
      balancer('c', { host: '192.0.2.1' }, { phase: 'READY' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ]);
    expect(rows.map(({ service, state, ports, detail }) => [service, state, ports.join(), detail])).toEqual([
      ['default/a', 'ready', '5353/UDP', ''],
      ['default/b', 'pending', '443/TCP', 'port 443 is taken'],
      ['default/c', 'leaving', '', ''],
    ]);
  });
});
