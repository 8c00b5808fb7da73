import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asset } from '../support/assets.ts';
import { type Child, run } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { docBlocks, runBlock } from '../support/doc-blocks.ts';
import { CHART, helm, helmMissing } from '../support/helm.ts';
import { type PodFacts, startKubelets, type TestKubelets } from '../support/kubelet.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { createPodRunner, type PodRunner } from '../support/pod-runner.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const suite = await requires(
  'net',
  async () => (await programs('ip', 'nft', 'setpriv', 'curl', 'dig')()) ?? netnsMissing() ?? clusterMissing() ?? helmMissing(),
);
const ADDRESSES: Readonly<Record<string, string>> = { pi1: '192.168.1.30', pi2: '192.168.1.31' };
const CLIENT = '192.168.1.2';
const PER_SECOND = 2_000;
const NAME = 'web.default.k8s.example.com';
const CONTROLLERS =
  'endpointslice-controller,namespace-controller,serviceaccount-controller,deployment-controller,replicaset-controller,garbage-collector-controller';

interface Counts {
  readonly lookups: number;
  readonly answered: number;
  readonly failed: number;
  readonly second: number;
  readonly slowestMs: number;
  readonly worstStallMs: number;
  readonly ttls: Readonly<Record<string, number>>;
}

// helm installs the chart into a real API server, whose controllers make the Pods. A stand-in for kubelets runs the compiled program as each Pod says, in the
// network of its node; nftables do there what the CNI does for hostPort with hostIP.
suite('the chart from install to uninstall', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-rollout-'));
  let cluster: Cluster;
  let network: TestNetwork;
  let relay: Server;
  let kubelets: TestKubelets;
  let runner: PodRunner;
  let client: Netns;
  let load: Child | undefined;

  const isOurs = (pod: PodFacts) => pod.labels['app.kubernetes.io/name'] === 'minilb';
  const counts = (): Counts => {
    const lines = readFileSync(join(folder, 'load.log'), 'utf8').trimEnd().split('\n');
    return JSON.parse(lines.at(-1) ?? '') as Counts;
  };

  /** A network with a way to the API server, at the address that it has outside. */
  const withApi = async (label: string, socket: string) => {
    const ns = await network.namespace(label);
    const log = join(folder, `relay-${label}.log`);
    const script = join(ROOT, 'test/support/api-relay.ts');
    ns.start({ name: `relay ${label}`, log, command: [process.execPath, script, new URL(cluster.server).port, socket] });
    await waitFor(`the relay of ${label}`, () => readFileSync(log, 'utf8').includes('relaying'));
    return ns;
  };

  beforeAll(async () => {
    // Pods are not root, and this one was made for root alone.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'bin'));
    await run([process.execPath, 'scripts/build.ts', `--outdir=${join(folder, 'bin')}`], { cwd: ROOT });
    cluster = await startCluster({ audit: 'Metadata', controllerArgs: [`--controllers=${CONTROLLERS}`] });
    const socket = join(folder, 'api.sock');
    relay = createServer((side) => {
      const upstream = connect(Number(new URL(cluster.server).port), '127.0.0.1');
      side.pipe(upstream).pipe(side);
      for (const end of [side, upstream]) end.on('error', () => [side, upstream].map((each) => each.destroy()));
    });
    await new Promise<void>((resolve) => relay.listen(socket, resolve));

    network = await createTestNetwork();
    const lan = await network.namespace('lan');
    await lan.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    await lan.run(['ip', 'link', 'set', 'br0', 'up']);
    client = await network.namespace('client');
    const networks = { pi1: await withApi('pi1', socket), pi2: await withApi('pi2', socket), other: await withApi('other', socket) };
    const members = [
      ['pi1', networks.pi1, ADDRESSES['pi1']],
      ['pi2', networks.pi2, ADDRESSES['pi2']],
      ['client', client, CLIENT],
    ] as const;
    for (const [name, ns, address] of members) {
      await network.veth({ ns: lan, name, addresses: [] }, { ns, name: 'eth0', addresses: [`${address}/24`] });
      await lan.run(['ip', 'link', 'set', name, 'master', 'br0']);
    }
    for (const [name, ns] of [
      ['pi1', networks.pi1],
      ['pi2', networks.pi2],
    ] as const) {
      const rules = ['udp', 'tcp'].map((protocol) => `ip daddr ${ADDRESSES[name]} ${protocol} dport 53 redirect to :5353`).join('\n');
      await ns.run(['nft', '-f', '-'], {
        input: `table ip hostport {\nchain in {\ntype nat hook prerouting priority -100;\n${rules}\n}\n}`,
      });
    }

    for (const [i, name] of ['pi1', 'pi2'].entries()) {
      await createNode(cluster, { name, podCidrs: [`10.244.${i}.0/24`], internalIps: [ADDRESSES[name] ?? ''] });
    }
    runner = createPodRunner({
      cluster,
      folder: join(folder, 'pods'),
      binary: join(folder, 'bin/minilb'),
      networkOf: (pod) => (pod.labels['app.kubernetes.io/component'] === 'dns' ? networks[pod.node as 'pi1' | 'pi2'] : networks.other),
      hostIps: (node) => ADDRESSES[node] ?? '',
    });
    await createService(cluster, { namespace: 'default', name: 'web' });
    await createPod(cluster, { namespace: 'default', name: 'web-1', app: 'web', node: 'pi1', ips: ['10.244.0.5'] });
    await setPodReady(cluster, { namespace: 'default', name: 'web-1', ips: ['10.244.0.5'] }, true);
  }, 300_000);

  afterAll(async () => {
    await kubelets?.stop();
    await network?.close();
    relay?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('installs by the commands in deploy/README.md, and becomes ready', async () => {
    const blocks = docBlocks('deploy/README.md', readFileSync(`${ROOT}/deploy/README.md`, 'utf8')).filter((block) => block.mark === 'helm');
    const tools = [dirname(await asset('kubectl')), dirname(await asset('helm')), process.env['PATH'] ?? ''].join(':');
    for (const block of blocks) {
      const result = await runBlock(block, ROOT, { PATH: tools, KUBECONFIG: cluster.kubeconfig, HELM_CACHE_HOME: folder });
      expect(result.exitCode, result.output).toBe(0);
    }
    await runner.prepare('minilb', ['minilb-dns', 'minilb-writer']);
    kubelets = startKubelets(
      cluster,
      { pi1: '10.244.0', pi2: '10.244.1' },
      {
        ...runner,
        start: (pod) => isOurs(pod) && runner.start(pod),
        isReady: async (pod) => !isOurs(pod) || (await runner.isReady(pod)),
      },
    );
    await cluster.kubectl(['-n', 'minilb', 'wait', '--for=condition=Available', 'deployment', '--all', '--timeout=60s']);
    for (const address of Object.values(ADDRESSES)) {
      for (const flag of ['+notcp', '+tcp'])
        expect((await client.run(['dig', `@${address}`, '+short', flag, NAME])).trim()).toBe('10.244.0.5');
    }
  }, 120_000);

  test('helm test: a Pod reads what the servers read', async () => {
    const output = await helm(['test', 'minilb', '--namespace', 'minilb', '--timeout', '60s'], { kubeconfig: cluster.kubeconfig });
    expect(output).toContain('Phase:          Succeeded');
    expect(runner.logOf('minilb-test')).toContain('ip route add 10.244.0.0/24 via 192.168.1.30');
  }, 90_000);

  test('an upgrade replaces both servers, one after the other: no lookup fails', async () => {
    const command = [process.execPath, join(ROOT, 'test/net/lookup-load.ts'), NAME, String(PER_SECOND), ...Object.values(ADDRESSES)];
    load = client.start({ name: 'load', command, log: join(folder, 'load.log') });
    await waitFor('the load', () => counts().answered > PER_SECOND);
    const before = runner.history.length;
    const args = ['upgrade', 'minilb', CHART, '--namespace', 'minilb', '--reuse-values', '--set', 'dns.extraArgs={-ttl=6}'];
    await helm([...args, '--wait', '--timeout', '120s'], { kubeconfig: cluster.kubeconfig });
    const upgraded = counts();
    await waitFor('a second of the new servers', () => counts().lookups > upgraded.lookups + PER_SECOND);
    load.signal('SIGTERM');
    await load.exited;
    const total = counts();
    console.log(`rollout: ${JSON.stringify(total)}`);
    expect(total.failed).toBe(0);
    expect(total.answered).toBe(total.lookups);
    expect(Object.keys(total.ttls)).toEqual(['5', '6']);
    // Both were told to end at once. The second server is there until the first one's successor answers.
    const steps = runner.history.slice(before).map((line) => line.replace(/-[a-z0-9]+-[a-z0-9]+( \d+)?$/, '$1'));
    const [first, second] = ['minilb-dns-192-168-1-30', 'minilb-dns-192-168-1-31'];
    expect(steps.filter((line) => line.includes('-dns-')).slice(-4)).toEqual([
      `gone ${first} 0`,
      `start ${first}`,
      `gone ${second} 0`,
      `start ${second}`,
    ]);
  }, 240_000);

  test('every request was allowed', () => {
    const events = cluster.auditEvents().filter((event) => event.user.startsWith('system:serviceaccount:minilb:'));
    expect(new Set(events.map((event) => event.user)).size).toBe(2);
    expect(events.filter((event) => [401, 403].includes(event.code))).toEqual([]);
  });

  test('helm uninstall leaves nothing behind', async () => {
    await helm(['uninstall', 'minilb', '--namespace', 'minilb', '--wait', '--timeout', '90s'], { kubeconfig: cluster.kubeconfig });
    const kinds = ['deployments', 'networkpolicies', 'poddisruptionbudgets', 'clusterroles', 'clusterrolebindings'];
    const left = await cluster.kubectl([
      'get',
      [...kinds, 'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'secrets'].join(','),
      '-n',
      'minilb',
      '-l',
      'app.kubernetes.io/instance=minilb',
      '-o',
      'name',
    ]);
    expect(left).toBe('');
  }, 120_000);
});
