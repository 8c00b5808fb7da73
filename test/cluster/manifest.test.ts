import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { asset } from '../support/assets.ts';
import { freePort, run } from '../support/child.ts';
import { CILIUM_NODE } from '../support/cilium-node-crd.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { CRDS, gatewayCrds, gatewayCrdsMissing, installCrds } from '../support/gateway-crds.ts';
import { containerOf, type ManifestObject, manifestObjects, nameOf, podSpecOf, renderManifest } from '../support/manifest.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, deleteService, must, setPodReady } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { refusedTo, rightsOf, rightsUsed } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', () => clusterMissing() ?? gatewayCrdsMissing());
const START_MS_MAX = 300_000;
const DOMAIN = 'k8s.example.com';
const rendered = await renderManifest(['-domain', DOMAIN, 'a=192.168.1.30', 'b=192.168.1.31', 'b=fd00::31']);
const objects = manifestObjects(rendered.stdout);
const find = (name: string): ManifestObject => {
  const object = objects.find((one) => nameOf(one) === name);
  if (!object) throw new Error(`no ${name} in the manifest`);
  return object;
};
const user = (account: string) => `system:serviceaccount:minilb:${account}`;

suite('the manifest on a real API server', () => {
  let cluster: Cluster;
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    cluster = await startCluster({
      audit: 'Metadata',
      // Without streaming lists both verbs are needed, list and watch, as on servers that have none.
      apiServerArgs: ['--feature-gates=WatchList=false'],
      controllerArgs: [
        '--controllers=endpointslice-controller,namespace-controller,serviceaccount-controller,deployment-controller,replicaset-controller',
      ],
    });
    // Every kind that the manifest gives rights for; XListenerSet is an older release's.
    await installCrds(cluster, await gatewayCrds('v1.6.1', 'standard'));
    await must(cluster, { method: 'POST', path: CRDS, body: CILIUM_NODE });
    const older = await gatewayCrds('v1.3.0', 'experimental');
    await installCrds(
      cluster,
      older.filter((crd) => asString(asObject(crd['metadata'])?.['name'])?.startsWith('xlistenersets.')),
    );
    for (const [name, ip, cidr] of [
      ['a', '192.168.1.30', '10.244.0.0/24'],
      ['b', '192.168.1.31', '10.244.1.0/24'],
    ] as const)
      await createNode(cluster, { name, podCidrs: [cidr], internalIps: [ip] });
    await cluster.kubectl(['apply', '--validate=strict', '-f', '-'], rendered.stdout);
    for (const account of ['minilb-dns', 'minilb-writer']) {
      tokens.set(account, (await cluster.kubectl(['-n', 'minilb', 'create', 'token', account])).trim());
    }
  }, START_MS_MAX);
  afterAll(() => cluster?.stop(), 60_000);

  test('applied again it would change nothing, and server-side apply takes it too, strictly', async () => {
    expect(await cluster.kubectl(['diff', '-f', '-'], rendered.stdout)).toBe('');
    await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '--validate=strict', '-f', '-'], rendered.stdout);
  });

  test('with no node listed, nothing reaches the cluster and kubectl fails', async () => {
    const { stdout } = await renderManifest([]);
    await expect(cluster.kubectl(['apply', '-f', '-'], stdout)).rejects.toThrow('no objects passed to apply');
  });

  test('Pod Security lets the Pods be made, each for its node', async () => {
    const pods = await waitFor('a Pod for each Deployment', async () => {
      const list = await must(cluster, { path: '/api/v1/namespaces/minilb/pods' });
      const items = asArray(list['items']).map((item) => asObject(item) ?? {});
      return items.length === 4 ? items : undefined;
    });
    const names = pods.map((pod) => asString(asObject(pod['metadata'])?.['generateName'])?.replace(/-[a-z0-9]+-$/, ''));
    expect(names.sort()).toEqual(['minilb-dns-192-168-1-30', 'minilb-dns-192-168-1-31', 'minilb-dns-fd00--31', 'minilb-writer']);
  });

  test('but for hostPort every Pod keeps to the level "restricted"', async () => {
    await createNamespace(cluster, 'restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const create = async (deployment: string, hostPorts: boolean) => {
      const container = containerOf(find(deployment));
      const ports = asArray(container['ports'])
        .map((port) => asObject(port) ?? {})
        .map(({ hostPort, hostIP, ...port }) => (hostPorts ? { ...port, hostPort, hostIP } : port));
      const spec = { ...podSpecOf(find(deployment)), containers: [{ ...container, ports }], serviceAccountName: 'default' };
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
      return cluster.request({ method: 'POST', path: '/api/v1/namespaces/restricted/pods', query: { dryRun: 'All' }, body });
    };
    expect((await create('Deployment minilb-writer', false)).status).toBe(201);
    expect((await create('Deployment minilb-dns-192-168-1-30', false)).status).toBe(201);
    const refused = await create('Deployment minilb-dns-192-168-1-30', true);
    expect([refused.status, asString(asObject(refused.body)?.['message'])]).toEqual([403, expect.stringContaining('hostPort')]);
  });

  describe('deploy/systemd/kubeconfig.sh, for a box outside the cluster', () => {
    const script = async (...args: readonly string[]) => {
      const path = `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`;
      const command = ['sh', `${import.meta.dirname}/../../deploy/systemd/kubeconfig.sh`, ...args];
      return run(command, { env: { PATH: path, KUBECONFIG: cluster.kubeconfig } });
    };

    test('what it prints is enough to read routes, and not to write', async () => {
      const file = join(cluster.folder, 'box.kubeconfig');
      writeFileSync(file, await script(cluster.server));
      const routes = await runMinilb(['routes', `-kubeconfig=${file}`]);
      expect(routes).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ip route add 10.244.0.0/24 via 192.168.1.30') });
      const may = await cluster.kubectl(['--kubeconfig', file, 'auth', 'can-i', 'patch', 'services/status', '-A']).catch(String);
      expect(may).toContain('ended with 1: no');
    });

    test('an address that only this machine reaches is refused', async () => {
      await expect(script()).rejects.toThrow(`your kubeconfig says ${cluster.server}, which the box cannot reach`);
    });
  });

  describe('what the ServiceAccounts may write', () => {
    const patch = (account: string, service: string, body: unknown, subresource = '/status') =>
      cluster.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/default/services/${service}${subresource}`,
        body,
        token: tokens.get(account) ?? '',
      });
    const status = (...ingress: readonly unknown[]) => ({ status: { loadBalancer: { ingress } } });
    const ours = (service: string) => ({ hostname: `${service}.default.${DOMAIN}` });

    beforeAll(async () => {
      await createService(cluster, { namespace: 'default', name: 'ours' });
      await createService(cluster, { namespace: 'default', name: 'theirs', spec: { loadBalancerClass: 'example.com/other' } });
      await createService(cluster, { namespace: 'default', name: 'classless', spec: { loadBalancerClass: null } });
      // A new policy takes a moment to be enforced.
      await waitFor('the policy', async () => (await patch('minilb-writer', 'theirs', status(ours('theirs')))).status === 422);
    }, 60_000);

    const refused: readonly [name: string, service: string, body: unknown, message: string][] = [
      ['the status of another class', 'theirs', status(ours('theirs')), 'of class minilb only'],
      ['the status of a Service without class', 'classless', status(ours('classless')), 'of class minilb only'],
      ['an address', 'ours', status({ ip: '192.168.1.66' }), 'and no address'],
      ['an address beside the name', 'ours', status({ ...ours('ours'), ip: '192.168.1.66' }), 'and no address'],
      ['the name of another Service', 'ours', status(ours('theirs')), `<service>.<namespace>.${DOMAIN}`],
      ['a name outside the domain', 'ours', status({ hostname: 'ours.default.evil.example' }), 'and no address'],
      ['a second name', 'ours', status(ours('ours'), ours('ours')), 'and no address'],
      ['a label', 'ours', { metadata: { labels: { a: 'b' } }, ...status(ours('ours')) }, 'no labels or annotations'],
      ['an annotation', 'ours', { metadata: { annotations: { a: 'b' } }, ...status(ours('ours')) }, 'no labels or annotations'],
      ['a finalizer', 'ours', { metadata: { finalizers: ['example.com/stay'] }, ...status(ours('ours')) }, 'no finalizers or owners'],
      [
        'an owner',
        'ours',
        { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'x' }] }, ...status(ours('ours')) },
        'no finalizers or owners',
      ],
      [
        'a condition',
        'ours',
        {
          status: {
            ...status(ours('ours')).status,
            conditions: [{ type: 'X', status: 'True', reason: 'X', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
          },
        },
        'no conditions',
      ],
    ];
    test.each(refused)('the writer is refused %s', async (_, service, body, message) => {
      const reply = await patch('minilb-writer', service, body);
      expect([reply.status, asString(asObject(reply.body)?.['message'])]).toEqual([422, expect.stringContaining(message)]);
    });

    test('the writer may write the name, and clear it', async () => {
      for (const body of [status(ours('ours')), { status: { loadBalancer: { ingress: null } } }]) {
        const reply = await patch('minilb-writer', 'ours', body);
        expect([reply.status, asObject(reply.body)?.['message']]).toEqual([200, undefined]);
      }
    });

    test('others are not bound by it: a Service of another class gets its address from its own controller', async () => {
      const path = '/api/v1/namespaces/default/services/theirs/status';
      expect((await cluster.request({ method: 'PATCH', path, body: status({ ip: '192.168.1.240' }) })).status).toBe(200);
    });

    test('the writer may not write the Service itself, the server nothing at all', async () => {
      expect((await patch('minilb-writer', 'ours', { metadata: { labels: { a: 'b' } } }, '')).status).toBe(403);
      expect((await patch('minilb-dns', 'ours', status(ours('ours')))).status).toBe(403);
    });
  });

  describe('the program under these ServiceAccounts, with these arguments', () => {
    const running: Minilb[] = [];
    const start = async (deployment: string) => {
      const port = await freePort();
      const args = asArray(containerOf(find(deployment))['args'])
        .map(String)
        .map((arg) => (arg.startsWith('-listen=') ? `-listen=127.0.0.1:${port}` : arg.replace('-health=:8080', '-health=127.0.0.1:0')));
      const account = asString(podSpecOf(find(deployment))['serviceAccountName']) ?? '';
      const kubeconfig = cluster.kubeconfigFor(account, tokens.get(account) ?? '');
      const minilb = startMinilb([...args, '-resync=1', `-kubeconfig=${kubeconfig}`], {
        env: { HOST_IPS: '192.168.1.30,fd00::30', POD_NAME: `${deployment.replace('Deployment ', '')}-x` },
      });
      running.push(minilb);
      return { minilb, port };
    };
    afterAll(() => Promise.all(running.map((minilb) => minilb.kill())));

    const used = (account: string) => rightsUsed(cluster, user(account));
    const granted = (...roles: readonly string[]) => rightsOf(...roles.map((role) => find(role)));

    test('every request is allowed, and every right is used', async () => {
      const server = await start('Deployment minilb-dns-192-168-1-30');
      const writer = await start('Deployment minilb-writer');
      await server.minilb.logged('synced');
      await writer.minilb.logged('synced');

      await createService(cluster, { namespace: 'default', name: 'web' });
      await createPod(cluster, { namespace: 'default', name: 'web-1', app: 'web', node: 'a', ips: ['10.244.0.5'] });
      await setPodReady(cluster, { namespace: 'default', name: 'web-1', ips: ['10.244.0.5'] }, true);
      const dig = async () => Bun.$`dig @127.0.0.1 -p ${server.port} +short web.default.${DOMAIN} A`.quiet().text();
      await waitFor('the answer', async () => (await dig()).trim() === '10.244.0.5');
      await waitFor('the name in the status', async () => (await ingressOf('web')) === `web.default.${DOMAIN}`);

      await seeEventRepeated();
      await seeConflict();
      await seeRoutesWatched();
      const reader = granted('ClusterRole minilb-reader');
      expect([...used('minilb-dns')].sort()).toEqual([...reader, ...granted('ClusterRole minilb-routes')].sort());
      expect([...used('minilb-writer')].sort()).toEqual([...reader, ...granted('ClusterRole minilb-writer')].sort());
      for (const account of ['minilb-dns', 'minilb-writer']) expect(refusedTo(cluster, user(account))).toEqual([]);
    }, 120_000);

    test('a person with the role minilb-user may all that routes, zone, explain and doctor ask, and nothing is given for nothing', async () => {
      const kubeconfig = cluster.kubeconfigFor('nobody', cluster.tokens.nobody);
      const bind = (kind: string, flag: string) =>
        cluster.kubectl(['-n', 'minilb', 'create', kind, 'somebody', `${flag}=minilb-user`, '--user=nobody']);
      await bind('clusterrolebinding', '--clusterrole');
      await bind('rolebinding', '--role');
      // A server whose page others may reach, which the manifest's are not; it comes first by name.
      const labels = { 'app.kubernetes.io/name': 'minilb', 'app.kubernetes.io/component': 'dns' };
      const containers = [{ name: 'minilb', image: 'x', args: ['dns', '-page=:7710'] }];
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a-paged', labels }, spec: { containers } };
      await must(cluster, { method: 'POST', path: '/api/v1/namespaces/minilb/pods', body });
      const PATH = `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`;
      const ask = async (...words: readonly string[]) => {
        const done = await runMinilb([...words, `-kubeconfig=${kubeconfig}`], { env: { PATH } });
        expect(done.stderr).not.toMatch(/forbidden|cannot be listed/i);
      };
      for (const command of ['routes', 'zone', 'doctor']) await ask(command);
      await ask('explain', `web.default.${DOMAIN}`);
      // The manifest's own servers are asked by kubectl port-forward, once one runs.
      const path = '/api/v1/namespaces/minilb/pods';
      await must(cluster, { method: 'DELETE', path: `${path}/a-paged`, body: { gracePeriodSeconds: 0 } });
      for (const item of asArray((await must(cluster, { path }))['items'])) {
        const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
        const name = asString(asObject(asObject(item)?.['metadata'])?.['name']) ?? '';
        await must(cluster, { method: 'PATCH', path: `${path}/${name}/status`, body: { status } });
      }
      await ask('explain', `web.default.${DOMAIN}`);
      expect(refusedTo(cluster, 'nobody')).toEqual([]);
      expect([...rightsUsed(cluster, 'nobody')].sort()).toEqual([...granted('ClusterRole minilb-user', 'Role minilb-user')]);
    }, 120_000);

    /** As on a box outside the cluster. */
    const seeRoutesWatched = async () => {
      const kubeconfig = cluster.kubeconfigFor('minilb-dns', tokens.get('minilb-dns') ?? '');
      running.push(startMinilb(['routes', '-watch', `-kubeconfig=${kubeconfig}`]));
      await waitFor('CiliumNodes to be watched', () => used('minilb-dns').has('watch cilium.io/ciliumnodes'));
    };

    const ingressOf = async (name: string) => {
      const service = await must(cluster, { path: `/api/v1/namespaces/default/services/${name}` });
      const balancer = asObject(asObject(service['status'])?.['loadBalancer']);
      return asString(asObject(asArray(balancer?.['ingress'])[0])?.['hostname']);
    };

    /** What is said again about an object is counted in the Event that says it: create, then patch. */
    const seeEventRepeated = async () => {
      const path = '/api/v1/namespaces/default/services/web';
      for (const verb of ['create', 'patch']) {
        await must(cluster, { method: 'PATCH', path, body: { spec: { loadBalancerSourceRanges: ['192.168.1.0/24'] } } });
        await waitFor(`an Event: ${verb}`, () => used('minilb-writer').has(`${verb} events.k8s.io/events`));
        await must(cluster, { method: 'PATCH', path, body: { spec: { loadBalancerSourceRanges: null } } });
      }
    };

    /** A Service that changes while its status is written: 409, so the writer reads it again. */
    const seeConflict = () =>
      waitFor('a conflict', async () => {
        await createService(cluster, { namespace: 'default', name: 'busy' });
        for (let i = 0; i < 10; i++) {
          const body = { metadata: { annotations: { i: String(i) } } };
          await must(cluster, { method: 'PATCH', path: '/api/v1/namespaces/default/services/busy', body });
        }
        await waitFor('its name in the status', async () => (await ingressOf('busy')) === `busy.default.${DOMAIN}`);
        await deleteService(cluster, 'default', 'busy');
        return used('minilb-writer').has('get services');
      });
  });
});
