import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createNode, createPod, createService, deletePod, setPodReady, slicesOf } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

suite('the test cluster', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ audit: 'Metadata' });
  }, 300_000);
  afterAll(async () => {
    await cluster?.stop();
    expect(existsSync(cluster.folder)).toBe(false);
  }, 60_000);

  const endpoints = async () => (await slicesOf(cluster, 'default', 'web')).flatMap((slice) => slice['endpoints'] ?? []);
  const pod = { namespace: 'default', name: 'web-1', app: 'web', node: 'n1', ips: ['10.244.0.5'] };

  test('the real controller turns Pods without a kubelet into EndpointSlices, and drains them', async () => {
    await createNode(cluster, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    await createService(cluster, { namespace: 'default', name: 'web' });
    await createPod(cluster, pod);
    await waitFor('a slice that says not ready', async () => JSON.stringify(await endpoints()).includes('"ready":false'));
    await setPodReady(cluster, pod, true);
    await waitFor('a slice that says ready', async () => JSON.stringify(await endpoints()).includes('"ready":true'));
    await deletePod(cluster, pod, 60);
    await waitFor('a slice that says terminating', async () =>
      JSON.stringify(await endpoints()).includes('"serving":true,"terminating":true'),
    );
    await deletePod(cluster, pod, 0);
    await waitFor('an empty slice', async () => (await endpoints()).length === 0);
  }, 90_000);

  test('kubectl works, and the audit log shows what was asked', async () => {
    expect(await cluster.kubectl(['get', 'nodes', '-o', 'name'])).toBe('node/n1\n');
    await waitFor('the audit line', () =>
      cluster.auditEvents().some((event) => event.verb === 'list' && event.userAgent.startsWith('kubectl')),
    );
  }, 60_000);

  test('a token without rights is refused, an unknown one is not known', async () => {
    expect((await cluster.request({ path: '/api/v1/services', token: cluster.tokens.nobody })).status).toBe(403);
    expect((await cluster.request({ path: '/api/v1/services', token: 'wrong' })).status).toBe(401);
  });

  test('the API server restarts with its objects, and the past is gone: 410', async () => {
    const before = await cluster.request({ path: '/api/v1/services' });
    const version = (before.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    await createService(cluster, { namespace: 'default', name: 'other' });
    await cluster.stopApiServer();
    await cluster.compact();
    await cluster.startApiServer();
    expect((await cluster.request({ path: '/api/v1/namespaces/default/services/web' })).status).toBe(200);
    const watch = await cluster.watch({ path: '/api/v1/services', query: { resourceVersion: version } });
    await waitFor('the refusal', () => watch.events.length > 0);
    expect(watch.events[0]?.object['code']).toBe(410);
    await watch.close();
  }, 90_000);
});
