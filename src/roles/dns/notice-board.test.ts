import { expect, test } from 'bun:test';
import { dnsName, ingress } from '../../../test/support/claim-values.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { service, testCluster } from '../../../test/support/values.ts';
import { createZone } from '../../core/zone/zone.ts';
import { createNoticeBoard } from './notice-board.ts';

function setUp() {
  const cluster = testCluster();
  const zone = createZone({ domain: dnsName('minilb'), ttlSeconds: 5, nameservers: [], serial: 1 });
  const clock = createFakeClock();
  const told: string[] = [];
  const stop = new AbortController();
  const tell = ({ code, object, text }: { code: string; object: { namespace: string; name: string }; text: string }) => {
    told.push(`${code} ${object.namespace}/${object.name} ${text.split(' ')[0]}`);
  };
  const board = createNoticeBoard({ zone, view: cluster, clock, alone: true, tell }, stop.signal);
  const change = (key: string, hosts: readonly string[] | undefined, created = '2026-01-01T00:00:00Z') => {
    if (hosts) cluster.ingresses.set(key, ingress(key, hosts, { created }));
    else cluster.ingresses.delete(key);
    board.namesChanged(zone.updateClaims(cluster, 'Ingress', key));
    board.objectChanged('Ingress', key);
  };
  return { cluster, zone, clock, told, stop, board, change };
}

test('a loser is told once, and again only when it has had the name in between', async () => {
  const { clock, told, stop, board, change } = setUp();
  change('a/old', ['www.sko.ai']);
  change('b/new', ['www.sko.ai'], '2026-02-01T00:00:00Z');
  await clock.advance(5_000);
  expect(told).toEqual([]);
  board.synced();
  await clock.advance(5_000);
  expect(told).toEqual(['HostConflict b/new www.sko.ai']);
  change('b/new', ['www.sko.ai', 'b.sko.ai'], '2026-02-01T00:00:00Z');
  board.namesChanged(['www.sko.ai']);
  await clock.advance(5_000);
  expect([told.length, board.standing()]).toEqual([1, 1]);
  change('a/old', undefined);
  await clock.advance(5_000);
  expect([told.length, board.standing()]).toEqual([1, 0]);
  change('a/old', ['www.sko.ai']);
  await clock.advance(5_000);
  expect(told).toEqual(['HostConflict b/new www.sko.ai', 'HostConflict b/new www.sko.ai']);
  stop.abort();
  await board.closed;
  expect(clock.pending()).toBe(0);
});

test('each invalid host of an object is told, and a Service that changes is looked at as a whole', async () => {
  const { cluster, zone, clock, told, stop, board, change } = setUp();
  board.synced();
  change('a/bad', ['10.0.0.1', 'www.sko.ai', 'a..b']);
  cluster.services.set('a/ext', service('a/ext', { type: 'ExternalName', externalName: 'db.example.com' }));
  zone.update(cluster, 'a/ext');
  board.objectChanged('Service', 'a/ext');
  await clock.advance(5_000);
  expect(told.sort()).toEqual(['CnameOnly a/ext ext.a.minilb', 'InvalidHost a/bad "10.0.0.1"', 'InvalidHost a/bad "a..b"']);
  stop.abort();
  await board.closed;
});
