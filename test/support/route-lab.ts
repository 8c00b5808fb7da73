import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiSocket, openApiSocket } from './api-socket.ts';
import { type Child, ownEnvironment } from './child.ts';
import { type EmbeddedApi, startEmbedded } from './embedded.ts';
import { createTestNetwork, type Netns } from './netns.ts';
import { createNode, must } from './objects.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);

/** A node of the cluster: its namespace in the LAN, and that of its one pod. */
export interface RouteNode {
  readonly name: string;
  readonly index: number;
  readonly ns: Netns;
  readonly pod: Netns;
  readonly ip: string;
  readonly podCidrs: readonly [v4: string, v6: string];
}

/** Three nodes with a pod each and a client in one LAN, its router with a way out, and an API server that all can reach. */
export interface RouteLab {
  readonly folder: string;
  readonly api: EmbeddedApi;
  readonly router: Netns;
  readonly client: Netns;
  readonly nodes: readonly [RouteNode, RouteNode, RouteNode];
  /** Makes the Node object. */
  readonly register: (node: RouteNode) => Promise<void>;
  readonly unregister: (name: string) => Promise<void>;
  /** `before` is what the command line begins with: another user, fewer capabilities. */
  readonly start: (ns: Netns, name: string, args: readonly string[], before?: readonly string[]) => Child;
  readonly run: (
    ns: Netns,
    args: readonly string[],
  ) => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
  readonly logOf: (name: string) => string;
  /** `network via gateway` of a namespace, sorted, for the pod networks. */
  readonly podRoutes: (ns: Netns) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export const LAB_FLAGS = ['-cidrs=10.244.0.0/16,fd00:244::/32', '-via=192.168.1.0/24,fd00:1::/64'] as const;

/** The routes to these nodes' pods, as `podRoutes` gives them. */
export function routesTo(...nodes: readonly RouteNode[]): readonly string[] {
  return nodes.flatMap(({ index, ip, podCidrs: [v4, v6] }) => [`${v4} via ${ip}`, `${v6} via fd00:1::${10 + index}`]).sort();
}

export async function startRouteLab(): Promise<RouteLab> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-route-lab-'));
  const api = await startEmbedded();
  const network = await createTestNetwork();
  const socket = await openApiSocket(folder, Number(new URL(api.server).port));
  const router = await network.namespace('router');
  const client = await network.namespace('client');
  const wan = await network.namespace('wan');
  const sysctls = [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.default.send_redirects=0',
  ];
  await router.run(['sysctl', '-qw', ...sysctls]);
  // A bridge in the router itself could show it both directions (br_netfilter).
  const lan = await network.namespace('switch');
  await lan.run(['sh', '-ec', 'ip link add lan type bridge && ip link set lan up']);
  await network.veth({ ns: router, name: 'wan', addresses: ['203.0.113.2/24'] }, { ns: wan, name: 'eth0', addresses: ['203.0.113.1/24'] });
  await router.run(['ip', 'route', 'add', 'default', 'via', '203.0.113.1']);
  const plug = async (ns: Netns, port: string, addresses: readonly string[]) => {
    await network.veth({ ns, name: ns === router ? 'lan' : 'eth0', addresses }, { ns: lan, name: port, addresses: [] });
    await lan.run(['ip', 'link', 'set', port, 'master', 'lan']);
    if (ns !== router) await ns.run(['ip', 'route', 'add', 'default', 'via', '192.168.1.1']);
  };
  await plug(router, 'uplink', ['192.168.1.1/24', 'fd00:1::1/64']);
  await plug(client, 'port0', ['192.168.1.100/24', 'fd00:1::100/64']);
  const nodes = await Promise.all(
    [1, 2, 3].map(async (index): Promise<RouteNode> => {
      const [ns, pod] = [await network.namespace(`n${index}`), await network.namespace(`p${index}`)];
      await ns.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
      const podEnd = { ns: pod, name: 'eth0', addresses: [`10.244.${index}.2/24`, `fd00:244:${index}::2/64`] };
      await network.veth({ ns, name: 'cni0', addresses: [`10.244.${index}.1/24`, `fd00:244:${index}::1/64`] }, podEnd);
      await pod.run(['ip', 'route', 'add', 'default', 'via', `10.244.${index}.1`]);
      const podCidrs = [`10.244.${index}.0/24`, `fd00:244:${index}::/64`] as const;
      return { name: `n${index}`, index, ns, pod, ip: `192.168.1.${10 + index}`, podCidrs };
    }),
  );
  for (const { ns, index, ip } of nodes) await plug(ns, `port${index}`, [`${ip}/24`, `fd00:1::${10 + index}/64`]);
  const [n1, n2, n3] = nodes;
  if (!n1 || !n2 || !n3) throw new Error('three nodes were built');
  return labOf(folder, api, network, socket, { router, client, nodes: [n1, n2, n3] });
}

function labOf(
  folder: string,
  api: EmbeddedApi,
  network: Awaited<ReturnType<typeof createTestNetwork>>,
  socket: ApiSocket,
  built: Pick<RouteLab, 'router' | 'client' | 'nodes'>,
): RouteLab {
  const reached = new Set<Netns>();
  const minilb = (ns: Netns, args: readonly string[]) => {
    if (!reached.has(ns)) socket.openIn(ns);
    reached.add(ns);
    return [process.execPath, `${ROOT}/src/main.ts`, 'routes', `-kubeconfig=${api.kubeconfig}`, ...args];
  };
  return {
    folder,
    api,
    ...built,
    register: ({ name, index, ip, podCidrs }) => createNode(api, { name, podCidrs, internalIps: [ip, `fd00:1::${10 + index}`] }),
    unregister: async (name) => void (await must(api, { method: 'DELETE', path: `/api/v1/nodes/${name}` })),
    start: (ns, name, args, before = []) => ns.start({ name, log: join(folder, `${name}.log`), command: [...before, ...minilb(ns, args)] }),
    run: async (ns, args) => {
      const child = Bun.spawn(['ip', 'netns', 'exec', ns.name, ...minilb(ns, args)], {
        env: ownEnvironment(),
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { exitCode, stdout, stderr };
    },
    logOf: (name) => readFileSync(join(folder, `${name}.log`), 'utf8'),
    podRoutes,
    stop: async () => {
      await network.close();
      socket.close();
      await api.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function podRoutes(ns: Netns): Promise<readonly string[]> {
  const lists = await Promise.all(['-4', '-6'].map(async (family) => JSON.parse((await ns.run(['ip', '-j', family, 'route'])) || '[]')));
  const routes = lists.flat() as { readonly dst: string; readonly gateway?: string }[];
  const pods = routes.filter(({ dst }) => dst.startsWith('10.244.') || dst.startsWith('fd00:244:'));
  return pods.flatMap(({ dst, gateway }) => (gateway ? [`${dst} via ${gateway}`] : [])).sort();
}
