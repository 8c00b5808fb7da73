import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { StatusReport } from '../../src/core/page/api-schema.ts';
import { freePort } from '../support/child.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { pageFaults, pagePaths } from '../support/page-answers.ts';
import { waitFor } from '../support/wait.ts';

/** What `minilb dns` serves on -page, held against docs/api.md's declaration. */
describe('the HTTP API of the status page (docs/api.md)', () => {
  let api: EmbeddedApi;
  let dns: Minilb;
  let base = '';
  const get = async (path: string): Promise<unknown> => (await fetch(`${base}${path}`)).json();
  const status = async () => (await get('/api/v1/status')) as StatusReport;

  beforeAll(async () => {
    api = await startEmbedded();
    await createNode(api, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    await createNode(api, { name: 'n2' });
    await createService(api, { namespace: 'default', name: 'web', annotations: { 'minilb/host': 'web.example.com,shop.example.com' } });
    await createNamespace(api, 'other');
    await createService(api, { namespace: 'other', name: 'web', annotations: { 'minilb/host': 'shop.example.com' } });
    await createPod(api, { namespace: 'default', name: 'web-1', app: 'web', node: 'n1', ips: ['10.244.0.1'] });
    await setPodReady(api, { namespace: 'default', name: 'web-1', ips: ['10.244.0.1'] }, true);
    const page = await freePort();
    base = `http://127.0.0.1:${page}`;
    const here = ['-listen', '127.0.0.1:0', '-health', '127.0.0.1:0', '-page', `127.0.0.1:${page}`, '-lameduck', '0'];
    dns = startMinilb(['dns', ...here, '-upstream', '127.0.0.1:9', '-kubeconfig', api.kubeconfig]);
    await dns.logged('synced');
    await waitFor('routes', async () => ((await get('/api/v1/routes')) as { items: unknown[] }).items.length === 2);
  });
  afterAll(async () => {
    await dns?.kill();
    await api?.stop();
  });

  const mine = pagePaths('dns');
  test.each(mine)('%s answers as declared, and has rows', async (path) => {
    const value = await get(path.replace('{name}', 'web.default.minilb'));
    expect(pageFaults(path, value)).toEqual([]);
    const { items, answers } = value as { items?: unknown[]; answers?: unknown[] };
    if (path !== '/api/v1/status') expect((items ?? answers ?? []).length).toBeGreaterThan(0);
  });

  test('the status names the parts that there are, and columns that their rows have', async () => {
    const { sections } = await status();
    expect(sections.map(({ path }) => path)).toEqual(mine.filter((path) => !/status|\{name\}/.test(path)));
    for (const { path, columns, identity } of sections) {
      const { items } = (await get(path)) as { items: Record<string, unknown>[] };
      for (const row of items)
        for (const key of [...columns.map((column) => column.key), ...identity, 'level']) expect(row).toHaveProperty(key);
    }
  });

  test('a change moves the revision; an outage is told, and what was known stays', async () => {
    const before = await status();
    await setPodReady(api, { namespace: 'default', name: 'web-1', ips: ['10.244.0.1'] }, false);
    await waitFor('the names to follow', async () => JSON.stringify(await get('/api/v1/names?q=web.default.minilb')).includes('not-ready'));
    expect((await status()).sections[0]?.revision).not.toBe(before.sections[0]?.revision ?? '');
    expect(before.api).toMatchObject({ answers: true, detail: '' });
    await api.stopApiServer();
    const away = await waitFor('the outage to show', async () => {
      const now = await status();
      return now.api.answers ? undefined : now;
    });
    expect(away.synced.done).toBe(true);
    expect(away.api.detail).not.toBe('');
    expect(JSON.stringify(await get('/api/v1/names?q=web.default.minilb'))).toContain('web.default.minilb');
    await api.startApiServer();
    await waitFor('its end', async () => (await status()).api.answers);
  }, 60_000);
});
