import { describe, expect, test } from 'bun:test';
import { createFakeClient, type FakeAnswer, failure } from '../../../test/support/fake-client.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { asArray, asObject, asString } from '../../core/object/raw.ts';
import { type Service, toService } from '../../core/object/service.ts';
import { joinName } from '../../core/value/dns-name.ts';
import type { ApiRequest } from '../../shell/kube/client.ts';
import { createStatusController, type StatusOutcome } from './status-controller.ts';

const KEY = 'default/web';

/** One Service with the API server's rule for resourceVersion. */
function createServiceServer(spec: object = {}) {
  let version = 1;
  let ingress: readonly unknown[] = [];
  const writes: string[] = [];
  const raw = () => ({
    metadata: { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: String(version) },
    spec: { type: 'LoadBalancer', loadBalancerClass: 'minilb', ...spec },
    status: { loadBalancer: { ingress } },
  });
  const set = (next: readonly unknown[]) => {
    version++;
    ingress = next;
  };
  const answer = (request: ApiRequest): FakeAnswer => {
    const body = asObject(request.body);
    if (request.method === 'PATCH') {
      if (asString(asObject(body?.['metadata'])?.['resourceVersion']) !== String(version)) return failure('conflict');
      set(asArray(asObject(asObject(body?.['status'])?.['loadBalancer'])?.['ingress']));
      writes.push(JSON.stringify(ingress));
    }
    return { ok: true, value: raw() };
  };
  return { answer, set, writes, service: () => project(raw()), ingress: () => JSON.stringify(ingress) };
}

function project(raw: unknown): Service {
  const parsed = toService(raw);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

function setUp(answer: (request: ApiRequest) => FakeAnswer, service: () => Service | undefined, domain = 'minilb') {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const abort = new AbortController();
  const client = createFakeClient(answer);
  const outcomes: StatusOutcome[] = [];
  const notices: string[] = [];
  const parsed = joinName(domain);
  if (!parsed) throw new Error(domain);
  const controller = createStatusController(
    {
      client,
      service,
      clock,
      random: () => 0.5,
      log,
      loadBalancerClass: 'minilb',
      domain: parsed,
      notice: (notice) => notices.push(notice.code),
      observer: (outcome) => outcomes.push(outcome),
    },
    abort.signal,
  );
  return { controller, clock, log, abort, client, outcomes, notices };
}

describe('status controller', () => {
  test('writes our name once, and nothing when nothing differs', async () => {
    const server = createServiceServer();
    const { controller, clock, client, outcomes } = setUp(server.answer, server.service);
    controller.changed(KEY);
    await clock.settle();
    controller.changed(KEY);
    await clock.advance(60_000);
    expect(server.writes).toEqual(['[{"hostname":"web.default.minilb"}]']);
    expect([client.requests.length, outcomes]).toEqual([1, ['written']]);
  });

  test('two replicas write it once: the second gets 409, reads again and plans nothing', async () => {
    const server = createServiceServer();
    const stale = server.service();
    const a = setUp(server.answer, () => stale);
    const b = setUp(server.answer, () => stale);
    a.controller.changed(KEY);
    b.controller.changed(KEY);
    await a.clock.settle();
    await b.clock.settle();
    expect(server.writes).toEqual(['[{"hostname":"web.default.minilb"}]']);
    expect([a.outcomes, b.outcomes]).toEqual([['written'], ['conflict']]);
    expect(b.client.requests.map((r) => [r.method, r.path])).toEqual([
      ['PATCH', '/api/v1/namespaces/default/services/web/status'],
      ['GET', '/api/v1/namespaces/default/services/web'],
    ]);
  });

  test('409 because something else in the Service changed: planned again on what is there now', async () => {
    const server = createServiceServer();
    const stale = server.service();
    server.set([{ ip: '192.0.2.1' }]);
    const { controller, clock, outcomes } = setUp(server.answer, () => stale);
    controller.changed(KEY);
    await clock.settle();
    expect([outcomes, server.ingress()]).toEqual([['conflict', 'written'], '[{"hostname":"web.default.minilb"}]']);
  });

  test('404 and 422 are dropped and counted', async () => {
    const server = createServiceServer();
    const answers = [failure('not-found'), failure('invalid', 'too long')];
    const { controller, clock, client, outcomes, log } = setUp(() => answers.shift() ?? failure('unreachable'), server.service);
    controller.changed(KEY);
    await clock.advance(120_000);
    controller.changed(KEY);
    await clock.advance(120_000);
    expect([client.requests.length, outcomes]).toEqual([2, ['gone', 'refused']]);
    expect(log.messages()).toEqual(['the API server refuses the status of a Service']);
  });

  test('an outage is tried again with backoff, and logged once', async () => {
    const server = createServiceServer();
    let down = true;
    const { controller, clock, log } = setUp((r) => (down ? failure('unreachable') : server.answer(r)), server.service);
    controller.changed(KEY);
    await clock.advance(30_000);
    down = false;
    await clock.advance(60_000);
    expect(server.writes.length).toBe(1);
    expect(log.lines.filter((line) => line.level === 'warn').length).toBe(1);
  });

  test('Retry-After is honoured, spread over half as long again', async () => {
    const server = createServiceServer();
    const answers: FakeAnswer[] = [{ ...failure('too-many'), retryAfterSeconds: 8 }];
    const { controller, clock } = setUp((r) => answers.shift() ?? server.answer(r), server.service);
    controller.changed(KEY);
    await clock.advance(9999);
    expect(server.writes.length).toBe(0);
    await clock.advance(1);
    expect(server.writes.length).toBe(1);
  });

  test('Retry-After: 0 is no invitation to a loop', async () => {
    const server = createServiceServer();
    const { controller, clock, client } = setUp(() => ({ ...failure('too-many'), retryAfterSeconds: 0 }), server.service);
    controller.changed(KEY);
    await clock.advance(1000);
    expect(client.requests.length).toBeLessThan(5);
  });

  test('a store that has not seen our write yet causes no second one', async () => {
    const server = createServiceServer();
    const stale = server.service();
    let seen = stale;
    const { controller, clock, client } = setUp(server.answer, () => seen);
    controller.changed(KEY);
    await clock.settle();
    controller.changed(KEY);
    await clock.advance(500);
    seen = server.service();
    await clock.advance(5000);
    expect(client.requests.length).toBe(1);
  });

  test('two minilbs with different -domain do not race: the writes become rare, and an Event says so', async () => {
    const server = createServiceServer();
    const a = setUp(server.answer, server.service, 'minilb');
    const b = setUp(server.answer, server.service, 'k8s.example.com');
    for (let second = 0; second < 600; second++) {
      a.controller.changed(KEY);
      await a.clock.advance(1000);
      b.controller.changed(KEY);
      await b.clock.advance(1000);
    }
    expect(server.writes.length).toBeLessThan(24);
    expect([a.notices, b.notices]).toEqual([['StatusOverwritten'], ['StatusOverwritten']]);
  });

  test('a Service that was deleted, or is not ours, costs no request', async () => {
    const server = createServiceServer({ loadBalancerClass: 'other' });
    let service: Service | undefined = server.service();
    const { controller, clock, client } = setUp(server.answer, () => service);
    controller.changed(KEY);
    await clock.settle();
    service = undefined;
    controller.changed(KEY);
    await clock.settle();
    expect([client.requests.length, controller.size()]).toEqual([0, 0]);
  });

  test('a notice is given once while it stays true', async () => {
    const server = createServiceServer({ loadBalancerSourceRanges: ['10.0.0.0/8'] });
    const { controller, clock, notices } = setUp(server.answer, server.service);
    for (let i = 0; i < 3; i++) {
      controller.changed(KEY);
      await clock.advance(2000);
    }
    expect(notices).toEqual(['SourceRangesNotEnforced']);
  });
});
