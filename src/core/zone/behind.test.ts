import { describe, expect, test } from 'bun:test';
import { queryBytes, readReply } from '../../../test/support/dns-query.ts';
import { endpoint, ip, service, slice, testCluster } from '../../../test/support/values.ts';
import type { DnsName } from '../value/dns-name.ts';
import { addressesBehind } from './answer.ts';
import { createRespondContext } from './reply.ts';
import { respond } from './respond.ts';
import { createZone } from './zone.ts';

const NAME = 'web.default.minilb' as DnsName;

/** A Service whose endpoints are `10.0.<node>.<n>`, so many on each node. */
function zoneWith(perNode: Readonly<Record<string, number>>, unreachable: readonly string[], headless = false) {
  const cluster = testCluster();
  const endpoints = Object.entries(perNode).flatMap(([nodeName, count]) =>
    Array.from({ length: count }, (_, i) => endpoint(`10.0.${nodeName}.${i + 1}`, 'ready', { nodeName })),
  );
  cluster.services.set('default/web', service('default/web', { headless }));
  cluster.sliceLists.set('default/web', [slice('default/web', 'a', endpoints)]);
  const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 });
  zone.setUnreachable(new Set(unreachable));
  zone.update(cluster, 'default/web');
  return { zone, cluster };
}

/** The addresses of an answer, in order. */
function createAsk(zone: ReturnType<typeof createZone>) {
  const ctx = createRespondContext({ maxAnswers: 16, serverId: new Uint8Array(0) }, 99);
  ctx.synced = true;
  const out = new Uint8Array(65_535);
  return (tcp = false) => {
    ctx.tcp = tcp;
    const packet = queryBytes(NAME, 'A', { edns: 1232 });
    return readReply(out.slice(0, respond(packet, packet.length, out, zone, ctx))).answers.map((line) => line.split(' ')[2] ?? '');
  };
}

describe('endpoints of a Node that looks dead', () => {
  test.each([false, true])('come behind the others in every answer, headless: %p; all are there', (headless) => {
    const ask = createAsk(zoneWith({ 1: 2, 2: 3, 3: 2 }, ['2'], headless).zone);
    for (let i = 0; i < 200; i++) {
      const seen = ask(i % 2 === 0);
      expect(seen).toHaveLength(7);
      expect(seen.slice(4).every((address) => address.startsWith('10.0.2.'))).toBe(true);
    }
  });

  test('the others come first equally often, and so do those behind them among themselves', () => {
    const ask = createAsk(zoneWith({ 1: 4, 2: 2 }, ['2']).zone);
    const first = new Map<string, number>();
    const fifth = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const seen = ask();
      for (const [counts, at] of [[first, 0] as const, [fifth, 4] as const])
        counts.set(seen[at] ?? '', (counts.get(seen[at] ?? '') ?? 0) + 1);
    }
    expect([first.size, fifth.size]).toEqual([4, 2]);
    expect(Math.min(...first.values())).toBeGreaterThan(850);
    expect(Math.min(...fifth.values())).toBeGreaterThan(1800);
  });

  test('are in no subset, however small that gets', () => {
    const ask = createAsk(zoneWith({ 1: 5, 2: 40 }, ['2']).zone);
    for (let i = 0; i < 50; i++) expect([...ask()].sort()).toEqual([1, 2, 3, 4, 5].map((n) => `10.0.1.${n}`));
    expect(ask(true)).toHaveLength(45);
  });

  test('are like the others where there are no others: the last ones are never taken away', () => {
    const { zone } = zoneWith({ 2: 3 }, ['2']);
    expect(new Set(Array.from({ length: 100 }, () => createAsk(zone)()[0])).size).toBeGreaterThan(0);
    expect(addressesBehind(zone.names.get(NAME)?.answer ?? fail())).toEqual([]);
    expect(createAsk(zone)()).toHaveLength(3);
  });

  test('are like the others again when the Node answers; each turn is a change, the same again is none', () => {
    const { zone, cluster } = zoneWith({ 1: 1, 2: 1 }, ['2']);
    expect(addressesBehind(zone.names.get(NAME)?.answer ?? fail())).toEqual([ip('10.0.2.1')]);
    expect(zone.update(cluster, 'default/web')).toEqual([]);
    zone.setUnreachable(new Set());
    expect(zone.update(cluster, 'default/web')).toEqual([NAME]);
    expect(addressesBehind(zone.names.get(NAME)?.answer ?? fail())).toEqual([]);
  });
});

function fail(): never {
  throw new Error('the name is missing');
}
