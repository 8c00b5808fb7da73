import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { asset, assetsMissing } from '../support/assets.ts';
import { type Child, freePort, startChild } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMinilbPod, explainJob, removeMinilbPod } from '../support/explain-job.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { must } from '../support/objects.ts';
import { requires } from '../support/require.ts';

const suite = await requires('cluster', () => clusterMissing() ?? assetsMissing(['port-forward-kubelet']));
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

  describe('a pod whose -page is on its loopback, as by default: kubectl port-forward', () => {
    const flags = ['-domain=k8s.example.com'];
    let kubelet: Child | undefined;
    let page = 0;

    beforeAll(async () => {
      const port = await freePort();
      page = await freePort();
      kubelet = startChild({
        name: 'port-forward-kubelet',
        command: [await asset('port-forward-kubelet'), `127.0.0.1:${port}`],
        log: join(cluster.folder, 'port-forward-kubelet.log'),
      });
      const status = {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      };
      await must(cluster, { method: 'PATCH', path: '/api/v1/nodes/n1/status', body: { status } });
      const own = ['-listen', `127.0.0.1:${await freePort()}`, '-health=127.0.0.1:0', '-controller=false', '-lameduck=0'];
      dns = startMinilb(['dns', ...flags, `-page=127.0.0.1:${page}`, ...own, '-kubeconfig', cluster.kubeconfig]);
      await dns.logged('synced');
      await createMinilbPod(cluster, { name: 'dns-2', args: ['dns', ...flags, `-page=127.0.0.1:${page}`], ip: '10.244.0.9' });
    }, 120_000);
    afterAll(async () => {
      await removeMinilbPod(cluster, 'dns-2');
      await dns?.kill();
      await kubelet?.stop();
    });

    const ask = async (kubeconfig: string, name: string) =>
      runMinilb(['explain', '-kubeconfig', kubeconfig, name], { env: { PATH: dirname(await asset('kubectl')) } });

    test('it is asked through the API server and its kubelet', async () => {
      const { stdout, stderr, exitCode } = await ask(cluster.kubeconfig, 'web.default.k8s.example.com');
      expect(stderr).toBe('');
      expect(stdout).toStartWith('web.default.k8s.example.com has 1 address.\n');
      expect(stdout).toContain(`\nAnswered by pod minilb/dns-2 (-domain=k8s.example.com -page=127.0.0.1:${page}) of https://`);
      expect(exitCode).toBe(0);
    });

    test('without a server there, and without the right, it is worked out and says why', async () => {
      await dns?.kill();
      const dead = await ask(cluster.kubeconfig, 'web.default.k8s.example.com');
      expect(dead.stdout).toStartWith('web.default.k8s.example.com has 1 address.\n');
      expect(dead.stdout).toContain(
        'No running pod was asked: pod minilb/dns-2 could not be asked on its loopback interface: its page did not answer',
      );
      const viewer = await mayOnlyRead(cluster);
      const refused = await ask(viewer, 'web.default.k8s.example.com');
      expect(refused.stdout).toContain('could not be asked on its loopback interface: kubectl port-forward failed: ');
      expect(refused.stdout).toContain('forbidden');
      expect([dead.exitCode, refused.exitCode]).toEqual([0, 0]);
    });
  });
});

/** A kubeconfig of the user `nobody`, who may list everything from now on and forward nothing. */
async function mayOnlyRead(cluster: Cluster): Promise<string> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }];
  await must(cluster, { method: 'POST', path: `${rbac}/clusterroles`, body: { metadata: { name: 'reader' }, rules } });
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'nobody' }];
  const roleRef = { kind: 'ClusterRole', apiGroup: 'rbac.authorization.k8s.io', name: 'reader' };
  await must(cluster, { method: 'POST', path: `${rbac}/clusterrolebindings`, body: { metadata: { name: 'reader' }, subjects, roleRef } });
  return cluster.kubeconfigFor('reader', cluster.tokens.nobody);
}
