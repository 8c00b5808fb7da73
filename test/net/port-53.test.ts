import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiInside, relayApi } from '../support/api-inside.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { createNode, createPod, createService, must, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('net', () => netnsMissing() ?? programs('dig', 'dnsviz', 'zonemaster-cli')());

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const DOMAIN = 'k8s.example.com';
const SERVER = `ns.${DOMAIN}`;
const [V4, V6] = ['192.168.53.1', 'fd53::1'] as const;
/** On `lo`: one that `minilb l3` would hold, and one that the administrator put there. */
const [HELD, OWN] = ['10.0.100.1', '10.0.200.1'] as const;

const allowed = readFileSync(join(import.meta.dirname, '../golden/zone-findings.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ').slice(0, 2).join(' '));
const allowedOf = (tool: string) => allowed.filter((line) => line.startsWith(`${tool} `)).sort();

suite('minilb on port 53 of a host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-port-53-'));
  let api: EmbeddedApi;
  let network: TestNetwork;
  let client: Netns;
  let inside: ApiInside;

  beforeAll(async () => {
    api = await startEmbedded();
    const pod = { namespace: 'default', name: 'web-1', app: 'web', node: 'n1', ips: ['10.244.1.1'] };
    await createNode(api, { name: 'n1', podCidrs: ['10.244.1.0/24'], internalIps: [V4] });
    await createService(api, { namespace: 'default', name: 'web' });
    await createService(api, { namespace: 'default', name: 'vip', spec: { type: 'LoadBalancer', loadBalancerClass: 'minilb-l3' } });
    await must(api, {
      method: 'PATCH',
      path: '/api/v1/namespaces/default/services/vip/status',
      body: { status: { loadBalancer: { ingress: [{ ip: HELD }] } } },
    });
    await createPod(api, pod);
    await setPodReady(api, pod, true);
    network = await createTestNetwork();
    const server = await network.namespace('server');
    client = await network.namespace('client');
    await network.veth(
      { ns: server, name: 'up0', addresses: [`${V4}/24`, `${V6}/64`] },
      { ns: client, name: 'eth0', addresses: ['192.168.53.2/24', 'fd53::2/64'] },
    );
    for (const address of [HELD, OWN]) await server.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
    await client.run(['ip', 'route', 'add', '10.0.0.0/8', 'via', V4]);
    inside = await relayApi(api, server, folder);
    const nameservers = [V4, V6].map((address) => `-nameserver=${SERVER}=${address}`);
    const flags = [`-kubeconfig=${inside.kubeconfig}`, `-domain=${DOMAIN}`, '-listen=:53', '-health=127.0.0.1:0', '-controller=false'];
    const log = join(folder, 'minilb.log');
    server.start({ name: 'minilb', log, command: [process.execPath, MAIN, 'dns', ...flags, ...nameservers, '-lameduck=0'] });
    await waitFor('the first sync', () => readFileSync(log, 'utf8').includes('synced'));
  }, 60_000);
  afterAll(async () => {
    await network?.close();
    inside?.stop();
    await api?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (address: string) =>
    client.run(['dig', `@${address}`, '+short', '+time=1', '+tries=1', `web.default.${DOMAIN}`]).then((text) => text.trim());

  test('zonemaster finds nothing but what zone-findings.txt explains', async () => {
    const servers = [V4, V6].flatMap((address) => ['--ns', `${SERVER}/${address}`]);
    const text = await client.run(['zonemaster-cli', '--raw', '--level=INFO', ...servers, '--no-progress', DOMAIN]);
    const found = [...text.matchAll(/^\s*[\d.]+ (\w+)\s+([A-Z]\w+) /gm)].map(([, level = '', code = '']) => ({ level, code }));
    // It has really looked: these are its good news.
    expect(found.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['ONE_SOA_SERIAL', 'EDNS0_SUPPORT', 'SAME_SOURCE_IP', 'AXFR_FAILURE']),
    );
    const bad = new Set(found.filter(({ level }) => level !== 'INFO').map(({ code }) => `zonemaster ${code}`));
    expect([...bad].sort()).toEqual(allowedOf('zonemaster'));
  }, 60_000);

  test('dnsviz finds nothing but what zone-findings.txt explains', async () => {
    const file = join(folder, 'probe.json');
    const servers = [V4, `[${V6}]`].map((address) => `${SERVER}=${address}`).join(',');
    const names = [DOMAIN, `web.default.${DOMAIN}`, `default.${DOMAIN}`];
    await client.run(['dnsviz', 'probe', '-A', '-d', '1', '-x', `${DOMAIN}+:${servers}`, '-o', file, ...names]);
    expect(await client.run(['dnsviz', 'print', '-r', file])).toMatch(/web\.default\.k8s\.example\.com\n.*A: 10\.244\.1\.1\n/);
    const grok = await client.run(['dnsviz', 'grok', '-r', file, '-l', 'warning']);
    const codes = new Set([...grok.matchAll(/"code": "(\w+)"/g)].map(([, code]) => `dnsviz ${code}`));
    expect([...codes].sort()).toEqual(allowedOf('dnsviz'));
  }, 60_000);

  test('an address that minilb l3 holds is left alone, another one on lo is served', async () => {
    expect(await ask(OWN)).toBe('10.244.1.1');
    // Before the first sync nobody can tell: the next scan lets go of it.
    await waitFor('the held address to be let go', () =>
      ask(HELD)
        .then(() => false)
        .catch(() => true),
    );
    expect(await ask(OWN)).toBe('10.244.1.1');
  }, 60_000);
});
