import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiSocket, openApiSocket } from './api-socket.ts';
import { asset, assetsMissing } from './assets.ts';
import { type Child, ownEnvironment } from './child.ts';
import { type Cluster, clusterMissing, startCluster } from './cluster.ts';
import { startFrr } from './frr.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from './netns.ts';
import { createNode } from './objects.ts';
import { programs } from './require.ts';
import { waitFor } from './wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const EXAMPLES = `${ROOT}/deploy/l3/examples`;
const CONTAINER = `${ROOT}/deploy/l3/frr-container`;
const CONTROLLERS = 'endpointslice-controller,namespace-controller,garbage-collector-controller,serviceaccount-controller';

/** A node of the lab: its namespace, that of its one pod, and what runs there. */
export interface LabNode {
  readonly name: string;
  readonly index: number;
  readonly ns: Netns;
  readonly pod: Netns;
  readonly podIps: readonly [string, string];
  readonly proxyMode: 'iptables' | 'nftables';
  readonly bgp: 'frr' | 'bird';
}

export interface AgentOptions {
  readonly flags?: readonly string[];
  readonly log?: string;
}

/** Three nodes, each with a pod, a router with BGP and BFD, and a client behind it, before a real API server. */
export interface L3Lab {
  readonly folder: string;
  readonly cluster: Cluster;
  readonly nodes: readonly [LabNode, LabNode, LabNode];
  readonly router: Netns;
  readonly client: Netns;
  /** Starts `minilb l3` on a node with the rights of the agents' ServiceAccount. */
  readonly startAgent: (node: LabNode, options?: AgentOptions) => Child;
  readonly startAllocator: (name: string, flags?: readonly string[]) => Child;
  /** Runs `minilb l3 ARGS` on a node to its end. */
  readonly runL3: (
    node: LabNode,
    args: readonly string[],
  ) => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
  readonly logOf: (name: string) => string;
  /** Next hops of a route on the router, sorted; empty when there is none. */
  readonly nextHops: (address: string) => Promise<readonly string[]>;
  /** `address/bits metric` of what a node's `lo` holds in the prefixes. */
  readonly held: (node: LabNode) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export const LAB_PREFIX = '10.0.100.0/24,fd00:100::/64';
export const nodeIp = (node: Pick<LabNode, 'index'>) => `192.168.7.${10 + node.index}`;

/** A probe for `requires('net', …)`. */
export async function labMissing(): Promise<string | undefined> {
  const tools = await programs('ip', 'nft', 'iptables', 'bird', 'sysctl', 'curl', 'vtysh', '/usr/lib/frr/bgpd')();
  return tools ?? netnsMissing() ?? clusterMissing() ?? assetsMissing(['kube-proxy']);
}

/** Starts everything but minilb itself. */
export async function startL3Lab(): Promise<L3Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-l3-'));
  const cluster = await startCluster({ audit: 'Metadata', controllerArgs: [`--controllers=${CONTROLLERS}`] });
  const network = await createTestNetwork();
  const api = await openApiSocket(folder, Number(new URL(cluster.server).port));
  const stop = async () => {
    await network.close();
    api.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await build(folder, cluster, network, api, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(folder: string, cluster: Cluster, network: TestNetwork, api: ApiSocket, stop: () => Promise<void>): Promise<L3Lab> {
  const router = await network.namespace('router');
  const client = await network.namespace('client');
  await buildRouter(network, router, client);
  const specs = [
    ['n1', 'iptables', 'frr'],
    ['n2', 'nftables', 'frr'],
    ['n3', 'iptables', 'bird'],
  ] as const;
  const nodes = await Promise.all(
    specs.map(([name, mode, bgp], i) => buildNode(network, router, { name, index: i + 1, proxyMode: mode, bgp })),
  );
  const [n1, n2, n3] = nodes;
  if (!n1 || !n2 || !n3) throw new Error('three nodes were built');
  const kubeconfigs = await installAccess(cluster);
  await startFrr(folder, router, 'router', ['zebra', 'bfdd', 'bgpd'], readFileSync(`${EXAMPLES}/frr-router.conf`, 'utf8'));
  for (const node of nodes) {
    const podCidrs = [`10.244.${node.index}.0/24`, `fd00:244:${node.index}::/64`];
    await createNode(cluster, { name: node.name, podCidrs, internalIps: [nodeIp(node), `fd00:7::${10 + node.index}`] });
    startBgp(folder, node);
    api.openIn(node.ns);
    node.pod.start({
      name: 'pod',
      log: join(folder, `${node.name}-pod.log`),
      command: [process.execPath, `${ROOT}/test/support/pod-server.ts`, node.name],
    });
    await startKubeProxy(folder, cluster.kubeconfig, node);
  }
  const minilb = (args: readonly string[]) => [process.execPath, `${ROOT}/src/main.ts`, 'l3', `-prefix=${LAB_PREFIX}`, ...args];
  const agentArgs = (node: LabNode, args: readonly string[]) =>
    minilb(['-kubeconfig', kubeconfigs.agent, '-node-name', node.name, '-health', `${nodeIp(node)}:7712`, ...args]);
  return {
    folder,
    cluster,
    nodes: [n1, n2, n3],
    router,
    client,
    startAgent: (node, { flags = [], log = node.name } = {}) =>
      node.ns.start({ name: `agent-${node.name}`, log: join(folder, `agent-${log}.log`), command: agentArgs(node, flags) }),
    startAllocator: (name, flags = []) =>
      n1.ns.start({
        name,
        log: join(folder, `${name}.log`),
        command: minilb(['-allocate', '-kubeconfig', kubeconfigs.allocator, '-health=127.0.0.1:0', ...flags]),
      }),
    runL3: async (node, args) => {
      const command = ['ip', 'netns', 'exec', node.ns.name, ...agentArgs(node, args)];
      const child = Bun.spawn(command, { env: ownEnvironment(), stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
      const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { exitCode, stdout, stderr };
    },
    logOf: (name) => readFileSync(join(folder, `${name}.log`), 'utf8'),
    nextHops: (address) => nextHops(router, address),
    held: (node) => heldBy(node.ns),
    stop,
  };
}

async function buildRouter(network: TestNetwork, router: Netns, client: Netns): Promise<void> {
  await router.run(['sysctl', '-qp', `${EXAMPLES}/router.sysctl`]);
  await router.run(['ip', 'link', 'add', 'lan', 'type', 'bridge']);
  await router.run(['ip', 'address', 'add', '192.168.7.1/24', 'dev', 'lan']);
  await router.run(['ip', 'address', 'add', 'fd00:7::1/64', 'dev', 'lan', 'nodad']);
  await router.run(['ip', 'link', 'set', 'lan', 'up']);
  await network.veth(
    { ns: router, name: 'wan', addresses: ['203.0.113.1/24', 'fd00:203::1/64'] },
    { ns: client, name: 'eth0', addresses: ['203.0.113.2/24', 'fd00:203::2/64'] },
  );
  await client.run(['ip', 'route', 'add', 'default', 'via', '203.0.113.1']);
  await client.run(['ip', '-6', 'route', 'add', 'default', 'via', 'fd00:203::1']);
}

async function buildNode(
  network: TestNetwork,
  router: Netns,
  spec: Pick<LabNode, 'name' | 'index' | 'proxyMode' | 'bgp'>,
): Promise<LabNode> {
  const { name, index } = spec;
  const ns = await network.namespace(name);
  const pod = await network.namespace(`p${index}`);
  for (const key of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0'])
    await ns.run(['sysctl', '-qw', key]);
  await network.veth(
    { ns, name: 'eth0', addresses: [`192.168.7.${10 + index}/24`, `fd00:7::${10 + index}/64`] },
    { ns: router, name: `port${index}`, addresses: [] },
  );
  await router.run(['ip', 'link', 'set', `port${index}`, 'master', 'lan']);
  await network.veth(
    { ns, name: 'cni0', addresses: [`10.244.${index}.1/24`, `fd00:244:${index}::1/64`] },
    { ns: pod, name: 'eth0', addresses: [`10.244.${index}.2/24`, `fd00:244:${index}::2/64`] },
  );
  await pod.run(['ip', 'route', 'add', 'default', 'via', `10.244.${index}.1`]);
  await pod.run(['ip', '-6', 'route', 'add', 'default', 'via', `fd00:244:${index}::1`]);
  await ns.run(['ip', 'route', 'add', 'default', 'via', '192.168.7.1']);
  await ns.run(['ip', '-6', 'route', 'add', 'default', 'via', 'fd00:7::1']);
  for (const other of [1, 2, 3].filter((i) => i !== index)) {
    await ns.run(['ip', 'route', 'add', `10.244.${other}.0/24`, 'via', `192.168.7.${10 + other}`]);
    await ns.run(['ip', '-6', 'route', 'add', `fd00:244:${other}::/64`, 'via', `fd00:7::${10 + other}`]);
  }
  return { ...spec, ns, pod, podIps: [`10.244.${index}.2`, `fd00:244:${index}::2`] };
}

/** The capabilities that deploy/l3/frr-container/daemonset.yaml gives. */
const FRR_CAPABILITIES = ['net_admin', 'net_bind_service', 'net_raw', 'sys_admin', 'setuid', 'setgid', 'chown', 'dac_override'];

/** FRR as its container starts it, BIRD with the node's example as it is but for the router id. */
function startBgp(folder: string, node: LabNode): void {
  if (node.bgp === 'frr') {
    const home = join(folder, `frr-${node.name}`);
    mkdirSync(home);
    node.ns.start({
      name: `frr-${node.name}`,
      log: join(folder, `frr-${node.name}.log`),
      env: { FRR_RUN: home, FRR_CONFIG: `${CONTAINER}/frr-node.conf`, NODE_NAME: node.name, NODE_IP: nodeIp(node) },
      command: [
        ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
        ...['setpriv', `--bounding-set=-all,${FRR_CAPABILITIES.map((name) => `+${name}`).join(',')}`],
        ...['sh', `${CONTAINER}/start.sh`],
      ],
    });
    return;
  }
  const file = join(folder, `bird-${node.name}.conf`);
  writeFileSync(file, readFileSync(`${EXAMPLES}/bird-node.conf`, 'utf8').replace('192.168.7.13', nodeIp(node)));
  const control = join(folder, `bird-${node.name}.ctl`);
  node.ns.start({ name: 'bird', log: join(folder, `bird-${node.name}.log`), command: ['bird', '-f', '-c', file, '-s', control] });
}

async function startKubeProxy(folder: string, kubeconfig: string, node: LabNode): Promise<void> {
  node.ns.start({
    name: `kube-proxy-${node.name}`,
    log: join(folder, `kube-proxy-${node.name}.log`),
    command: [
      await asset('kube-proxy'),
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${node.name}`,
      `--proxy-mode=${node.proxyMode}`,
      '--cluster-cidr=10.244.0.0/16,fd00:244::/32',
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
      '--iptables-min-sync-period=0s',
      '--healthz-bind-address=127.0.0.1:10256',
      '--metrics-bind-address=127.0.0.1:10249',
    ],
  });
}

/** Applies the manifest without what needs a kubelet, and logs in as its ServiceAccounts. */
async function installAccess(cluster: Cluster): Promise<{ readonly agent: string; readonly allocator: string }> {
  const base = `${ROOT}/deploy/l3/base`;
  for (const part of ['namespace', 'settings', 'access', 'admission']) await cluster.kubectl(['apply', '-f', `${base}/${part}.yaml`]);
  await cluster.kubectl([
    '-n',
    'minilb-l3',
    'patch',
    'configmap',
    'minilb-l3',
    '-p',
    JSON.stringify({ data: { L3LB_PREFIX: LAB_PREFIX } }),
  ]);
  const login = async (name: string) => {
    const token = (await cluster.kubectl(['-n', 'minilb-l3', 'create', 'token', `minilb-l3-${name}`])).trim();
    const path = cluster.kubeconfigFor(`l3-${name}`, token);
    await cluster.kubectl(['config', `--kubeconfig=${path}`, 'set-context', 'minilb-test', '--namespace=minilb-l3']);
    return path;
  };
  return { agent: await login('agent'), allocator: await login('allocator') };
}

async function nextHops(router: Netns, address: string): Promise<readonly string[]> {
  const family = address.includes(':') ? '-6' : '-4';
  const text = await router.run(['ip', '-j', family, 'route', 'show', address]);
  const routes = (text.trim() === '' ? [] : JSON.parse(text)) as { gateway?: string; nexthops?: { gateway: string }[] }[];
  return routes.flatMap((route) => (route.nexthops ? route.nexthops.map((hop) => hop.gateway) : [route.gateway ?? 'none'])).sort();
}

async function heldBy(ns: Netns): Promise<readonly string[]> {
  const links = JSON.parse(await ns.run(['ip', '-j', 'address', 'show', 'dev', 'lo'])) as {
    addr_info: { local: string; prefixlen: number; metric?: number }[];
  }[];
  return links
    .flatMap((link) => link.addr_info)
    .filter(({ local }) => local.startsWith('10.0.100.') || local.startsWith('fd00:100::'))
    .map(({ local, prefixlen, metric }) => `${local}/${prefixlen}${metric === undefined ? '' : ` ${metric}`}`)
    .sort();
}

/** Waits until the router spreads an address over just these nodes. */
export async function waitForNextHops(lab: L3Lab, address: string, nodes: readonly LabNode[]): Promise<void> {
  const six = address.includes(':');
  const wanted = nodes.map((node) => (six ? `fd00:7::${10 + node.index}` : nodeIp(node))).sort();
  await waitFor(`${address} on the router via ${wanted.join(', ') || 'nobody'}`, async () => {
    const hops = await lab.nextHops(address);
    if (hops.join() === wanted.join()) return true;
    throw new Error(hops.join(', ') || 'no route');
  });
}
