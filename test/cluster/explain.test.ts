import { afterAll, expect, test } from 'bun:test';
import { networkInterfaces } from 'node:os';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMinilbPod, explainJob, removeMinilbPod } from '../support/explain-job.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { requires } from '../support/require.ts';

const suite = await requires('cluster', clusterMissing);
/** The API server proxies to no loopback or link-local address. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4' && !each.address.startsWith('169.254.'))?.address;

suite('minilb explain on a real API server', () => {
  let cluster: Cluster;
  let dns: Minilb | undefined;
  const { explain } = explainJob({
    start: async () => {
      cluster = await startCluster();
      return cluster;
    },
  });
  afterAll(() => dns?.kill());

  test.skipIf(address === undefined)('a pod whose -page its address leads to is asked through the pod proxy', async () => {
    const port = await freePort();
    const args = ['-domain', 'k8s.example.com', '-page', `${address}:${port}`];
    const own = [
      '-listen',
      `127.0.0.1:${await freePort()}`,
      '-health',
      '127.0.0.1:0',
      '-controller=false',
      '-kubeconfig',
      cluster.kubeconfig,
    ];
    dns = startMinilb(['dns', ...args, ...own]);
    await dns.logged('synced');
    await createMinilbPod(cluster, { name: 'dns-1', args: ['dns', ...args], ...(address && { ip: address }) });
    const { stdout, stderr, exitCode } = await explain('web.default.k8s.example.com');
    expect(stderr).toBe('');
    expect(stdout).toStartWith('web.default.k8s.example.com has 1 address.\n');
    expect(stdout).toContain(`\nAnswered by pod minilb/dns-1 (-domain k8s.example.com -page ${address}:${port}) of https://`);
    expect(exitCode).toBe(0);
    await dns.kill();
    const without = await explain('web.default.k8s.example.com');
    expect(without.stdout).toContain('with the settings of pod minilb/dns-1: -domain k8s.example.com');
    expect(without.stdout).toContain('could not be asked through the API server: ');
    expect(without.exitCode).toBe(0);
    await removeMinilbPod(cluster, 'dns-1');
  });

  test('without any right: 1, and what is missing', async () => {
    const kubeconfig = cluster.kubeconfigFor('nobody', cluster.tokens.nobody);
    const { exitCode, stdout, stderr } = await runMinilb(['explain', '-kubeconfig', kubeconfig, 'web.default.minilb']);
    expect(stderr).toStartWith('minilb: Services cannot be listed: services is forbidden: User ');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });
});
