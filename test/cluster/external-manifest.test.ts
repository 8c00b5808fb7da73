import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { asset } from '../support/assets.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { docBlocks, runBlock } from '../support/doc-blocks.ts';
import { CLASS } from '../support/external-values.ts';
import { createGoUpdater, type GoUpdater } from '../support/go-updater.ts';
import { containerOf, type ManifestObject, manifestObjects, nameOf, podSpecOf } from '../support/manifest.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createService, deleteService, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { refusedTo, rightsOf, rightsUsed, sayAndRepeat } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);
const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const FOLDER = `${ROOT}/deploy/external`;
const PAGE = 'docs/external.md';
const blocks = docBlocks(PAGE, readFileSync(`${ROOT}/${PAGE}`, 'utf8')).filter((block) => block.mark === 'external');
const objects = manifestObjects(readFileSync(`${FOLDER}/operator.yaml`, 'utf8'));
const find = (name: string): ManifestObject => {
  const object = objects.find((one) => nameOf(one) === name);
  if (!object) throw new Error(`no ${name} in the manifest`);
  return object;
};
const deployment = find('Deployment minilb-external');
const user = 'system:serviceaccount:paperlb-system:minilb-external';
const GROUP = '/apis/lb.paperlb.com/v1alpha1';
const CONFIGS = `${GROUP}/namespaces/paperlb-system/loadbalancerconfigs`;
const BALANCERS = `${GROUP}/namespaces/default/loadbalancers`;
const servicePath = (name: string) => `/api/v1/namespaces/default/services/${name}`;

suite('the manifest of minilb external on a real API server', () => {
  let cluster: Cluster;
  let updater: GoUpdater;
  let server: Bun.Server<undefined>;
  let token = '';
  const running: Minilb[] = [];
  const used = () => rightsUsed(cluster, user);
  const patch = (path: string, body: object) => must(cluster, { method: 'PATCH', path, body });
  const create = (name: string, spec: object = {}) =>
    createService(cluster, {
      namespace: 'default',
      name,
      app: '',
      spec: { loadBalancerClass: CLASS, allocateLoadBalancerNodePorts: true, ...spec },
    });

  beforeAll(async () => {
    cluster = await startCluster({
      audit: 'Metadata',
      // Without streaming lists both verbs are needed, list and watch, as on servers that have none.
      apiServerArgs: ['--feature-gates=WatchList=false'],
      controllerArgs: [
        '--controllers=endpointslice-controller,namespace-controller,serviceaccount-controller,deployment-controller,replicaset-controller,garbage-collector-controller',
      ],
    });
    await cluster.kubectl(['apply', '--validate=strict', '-f', `${FOLDER}/crds`]);
    await cluster.kubectl(['apply', '--validate=strict', '-f', `${FOLDER}/operator.yaml`]);
    token = (await cluster.kubectl(['-n', 'paperlb-system', 'create', 'token', 'minilb-external'])).trim();
    updater = createGoUpdater();
    server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => updater.handle(request) });
    await createNode(cluster, { name: 'a', internalIps: ['10.0.0.1'] });
    await cluster.kubectl([
      'wait',
      '--for=condition=established',
      'crd/loadbalancers.lb.paperlb.com',
      'crd/loadbalancerconfigs.lb.paperlb.com',
    ]);
  }, 300_000);
  afterAll(async () => {
    for (const each of running) await each.kill();
    await server?.stop(true);
    await cluster?.stop();
  }, 60_000);

  test('kustomize makes the same objects, and applied by it nothing would change; server-side apply takes them too, strictly', async () => {
    const built = await cluster.kubectl(['kustomize', FOLDER]);
    expect(manifestObjects(built).map(nameOf).sort()).toEqual(
      [
        ...objects.map(nameOf),
        'CustomResourceDefinition loadbalancerconfigs.lb.paperlb.com',
        'CustomResourceDefinition loadbalancers.lb.paperlb.com',
      ].sort(),
    );
    expect(await cluster.kubectl(['diff', '-f', '-'], built)).toBe('');
    await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '--validate=strict', '-f', '-'], built);
  });

  test('the examples are taken, strictly', async () => {
    for (const example of ['config', 'web'])
      await cluster.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', `${FOLDER}/examples/${example}.yaml`]);
  });

  test('Pod Security lets two Pods be made, and the level "restricted" would too', async () => {
    await waitFor(
      'two Pods',
      async () => asArray((await must(cluster, { path: '/api/v1/namespaces/paperlb-system/pods' }))['items']).length === 2,
    );
    await createNamespace(cluster, 'restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const spec = { ...podSpecOf(deployment), serviceAccountName: 'default' };
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
    const made = await cluster.request({ method: 'POST', path: '/api/v1/namespaces/restricted/pods', query: { dryRun: 'All' }, body });
    expect([made.status, asObject(made.body)?.['message']]).toEqual([201, undefined]);
    expect(containerOf(deployment)['image']).toBe(`localhost/minilb:${manifest.version}`);
  });

  describe('what the ServiceAccount may write', () => {
    const send = (path: string, body: object, method: 'PATCH' | 'POST' = 'PATCH') => cluster.request({ method, path, body, token });
    const status = (name: string, ...ingress: readonly unknown[]) =>
      [`${servicePath(name)}/status`, { status: { loadBalancer: { ingress } } }] as const;
    const ours = { ip: '192.168.64.1', ipMode: 'Proxy', ports: [{ port: 8100, protocol: 'TCP' }] };
    const balancer = (name: string, metadata: object) => ({
      apiVersion: 'lb.paperlb.com/v1alpha1',
      kind: 'LoadBalancer',
      metadata: { name, ...metadata },
      spec: { configName: 'x', httpUpdater: { url: 'http://x' }, host: 'x', port: 1, protocol: 'TCP' },
    });
    const owner = (name: string, kind = 'Service') => ({ ownerReferences: [{ apiVersion: 'v1', kind, name, uid: 'x', controller: true }] });

    beforeAll(async () => {
      await create('ours');
      await create('theirs', { loadBalancerClass: 'example.com/other' });
      const spec = { httpUpdaterURL: 'http://192.0.2.1/', host: '192.0.2.1', portRange: { low: 1, high: 2 } };
      const config = { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', metadata: { name: 'people' }, spec };
      await must(cluster, { method: 'POST', path: CONFIGS, body: config });
      await must(cluster, { method: 'POST', path: BALANCERS, body: balancer('stray', { labels: { a: 'b' } }) });
      // A new policy takes a moment to be enforced.
      const refused = async () =>
        (await send(...status('theirs', ours))).status === 422 && (await send(`${CONFIGS}/people`, { spec: { host: 'x' } })).status === 422;
      await waitFor('the policies', refused);
    }, 60_000);

    const refused: readonly [name: string, path: string, body: object, message: string][] = [
      ['the status of another class', ...status('theirs', ours), 'or without a class, only'],
      ['an address that kube-proxy would take for the cluster’s own', ...status('ours', { ip: '192.168.64.1' }), 'with ipMode Proxy only'],
      ['the same said aloud', ...status('ours', { ip: '192.168.64.1', ipMode: 'VIP' }), 'with ipMode Proxy only'],
      ['a second host', ...status('ours', ours, { hostname: 'b.example.com' }), 'one host'],
      ['a Service’s label', `${servicePath('ours')}/status`, { metadata: { labels: { a: 'b' } } }, 'no labels or annotations'],
      ['a Service’s finalizer', `${servicePath('ours')}/status`, { metadata: { finalizers: ['x.example/y'] } }, 'no finalizers or owners'],
      ['a LoadBalancer of nobody', BALANCERS, balancer('ours', {}), 'for Services only'],
      ['a LoadBalancer of another kind', BALANCERS, balancer('ours', owner('ours', 'Node')), 'for Services only'],
      ['a LoadBalancer under another name', BALANCERS, balancer('ours', owner('theirs')), 'for Services only'],
      ['somebody else’s finalizer', `${BALANCERS}/stray`, { metadata: { finalizers: ['x.example/y'] } }, 'its own finalizer only'],
      ['a LoadBalancer’s label', `${BALANCERS}/stray`, { metadata: { labels: { a: 'c' } } }, 'no labels, annotations or owners'],
      ['a LoadBalancer’s owner', `${BALANCERS}/stray`, { metadata: owner('stray') }, 'no labels, annotations or owners'],
      [
        'where a config sends calls and tokens',
        `${CONFIGS}/people`,
        { spec: { httpUpdaterURL: 'http://evil.example/' } },
        'does not change what',
      ],
      ['a config’s annotation', `${CONFIGS}/people`, { metadata: { annotations: { a: 'b' } } }, 'no labels, annotations or owners'],
    ];
    test.each(refused)('refused: %s', async (_, path, body, message) => {
      const reply = await send(path, body, path === BALANCERS ? 'POST' : 'PATCH');
      expect([reply.status, asString(asObject(reply.body)?.['message'])]).toEqual([422, expect.stringContaining(message)]);
    });

    test('allowed: a name or an address with ipMode Proxy, and clearing it; Services and Secrets elsewhere are none of its business', async () => {
      for (const body of [status('ours', ours), status('ours', { hostname: 'lb.example.com' })])
        expect((await send(...body)).status).toBe(200);
      expect((await send(`${servicePath('ours')}/status`, { status: { loadBalancer: { ingress: null } } })).status).toBe(200);
      expect((await send(servicePath('ours'), { metadata: { labels: { a: 'b' } } })).status).toBe(403);
      expect((await cluster.request({ path: '/api/v1/namespaces/default/secrets/x', token })).status).toBe(403);
      expect((await cluster.request({ path: '/api/v1/namespaces/paperlb-system/secrets', token })).status).toBe(403);
    });

    afterAll(async () => {
      await must(cluster, { method: 'DELETE', path: `${CONFIGS}/people` });
      for (const name of ['ours', 'theirs']) await deleteService(cluster, 'default', name);
      await must(cluster, { method: 'DELETE', path: `${BALANCERS}/stray` });
    });
  });

  test('two replicas under this ServiceAccount, with these arguments: every request is allowed, and every right is used', async () => {
    await must(cluster, {
      method: 'POST',
      path: '/api/v1/namespaces/paperlb-system/secrets',
      body: { metadata: { name: 'updater' }, data: { token: Buffer.from('a-token-that-nobody-has').toString('base64') } },
    });
    const spec = {
      default: true,
      httpUpdaterURL: `http://127.0.0.1:${server.port}/api/v1/lb`,
      host: '192.168.64.1',
      portRange: { low: 8100, high: 8199 },
      tokenSecretRef: { name: 'updater' },
    };
    const config = { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', metadata: { name: 'main' }, spec };
    await must(cluster, { method: 'POST', path: CONFIGS, body: config });
    const args = asArray(containerOf(deployment)['args']).map(String);
    for (const name of ['one', 'two']) {
      const [health, metrics] = [await freePort(), await freePort()];
      const local = [`-health-probe-bind-address=127.0.0.1:${health}`, `-metrics-bind-address=127.0.0.1:${metrics}`, '-resync=2'];
      const minilb = startMinilb([...args, ...local, `-kubeconfig=${cluster.kubeconfigFor(name, token)}`]);
      running.push(minilb);
      for (const probe of ['livenessProbe', 'readinessProbe']) {
        const path = asString(asObject(asObject(containerOf(deployment)[probe])?.['httpGet'])?.['path']);
        await waitFor(`${path} of ${name}`, async () => (await fetch(`http://127.0.0.1:${health}${path}`)).ok);
      }
      expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('minilb_leading');
    }

    await create('web');
    await waitFor('it to be live', () => updater.backends()['default_web']);
    const hostOf = async () => JSON.stringify((await must(cluster, { path: servicePath('web') }))['status']);
    await waitFor('its status', async () => (await hostOf()).includes('"ipMode":"Proxy"'));
    const named = (name: string | null) => () =>
      patch(servicePath('web'), { metadata: { annotations: { 'lb.paperlb.com/config-name': name } } });
    await sayAndRepeat(used, [named('nowhere'), named(null)]);
    // A Service that stays, but no longer as a load balancer: the operator itself deletes the object.
    await patch(servicePath('web'), { spec: { type: 'ClusterIP', loadBalancerClass: null, externalTrafficPolicy: null } });
    await waitFor('it to be gone from the updater', () => updater.backends()['default_web'] === undefined);
    await waitFor('its object to be gone', async () => (await cluster.request({ path: `${BALANCERS}/web` })).status === 404);

    const granted = rightsOf(find('ClusterRole minilb-external'), find('Role minilb-external'));
    await waitFor('every right to be used', () => granted.every((right) => used().has(right))).catch(() => {});
    expect([...used()].sort()).toEqual([...new Set(granted)]);
    expect(refusedTo(cluster, user)).toEqual([]);
  }, 120_000);

  test('docs/external.md: its commands, with the operator of before and an updater that says yes', async () => {
    await deleteService(cluster, 'default', 'web');
    await must(cluster, { method: 'DELETE', path: `${CONFIGS}/main` });
    const env = {
      PATH: `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: cluster.kubeconfig,
      LB: '127.0.0.1',
      TOKEN: 'a-token-that-nobody-has',
    };
    expect(blocks.length).toBe(3);
    for (const block of blocks) {
      const result = await runBlock(block, ROOT, env);
      expect(result.exitCode, result.output).toBe(0);
      if (block.expected) expect(result.output).toMatch(block.expected);
      // The page's updater is on port 3000, the test's where there was room.
      if (block.code.includes('config.yaml'))
        await patch(`${CONFIGS}/nginx`, { spec: { httpUpdaterURL: `http://127.0.0.1:${server.port}/api/v1/lb` } });
    }
  }, 120_000);
});
