import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { LINE_HEAD_BYTES, readLineHead } from '../../src/core/informer/line-head.ts';
import { asArray, asObject, keyOf, type Meta, toMeta } from '../../src/core/object/raw.ts';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../../src/core/object/resources.ts';
import type { Service } from '../../src/core/object/service.ts';
import type { KubeClient } from '../../src/shell/kube/client.ts';
import { createReflector, type Reflector } from '../../src/shell/kube/reflector.ts';
import { createStore, type Store } from '../../src/shell/kube/store.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMemoryLog } from '../support/log.ts';
import { createNamespace, createNode, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { createTestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

/** More than two pages of 500. */
const SERVICES_COUNT = 1100;
const PARALLEL = 16;

suite('informer on a real API server', () => {
  let cluster: Cluster;
  const closing: { abort: AbortController; closed: Promise<void> }[] = [];

  const path = (name = '') => `/api/v1/namespaces/many/services${name && `/${name}`}`;
  const create = (name: string) =>
    must(cluster, { method: 'POST', path: path(), body: { metadata: { name }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } } });
  const annotate = (name: string, value: string) =>
    must(cluster, { method: 'PATCH', path: path(name), body: { metadata: { annotations: { 'minilb/test': value } } } });
  const remove = (name: string) => must(cluster, { method: 'DELETE', path: path(name) });

  beforeAll(async () => {
    cluster = await startCluster();
    await createNamespace(cluster, 'many');
    await must(cluster, {
      method: 'POST',
      path: '/apis/discovery.k8s.io/v1/namespaces/many/endpointslices',
      body: { metadata: { generateName: 'slice-' }, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.1.1'] }] },
    });
    await createNode(cluster, { name: 'n1', podCidrs: ['10.244.0.0/24'] });
    let next = 0;
    const worker = async () => {
      while (next < SERVICES_COUNT) await create(`s${next++}`);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  }, 300_000);
  afterEach(async () => {
    for (const each of closing.splice(0)) {
      each.abort.abort();
      await each.closed;
    }
  });
  afterAll(() => cluster?.stop(), 60_000);

  const headOf = (line: string) => {
    const meta = toMeta(asObject(JSON.parse(line))?.['object']);
    return { namespace: meta?.namespace, name: meta?.name, uid: meta?.uid, version: meta?.resourceVersion };
  };

  interface Watched {
    readonly reflector: Reflector;
    readonly store: Store<Service>;
    readonly requests: readonly string[];
    readonly corrected: () => number;
    readonly skipped: () => number;
  }

  /** `streaming: false`: as against a server that has no streaming lists. */
  const watch = (options: { readonly streaming?: boolean; readonly resyncSeconds?: number } = {}): Watched => {
    const real = createTestClient(cluster.server, { ca: cluster.ca, token: cluster.tokens.admin });
    const requests: string[] = [];
    const client: KubeClient = {
      ...real,
      stream: async (request, signal) => {
        const { sendInitialEvents, continue: next, resourceVersion } = request.query ?? {};
        requests.push(sendInitialEvents ? 'list' : resourceVersion ? 'watch' : next ? 'next page' : 'page');
        if (sendInitialEvents && options.streaming === false) return { ok: false, code: 'invalid', status: 422, detail: 'not here' };
        return real.stream(request, signal);
      },
    };
    const store = createStore<Service>();
    const abort = new AbortController();
    let corrected = 0;
    let skipped = 0;
    const reflector = createReflector<Service>(
      {
        ...SERVICES,
        client,
        store,
        onChange: () => {},
        observer: {
          restarted: () => {},
          corrected: (_, count) => {
            corrected += count;
          },
          skipped: () => {
            skipped++;
          },
          received: () => {},
        },
        clock: systemClock,
        random: Math.random,
        resyncSeconds: options.resyncSeconds ?? 300,
        log: createMemoryLog(),
      },
      abort.signal,
    );
    closing.push({ abort, closed: reflector.closed });
    return { reflector, store, requests, corrected: () => corrected, skipped: () => skipped };
  };

  const versionOf = (meta: Meta) => `${keyOf(meta)}@${meta.resourceVersion}`;
  const onServer = async (): Promise<readonly string[]> => {
    const list = await must(cluster, { path: SERVICES.path });
    return asArray(list['items'])
      .map((raw) => {
        const meta = toMeta(raw);
        return meta ? versionOf(meta) : 'malformed';
      })
      .sort();
  };
  const known = (store: Store<Service>) => [...store.values()].map(versionOf).sort();
  const equal = ({ store }: Watched) =>
    waitFor('the store to be what the server has', async () => Bun.deepEquals(known(store), await onServer()), 30_000, 200);

  test('a streaming list is complete at its end mark, and goes on as the watch', async () => {
    const watched = watch();
    await watched.reflector.ready;
    expect(known(watched.store)).toEqual([...(await onServer())]);
    await annotate('s1', 'a');
    await remove('s2');
    await create('s2-new');
    await equal(watched);
    expect(watched.requests).toEqual(['list']);
    expect(watched.skipped()).toBe(0);
    expect(watched.reflector.state()).toMatchObject({ synced: true, connected: true, error: undefined });
  }, 60_000);

  test('the API server writes an object’s identity first, so that a re-list need not parse what is known', async () => {
    const query = {
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '2',
      watch: 'true',
    };
    for (const resource of [SERVICES, ENDPOINT_SLICES, NODES]) {
      const url = `${cluster.server}${resource.path}?${new URLSearchParams(query)}`;
      const reply = await fetch(url, { headers: { authorization: `Bearer ${cluster.tokens.admin}` }, tls: { ca: cluster.ca } });
      const lines = (await reply.text()).split('\n').filter((line) => line.startsWith('{"type":"ADDED"'));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(readLineHead(line.slice(0, LINE_HEAD_BYTES))).toMatchObject(headOf(line));
    }
  }, 30_000);

  test('without streaming lists: pages of 500, then a watch', async () => {
    const watched = watch({ streaming: false });
    await watched.reflector.ready;
    expect(known(watched.store)).toEqual([...(await onServer())]);
    await annotate('s1', 'b');
    await remove('s3');
    await equal(watched);
    expect(watched.requests).toEqual(['list', 'page', 'next page', 'next page', 'watch']);
    expect(watched.skipped()).toBe(0);
  }, 60_000);

  for (const streaming of [true, false])
    test(`re-lists every second while much changes, ${streaming ? 'streaming' : 'in pages'}: nothing is lost, and the running watch is not blamed`, async () => {
      const watched = watch({ streaming, resyncSeconds: 1 });
      await watched.reflector.ready;
      const until = systemClock.now() + 8_000;
      const churn = async (worker: number) => {
        for (let i = 0; systemClock.now() < until; i++) {
          await create(`c${worker}-${i}`);
          await annotate(`s${100 + worker}`, String(i));
          await remove(`c${worker}-${i}`);
        }
      };
      await Promise.all([churn(1), churn(2), churn(3)]);
      await equal(watched);
      expect(watched.requests.filter((each) => each === (streaming ? 'list' : 'page')).length).toBeGreaterThan(3);
      expect(watched.corrected()).toBe(0);
    }, 60_000);
});
