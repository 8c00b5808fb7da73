import { beforeAll, expect, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import type { ApiReply, ApiServer, ApiWatch } from './api.ts';
import { createNamespace, createService, deleteService, must } from './objects.ts';
import { waitFor } from './wait.ts';

type Api = () => ApiServer;
type Query = Readonly<Record<string, string>>;

const meta = (object: unknown) => asObject(asObject(object)?.['metadata']) ?? {};
const names = (list: unknown) => asArray(asObject(list)?.['items']).map((item) => asString(meta(item)['name']));
const reason = (reply: ApiReply) => `${reply.status} ${asObject(reply.body)?.['reason'] ?? ''}`.trim();
const version = (object: unknown) => String(meta(object)['resourceVersion']);
const servicesOf = (namespace: string) => `/api/v1/namespaces/${namespace}/services`;

/** GET of collections: selectors, versions and pieces. */
export function listConformance(api: Api): void {
  const path = servicesOf('lists');
  const list = (query: Query = {}) => api().request({ path, query });

  beforeAll(async () => {
    await createNamespace(api(), 'lists');
    for (const [name, labels] of [
      ['a', { app: 'x', tier: 'front' }],
      ['b', { app: 'x' }],
      ['c', { app: 'y' }],
      ['d', {}],
    ] as const) {
      const type = name === 'd' ? 'ClusterIP' : 'LoadBalancer';
      await must(api(), { method: 'POST', path, body: { metadata: { name, labels }, spec: { type, ports: [{ port: 80 }] } } });
    }
  });

  test('a list is sorted by name, has a version, and items without kind', async () => {
    const body = asObject((await list()).body);
    expect(body).toMatchObject({ kind: 'ServiceList', apiVersion: 'v1' });
    expect(version(body)).toMatch(/^\d+$/);
    expect(names(body)).toEqual(['a', 'b', 'c', 'd']);
    expect(Object.keys(asObject(asArray(body?.['items'])[0]) ?? {}).sort()).toEqual(['metadata', 'spec', 'status']);
  });

  test('over all namespaces', async () => {
    expect(names((await api().request({ path: '/api/v1/services' })).body)).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd']));
  });

  const selections: readonly [rule: string, query: Query, found: readonly string[]][] = [
    ['labels: equality', { labelSelector: 'app=x' }, ['a', 'b']],
    ['labels: ==', { labelSelector: 'app==y' }, ['c']],
    ['labels: inequality takes those without the key', { labelSelector: 'app!=x' }, ['c', 'd']],
    ['labels: in', { labelSelector: 'app in (x, y)' }, ['a', 'b', 'c']],
    ['labels: notin takes those without the key', { labelSelector: 'app notin (x)' }, ['c', 'd']],
    ['labels: exists', { labelSelector: 'tier' }, ['a']],
    ['labels: does not exist', { labelSelector: '!app' }, ['d']],
    ['labels: all must hold', { labelSelector: 'app=x,!tier' }, ['b']],
    ['fields: the name', { fieldSelector: 'metadata.name=c' }, ['c']],
    ['fields: not the name', { fieldSelector: 'metadata.name!=c' }, ['a', 'b', 'd']],
    ['fields: the type', { fieldSelector: 'spec.type=LoadBalancer' }, ['a', 'b', 'c']],
    ['version 0 is any', { resourceVersion: '0' }, ['a', 'b', 'c', 'd']],
    ['a limit below 0 is none', { limit: '-1' }, ['a', 'b', 'c', 'd']],
  ];
  test.each(selections)('%s', async (_, query, found) => {
    const reply = await list(query);
    expect(names(reply.body)).toEqual([...found]);
  });

  const refusals: readonly [rule: string, query: Query, outcome: string][] = [
    ['a label selector that does not parse', { labelSelector: 'a=b,=' }, '400 BadRequest'],
    ['a field that cannot be selected', { fieldSelector: 'spec.bogus=a' }, '400 BadRequest'],
    ['a version that is no number', { resourceVersion: 'abc' }, '400 BadRequest'],
    ['a limit that is no number', { limit: 'abc' }, '400 BadRequest'],
    ['a continue token of somebody else', { continue: 'bad' }, '400 BadRequest'],
    ['a match without a version', { resourceVersionMatch: 'NotOlderThan' }, '422 Invalid'],
    ['an unknown match', { resourceVersionMatch: 'Foo', resourceVersion: '1' }, '422 Invalid'],
    ['exactly version 0', { resourceVersionMatch: 'Exact', resourceVersion: '0' }, '422 Invalid'],
    ['initial events without a watch', { sendInitialEvents: 'true' }, '422 Invalid'],
    ['a version of the future', { resourceVersion: '99999999' }, '504 Timeout'],
  ];
  test.each(refusals)(
    'refused: %s',
    async (_, query, outcome) => {
      expect(reason(await list(query))).toBe(outcome);
    },
    30_000,
  );

  test('pieces of a list are of one version, whatever happens meanwhile (limit, continue)', async () => {
    const first = asObject((await list({ limit: '2' })).body);
    expect(names(first)).toEqual(['a', 'b']);
    expect(meta(first)['remainingItemCount']).toBe(2);
    await createService(api(), { namespace: 'lists', name: 'bb' });
    await deleteService(api(), 'lists', 'bb');
    await createService(api(), { namespace: 'lists', name: 'cc' });
    const second = asObject((await list({ limit: '2', continue: String(meta(first)['continue']) })).body);
    expect(names(second)).toEqual(['c', 'd']);
    expect(version(second)).toBe(version(first));
    expect(meta(second)['continue']).toBeUndefined();
    await deleteService(api(), 'lists', 'cc');
    const token = { continue: String(meta(first)['continue']) };
    expect(reason(await list({ ...token, resourceVersion: version(first) }))).toBe('400 BadRequest');
  });

  test('a list of an exact version shows the past (resourceVersionMatch=Exact)', async () => {
    const before = version((await list()).body);
    await createService(api(), { namespace: 'lists', name: 'later' });
    const past = await list({ resourceVersion: before, resourceVersionMatch: 'Exact' });
    expect(names(past.body)).toEqual(['a', 'b', 'c', 'd']);
    const present = await list({ resourceVersion: before, resourceVersionMatch: 'NotOlderThan' });
    expect(names(present.body)).toEqual(['a', 'b', 'c', 'd', 'later']);
    await deleteService(api(), 'lists', 'later');
  });
}

const STREAMING = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
const END = 'k8s.io/initial-events-end';

const told = (watch: ApiWatch) => watch.events.map((event) => `${event.type} ${meta(event.object)['name'] ?? ''}`.trim());
const upTo = (watch: ApiWatch, count: number) => waitFor(`${count} events`, () => watch.events.length >= count);

/** Watches and streaming lists. */
export function watchConformance(api: Api): void {
  const path = servicesOf('watches');
  const open = async (query: Query, run: (watch: ApiWatch) => Promise<void>) => {
    const watch = await api().watch({ path, query });
    try {
      await run(watch);
    } finally {
      await watch.close();
    }
  };
  const now = async () => version((await api().request({ path })).body);
  const label = (name: string, value: string | null) =>
    must(api(), { method: 'PATCH', path: `${path}/${name}`, body: { metadata: { labels: { app: value } } } });

  beforeAll(async () => {
    await createNamespace(api(), 'watches');
    await createService(api(), { namespace: 'watches', name: 'old', app: '' });
  });

  test('creation, change and removal are told in order, with kind and version (meta/v1 WatchEvent)', async () => {
    await open({ resourceVersion: await now() }, async (watch) => {
      const created = await createService(api(), { namespace: 'watches', name: 'new', app: '' });
      const changed = await label('new', 'x');
      await deleteService(api(), 'watches', 'new');
      await upTo(watch, 3);
      expect(told(watch)).toEqual(['ADDED new', 'MODIFIED new', 'DELETED new']);
      expect(watch.events[0]?.object).toMatchObject({ kind: 'Service', apiVersion: 'v1' });
      expect(watch.events.slice(0, 2).map((event) => version(event.object))).toEqual([version(created), version(changed)]);
      expect(Number(version(watch.events[2]?.object))).toBeGreaterThan(Number(version(changed)));
    });
  });

  test('headers come at once, though nothing has happened', async () => {
    await open({ resourceVersion: await now() }, async (watch) => {
      expect(watch.status).toBe(200);
      expect(watch.events).toEqual([]);
    });
  });

  test('what happened since the version comes first', async () => {
    const since = await now();
    await label('old', 'past');
    await open({ resourceVersion: since }, async (watch) => {
      await upTo(watch, 1);
      expect(told(watch)).toEqual(['MODIFIED old']);
    });
  });

  const present: readonly [rule: string, query: Query][] = [
    ['without a version the present objects come as ADDED', {}],
    ['version 0 is the same', { resourceVersion: '0' }],
    ['a streaming list without bookmarks has no end mark', { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }],
  ];
  test.each(present)(
    '%s',
    async (_, query) => {
      await open({ ...query, timeoutSeconds: '1' }, async (watch) => {
        await watch.ended;
        expect(told(watch)).toEqual(['ADDED old']);
      });
    },
    40_000,
  );

  test('a streaming list ends with an annotated bookmark and goes on as a watch (k8s.io/initial-events-end)', async () => {
    await open(STREAMING, async (watch) => {
      await upTo(watch, 2);
      expect(told(watch)).toEqual(['ADDED old', 'BOOKMARK']);
      const mark = watch.events[1]?.object;
      expect(mark).toMatchObject({ kind: 'Service', apiVersion: 'v1', metadata: { annotations: { [END]: 'true' } } });
      expect(Number(version(mark))).toBeGreaterThanOrEqual(Number(version(watch.events[0]?.object)));
      await createService(api(), { namespace: 'watches', name: 'next', app: '' });
      await upTo(watch, 3);
      expect(told(watch)[2]).toBe('ADDED next');
      await deleteService(api(), 'watches', 'next');
    });
  });

  test('an empty streaming list is the mark alone', async () => {
    await open({ ...STREAMING, labelSelector: 'app=nobody' }, async (watch) => {
      await upTo(watch, 1);
      expect(told(watch)).toEqual(['BOOKMARK']);
    });
  });

  test('a watch with a selector sees objects come and go by their labels', async () => {
    await open({ resourceVersion: await now(), labelSelector: 'app=seen' }, async (watch) => {
      await label('old', 'seen');
      await must(api(), { method: 'PATCH', path: `${path}/old`, body: { metadata: { annotations: { a: 'b' } } } });
      await label('old', null);
      await upTo(watch, 3);
      expect(told(watch)).toEqual(['ADDED old', 'MODIFIED old', 'DELETED old']);
    });
  });

  test('a watch of one name sees nothing else', async () => {
    await open({ resourceVersion: await now(), fieldSelector: 'metadata.name=old' }, async (watch) => {
      await createService(api(), { namespace: 'watches', name: 'noise', app: '' });
      await label('old', 'again');
      await upTo(watch, 1);
      expect(told(watch)).toEqual(['MODIFIED old']);
      await deleteService(api(), 'watches', 'noise');
    });
  });

  test('another namespace is not told of', async () => {
    await open({ resourceVersion: await now() }, async (watch) => {
      await createService(api(), { namespace: 'default', name: 'elsewhere', app: '' });
      await label('old', 'here');
      await upTo(watch, 1);
      expect(told(watch)).toEqual(['MODIFIED old']);
    });
  });

  test('timeoutSeconds ends the watch', async () => {
    await open({ resourceVersion: await now(), timeoutSeconds: '1' }, (watch) => watch.ended);
  });

  const refusals: readonly [rule: string, query: Query, outcome: string][] = [
    ['initial events without a match', { sendInitialEvents: 'true' }, '422'],
    ['initial events of an exact version', { sendInitialEvents: 'true', resourceVersionMatch: 'Exact' }, '422'],
    ['a match without initial events', { resourceVersionMatch: 'NotOlderThan' }, '422'],
    ['a continued watch', { continue: 'x' }, '422'],
    ['a version that is no number', { resourceVersion: 'abc' }, '500'],
    ['a field that cannot be selected', { fieldSelector: 'spec.bogus=a' }, '400'],
  ];
  test.each(refusals)('refused: %s', async (_, query, outcome) => {
    await open(query, async (watch) => {
      await watch.ended;
      expect(String(watch.status)).toBe(outcome);
      expect(watch.events[0]?.object).toMatchObject({ kind: 'Status', status: 'Failure' });
    });
  });

  test('after a restart the past is gone: 410 as an ERROR event; the present is still there', async () => {
    const since = await now();
    await label('old', 'restart');
    await api().compact();
    await api().stopApiServer();
    await api().startApiServer();
    await open({ resourceVersion: since }, async (watch) => {
      await upTo(watch, 1);
      expect(watch.events[0]).toMatchObject({ object: { kind: 'Status', code: 410, reason: 'Expired' } });
      await watch.ended;
    });
    expect(names((await api().request({ path })).body)).toEqual(['old']);
  });
}
