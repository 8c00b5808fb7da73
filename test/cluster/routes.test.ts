import { afterAll, beforeAll, expect, test } from 'bun:test';
import { printRoutes } from '../../src/roles/routes/print-routes.ts';
import { CILIUM_NODE } from '../support/cilium-node-crd.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMemoryLog } from '../support/log.ts';
import { createNode, createPod, createService, must, setPodReady, slicesOf } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { createTestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

suite('minilb routes on a real API server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 300_000);
  afterAll(() => cluster?.stop(), 60_000);

  const routes = async (token = cluster.tokens.admin) => {
    const out: string[] = [];
    const err: string[] = [];
    const context = {
      stdout: (text: string) => out.push(text),
      stderr: (text: string) => err.push(text),
      log: createMemoryLog(),
      signal: new AbortController().signal,
    };
    const options = { via: [], cidrs: [], routeFormat: 'iproute2', gateway: undefined } as const;
    const code = await printRoutes(createTestClient(cluster.server, { ca: cluster.ca, token }), options, context);
    const lines = out
      .join('')
      .split('\n')
      .filter((line) => /^(ip|# n\d)/.test(line));
    return { code, lines, err: err.join('') };
  };

  test('a route for each podCIDR of each Node, and a comment for what a kubelet may claim', async () => {
    await createNode(cluster, {
      name: 'n1',
      podCidrs: ['10.244.1.0/24', 'fd00:244:1::/64'],
      internalIps: ['192.168.1.11', 'fd00:1::11'],
    });
    await createNode(cluster, { name: 'n2', podCidrs: ['10.244.2.0/24'], internalIps: ['192.168.1.12'] });
    await createNode(cluster, { name: 'n3', podCidrs: ['0.0.0.0/0'], internalIps: ['192.168.1.13'] });
    await createNode(cluster, { name: 'n4', internalIps: ['192.168.1.14'] });
    expect(await routes()).toEqual({
      code: 0,
      lines: [
        'ip route add 10.244.1.0/24 via 192.168.1.11',
        'ip -6 route add fd00:244:1::/64 via fd00:1::11',
        'ip route add 10.244.2.0/24 via 192.168.1.12',
        '# n3 0.0.0.0/0: the podCIDR 0.0.0.0/0 is shorter than /8',
        '# n4: the Node has no podCIDRs: the CNI assigns addresses in a way of its own',
      ],
      err: '',
    });
  }, 60_000);

  test('the annotation minilb/route-via wins', async () => {
    await cluster.kubectl(['annotate', 'node', 'n1', 'minilb/route-via=192.168.7.1']);
    expect((await routes()).lines.slice(0, 2)).toEqual([
      'ip route add 10.244.1.0/24 via 192.168.7.1',
      'ip -6 route add fd00:244:1::/64 via fd00:1::11',
    ]);
  }, 60_000);

  test('a ready pod outside the podCIDRs turns the route into a comment; one with hostNetwork does not', async () => {
    await createService(cluster, { namespace: 'default', name: 'web' });
    const host = { namespace: 'default', name: 'host', app: 'web', node: 'n1', ips: ['192.168.1.11'] };
    const odd = { namespace: 'default', name: 'odd', app: 'web', node: 'n2', ips: ['10.0.9.7'] };
    for (const pod of [host, odd]) {
      await createPod(cluster, pod);
      await setPodReady(cluster, pod, true);
    }
    await waitFor('both in a slice', async () => {
      const slices = JSON.stringify(await slicesOf(cluster, 'default', 'web'));
      return slices.includes('10.0.9.7') && slices.includes('192.168.1.11') && !slices.includes('"ready":false');
    });
    const { lines } = await routes();
    expect(lines[0]).toBe('ip route add 10.244.1.0/24 via 192.168.7.1');
    expect(lines[2]).toBe(
      '# n2 10.244.2.0/24: ready pods on the Node have addresses outside its podCIDRs (10.0.9.7): the CNI assigns others',
    );
  }, 60_000);

  test('CiliumNode (cilium.io/v2) is preferred once it is there', async () => {
    await must(cluster, { method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: CILIUM_NODE });
    const path = '/apis/cilium.io/v2/ciliumnodes';
    await waitFor('the kind to be served', async () => (await cluster.request({ path })).status === 200);
    const body = {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumNode',
      metadata: { name: 'n2' },
      spec: { ipam: { podCIDRs: ['10.0.9.0/24'] } },
    };
    await must(cluster, { method: 'POST', path, body });
    expect((await routes()).lines[2]).toBe('ip route add 10.0.9.0/24 via 192.168.1.12');
  }, 60_000);

  test('without the right to list Nodes: one line and exit code 1', async () => {
    const { code, lines, err } = await routes(cluster.tokens.nobody);
    expect([code, lines]).toEqual([1, []]);
    expect(err).toMatch(/^minilb routes: Nodes cannot be listed: nodes is forbidden.*\n$/);
  }, 60_000);

  test('deploy/announce/overlay is taken by the API server, and its ServiceAccount may read what routes come from', async () => {
    await cluster.kubectl(['apply', '-k', `${import.meta.dirname}/../../deploy/announce/overlay`]);
    const token = (await cluster.kubectl(['-n', 'minilb-announce', 'create', 'token', 'minilb-announce'])).trim();
    const { code, lines, err } = await routes(token);
    expect([code, err]).toEqual([0, '']);
    expect(lines[0]).toBe('ip route add 10.244.1.0/24 via 192.168.7.1');
  }, 60_000);
});
