import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { helmMissing, renderChart } from '../support/helm.ts';
import { manifestObjects, nameOf } from '../support/manifest.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { createNamespace, createNode, createPod, createService, must, setPodReady } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { refusedTo, rightsOf, rightsUsed, sayAndRepeat } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const suite = await requires('net', () => netnsMissing() ?? clusterMissing() ?? helmMissing());
const PREFIX = '10.0.100.0/24';
const ADDRESS = '10.0.100.1';
const user = (role: string) => `system:serviceaccount:minilb-l3:minilb-l3-${role}`;

// Rights as the chart gives them; test/cluster/chart.test.ts holds deploy/l3/base equal to it.
suite('by route, under the ServiceAccounts of the chart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-l3-rights-'));
  let cluster: Cluster;
  let network: TestNetwork;
  let node: Netns;
  let relay: Server;
  let rendered = '';

  const used = (role: string) => rightsUsed(cluster, user(role));
  const granted = (...roles: readonly string[]) => rightsOf(...manifestObjects(rendered).filter((one) => roles.includes(nameOf(one))));
  const patchWeb = (body: unknown) => must(cluster, { method: 'PATCH', path: '/api/v1/namespaces/default/services/web', body });

  /** As `minilb l3 ARGS` in that role's Pod, in the node's network. */
  const command = async (role: string, args: readonly string[]) => {
    const token = (await cluster.kubectl(['-n', 'minilb-l3', 'create', 'token', `minilb-l3-${role}`])).trim();
    const path = cluster.kubeconfigFor(role, token);
    await cluster.kubectl(['config', `--kubeconfig=${path}`, 'set-context', 'minilb-test', '--namespace=minilb-l3']);
    return [process.execPath, `${ROOT}/src/main.ts`, 'l3', ...args, `-kubeconfig=${path}`, `-prefix=${PREFIX}`, '-node-name=a'];
  };
  const start = async (role: string, ...args: readonly string[]) =>
    node.start({
      name: role,
      log: join(folder, `${role}.log`),
      command: await command(role, [...args, '-health=127.0.0.1:0', '-resync=1']),
    });

  beforeAll(async () => {
    cluster = await startCluster({
      audit: 'Metadata',
      // Without streaming lists both verbs are needed, list and watch, as on servers that have none.
      apiServerArgs: ['--feature-gates=WatchList=false'],
      controllerArgs: ['--controllers=endpointslice-controller,serviceaccount-controller'],
    });
    await createNamespace(cluster, 'minilb-l3', { 'pod-security.kubernetes.io/enforce': 'privileged' });
    rendered = await renderChart(
      { dns: { mode: 'none' }, writer: { enabled: false }, l3: { enabled: true, prefixes: [PREFIX] } },
      'minilb-l3',
    );
    await cluster.kubectl(['apply', '--validate=strict', '-f', '-'], rendered);
    await createNode(cluster, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.7.10'] });
    await createService(cluster, { namespace: 'default', name: 'web', spec: { loadBalancerClass: 'minilb-l3' } });
    await createPod(cluster, { namespace: 'default', name: 'web-1', app: 'web', node: 'a', ips: ['10.244.0.5'] });
    await setPodReady(cluster, { namespace: 'default', name: 'web-1', ips: ['10.244.0.5'] }, true);

    network = await createTestNetwork();
    node = await network.namespace('a');
    const socket = join(folder, 'api.sock');
    relay = createServer((side) => {
      const upstream = connect(Number(new URL(cluster.server).port), '127.0.0.1');
      side.pipe(upstream).pipe(side);
      for (const end of [side, upstream]) end.on('error', () => [side, upstream].map((each) => each.destroy()));
    });
    await new Promise<void>((resolve) => relay.listen(socket, resolve));
    const log = join(folder, 'relay.log');
    const script = [process.execPath, `${ROOT}/test/support/api-relay.ts`, new URL(cluster.server).port, socket];
    node.start({ name: 'relay', log, command: script });
    await waitFor('the relay', () => readFileSync(log, 'utf8').includes('relaying'));
  }, 300_000);

  afterAll(async () => {
    await network?.close();
    relay?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('the allocator: every request is allowed, and every right is used', async () => {
    await start('allocator', '-allocate');
    const status = async () => JSON.stringify((await must(cluster, { path: '/api/v1/namespaces/default/services/web' }))['status']);
    await waitFor('an address', async () => (await status()).includes(ADDRESS));
    await sayAndRepeat(
      () => used('allocator'),
      [
        () => patchWeb({ metadata: { annotations: { 'minilb/address': '192.0.2.9' } } }),
        () => patchWeb({ metadata: { annotations: { 'minilb/address': null } } }),
      ],
    );
    const wanted = granted('ClusterRole minilb-l3-allocator', 'Role minilb-l3-allocator');
    await waitFor('every right to be used', () => wanted.every((right) => used('allocator').has(right)));
    expect([...used('allocator')].sort()).toEqual([...wanted]);
    expect(refusedTo(cluster, user('allocator'))).toEqual([]);
  }, 120_000);

  test('the agent: the same, with what `l3 status` and `l3 cleanup` ask in its Pod', async () => {
    await start('agent', '-proxy-health=false');
    const held = async () => await node.run(['ip', 'address', 'show', 'dev', 'lo']);
    await waitFor('the address on the node', async () => (await held()).includes(`${ADDRESS}/32`));
    // Somebody else's address in the prefix is reported, and again when it comes back.
    const stranger = (verb: string) => () => node.run(['ip', 'address', verb, '10.0.100.200/32', 'dev', 'lo']);
    await sayAndRepeat(() => used('agent'), [stranger('add'), stranger('del')]);
    expect(await node.run(await command('agent', ['status']))).toContain(ADDRESS);
    expect(await node.run(await command('agent', ['cleanup']))).toContain(`remove ${ADDRESS}`);
    expect([...used('agent')].sort()).toEqual([...granted('ClusterRole minilb-l3-agent')]);
    expect(refusedTo(cluster, user('agent'))).toEqual([]);
  }, 120_000);
});
