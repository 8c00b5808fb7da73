import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createWatch } from './api.ts';
import { type EmbeddedApi, startEmbedded } from './embedded.ts';
import { startLyingProxy } from './lying-proxy.ts';
import { createService } from './objects.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { pause, waitFor } from './wait.ts';

/** The proxies that later tests rely on must themselves fail in the way they say. */
describe('proxies that fail as networks do', () => {
  let api: EmbeddedApi;
  const ends: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    api = await startEmbedded();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await api.stop();
  });
  const watchAt = async (url: string) => {
    const watch = await createWatch(
      url,
      {},
    )({ path: '/api/v1/services', query: { resourceVersion: String(api.embedded().state().version) } });
    ends.push(watch.close);
    return watch;
  };
  const service = (name: string) => createService(api, { namespace: 'default', name, app: '' });

  test('a silenced connection stays open and carries nothing; a new one works', async () => {
    const proxy = await startTcpProxy(Number(new URL(api.server).port));
    ends.push(proxy.stop);
    const url = `http://127.0.0.1:${proxy.port}`;
    const before = await watchAt(url);
    await service('one');
    await waitFor('the first event', () => before.events.length === 1);
    proxy.silence();
    const after = await watchAt(url);
    await service('two');
    await waitFor('the event on the new connection', () => after.events.length === 1);
    await pause(100);
    expect(before.events.length).toBe(1);
    expect(proxy.connections()).toBe(2);
  });

  test('a proxy that refuses ends what is open and takes nothing new, until it accepts again', async () => {
    const proxy = await startTcpProxy(Number(new URL(api.server).port));
    ends.push(proxy.stop);
    const url = `http://127.0.0.1:${proxy.port}`;
    const before = await watchAt(url);
    proxy.refuse();
    await before.ended;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    proxy.accept();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('a lying proxy withholds matching events of the watches that are open, and of no later one', async () => {
    const proxy = await startLyingProxy(api.server, api.access);
    ends.push(proxy.stop);
    const before = await watchAt(proxy.url);
    proxy.lie(/"name":"two"/);
    const after = await watchAt(proxy.url);
    for (const name of ['one', 'two', 'three']) await service(name);
    await waitFor('all but one', () => before.events.length === 2);
    await waitFor('all', () => after.events.length === 3);
    expect(proxy.withheld()).toBe(1);
  });
});
