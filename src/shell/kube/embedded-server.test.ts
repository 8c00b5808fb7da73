import { afterEach, expect, test } from 'bun:test';
import { createApi, createWatch } from '../../../test/support/api.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { apiKind } from '../../core/api-server/kind.ts';
import { createEmbeddedServer, type EmbeddedServerOptions } from './embedded-server.ts';

const ends: AbortController[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
});

async function started(options: Partial<EmbeddedServerOptions> = {}) {
  const clock = createFakeClock();
  const end = new AbortController();
  ends.push(end);
  const server = createEmbeddedServer({ clock, random: seededRandom(7), ...options }, end.signal);
  await server.ready;
  return { clock, end, server, request: createApi(server.url(), {}), watch: createWatch(server.url(), {}) };
}

const WEB = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
const SERVICES = '/api/v1/namespaces/default/services';

test('a watch that allows bookmarks gets one a minute, another none, and both end in time', async () => {
  const { clock, watch } = await started();
  const query = { resourceVersion: '1', fieldSelector: 'metadata.name=none', timeoutSeconds: '150' };
  const with_ = await watch({ path: SERVICES, query: { ...query, allowWatchBookmarks: 'true' } });
  const without = await watch({ path: SERVICES, query });
  await clock.advance(130_000);
  await waitFor('two bookmarks', () => with_.events.length === 2);
  expect(with_.events[0]).toMatchObject({
    type: 'BOOKMARK',
    object: { kind: 'Service', metadata: { resourceVersion: expect.any(String) } },
  });
  await clock.advance(21_000);
  await Promise.all([with_.ended, without.ended]);
  expect(without.events).toEqual([]);
  expect(clock.pending()).toBe(0);
});

test('time and chance are arguments: two servers with the same ones tell the same', async () => {
  const one = await started();
  const two = await started();
  const body = { ...WEB, metadata: { generateName: 'web-' } };
  const replies = await Promise.all([one, two].map(({ request }) => request({ method: 'POST', path: SERVICES, body })));
  expect(replies[0]?.body).toEqual(replies[1]?.body);
  expect(replies[0]?.body).toMatchObject({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } });
});

test('apply writes an object with its status and watchers see both; a refusal says why; remove ends it', async () => {
  const { server, watch } = await started();
  const seen = await watch({ path: '/api/v1/nodes', query: { resourceVersion: String(server.state().version) } });
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: { podCIDR: '10.244.0.0/24' } };
  const addresses = [{ type: 'InternalIP', address: '192.168.1.10' }];
  expect(server.apply({ ...node, status: { addresses } }).ok).toBe(true);
  expect(server.apply({ ...node, spec: { podCIDR: 'x' } })).toMatchObject({
    ok: false,
    code: 'refused',
    detail: expect.stringContaining('spec.podCIDRs'),
  });
  expect(server.apply({ ...node, kind: 'Bogus' })).toMatchObject({ ok: false });
  expect(server.remove(node).ok).toBe(true);
  expect(server.remove(node)).toMatchObject({ ok: false, detail: 'nodes "n1" not found' });
  await waitFor('the removal', () => seen.events.at(-1)?.type === 'DELETED');
  expect(seen.events.at(-1)?.object).toMatchObject({ kind: 'Node', status: { addresses } });
});

test('applied again, an object keeps its uid and gets a version only when it differs', async () => {
  const { server } = await started();
  server.apply(WEB);
  const version = server.state().version;
  server.apply(WEB);
  expect(server.state().version).toBe(version);
});

test('a custom resource is one more row', async () => {
  const kind = apiKind({
    group: 'lb.example',
    version: 'v1',
    kind: 'Pool',
    plural: 'pools',
    singular: 'pool',
    shape: { spec: 'any', status: 'any' },
    nameRule: () => '',
  });
  const { request } = await started({ furtherKinds: [kind] });
  const path = '/apis/lb.example/v1/namespaces/default/pools';
  const body = { apiVersion: 'lb.example/v1', kind: 'Pool', metadata: { name: 'p' }, spec: { size: 3 }, status: { ignored: true } };
  expect((await request({ method: 'POST', path, body })).body).toMatchObject({ spec: { size: 3 }, metadata: { name: 'p' } });
  expect((await request({ method: 'PATCH', path: `${path}/p/status`, body: { status: { ready: 1 } } })).body).toMatchObject({
    status: { ready: 1 },
  });
  expect(JSON.stringify((await request({ path: '/apis' })).body)).toContain('lb.example/v1');
});

test('a port in use is said', async () => {
  const { server } = await started();
  const port = Number(new URL(server.url()).port);
  const second = createEmbeddedServer({ clock: createFakeClock(), random: seededRandom(1), port }, new AbortController().signal);
  await expect(second.ready).rejects.toThrow(`port ${port}`);
});

test('at the end every watch is closed', async () => {
  const { server, end, watch } = await started();
  const open = await watch({ path: SERVICES });
  end.abort();
  await Promise.all([open.ended, server.closed]);
});

test('a body of more than 3 MiB is refused', async () => {
  const { request } = await started();
  const body = { ...WEB, metadata: { name: 'big', annotations: { big: 'x'.repeat(3 * 1024 * 1024) } } };
  expect((await request({ method: 'POST', path: SERVICES, body })).status).toBe(413);
});
