import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { browserMissing, type OpenPage, openPage, startBrowser } from '../support/browser.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('browser', () => browserMissing() ?? clusterMissing());
const WEB_2 = { namespace: 'default', name: 'web-2', app: 'web', node: 'n2', ips: ['10.244.1.2'] };
const MARKUP = '<img src=x onerror=alert(1)>';
setDefaultTimeout(60_000);

suite('the status page in Chromium', () => {
  let cluster: Cluster;
  let dns: Minilb | undefined;
  let browser: Browser | undefined;
  let url = '';
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    cluster = await startCluster();
    await createNode(cluster, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.31'] });
    await createNode(cluster, { name: 'n2', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.32'] });
    await createNode(cluster, { name: 'n3', internalIps: ['192.168.1.33'] });
    await createNamespace(cluster, 'team-b');
    const host = { 'minilb/host': `shop.example.com,${MARKUP}`, 'minilb/answer': MARKUP };
    await createService(cluster, { namespace: 'default', name: 'web', annotations: host });
    await createService(cluster, { namespace: 'team-b', name: 'shop', annotations: { 'minilb/host': 'shop.example.com' } });
    for (const pod of [{ ...WEB_2, name: 'web-1', node: 'n1', ips: ['10.244.0.1'] }, WEB_2]) {
      await createPod(cluster, pod);
      await setPodReady(cluster, pod, true);
    }
    for (let i = 0; i < 60; i++) await createService(cluster, { namespace: 'default', name: `svc-${String(i).padStart(2, '0')}`, app: '' });
    url = `http://127.0.0.1:${await freePort()}/`;
    const here = ['-listen', '127.0.0.1:0', '-health', '127.0.0.1:0', '-lameduck', '0', '-page', new URL(url).host];
    dns = startMinilb(['dns', ...here, '-upstream', '127.0.0.1:9', '-kubeconfig', cluster.kubeconfig]);
    await dns.logged('synced');
    browser = await startBrowser();
  });
  afterEach(async () => {
    await opened?.close();
    expect(opened?.problems ?? []).toEqual([]);
    opened = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await dns?.kill();
    await cluster?.stop();
  });

  const visit = async (part = '', options: BrowserContextOptions = {}): Promise<Page> => {
    opened = await openPage(browser ?? expect.unreachable(), `${url}${part}`, options);
    await opened.page.getByRole('heading', { level: 2 }).waitFor();
    return opened.page;
  };
  const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) });
  const names = (page: Page) => page.locator('#rows button.more').allTextContents();

  test('it says that it is synced and since when, and lists names with addresses and readiness', async () => {
    const page = await visit();
    await page.getByText(/^synced since \d\d:\d\d:\d\d \(\d+ s\)$/).waitFor();
    await page.getByRole('searchbox').fill('web.default');
    await waitFor('the row', async () => (await rowOf(page, 'web.default.minilb').textContent())?.includes('10.244.1.2'));
    expect(await rowOf(page, 'web.default.minilb').getByRole('cell').allTextContents()).toEqual([
      'web.default.minilb',
      'all 2 ready',
      '10.244.0.110.244.1.2',
      'Service default/web',
    ]);
    expect(await page.locator('main').ariaSnapshot()).toContain('- table "Names":');
  });

  test('search by part of a name and by address; only what is in trouble; pages', async () => {
    const page = await visit();
    const status = page.locator('#count');
    await page.getByRole('button', { name: 'Next' }).click();
    await waitFor('the second page', async () => (await status.textContent())?.endsWith('page 2'));
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.keyboard.press('/');
    await page.keyboard.type('SVC-1');
    await waitFor('ten', async () => (await status.textContent()) === '10 match');
    expect((await names(page)).every((name) => name.startsWith('svc-1'))).toBe(true);
    await page.getByRole('searchbox').fill('10.244.1.2');
    await waitFor('who has the address', async () => (await names(page)).join() === 'shop.example.com,web.default.minilb');
    await page.getByRole('searchbox').fill('nothing');
    await page.getByText('Nothing matches.').waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('checkbox', { name: 'Only names without an address' }).check();
    await waitFor('those without', async () => (await names(page)).includes('shop.team-b.minilb'));
    expect(await status.textContent()).toMatch(/^6\d match, page 1$/);
    expect(await names(page)).not.toContain('web.default.minilb');
  });

  test('a name says why it is so, and is copied; so are the routes, in the words of the router that is chosen', async () => {
    const page = await visit('#names', { permissions: ['clipboard-read', 'clipboard-write'] });
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()');
    await page.getByRole('searchbox').fill('web.default');
    await page.getByRole('button', { name: 'web.default.minilb' }).click();
    await page.getByText('All 2 endpoints of Service default/web are ready.').waitFor();
    await page.getByRole('button', { name: 'Copy the name' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await clipboard()).toBe('web.default.minilb');
    await page.getByRole('link', { name: 'Routes' }).click();
    await page.getByRole('button', { name: 'Copy: Linux (ip route)' }).click();
    await waitFor('the routes', async () => (await clipboard()).startsWith('ip route add 10.244.0.0/24 via 192.168.1.31\n'));
    expect(await clipboard()).toContain('# n3: ');
    await page.getByRole('combobox').selectOption('MikroTik RouterOS');
    await page.getByRole('button', { name: 'Copy: MikroTik RouterOS' }).click();
    await waitFor('those of the other', async () => /dst-address=10\.244\.0\.0\/24 gateway=192\.168\.1\.31/.test(await clipboard()));
  });

  test('who claims what, who lost and why', async () => {
    const page = await visit('#claims');
    const cells = async () => (await page.getByRole('row').allTextContents()).slice(1);
    await waitFor('both', async () => (await cells()).length === 2);
    const [owner, loser] = await cells();
    expect(owner).toMatch(/^shop\.example\.comownerService default\/webleads to web\.default\.minilb$/);
    expect(loser).toMatch(/^shop\.example\.comlostService team-b\/shop.*Service default\/web$/);
  });

  test('a pod that goes is seen without a reload; what is open stays open and keeps the focus', async () => {
    const page = await visit();
    await page.getByRole('searchbox').fill('web.default');
    const name = page.getByRole('button', { name: 'web.default.minilb' });
    await name.click();
    await page.getByText('All 2 endpoints').waitFor();
    await setPodReady(cluster, WEB_2, false);
    await rowOf(page, 'web.default.minilb').getByText('1 of 2 ready').waitFor();
    await page.getByText('1 of the 2 endpoints of Service default/web is ready.').waitFor();
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('web.default.minilb');
    await setPodReady(cluster, WEB_2, true);
    await rowOf(page, 'web.default.minilb').getByText('all 2 ready').waitFor();
  });

  test('the upstreams and how they are', async () => {
    const page = await visit('#forwarder');
    await page
      .getByRole('row')
      .filter({ hasText: '127.0.0.1:9' })
      .getByText(/not asked yet|silent/)
      .waitFor();
  });

  test('by keyboard alone: every part, row and button, with a focus that is seen', async () => {
    const page = await visit();
    await page.locator('#rows tr').first().waitFor();
    const focus = () =>
      page.evaluate<{ text: string; seen: boolean }>(`(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return { text: element.textContent.trim() || element.id, seen: outlineStyle !== 'none' && outlineWidth !== '0px' };
      })()`);
    const visited: string[] = [];
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press('Tab');
      const { text, seen } = await focus();
      expect(seen, text).toBe(true);
      visited.push(text);
    }
    expect(visited.slice(0, 8)).toEqual(['To the content', 'Names', 'Claims', 'Routes', 'Resolver', 'Forwarder', 'q', 'only']);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copy the name' }).waitFor();
    await page.keyboard.press('Tab');
    expect((await focus()).text).toBe('Copy the name');
    for (let i = 0; i < 6; i++) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Routes' }).waitFor();
    expect(await page.getByRole('link', { name: 'Routes' }).getAttribute('aria-current')).toBe('page');
  });

  test.each([
    ['a phone, 375 px', 375, 'light'],
    ['a phone in the dark', 375, 'dark'],
    ['a small phone, 320 px (WCAG 1.4.10)', 320, 'light'],
  ] as const)('%s: nothing is wider than the screen, and fingers hit what they mean', async (_, width, colorScheme) => {
    const page = await visit('', { viewport: { width, height: 700 }, colorScheme, hasTouch: true, isMobile: true });
    await page.locator('#rows tr').first().waitFor();
    for (const part of ['Names', 'Claims', 'Routes', 'Resolver', 'Forwarder']) {
      await page.getByRole('link', { name: part }).click();
      await page.locator('#rows tr').first().waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth'), part).toBe(width);
    }
    await page.getByRole('link', { name: 'Names' }).click();
    await page.locator('#rows button.more').first().tap();
    await page.getByRole('button', { name: 'Copy the name' }).waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    const heights = await page
      .locator('button:visible, #tabs a, select:visible, #q')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(36);
    expect(await page.locator('main').ariaSnapshot()).toContain('- columnheader "Addresses"');
    const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(16, 21, 27)' : 'rgb(246, 247, 248)');
  });

  test('hostile names and annotations, from the cluster and in every field of every answer, do not become markup', async () => {
    const page = await visit();
    await page.getByRole('searchbox').fill('shop');
    await page.getByRole('button', { name: 'shop.example.com' }).click();
    await page.getByRole('button', { name: 'Copy the name' }).waitFor();
    const rtl = '\u202e"\'><script>alert(2)</script>';
    const kept = ['id', 'path', 'key', 'kind', 'level', 'revision', 'identity', 'now', 'at', 'heardAt', 'startedAt', 'next'];
    const poison = (value: unknown, key: string): unknown => {
      if (Array.isArray(value)) return value.map((item) => poison(item, key));
      if (value && typeof value === 'object')
        return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poison(one, name)]));
      return typeof value === 'string' && !kept.includes(key) ? `${MARKUP}${rtl}` : value;
    };
    await page.route('**/api/v1/**', async (route) => {
      const asked = route
        .request()
        .url()
        .replace(/(?<=\/names\/).*/, 'web.default.minilb');
      await route.fulfill({ json: poison(await (await fetch(asked)).json(), '') });
    });
    for (const part of ['#claims', '#routes', '#resolver', '#names', '#forwarder']) {
      await page.goto(`${url}${part}`);
      await page.reload();
      await page.locator('#rows tr').first().waitFor();
      expect(await page.locator('h2').textContent()).toBe(`${MARKUP}${rtl}`);
    }
    await page.goto(`${url}#names`);
    await page.locator('#rows button.more').first().click();
    await page.locator('.why li').first().waitFor();
    expect(
      await page.locator('img, script, iframe, object, embed').evaluateAll((all) => all.map((one) => one.getAttribute('src'))),
    ).toEqual(['page.js', 'icon.svg']);
  });

  test('the API server stops: a banner says so, and what was known stays; it goes when the server is back', async () => {
    const page = await visit();
    await page.getByText(/^synced since/).waitFor();
    await waitFor('the names', async () => (await names(page)).length === 50);
    await cluster.stopApiServer();
    await page
      .getByRole('alert')
      .getByText(/^The API server does not answer since .* What was known then goes on being served\.$/)
      .waitFor();
    expect(await page.locator('#state').textContent()).toBe('the API server does not answer');
    expect((await names(page)).length).toBe(50);
    await cluster.startApiServer();
    await waitFor('the banner to go', async () => (await page.getByRole('alert').textContent()) === '');
    await page.getByText(/^synced since/).waitFor();
  });

  test('minilb itself stops: the page says so, and from when what it shows is', async () => {
    const { page, problems, close } = await openPage(browser ?? expect.unreachable(), url);
    await page.getByText(/^synced since/).waitFor();
    await waitFor('the names', async () => (await names(page)).length === 50);
    await dns?.kill();
    await page
      .getByRole('alert')
      .getByText(/^This page cannot reach minilb\. What you see is from \d\d:\d\d:\d\d; it is tried again\.$/)
      .waitFor();
    expect((await names(page)).length).toBe(50);
    expect(problems.filter((line) => !line.includes('net::ERR_CONNECTION_REFUSED'))).toEqual([]);
    await close();
  });
});
