import { describe, expect, test } from 'bun:test';
import { createFakeClient, type FakeAnswer, failure } from '../../../test/support/fake-client.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { asObject } from '../../core/object/raw.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { ApiRequest } from './client.ts';
import { createEventRecorder, cutToBytes, type EventOutcome } from './events.ts';

const OK: FakeAnswer = { ok: true, value: {} };
const web = { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web', uid: 'u1' };

function notice(text = 'something', object = web): Notice {
  return { object, code: 'ClaimedByOther', text };
}

function setUp(answer: (request: ApiRequest) => FakeAnswer = () => OK) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const abort = new AbortController();
  const client = createFakeClient(answer);
  const outcomes: EventOutcome[] = [];
  const observer = (outcome: EventOutcome) => void outcomes.push(outcome);
  const recorder = createEventRecorder({ client, role: 'dns', instance: 'minilb-0', clock, log, observer }, abort.signal);
  return { clock, log, abort, client, outcomes, recorder };
}

function nameOf(request: ApiRequest | undefined): unknown {
  return asObject(asObject(request?.body)?.['metadata'])?.['name'];
}

describe('events (events.k8s.io/v1)', () => {
  test('a notice becomes an Event with the mandatory fields, in the namespace of its object', async () => {
    const { recorder, client, clock, outcomes } = setUp();
    recorder.emit(notice());
    expect(client.requests.length).toBe(0);
    await clock.settle();
    expect(client.requests).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: 'default' },
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'minilb/dns',
          reportingInstance: 'minilb-0',
          action: 'ClaimedByOther',
          reason: 'ClaimedByOther',
          regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web', uid: 'u1' },
          note: 'something',
          type: 'Warning',
        },
      },
    ]);
    expect(outcomes).toEqual(['created']);
  });

  test('an Event about a cluster-scoped object goes to the namespace default', async () => {
    const { recorder, client, clock } = setUp();
    recorder.emit(notice('x', { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'node-a', uid: 'n' }));
    await clock.settle();
    expect(client.requests[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
    expect(asObject(client.requests[0]?.body)?.['regarding']).toEqual({ apiVersion: 'v1', kind: 'Node', name: 'node-a', uid: 'n' });
  });

  test('the name depends on object, reason and note alone, so replicas collide', async () => {
    const names = async (n: Notice) => {
      const { recorder, client, clock } = setUp();
      recorder.emit(n);
      await clock.settle();
      return nameOf(client.requests[0]);
    };
    const first = await names(notice());
    expect(await names(notice())).toBe(first);
    expect(await names(notice('other'))).not.toBe(first);
    expect(await names({ ...notice(), code: 'HostConflict' })).not.toBe(first);
    expect(await names(notice('something', { ...web, uid: 'u2' }))).not.toBe(first);
  });

  test('409 means that another replica has said it: nothing is doubled', async () => {
    const { recorder, client, clock, outcomes } = setUp(() => failure('conflict'));
    recorder.emit(notice());
    await clock.settle();
    expect([client.requests.length, outcomes]).toEqual([1, ['known']]);
  });

  test('the first repeat patches series at once, further ones are added up and written once a minute', async () => {
    const { recorder, client, clock } = setUp();
    const series = () => client.requests.slice(1).map((r) => [r.method, r.body]);
    recorder.emit(notice());
    await clock.advance(10);
    recorder.emit(notice());
    await clock.settle();
    for (let i = 0; i < 5; i++) recorder.emit(notice());
    await clock.advance(59_999);
    expect(series()).toEqual([['PATCH', { series: { count: 2, lastObservedTime: '2026-01-01T00:00:00.010000Z' } }]]);
    await clock.advance(1);
    expect(series()[1]).toEqual(['PATCH', { series: { count: 7, lastObservedTime: '2026-01-01T00:01:00.010000Z' } }]);
    expect(client.requests[1]?.path).toBe(`${client.requests[0]?.path}/${nameOf(client.requests[0])}`);
  });

  test('an Event that the API server has forgotten (one hour) is created anew', async () => {
    const { recorder, client, clock, outcomes } = setUp((r) => (r.method === 'PATCH' ? failure('not-found') : OK));
    recorder.emit(notice());
    await clock.settle();
    recorder.emit(notice());
    await clock.settle();
    expect(client.requests.map((r) => r.method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(outcomes).toEqual(['created', 'created']);
  });

  test('forbidden is logged once, and a namespace that is going away not at all', async () => {
    const answers = ['not allowed', 'not allowed', 'unable to create new content in namespace x because it is being terminated'];
    const { recorder, clock, log, outcomes } = setUp(() => failure('forbidden', answers.shift()));
    for (const text of ['a', 'b', 'c']) recorder.emit(notice(text));
    await clock.settle();
    expect(log.messages()).toEqual(['writing Events is forbidden; notices appear in this log only']);
    expect(outcomes).toEqual(['forbidden', 'forbidden', 'refused']);
  });

  test('an outage is waited for, but not forever', async () => {
    const answers: FakeAnswer[] = [failure('unreachable'), failure('server-error'), OK];
    const { recorder, client, clock, outcomes } = setUp(() => answers.shift() ?? failure('unreachable'));
    recorder.emit(notice());
    await clock.advance(60_000);
    recorder.emit(notice('again'));
    await clock.advance(60_000);
    expect([client.requests.length, outcomes]).toEqual([8, ['created', 'unreachable']]);
  });

  test('25 at once, then one a second; more than 1000 that wait are given up and counted', async () => {
    const { recorder, client, clock, outcomes } = setUp();
    for (let i = 0; i < 1100; i++) recorder.emit(notice(`note ${i}`));
    expect(outcomes.filter((o) => o === 'queue-full').length).toBe(100);
    await clock.settle();
    expect(client.requests.length).toBe(25);
    await clock.advance(10_000);
    expect(client.requests.length).toBe(35);
  });

  test('closing ends waits and leaves no timer; later notices are ignored', async () => {
    const { recorder, client, clock, abort } = setUp(() => failure('unreachable'));
    recorder.emit(notice());
    await clock.settle();
    abort.abort();
    await recorder.closed;
    recorder.emit(notice('late'));
    await clock.settle();
    expect([client.requests.length, clock.pending()]).toEqual([1, 0]);
  });
});

describe('a note is cut at a character, to 1024 bytes at most', () => {
  const rows: readonly [name: string, text: string, bytes: number, end: string][] = [
    ['short text stays', 'abc', 3, 'abc'],
    ['exactly 1024 bytes stay', 'a'.repeat(1024), 1024, 'aaa'],
    ['1025 are cut', 'a'.repeat(1025), 1024, 'aa…'],
    ['two-byte characters', 'ä'.repeat(600), 1023, 'ää…'],
    ['four-byte characters are not halved', '🙂'.repeat(300), 1023, '🙂🙂…'],
  ];
  test.each(rows)('%s', (_, text, bytes, end) => {
    const note = cutToBytes(text, 1024);
    expect(Buffer.byteLength(note)).toBe(bytes);
    expect(note.endsWith(end)).toBe(true);
  });
});
