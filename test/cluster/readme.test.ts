import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { asset } from '../support/assets.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { docBlocks, runBlock } from '../support/doc-blocks.ts';
import { startKubelets, type TestKubelets } from '../support/kubelet.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNode, createService } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// Every `sh cluster` block of the pages, in their order, on a real API server with the nodes the pages speak of. Images are not run: stand-ins for
// scheduler and kubelets make the Pods ready, and minilb runs beside them, under the manifest's ServiceAccounts.

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const blocks = ['README.md', 'deploy/README.md', 'docs/migrating.md'].flatMap((page) =>
  docBlocks(page, readFileSync(`${ROOT}/${page}`, 'utf8')).filter((block) => block.mark === 'cluster'),
);

const suite = await requires('cluster', clusterMissing);

suite('a real cluster in five minutes, as the README says', () => {
  let cluster: Cluster;
  let kubelets: TestKubelets;
  let env: Readonly<Record<string, string>>;
  const running: Minilb[] = [];
  let dnsPort = 0;

  beforeAll(async () => {
    cluster = await startCluster({
      controllerArgs: [
        '--controllers=endpointslice-controller,namespace-controller,serviceaccount-controller,deployment-controller,replicaset-controller',
      ],
    });
    await createNode(cluster, { name: 'pi1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
    await createNode(cluster, { name: 'pi2', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.31'] });
    // What docs/migrating.md moves.
    await createService(cluster, {
      namespace: 'default',
      name: 'shop',
      spec: { loadBalancerClass: undefined, allocateLoadBalancerNodePorts: true },
    });
    kubelets = startKubelets(cluster, { pi1: '10.244.0', pi2: '10.244.1' });
    env = {
      PATH: `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: cluster.kubeconfig,
      npm_config_loglevel: 'error',
    };
    dnsPort = await freePort();
  }, 300_000);

  afterAll(async () => {
    await Promise.all(running.map((minilb) => minilb.kill()));
    await kubelets?.stop();
    await cluster?.stop();
  }, 60_000);

  /** Once the manifest is applied: what its Deployments would run. */
  const startServers = async () => {
    const domain = '-domain=k8s.example.com';
    for (const [account, ...flags] of [
      ['minilb-dns', `-listen=127.0.0.1:${dnsPort}`, '-controller=false'],
      ['minilb-writer', `-listen=127.0.0.1:${await freePort()}`],
    ]) {
      const token = (await cluster.kubectl(['-n', 'minilb', 'create', 'token', account ?? ''])).trim();
      const kubeconfig = cluster.kubeconfigFor(account ?? '', token);
      running.push(startMinilb(['dns', domain, `-kubeconfig=${kubeconfig}`, '-health=127.0.0.1:0', ...flags]));
    }
    for (const minilb of running) await minilb.logged('synced');
  };

  for (const [i, block] of blocks.entries()) {
    test(`${block.page}:${block.line} ${block.code.split('\n')[0]}`, async () => {
      if (i === 1) await startServers();
      const code = block.code.replaceAll('@192.168.1.30', `@127.0.0.1 -p ${dnsPort}`);
      const judge = async () => {
        const result = await runBlock({ ...block, code }, ROOT, env);
        expect(result.exitCode, result.output).toBe(block.exitCode);
        if (block.expected !== undefined) expect(result.output).toMatch(block.expected);
        if (block.code.startsWith('dig')) expect(result.output).toMatch(/^10\.244\.\d+\.\d+\n10\.244\.\d+\.\d+$/);
        return true;
      };
      // Kubernetes may write the EndpointSlice after it has called the Deployment available.
      if (block.code.startsWith('dig')) await waitFor('the answer', judge);
      else await judge();
    }, 60_000);
  }

  test('the example policies are what the API server takes', async () => {
    await cluster.kubectl(['apply', '--validate=strict', '-f', `${ROOT}/deploy/examples/network-policy.yaml`]);
    const policies = await cluster.kubectl(['get', 'networkpolicy', '-o', 'name']);
    expect(policies.trim().split('\n').length).toBe(2);
  });
});
