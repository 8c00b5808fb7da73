import { describe, expect, test } from 'bun:test';
import { createFakeClient, type FakeAnswer, failure } from '../../../test/support/fake-client.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { asObject, asString, type RawObject } from '../../core/object/raw.ts';
import type { ApiRequest } from './client.ts';
import { createLease, type LeaderTask } from './lease.ts';

/** One Lease, with the API server's rules: 404, 409 on a second creation and on an old resourceVersion, merge patch. */
function createLeaseServer() {
  let spec: RawObject | undefined;
  let version = 1;
  const lease = () => ({ ok: true as const, value: { metadata: { name: 'l', resourceVersion: String(version) }, spec: { ...spec } } });
  const answer = (request: ApiRequest): FakeAnswer => {
    const body = asObject(request.body);
    if (request.method === 'POST') {
      if (spec) return failure('conflict');
      spec = asObject(body?.['spec']);
      return lease();
    }
    if (!spec) return failure('not-found');
    if (request.method === 'PATCH') {
      if (asString(asObject(body?.['metadata'])?.['resourceVersion']) !== String(version)) return failure('conflict');
      const merged = { ...spec, ...asObject(body?.['spec']) };
      spec = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
      version++;
    }
    return lease();
  };
  return {
    answer,
    spec: () => spec ?? {},
    touch: () => void version++,
    remove: () => {
      spec = undefined;
    },
  };
}

const clock = () => createFakeClock();

function elector(
  identity: string,
  server: ReturnType<typeof createLeaseServer>,
  time: ReturnType<typeof clock>,
  net: { cut?: 'refused' | 'silent' } = {},
) {
  const abort = new AbortController();
  const log = createMemoryLog();
  const client = createFakeClient((request) => {
    if (net.cut === 'refused') return failure('unreachable');
    return net.cut === 'silent' ? new Promise(() => {}) : server.answer(request);
  });
  const lease = createLease({ client, namespace: 'minilb', name: 'l', identity, clock: time, random: () => 0.5, log }, abort.signal);
  return { lease, abort, net, client, log, leads: () => lease.leadership() !== undefined };
}

/** Runs until its signal aborts, and notes when. */
function recordingTask(time: ReturnType<typeof clock>) {
  const spans: { from: number; to?: number }[] = [];
  const task: LeaderTask = async (signal) => {
    const span: { from: number; to?: number } = { from: time.now() };
    spans.push(span);
    await time.after(1e9, signal);
    span.to = time.now();
  };
  return { spans, task };
}

describe('lease (client-go tools/leaderelection: 15 s, 10 s, 2 s)', () => {
  test('the first one makes the Lease and leads; the second waits', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    await time.settle();
    const b = elector('b', server, time);
    await time.advance(60_000);
    expect([a.leads(), b.leads(), a.lease.holder(), b.lease.holder()]).toEqual([true, false, 'a', 'a']);
    expect(server.spec()).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
      leaseTransitions: 0,
    });
  });

  test('the task of a leader that loses its connection is aborted after 10 s, before another may lead after 15', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    const work = recordingTask(time);
    a.lease.runWhileLeader(work.task);
    await time.settle();
    const b = elector('b', server, time);
    const takenOver = recordingTask(time);
    b.lease.runWhileLeader(takenOver.task);
    await time.advance(20_000);
    a.net.cut = 'silent';
    await time.advance(30_000);
    expect(work.spans).toEqual([{ from: 0, to: 30_000 }]);
    expect(takenOver.spans.length).toBe(1);
    expect(takenOver.spans[0]?.from).toBeGreaterThanOrEqual(35_000);
    expect(takenOver.spans[0]?.from).toBeLessThanOrEqual(40_000);
    delete a.net.cut;
    await time.advance(30_000);
    expect([a.leads(), b.leads(), server.spec()['leaseTransitions']]).toEqual([false, true, 1]);
  });

  test('a shorter outage changes nothing', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    const work = recordingTask(time);
    a.lease.runWhileLeader(work.task);
    await time.advance(5000);
    a.net.cut = 'refused';
    await time.advance(6500);
    delete a.net.cut;
    await time.advance(60_000);
    expect(work.spans).toEqual([{ from: 0 }]);
    expect(a.log.messages()).toEqual(['leading', 'the Lease could not be read or written']);
  });

  test('SIGTERM: the task ends first, then the lease is released and another leads within one look', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    const order: string[] = [];
    a.lease.runWhileLeader(async (signal) => {
      await time.after(1e9, signal);
      order.push(`task ended, held by ${server.spec()['holderIdentity']}`);
    });
    await time.settle();
    const b = elector('b', server, time);
    await time.advance(7000);
    a.abort.abort();
    await a.lease.closed;
    expect(order).toEqual(['task ended, held by a']);
    expect(server.spec()['holderIdentity']).toBeUndefined();
    expect(server.spec()['leaseDurationSeconds']).toBe(1);
    await time.advance(4400);
    expect([b.leads(), server.spec()['holderIdentity']]).toEqual([true, 'b']);
  });

  test('a task that does not end keeps the lease from being released; it is left to expire', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    a.lease.runWhileLeader(() => new Promise(() => {}));
    await time.settle();
    a.abort.abort();
    await time.advance(5000);
    await a.lease.closed;
    expect(server.spec()['holderIdentity']).toBe('a');
  });

  test('a task that throws gives the lease back and is tried again', async () => {
    const time = clock();
    const a = elector('a', createLeaseServer(), time);
    let runs = 0;
    a.lease.runWhileLeader(async (signal) => {
      if (++runs === 1) throw new Error('boom');
      await time.after(1e9, signal);
    });
    await time.advance(10_000);
    expect([runs, a.leads()]).toEqual([2, true]);
  });

  test("another's label on the Lease (409 on our write) costs no leadership", async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    const work = recordingTask(time);
    a.lease.runWhileLeader(work.task);
    await time.advance(3000);
    server.touch();
    await time.advance(30_000);
    expect(work.spans).toEqual([{ from: 0 }]);
  });

  test('a Lease deleted under its holder is made again', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    await time.advance(3000);
    server.remove();
    await time.advance(6000);
    expect([a.leads(), server.spec()['holderIdentity']]).toEqual([true, 'a']);
  });

  test('a Lease that another has taken ends leadership at the next renewal', async () => {
    const time = clock();
    const server = createLeaseServer();
    const a = elector('a', server, time);
    const work = recordingTask(time);
    a.lease.runWhileLeader(work.task);
    await time.advance(3000);
    server.answer({ method: 'PATCH', path: '', body: { metadata: { resourceVersion: '2' }, spec: { holderIdentity: 'thief' } } });
    await time.advance(2000);
    expect(work.spans).toEqual([{ from: 0, to: 4000 }]);
    expect(server.spec()['holderIdentity']).toBe('thief');
  });

  test("expiry is judged by the follower's own clock since the record last changed, not by renewTime", async () => {
    const time = clock();
    const server = createLeaseServer();
    server.answer({
      method: 'POST',
      path: '',
      body: { spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z' } },
    });
    const b = elector('b', server, time);
    await time.advance(14_000);
    expect(b.leads()).toBe(false);
    await time.advance(6000);
    expect(b.leads()).toBe(true);
  });

  test('forbidden is logged once, and closing leaves no timer', async () => {
    const time = clock();
    const log = createMemoryLog();
    const abort = new AbortController();
    const client = createFakeClient(() => failure('forbidden', 'no'));
    const lease = createLease({ client, namespace: 'm', name: 'l', identity: 'a', clock: time, random: () => 0, log }, abort.signal);
    await time.advance(20_000);
    abort.abort();
    await Promise.all([lease.ready, lease.closed]);
    expect(log.messages()).toEqual(['the Lease could not be read or written']);
    expect(time.pending()).toBe(0);
  });
});
