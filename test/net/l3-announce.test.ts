import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import { type AgentOptions, type L3Lab, type LabNode, labMissing, startL3Lab } from '../support/l3-lab.ts';
import { createPod, createService, deletePod, must, setPodReady } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// The rows of the announcement table that test/net/l3-routes.test.ts does not play, each by what the kernel of one node holds.

const suite = await requires('net', labMissing);
const V4 = '10.0.100.1';
const MARKED = `${V4}/32 7710`;

suite('when a node announces', () => {
  let lab: L3Lab;
  let n1: LabNode;
  let n2: LabNode;
  const pod = (node: LabNode) => ({ namespace: 'default', name: `web-${node.name}`, app: 'web', node: node.name, ips: node.podIps });
  const held = async (node: LabNode, address = MARKED) => (await lab.held(node)).includes(address);
  const become = (what: string, node: LabNode, is: boolean, address = MARKED) =>
    waitFor(`${node.name} to ${is ? 'hold' : 'leave'} ${address} (${what})`, async () => (await held(node, address)) === is);
  const serve = async (node: LabNode) => {
    await createPod(lab.cluster, pod(node));
    await setPodReady(lab.cluster, pod(node), true);
  };
  /** Runs an agent of n1 for as long as `body` takes. */
  const withAgent = async (options: AgentOptions, body: (log: () => string) => Promise<unknown>) => {
    const agent = lab.startAgent(n1, options);
    try {
      await body(() => lab.logOf(`agent-${options.log ?? 'n1'}`));
    } finally {
      await agent.stop();
    }
  };
  const swept = (log: () => string) => waitFor('the first sweep', () => log().includes('first sweep done'));

  beforeAll(async () => {
    lab = await startL3Lab();
    [n1, n2] = lab.nodes;
    await createService(lab.cluster, { namespace: 'default', name: 'web', spec: { loadBalancerClass: 'minilb-l3', loadBalancerIP: V4 } });
    for (const node of [n1, n2]) await serve(node);
    lab.startAllocator('allocator');
    await waitFor('the status', async () =>
      JSON.stringify(await must(lab.cluster, { path: '/api/v1/namespaces/default/services/web' })).includes(`"ip":"${V4}"`),
    );
  }, 120_000);
  afterAll(async () => {
    await lab?.stop();
  }, 60_000);

  test('kube-proxy not healthy after boot (127.0.0.1:10256/healthz): nothing is added; unhealthy later: nothing is removed', async () => {
    const rules = (action: 'add' | 'delete') => [`${action} table ip proxy_away`, ...(action === 'add' ? CHAIN : [])].join('\n');
    await n1.ns.run(['nft', '-f', '-'], { input: rules('add') });
    await withAgent({ log: 'proxy' }, async (log) => {
      await swept(log);
      expect(await lab.held(n1)).toEqual([]);
      await n1.ns.run(['nft', '-f', '-'], { input: rules('delete') });
      await become('kube-proxy is healthy', n1, true);
    });
    await n1.ns.run(['nft', '-f', '-'], { input: rules('add') });
    await withAgent({ log: 'proxy-again' }, async (log) => {
      await swept(log);
      expect(await held(n1)).toBe(true);
    });
    await n1.ns.run(['nft', '-f', '-'], { input: rules('delete') });
  }, 60_000);

  test('SIGTERM and an API server that is away when the agent starts: what is there stays, and is compared only after every cache has synced', async () => {
    await withAgent({ log: 'first' }, async () => become('its pod is ready', n1, true));
    expect(await held(n1)).toBe(true);
    await lab.cluster.stopApiServer();
    const leftover = '10.0.100.77/32 7710';
    await n1.ns.run(['ip', 'address', 'add', '10.0.100.77/32', 'dev', 'lo', 'metric', '7710']);
    await withAgent({ log: 'away' }, async (log) => {
      await waitFor('the agent to have tried', () => /not reachable|unreachable|refused|cannot/i.test(log()));
      expect(log()).not.toContain('first sweep done');
      expect([await held(n1), await held(n1, leftover)]).toEqual([true, true]);
      await lab.cluster.startApiServer();
      await swept(log);
      await become('no Service has it', n1, false, leftover);
      expect(await held(n1)).toBe(true);
    });
  }, 90_000);

  test('-withdraw-on-exit: SIGTERM takes ours away, and nothing else', async () => {
    const theirs = '10.0.100.88/32';
    await n1.ns.run(['ip', 'address', 'add', theirs, 'dev', 'lo']);
    await withAgent({ log: 'withdraw', flags: ['-withdraw-on-exit'] }, async (log) => swept(log));
    expect(await lab.held(n1)).toEqual([theirs]);
    await n1.ns.run(['ip', 'address', 'del', theirs, 'dev', 'lo']);
  }, 60_000);

  test('-drain-taint: a Node with that taint announces nothing', async () => {
    const taint = (taints: readonly object[]) =>
      must(lab.cluster, { method: 'PATCH', path: '/api/v1/nodes/n1', body: { spec: { taints } } });
    await withAgent({ log: 'taint', flags: ['-drain-taint', 'example.com/drain'] }, async () => {
      await become('no taint', n1, true);
      await taint([{ key: 'example.com/drain', effect: 'NoExecute' }]);
      await become('tainted', n1, false);
      await taint([]);
      await become('taint removed', n1, true);
    });
  }, 60_000);

  test('-drain-seconds: with ready pods elsewhere a node keeps a terminating one’s address that long, and then withdraws', async () => {
    await withAgent({ log: 'drain', flags: ['-drain-seconds', '3'] }, async (log) => {
      await become('ready', n1, true);
      await deletePod(lab.cluster, pod(n1), 300);
      const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
      await waitFor('the slice to say so', async () => JSON.stringify(await must(lab.cluster, { path })).includes('"terminating":true'));
      const status = await lab.runL3(n1, ['status', '-drain-seconds', '300', '-o', 'json']);
      expect(JSON.parse(status.stdout)).toMatchObject({ addresses: [{ address: V4, here: 'held', reason: 'draining' }] });
      expect(await held(n1)).toBe(true);
      await become('drained', n1, false);
      expect(log()).toContain(`forfeiting address ${V4}`);
    });
    await deletePod(lab.cluster, pod(n1), 0);
    await serve(n1);
  }, 60_000);

  test('endpoints without nodeName, externalTrafficPolicy Local: no node announces, and an Event says so', async () => {
    const spec = { loadBalancerClass: 'minilb-l3', loadBalancerIP: '10.0.100.9', externalTrafficPolicy: 'Local' };
    await createService(lab.cluster, { namespace: 'default', name: 'outside', app: '', spec });
    const metadata = { name: 'outside-1', labels: { 'kubernetes.io/service-name': 'outside' } };
    const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    const body = { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['203.0.113.2'] }], ports: [{ name: 'http', port: 80 }] };
    await must(lab.cluster, { method: 'POST', path, body });
    await withAgent({ log: 'local' }, async () => {
      await waitFor('the Event', async () => {
        const events = asArray((await must(lab.cluster, { path: '/apis/events.k8s.io/v1/events' }))['items']).map(asObject);
        return events.some((one) => one?.['reason'] === 'LocalWithoutNode' && asObject(one['regarding'])?.['name'] === 'outside');
      });
      await become('its other address', n1, true);
      expect(await held(n1, '10.0.100.9/32 7710')).toBe(false);
    });
  }, 60_000);
});

const CHAIN = [
  'add chain ip proxy_away out { type filter hook output priority 0; }',
  'add rule ip proxy_away out ip daddr 127.0.0.1 tcp dport 10256 reject with tcp reset',
];
