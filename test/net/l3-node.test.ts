import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import { type L3Lab, type LabNode, labMissing, nodeIp, startL3Lab, waitForNextHops } from '../support/l3-lab.ts';
import { createPod, createService, must, setPodReady } from '../support/objects.ts';
import { pageFaults, pagePaths } from '../support/page-answers.ts';
import { seededRandom } from '../support/random.ts';
import { requires } from '../support/require.ts';
import { pause, waitFor } from '../support/wait.ts';

const suite = await requires('net', labMissing);
const V4 = '10.0.100.1';

suite('by route, on the node', () => {
  let lab: L3Lab;
  let n1: LabNode;
  let n2: LabNode;
  const pod = (node: LabNode) => ({ namespace: 'default', name: `web-${node.name}`, app: 'web', node: node.name, ips: node.podIps });
  const lo = (node: LabNode, ...words: readonly string[]) =>
    node.ns.run(['ip', 'address', words[0] ?? '', words[1] ?? '', 'dev', 'lo', ...words.slice(2)]);
  const events = async (reason: string) => {
    const list = await must(lab.cluster, { path: '/apis/events.k8s.io/v1/events' });
    return asArray(list['items']).filter((item) => asObject(item)?.['reason'] === reason);
  };

  beforeAll(async () => {
    lab = await startL3Lab();
    [n1, n2] = lab.nodes;
    const spec = { loadBalancerClass: 'minilb-l3', ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    await createService(lab.cluster, { namespace: 'default', name: 'web', spec });
    for (const node of [n1, n2]) {
      await createPod(lab.cluster, pod(node));
      await setPodReady(lab.cluster, pod(node), true);
    }
    lab.startAllocator('allocator-a');
  }, 120_000);
  afterAll(async () => {
    await lab?.stop();
  }, 60_000);

  test('the seed’s leftover is adopted in place, without a flap; foreign addresses of every kind survive agent, kill -9 and cleanup', async () => {
    await lo(n1, 'add', `${V4}/32`);
    const foreign = ['10.0.100.200/32', '10.0.100.201/24', 'fd00:100::200/128'];
    await waitFor('the status', async () =>
      JSON.stringify(await must(lab.cluster, { path: '/api/v1/namespaces/default/services/web' })).includes(V4),
    );
    const flap = n1.ns.start({ name: 'monitor', log: `${lab.folder}/monitor.log`, command: ['ip', 'monitor', 'address'] });
    const agent = lab.startAgent(n1, { flags: ['-allow-onlink'] });
    await waitFor('the adoption', async () => (await lab.held(n1)).includes(`${V4}/32 7710`));
    expect(
      lab
        .logOf('monitor')
        .split('\n')
        .filter((line) => line.startsWith('Deleted') && line.includes(`${V4}/`)),
    ).toEqual([]);
    await flap.stop();
    for (const one of foreign) await lo(n1, 'add', one, ...(one.includes(':') ? ['nodad'] : []));
    await n1.ns.run(['ip', 'address', 'add', `${V4}/32`, 'dev', 'cni0']);
    await pause(300);
    agent.signal('SIGKILL');
    await agent.exited;
    const again = lab.startAgent(n1, { flags: ['-allow-onlink'], log: 'n1-again' });
    await waitFor('the first sweep', () => lab.logOf('agent-n1-again').includes('first sweep done'));
    const page = async (path: string): Promise<unknown> => JSON.parse(await n1.ns.run(['curl', '-s', `http://127.0.0.1:7714${path}`]));
    const { items } = (await page('/api/v1/addresses')) as { items: { address: string; service: string; state: string }[] };
    expect(items.map(({ address, service, state }) => `${address} ${service} ${state}`).slice(0, 2)).toEqual([
      `${V4} default/web held`,
      '10.0.100.200  foreign',
    ]);
    for (const path of pagePaths('l3')) expect(pageFaults(path, await page(path))).toEqual([]);
    await again.stop();
    const before = await lab.held(n1);
    expect(before).toEqual([`${V4}/32 7710`, ...foreign.slice(0, 2), 'fd00:100::1/128 7710', 'fd00:100::200/128'].sort());
    const plan = await lab.runL3(n1, ['cleanup']);
    expect(plan.stdout).toContain(`remove ${V4}  default/web`);
    expect(await lab.held(n1)).toEqual(before);
    const done = await lab.runL3(n1, ['cleanup', '-yes']);
    expect([done.exitCode, done.stderr]).toEqual([0, '']);
    expect(await lab.held(n1)).toEqual([...foreign].sort());
    expect(await n1.ns.run(['ip', 'address', 'show', 'dev', 'cni0'])).toContain(`${V4}/32`);
    expect(await events('AddressForeign')).not.toHaveLength(0);
    await n1.ns.run(['ip', 'address', 'del', `${V4}/32`, 'dev', 'cni0']);
    for (const one of foreign) await lo(n1, 'del', one);
  }, 60_000);

  test('cleanup names the Service that no other node announces', async () => {
    const agent = lab.startAgent(n1, { log: 'n1-last' });
    await waitForNextHops(lab, V4, [n1]);
    await setPodReady(lab.cluster, pod(n2), false);
    await waitFor('the endpoint to leave', async () => (await lab.runL3(n1, ['cleanup'])).stdout.includes('NO OTHER NODE ANNOUNCES IT'));
    await setPodReady(lab.cluster, pod(n2), true);
    await agent.stop();
    expect(await lab.held(n1)).toContain(`${V4}/32 7710`);
  }, 60_000);

  test('a prefix inside the LAN of a node is refused by the agent that sees it, and in a ServiceCIDR or podCIDR by all', async () => {
    for (const [prefix, what] of [
      ['192.168.7.128/25', 'a network that this node is connected to by eth0'],
      ['10.96.200.0/24', 'a ServiceCIDR'],
      ['10.244.3.128/25', 'a podCIDR of the Node n3'],
    ] as const) {
      const { exitCode, stderr } = await lab.runL3(n1, [`-prefix=${prefix}`]);
      expect([exitCode, stderr.includes(what)]).toEqual([1, true]);
    }
    expect(await lab.held(n1)).toHaveLength(2);
  }, 60_000);

  test('drift is repaired at once, and a randomised fight with another program leaves its addresses alone', async () => {
    const agent = lab.startAgent(n2);
    await waitFor('the address', async () => (await lab.held(n2)).includes(`${V4}/32 7710`));
    await lo(n2, 'del', `${V4}/32`);
    await waitFor('the repair', async () => (await lab.held(n2)).includes(`${V4}/32 7710`));
    const random = seededRandom(6);
    const theirs = new Set<string>();
    for (let round = 0; round < 120; round++) {
      const address =
        random() < 0.5 ? `10.0.100.${100 + Math.floor(random() * 50)}/32` : `fd00:100::${100 + Math.floor(random() * 50)}/128`;
      const there = theirs.delete(address);
      if (!there) theirs.add(address);
      await lo(n2, there ? 'del' : 'add', address, ...(!there && address.includes(':') ? ['nodad'] : []));
      if (round % 40 === 0) await setPodReady(lab.cluster, pod(n2), false);
      if (round % 40 === 20) await setPodReady(lab.cluster, pod(n2), true);
    }
    const ours = [`${V4}/32 7710`, 'fd00:100::1/128 7710'];
    await waitFor('rest', async () => JSON.stringify(await lab.held(n2)) === JSON.stringify([...theirs, ...ours].sort()));
    const metrics = await n2.ns.run(['curl', '-s', `http://${nodeIp(n2)}:7712/metrics`]);
    expect(metrics).toMatch(/minilb_l3_changes_total\{action="repaired"\} [1-9]/);
    await agent.stop();
    for (const one of theirs) await lo(n2, 'del', one);
  }, 60_000);

  test('hostile Service and Node data: nothing is executed, nothing applied, the author gets an Event', async () => {
    const agent = lab.startAgent(n1, { log: 'n1-hostile' });
    const marker = `${lab.folder}/executed`;
    const hostile = [
      `10.0.100.5;touch ${marker}`,
      `$(touch ${marker})`,
      '::ffff:192.168.7.1',
      'fe80::1%eth0',
      '0.0.0.0',
      '224.0.0.1',
      '192.168.7.1',
      nodeIp(n1),
      '10.0.100.0/24',
    ];
    for (const [i, address] of hostile.entries()) {
      const annotations = { 'minilb/address': address };
      await createService(lab.cluster, {
        namespace: 'default',
        name: `bad-${i}`,
        app: 'web',
        annotations,
        spec: { loadBalancerClass: 'minilb-l3' },
      });
    }
    await waitFor('an Event for each', async () => (await events('AddressRefused')).length >= hostile.length);
    for (const i of hostile.keys()) {
      const service = await must(lab.cluster, { path: `/api/v1/namespaces/default/services/bad-${i}` });
      expect(asObject(service['status'])?.['loadBalancer']).toEqual({});
    }
    // A kubelet may write anything into its own Node: it takes no Service's address away by calling it its own, and nothing of it is executed.
    const addresses = [V4, '0.0.0.0', `$(touch ${marker})`].map((address, i) => ({
      type: ['InternalIP', 'ExternalIP', 'Hostname'][i],
      address,
    }));
    const taints = [{ key: `touch-${'x'.repeat(50)}`, value: 'x', effect: 'NoSchedule' }];
    await must(lab.cluster, { method: 'PATCH', path: '/api/v1/nodes/n3/status', body: { status: { addresses } } });
    await must(lab.cluster, { method: 'PATCH', path: '/api/v1/nodes/n3', body: { spec: { taints } } });
    await createService(lab.cluster, {
      namespace: 'default',
      name: 'after-node',
      app: 'web',
      annotations: { 'minilb/address': V4 },
      spec: { loadBalancerClass: 'minilb-l3' },
    });
    await waitFor('the refusal', async () => JSON.stringify(await events('AddressRefused')).includes('it is an address of a Node'));
    const web = await must(lab.cluster, { path: '/api/v1/namespaces/default/services/web' });
    expect(JSON.stringify(asObject(web['status']))).toContain(V4);
    expect(await Bun.file(marker).exists()).toBe(false);
    expect(await lab.held(n1)).toEqual([`${V4}/32 7710`, 'fd00:100::1/128 7710']);
    await agent.stop();
  }, 60_000);

  test('the agent’s ServiceAccount can write nothing but Events, the allocator’s only what its policy allows', async () => {
    const tokenOf = async (name: string) => (await lab.cluster.kubectl(['-n', 'minilb-l3', 'create', 'token', name])).trim();
    const [agent, allocator] = [await tokenOf('minilb-l3-agent'), await tokenOf('minilb-l3-allocator')];
    const status = (token: string, service: string, body: object) =>
      lab.cluster.request({ method: 'PATCH', path: `/api/v1/namespaces/default/services/${service}/status`, token, body });
    const ingress = (...entries: readonly object[]) => ({ status: { loadBalancer: { ingress: entries } } });
    await createService(lab.cluster, {
      namespace: 'default',
      name: 'foreign',
      app: 'web',
      spec: { loadBalancerClass: 'example.com/other' },
    });
    expect((await status(agent, 'web', ingress({ ip: V4 }))).status).toBe(403);
    const node = { method: 'PATCH', path: '/api/v1/nodes/n1', token: agent, body: { metadata: { labels: { x: 'y' } } } } as const;
    expect((await lab.cluster.request(node)).status).toBe(403);
    const refused = [
      await status(allocator, 'foreign', ingress({ ip: '10.0.100.9' })),
      await status(allocator, 'web', ingress({ ip: '192.168.7.1' })),
      await status(allocator, 'web', ingress({ hostname: 'example.com' })),
      await status(allocator, 'web', { metadata: { annotations: { a: 'b' } } }),
    ];
    expect(refused.map((reply) => [reply.status, JSON.stringify(reply.body).includes('minilb l3')])).toEqual(
      refused.map(() => [422, true]),
    );
    const external = { loadBalancerClass: 'minilb-l3', externalIPs: ['10.96.0.1'] };
    const outside = createService(lab.cluster, { namespace: 'default', name: 'steals', app: 'web', spec: external });
    expect(await outside.then(() => 'created', String)).toContain('spec.externalIPs must lie inside the prefixes');
  }, 60_000);

  test.each([0, 1] as const)(
    '-guard on node %d (iptables, nftables): a listener on 0.0.0.0 is out of reach, the Service is not, and nothing is left',
    async (index) => {
      const node = lab.nodes[index];
      const other = lab.nodes[1 - index];
      if (!other) throw new Error('there are two');
      await lab.runL3(other, ['cleanup', '-yes']);
      const listener = node.ns.start({
        name: 'sshd',
        log: `${lab.folder}/sshd.log`,
        command: [process.execPath, '-e', "Bun.serve({ hostname: '::', port: 22, fetch: () => new Response('ssh') })"],
      });
      const curl = (url: string) => lab.client.run(['curl', '-s', '-m', '1', url]).catch(() => 'nothing');
      const plain = lab.startAgent(node, { log: `${node.name}-open` });
      await waitForNextHops(lab, V4, [node]);
      await waitFor('the listener', async () => (await curl(`http://${V4}:22/`)) === 'ssh');
      await plain.stop();
      const agent = lab.startAgent(node, { flags: ['-guard', '-withdraw-on-exit'], log: `${node.name}-guard` });
      await waitFor('the guard', async () => (await node.ns.run(['nft', 'list', 'tables'])).includes('minilb_l3'));
      await waitFor('it to be closed', async () => (await curl(`http://${V4}:22/`)) === 'nothing');
      for (const url of [`http://${V4}/`, 'http://[fd00:100::1]/']) expect(await curl(url)).toMatch(/^n[12]$/);
      expect(await curl('http://[fd00:100::1]:22/')).toBe('nothing');
      expect(await curl(`http://${nodeIp(node)}:22/`)).toBe('ssh');
      await agent.stop();
      expect(await node.ns.run(['nft', 'list', 'tables'])).not.toContain('minilb_l3');
      expect(await lab.held(node)).toEqual([]);
      await listener.stop();
    },
    60_000,
  );
});
