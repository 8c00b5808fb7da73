import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asObject } from '../../src/core/object/raw.ts';
import { createLease, type Lease } from '../../src/shell/kube/lease.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMemoryLog } from '../support/log.ts';
import { must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { createTestClient, cuttable } from '../support/test-client.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

suite('leader election on a real API server (coordination.k8s.io/v1)', () => {
  let cluster: Cluster;
  const all = new AbortController();
  const electors: Lease[] = [];
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
  }, 300_000);
  afterAll(async () => {
    all.abort();
    await Promise.all(electors.map((lease) => lease.closed));
    await cluster?.stop();
  }, 60_000);

  /** Notes on one time line when each leader's work began and ended. */
  const elector = (name: string, identity: string, timeline: string[]) => {
    const net = { cut: false };
    const abort = new AbortController();
    const client = cuttable(createTestClient(cluster.server, { ca: cluster.ca, token: cluster.tokens.admin }), () => net.cut);
    const lease = createLease(
      { client, namespace: 'default', name, identity, clock: systemClock, random: Math.random, log: createMemoryLog() },
      AbortSignal.any([abort.signal, all.signal]),
    );
    electors.push(lease);
    lease.runWhileLeader(async (signal) => {
      timeline.push(`${identity} begins`);
      await systemClock.after(1e8, signal);
      timeline.push(`${identity} ends`);
    });
    return { lease, abort, net, leads: () => lease.leadership() !== undefined };
  };

  const spec = async (name: string) => {
    const lease = await must(cluster, { path: `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}` });
    return asObject(lease['spec']) ?? {};
  };

  test('released: the next one leads within one look, not after the lease has expired', async () => {
    const timeline: string[] = [];
    const a = elector('released', 'a', timeline);
    await waitFor('a to lead', a.leads);
    const b = elector('released', 'b', timeline);
    await b.lease.ready;
    expect([b.leads(), b.lease.holder()]).toEqual([false, 'a']);
    const before = systemClock.now();
    a.abort.abort();
    await a.lease.closed;
    await waitFor('b to lead', b.leads);
    expect(systemClock.now() - before).toBeLessThan(10_000);
    expect(timeline).toEqual(['a begins', 'a ends', 'b begins']);
    expect(await spec('released')).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15, leaseTransitions: 1 });
  }, 60_000);

  test('lost: who is cut off ends its work before another begins', async () => {
    const timeline: string[] = [];
    const a = elector('lost', 'a', timeline);
    await waitFor('a to lead', a.leads);
    const b = elector('lost', 'b', timeline);
    await b.lease.ready;
    a.net.cut = true;
    await waitFor('b to lead', b.leads, 60_000);
    expect(timeline).toEqual(['a begins', 'a ends', 'b begins']);
    a.net.cut = false;
    await waitFor('a to see it', () => a.lease.holder() === 'b');
    expect(timeline.length).toBe(3);
  }, 120_000);

  test('two that begin together: one makes the Lease, the other follows', async () => {
    const timeline: string[] = [];
    const a = elector('together', 'a', timeline);
    const b = elector('together', 'b', timeline);
    await Promise.all([a.lease.ready, b.lease.ready]);
    await waitFor('both to know', () => a.lease.holder() !== '' && a.lease.holder() === b.lease.holder());
    expect([a.leads(), b.leads()].filter((leads) => leads).length).toBe(1);
  }, 60_000);

  test('a Lease that kubectl has annotated stays with its holder', async () => {
    const timeline: string[] = [];
    const a = elector('annotated', 'a', timeline);
    await waitFor('a to lead', a.leads);
    await cluster.kubectl(['annotate', 'lease', 'annotated', 'note=x']);
    const renewed = (await spec('annotated'))['renewTime'];
    await waitFor('a renewal', async () => (await spec('annotated'))['renewTime'] !== renewed);
    expect(timeline).toEqual(['a begins']);
  }, 60_000);
});
