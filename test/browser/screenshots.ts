// npm run screenshots: docs/images/*.png, of a small cluster with something of everything.
import { mkdirSync, statSync } from 'node:fs';
import type { BrowserContextOptions } from 'playwright-core';
import { openPage, startBrowser } from '../support/browser.ts';
import { freePort } from '../support/child.ts';
import { startEmbedded } from '../support/embedded.ts';
import { startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { waitFor } from '../support/wait.ts';

const FOLDER = `${import.meta.dirname}/../../docs/images`;
const BYTES_MAX = 150_000;

const api = await startEmbedded();
for (const [n, name] of ['pine', 'oak', 'elm'].entries())
  await createNode(api, { name, podCidrs: [`10.244.${n}.0/24`], internalIps: [`192.168.1.${31 + n}`] });
for (const name of ['shop', 'media', 'staging']) await createNamespace(api, name);
const services: readonly [namespace: string, name: string, pods: readonly boolean[], host?: string][] = [
  ['shop', 'web', [true, true, true], 'shop.example.com'],
  ['shop', 'api', [true, false]],
  ['shop', 'mail', []],
  ['media', 'jellyfin', [true], 'films.example.com'],
  ['media', 'photos', [true, true]],
  ['staging', 'web', [false], 'shop.example.com'],
];
for (const [at, [namespace, name, pods, host]] of services.entries()) {
  await createService(api, { namespace, name, ...(host && { annotations: { 'minilb/host': host } }) });
  for (const [n, ready] of pods.entries()) {
    const pod = { namespace, name: `${name}-${n}`, app: name, node: ['pine', 'oak', 'elm'][n] ?? 'pine', ips: [`10.244.${n}.${10 + at}`] };
    await createPod(api, pod);
    await setPodReady(api, pod, ready);
  }
}
const page = `127.0.0.1:${await freePort()}`;
const here = ['-listen', '127.0.0.1:0', '-health', '127.0.0.1:0', '-lameduck', '0', '-page', page, '-server-id', 'minilb-pine'];
const dns = startMinilb(['dns', ...here, '-domain', 'home.example.com', '-kubeconfig', api.kubeconfig]);
const browser = await startBrowser();

async function shoot(
  file: string,
  part: string,
  options: BrowserContextOptions,
  before: (open: Awaited<ReturnType<typeof openPage>>) => Promise<void>,
) {
  const open = await openPage(browser, `http://${page}/${part}`, options);
  await open.page.locator('#rows tr').first().waitFor();
  await before(open);
  const path = `${FOLDER}/${file}.png`;
  await open.page.screenshot({ path, animations: 'disabled' });
  await open.close();
  const { size } = statSync(path);
  if (size > BYTES_MAX || open.problems.length > 0) throw new Error(`${file}: ${size} bytes; ${open.problems.join('; ')}`);
  console.log(`docs/images/${file}.png: ${size} bytes`);
}

try {
  mkdirSync(FOLDER, { recursive: true });
  await dns.logged('synced');
  await waitFor('routes', async () => (await (await fetch(`http://${page}/api/v1/routes`)).text()).includes('10.244.2.0/24'));
  const opened = (name: string) => async (open: Awaited<ReturnType<typeof openPage>>) => {
    await open.page.getByRole('button', { name, exact: true }).click();
    await open.page.getByRole('button', { name: 'Copy the name' }).waitFor();
    await open.page.mouse.move(0, 0);
  };
  const wide = { viewport: { width: 1040, height: 900 } };
  await shoot('page-light', '', { ...wide, colorScheme: 'light' }, opened('api.shop.home.example.com'));
  await shoot('page-dark', '#routes', { ...wide, colorScheme: 'dark' }, async () => {});
  const phone = { viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
  await shoot('page-phone', '#claims', { ...phone, colorScheme: 'light' }, async () => {});
} finally {
  await browser.close();
  await dns.kill();
  await api.stop();
}
process.exit(0);
