import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Child } from '../support/child.ts';
import { type L3Lab, type LabNode, labMissing, nodeIp, startL3Lab, waitForNextHops } from '../support/l3-lab.ts';
import { failuresDuring, withTraffic } from '../support/l3-traffic.ts';
import { createPod, createService, deletePod, must, setPodReady } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { pause, waitFor } from '../support/wait.ts';

// Real FRR 8.4 and BIRD 2.0 with the configurations of deploy/l3/examples, kube-proxy in iptables and nftables mode, a real API server.

const suite = await requires('net', labMissing);
const V4 = '10.0.100.1';
const V6 = 'fd00:100::1';
const LOCAL = '10.0.100.2';

suite('by route, from a pod to the route on the router', () => {
  let lab: L3Lab;
  const agents = new Map<string, Child>();
  const podOf = (node: LabNode) => ({ namespace: 'default', name: `web-${node.name}`, app: 'web', node: node.name, ips: node.podIps });
  const start = (node: LabNode) => agents.set(node.name, lab.startAgent(node));
  const ready = (node: LabNode, on: boolean) => setPodReady(lab.cluster, podOf(node), on);
  const recreate = async (node: LabNode) => {
    await createPod(lab.cluster, podOf(node));
    await ready(node, true);
  };
  const on = (...nodes: readonly LabNode[]) =>
    Promise.all([waitForNextHops(lab, V4, nodes), waitForNextHops(lab, V6, nodes), waitForNextHops(lab, LOCAL, nodes)]);

  beforeAll(async () => {
    lab = await startL3Lab();
    const spec = { loadBalancerClass: 'minilb-l3', ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    await createService(lab.cluster, { namespace: 'default', name: 'web', spec });
    const local = { loadBalancerClass: 'minilb-l3', loadBalancerIP: LOCAL, externalTrafficPolicy: 'Local' };
    await createService(lab.cluster, { namespace: 'default', name: 'local', app: 'web', spec: local });
    for (const node of lab.nodes) await recreate(node);
    lab.startAllocator('allocator-a');
    for (const node of lab.nodes) start(node);
    await on(...lab.nodes);
  }, 120_000);
  afterAll(async () => {
    await lab?.stop();
  }, 60_000);

  test('ECMP over three nodes, IPv4 and IPv6, FRR and BIRD; the Service’s port leads to the pod’s', async () => {
    for (const url of [`http://${V4}/`, `http://[${V6}]/`, `http://${LOCAL}/`]) {
      const seen = new Set<string>();
      await waitFor(`all pods to answer on ${url}`, async () => {
        seen.add((await lab.client.run(['curl', '-s', '-m', '2', url])).trim());
        return seen.size === 3;
      });
      expect([...seen].sort()).toEqual(['n1', 'n2', 'n3']);
    }
  }, 60_000);

  test('the address is never the source of the node’s own traffic', async () => {
    for (const node of lab.nodes) {
      expect(await node.ns.run(['ip', 'route', 'get', '203.0.113.2'])).toContain(`src ${nodeIp(node)}`);
      expect(await node.ns.run(['ip', '-6', 'route', 'get', 'fd00:203::2'])).toContain(`src fd00:7::${10 + node.index}`);
    }
  });

  test('unready: withdrawn; ready: announced again', async () => {
    const [n1, n2, n3] = lab.nodes;
    await ready(n1, false);
    await on(n2, n3);
    await ready(n3, false);
    await on(n2);
    await ready(n1, true);
    await ready(n3, true);
    await on(n1, n2, n3);
  }, 60_000);

  test('terminating with ready ones elsewhere: withdrawn; the last that still serves stays; deleted: withdrawn', async () => {
    const [n1, n2, n3] = lab.nodes;
    await deletePod(lab.cluster, podOf(n1), 300);
    await on(n2, n3);
    await deletePod(lab.cluster, podOf(n2), 300);
    await on(n3);
    await deletePod(lab.cluster, podOf(n3), 300);
    await on(n1, n2, n3);
    await deletePod(lab.cluster, podOf(n2), 0);
    await on(n1, n3);
    await deletePod(lab.cluster, podOf(n1), 0);
    await deletePod(lab.cluster, podOf(n3), 0);
    await on();
    for (const node of lab.nodes) await recreate(node);
    await on(n1, n2, n3);
  }, 60_000);

  test('a Node that is excluded or has no network announces nothing; a cordoned or NotReady one does', async () => {
    const [n1, n2, n3] = lab.nodes;
    const patch = (body: object, path = '') => must(lab.cluster, { method: 'PATCH', path: `/api/v1/nodes/n1${path}`, body });
    const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
    await patch({ metadata: { labels: { [label]: '' } } });
    await on(n2, n3);
    await patch({ metadata: { labels: { [label]: null } }, spec: { unschedulable: true } });
    await on(n1, n2, n3);
    await patch({ status: { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] } }, '/status');
    await on(n2, n3);
    await patch({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, '/status');
    await on(n1, n2, n3);
    await patch({ spec: { unschedulable: null }, status: {} });
    await patch({ status: { conditions: [{ type: 'Ready', status: 'True' }] } }, '/status');
  }, 60_000);

  test('endpoints without nodeName: every node announces, by policy Cluster', async () => {
    await createService(lab.cluster, {
      namespace: 'default',
      name: 'outside',
      app: '',
      spec: { loadBalancerClass: 'minilb-l3', loadBalancerIP: '10.0.100.9' },
    });
    const metadata = { name: 'outside-1', labels: { 'kubernetes.io/service-name': 'outside' } };
    const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    const body = { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['203.0.113.2'] }], ports: [{ name: 'http', port: 80 }] };
    await must(lab.cluster, { method: 'POST', path, body });
    await waitForNextHops(lab, '10.0.100.9', lab.nodes);
    await must(lab.cluster, { method: 'DELETE', path: `${path}/outside-1` });
    await waitForNextHops(lab, '10.0.100.9', []);
  }, 60_000);

  test('all endpoints unready at once while their Nodes are not Ready, as after an outage: held', async () => {
    const state = (status: string) => (node: LabNode) =>
      must(lab.cluster, {
        method: 'PATCH',
        path: `/api/v1/nodes/${node.name}/status`,
        body: { status: { conditions: [{ type: 'Ready', status }] } },
      });
    await Promise.all(lab.nodes.map(state('Unknown')));
    for (const node of lab.nodes) await ready(node, false);
    await pause(2000);
    await on(...lab.nodes);
    for (const node of lab.nodes) await ready(node, true);
    await Promise.all(lab.nodes.map(state('True')));
  }, 60_000);

  test('no new connection is refused or lost: agent kill -9, restart, API server down and up, cordon', async () => {
    const [n1, n2] = lab.nodes;
    const failures = await failuresDuring(lab, V4, async () => {
      agents.get('n1')?.signal('SIGKILL');
      await agents.get('n2')?.stop();
      await pause(500);
      await must(lab.cluster, { method: 'PATCH', path: '/api/v1/nodes/n2', body: { spec: { unschedulable: true } } });
      start(n1);
      start(n2);
      await lab.cluster.stopApiServer();
      await pause(2000);
      await lab.cluster.startApiServer();
      await waitFor('both agents to have looked', () =>
        [n1, n2].every((node) => lab.logOf(`agent-${node.name}`).match(/first sweep done/g)?.length === 2),
      );
      await on(...lab.nodes);
      await must(lab.cluster, { method: 'PATCH', path: '/api/v1/nodes/n2', body: { spec: { unschedulable: null } } });
    });
    expect(failures).toEqual([]);
  }, 120_000);

  test('no new connection is refused or lost: rolling restart of the pods with preStop', async () => {
    const failures = await failuresDuring(lab, V4, async () => {
      for (const node of lab.nodes) {
        await deletePod(lab.cluster, podOf(node), 300);
        await on(...lab.nodes.filter((other) => other !== node));
        await deletePod(lab.cluster, podOf(node), 0);
        await recreate(node);
        await on(...lab.nodes);
      }
    });
    expect(failures).toEqual([]);
  }, 120_000);

  test('a lost node, with BFD: at most 1.5 s of failures (externalTrafficPolicy Local)', async () => {
    const [n1, n2, n3] = lab.nodes;
    const report = await withTraffic(lab, LOCAL, async () => {
      await lab.router.run(['ip', 'link', 'set', `port${n1.index}`, 'down']);
      await on(n2, n3);
      await pause(500);
    });
    await lab.router.run(['ip', 'link', 'set', `port${n1.index}`, 'up']);
    const times = report.failures.map((failure) => failure.atMs);
    expect(times.length).toBeGreaterThan(0);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(1500 + report.stallMsMax);
    await on(n1, n2, n3);
  }, 90_000);
});
