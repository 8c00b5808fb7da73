import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { createNode, must } from '../support/objects.ts';
import { waitFor } from '../support/wait.ts';

let api: EmbeddedApi;
let minilb: Minilb | undefined;

beforeEach(async () => {
  api = await startEmbedded();
  await createNode(api, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
});
afterEach(async () => {
  await minilb?.kill();
  await api.stop();
});

test('-watch prints all routes, again when they are others, and nothing while the API server is away', async () => {
  minilb = startMinilb(['routes', '-watch', '-format=frr', `-kubeconfig=${api.kubeconfig}`, '-health=127.0.0.1:0', '-log-level=warn']);
  const printed = () => minilb?.stdout().match(/^ip route .*$/gm) ?? [];
  await waitFor('the first print', () => printed().length === 1);
  await api.stopApiServer();
  await minilb.logged('Node');
  await api.startApiServer();
  await createNode(api, { name: 'b', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.31'] });
  await waitFor('the second', () => printed().length === 3);
  await must(api, { method: 'DELETE', path: '/api/v1/nodes/a' });
  await waitFor('the third', () => printed().length === 4);
  const [a, b] = ['ip route 10.244.0.0/24 192.168.1.30', 'ip route 10.244.1.0/24 192.168.1.31'];
  expect(printed()).toEqual([a, a, b, b]);
  expect(minilb.stdout()).not.toContain('no Nodes');
  minilb.signal('SIGTERM');
  expect(await minilb.exited).toBe(0);
});

const misuse: readonly [flags: readonly string[], says: string][] = [
  [['-format=dhcp121'], '-format dhcp121 needs -gateway'],
  [['-gateway=192.168.1.1'], '-gateway is for -format dhcp121 alone'],
  [['-format=dhcp121', '-gateway=fd00::1'], 'is not an IPv4 address'],
  [['-format=cisco'], 'is not one of iproute2, frr'],
];
test.each(misuse)('%s is refused with one line and exit code 2', async (flags, says) => {
  const { exitCode, stdout, stderr } = await runMinilb(['routes', `-kubeconfig=${api.kubeconfig}`, ...flags]);
  expect([exitCode, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1]);
  expect(stderr).toContain(says);
});
