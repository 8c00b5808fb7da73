import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiInside, relayApi } from '../support/api-inside.ts';
import type { Child } from '../support/child.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { createNode, createPod, createService, setPodReady, slicesOf } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { pause, waitFor } from '../support/wait.ts';

const suite = await requires('net', () => netnsMissing() ?? programs('dig')());

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const KUBELET = `Bun.listen({ hostname: '0.0.0.0', port: 10250, socket: { data() {} } })`;
const NODES = [1, 2, 3] as const;
type N = (typeof NODES)[number];
/** Three misses from the last answer on are over in 3.85 s. */
const JUDGED_MS_MAX = 4000;

suite('a Node that vanishes, with three Nodes in namespaces of their own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-reachability-'));
  const nodes = new Map<N, Netns>();
  const kubelets = new Map<N, Child>();
  let network: TestNetwork;
  let api: EmbeddedApi;
  let inside: ApiInside;
  let dns: Netns;

  const log = () => readFileSync(join(folder, 'minilb.log'), 'utf8');
  const judgements = () => log().match(/does not answer: its endpoints come last/g)?.length ?? 0;
  const ask = async (...flags: readonly string[]) => {
    const text = await dns.run(['dig', '@127.0.0.1', '-p', '5353', '+short', '+time=1', '+tries=1', ...flags, 'web.default.minilb']);
    return text.trim().split('\n');
  };
  /** The last address of each of so many answers, without repetition. */
  const lastOnes = async (count: number, ...flags: readonly string[]) => {
    const last = new Set<string | undefined>();
    for (let i = 0; i < count; i++) last.add((await ask(...flags)).at(-1));
    return [...last].sort();
  };
  const link = (n: N, state: 'up' | 'down') => nodes.get(n)?.run(['ip', 'link', 'set', 'eth0', state]);
  const ip = (n: N) => `10.244.${n}.1`;
  const kubelet = (n: N) => {
    const child = nodes
      .get(n)
      ?.start({ name: `kubelet ${n}`, command: [process.execPath, '-e', KUBELET], log: join(folder, 'kubelet.log') });
    if (child) kubelets.set(n, child);
  };

  beforeAll(async () => {
    api = await startEmbedded();
    await createService(api, { namespace: 'default', name: 'web' });
    for (const n of NODES) {
      const pod = { namespace: 'default', name: `web-${n}`, app: 'web', node: `n${n}`, ips: [ip(n)] };
      await createNode(api, { name: `n${n}`, podCidrs: [`10.244.${n}.0/24`], internalIps: [`10.9.${n}.2`] });
      await createPod(api, pod);
      await setPodReady(api, pod, true);
    }
    network = await createTestNetwork();
    dns = await network.namespace('dns');
    for (const n of NODES) {
      const ns = await network.namespace(`node${n}`);
      nodes.set(n, ns);
      await network.veth({ ns: dns, name: `node${n}`, addresses: [`10.9.${n}.1/24`] }, { ns, name: 'eth0', addresses: [`10.9.${n}.2/24`] });
      kubelet(n);
    }
    inside = await relayApi(api, dns, folder);
    const flags = [`-kubeconfig=${inside.kubeconfig}`, '-listen=127.0.0.1:5353', '-health=127.0.0.1:0', '-lameduck=0', '-controller=false'];
    dns.start({ name: 'minilb', log: join(folder, 'minilb.log'), command: [process.execPath, MAIN, 'dns', ...flags] });
    await waitFor('three addresses', async () => (await ask()).length === 3);
    // Each kubelet has answered at least once.
    await pause(1500);
  }, 60_000);

  afterAll(async () => {
    await network?.close();
    inside?.stop();
    await api?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('while all live, every address is last now and then', async () => {
    expect(await lastOnes(24)).toEqual([ip(1), ip(2), ip(3)]);
  });

  test('one veth dropped: within 4 s its pod comes last, over UDP and TCP, while the slice still says ready', async () => {
    const begun = performance.now();
    await link(3, 'down');
    await waitFor('the judgement', () => judgements() === 1, JUDGED_MS_MAX + 1000, 10);
    expect(performance.now() - begun).toBeLessThan(JUDGED_MS_MAX);
    expect(await lastOnes(12)).toEqual([ip(3)]);
    expect(await lastOnes(12, '+tcp')).toEqual([ip(3)]);
    expect(JSON.stringify(await slicesOf(api, 'default', 'web'))).not.toContain('"ready":false');
  }, 20_000);

  test('back again, it is like the others with its first answer', async () => {
    await link(3, 'up');
    await waitFor('the Node to be taken back', () => log().includes('like the others again'), 5000, 20);
    expect(await lastOnes(24)).toEqual([ip(1), ip(2), ip(3)]);
  }, 20_000);

  test('a stopped kubelet resets connections: no change, for the pods run on', async () => {
    await kubelets.get(2)?.stop();
    await pause(5500);
    expect(judgements()).toBe(1);
    kubelet(2);
  }, 20_000);

  test('two of three lost: the API is believed', async () => {
    await Promise.all([link(1, 'down'), link(2, 'down')]);
    await pause(6500);
    await Promise.all([link(1, 'up'), link(2, 'up')]);
    expect(judgements()).toBe(1);
    await pause(2500);
  }, 20_000);

  test('the prober itself cut off: no change', async () => {
    const links = (state: 'up' | 'down') => Promise.all(NODES.map((n) => link(n, state)));
    await links('down');
    await pause(6500);
    await links('up');
    await pause(1500);
    expect(judgements()).toBe(1);
    expect(await lastOnes(24)).toEqual([ip(1), ip(2), ip(3)]);
  }, 20_000);
});
