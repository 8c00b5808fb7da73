import type { ClusterFacts } from '../../core/doctor/facts.ts';
import type { MachineFacts, PathFact } from '../../core/doctor/machine-facts.ts';
import { keyOf } from '../../core/object/raw.ts';
import { isByName } from '../../core/object/service-class.ts';
import type { Ip } from '../../core/value/ip.ts';
import { usableEndpoints } from '../../core/zone/endpoints.ts';
import { createKernelRoutes, type KernelRoutes } from '../../shell/node/kernel-routes.ts';
import { openPathProbe, type PathProbe } from '../../shell/node/path-probe.ts';
import { openTcpProbe, type TcpProbe } from '../../shell/node/tcp-probe.ts';
import type { Clock } from '../../shell/system/clock.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import type { Look } from './look.ts';

/** Nodes to which a connection is tried. */
const NODES_MAX = 16;

interface Probes {
  readonly path: PathProbe;
  readonly tcp: TcpProbe;
  readonly routes: KernelRoutes;
  readonly kubeletPort: number;
}

type Target = Pick<PathFact, 'node' | 'address' | 'port'>;

/** Opens a connection to one ready pod of each node, and reads the routes of this machine. */
export async function lookAtPaths(facts: ClusterFacts, clock: Clock, look: Look): Promise<Pick<MachineFacts, 'paths' | 'kernelRoutes'>> {
  look.doing('the way to the pods');
  const routes = createKernelRoutes(createProcessRunner(clock));
  const kernel = await routes.read(look.signal);
  if (!kernel.ok) look.missed('the routes of this machine', kernel.detail);
  const [path, tcp] = [await openPathProbe(clock), await openTcpProbe(clock)];
  const targets = targetsOf(facts);
  if (targets.length === 0) look.missed('the way to the pods', 'no Service of our class has a ready endpoint with a TCP port');
  if (!path.ok || !tcp.ok) {
    look.missed('the way to the pods', path.ok ? '' : path.detail);
    return { paths: [], kernelRoutes: kernel.ok ? kernel.value : [] };
  }
  const probes = { path: path.value, tcp: tcp.value, routes, kubeletPort: 10250 };
  const paths = await Promise.all(targets.map((target) => lookAtPath(target, facts, probes, look)));
  return { paths, kernelRoutes: kernel.ok ? kernel.value : [] };
}

async function lookAtPath(target: Target, { nodes }: ClusterFacts, probes: Probes, look: Look): Promise<PathFact> {
  const { node, address, port } = target;
  const nodeIp = nodes.find(({ name }) => name === node)?.internalIps[0];
  const result = await probes.path(address, port, look.signal);
  const nodeAlive = result === 'silent' && nodeIp !== undefined ? await probes.tcp(nodeIp, probes.kubeletPort, look.signal) : 'unknown';
  if (result === 'silent' && nodeAlive !== 'alive') look.missed(`the way to ${address}`, `Node ${node} does not answer either`);
  return { ...target, result, nodeAlive, hop: await probes.routes.gatewayTo(address, look.signal) };
}

/** One usable endpoint with a TCP port of each node, of Services whose names lead to pods. */
function targetsOf({ services, view, zone }: ClusterFacts): readonly Target[] {
  const found = new Map<string, Target>();
  for (const service of services.filter((one) => isByName(one, zone.naming.byName))) {
    const slices = [...view.slices(keyOf(service))];
    for (const slice of slices) {
      const tcp = slice.ports.find(({ protocol }) => protocol === 'TCP');
      const usable = new Set<Ip>(usableEndpoints(slices).map(({ address }) => address));
      for (const { address, nodeName } of tcp ? slice.endpoints : [])
        if (tcp && nodeName !== '' && usable.has(address) && !found.has(nodeName))
          found.set(nodeName, { node: nodeName, address, port: tcp.port });
    }
  }
  return [...found.values()].slice(0, NODES_MAX);
}
