import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { asset } from '../support/assets.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { ask } from '../support/dns-client.ts';
import { docBlocks, runBlock } from '../support/doc-blocks.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// Every `sh names` block of docs/names.md, in order, on a Service that a chart would have made, while minilb serves its name.

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const PAGE = 'docs/names.md';
const blocks = docBlocks(PAGE, readFileSync(`${ROOT}/${PAGE}`, 'utf8')).filter((block) => block.mark === 'names');
const SERVICES = '/api/v1/namespaces/web/services';

const suite = await requires('cluster', clusterMissing);

suite('docs/names.md: a class that comes later', () => {
  let cluster: Cluster;
  let minilb: Minilb;
  let port = 0;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
    await createNamespace(cluster, 'web');
    const spec = { type: 'LoadBalancer', ports: [{ name: 'web', port: 80 }] };
    await must(cluster, { method: 'POST', path: SERVICES, body: { metadata: { name: 'traefik' }, spec } });
    const slice = {
      metadata: { name: 'traefik-1', labels: { 'kubernetes.io/service-name': 'traefik' } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port: 80, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: true } }],
    };
    await must(cluster, { method: 'POST', path: '/apis/discovery.k8s.io/v1/namespaces/web/endpointslices', body: slice });
    env = { PATH: `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`, KUBECONFIG: cluster.kubeconfig };
    port = await freePort();
    minilb = startMinilb(['dns', `-kubeconfig=${cluster.kubeconfig}`, `-listen=127.0.0.1:${port}`, '-health=127.0.0.1:0', '-lameduck=0']);
    await minilb.logged('synced');
  }, 300_000);
  afterAll(async () => {
    await minilb?.kill();
    await cluster?.stop();
  }, 60_000);

  test.each(blocks.map((block) => [`${block.page}:${block.line}`, block] as const))('%s', async (_, block) => {
    const clusterIp = async () => ((await must(cluster, { path: `${SERVICES}/traefik` }))['spec'] as { clusterIP?: string }).clusterIP;
    const before = await clusterIp();
    const result = await runBlock(block, ROOT, env);
    expect(result.exitCode, result.output).toBe(block.exitCode);
    if (block.expected !== undefined) expect(result.output).toMatch(block.expected);
    expect(await clusterIp()).toBe(before);
    expect((await ask(port, 'traefik.web.minilb', 'A', 'udp', {})).answers).toEqual(['traefik.web.minilb A 10.244.0.5']);
  });

  test('then its status is its name', async () => {
    await waitFor('the status', async () =>
      JSON.stringify((await must(cluster, { path: `${SERVICES}/traefik` }))['status']).includes('"hostname":"traefik.web.minilb"'),
    );
  });
});
