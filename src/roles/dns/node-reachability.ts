import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import type { Node } from '../../core/object/node.ts';
import type { ProbeTarget } from '../../core/reachability/reachability.ts';
import type { Zone } from '../../core/zone/zone.ts';
import { createProber, type Prober } from '../../shell/node/prober.ts';
import { openTcpProbe } from '../../shell/node/tcp-probe.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';

export interface NodeReachabilityOptions {
  /** Of every kubelet. */
  readonly port: number;
  readonly nodes: () => Iterable<Node>;
  readonly slices: () => Iterable<EndpointSlice>;
  readonly zone: Pick<Zone, 'setUnreachable'>;
  /** Brings the names of this Service up to date. */
  readonly update: (serviceKey: string) => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

export interface NodeReachability {
  /** Called when Nodes may have changed. */
  readonly nodesChanged: () => void;
  readonly closed: Promise<void>;
}

/** Probes every Node's kubelet and puts the endpoints of those that look dead behind the others, long before EndpointSlices turn. */
export async function createNodeReachability(options: NodeReachabilityOptions, signal: AbortSignal): Promise<NodeReachability> {
  const { clock, log, metrics } = options;
  const probe = await openTcpProbe(clock);
  if (!probe.ok) {
    log.warn('Nodes are not probed (-probe-port): there is no C library to do it with', { detail: probe.detail });
    return { nodesChanged: () => {}, closed: Promise.resolve() };
  }
  let before: ReadonlySet<string> = new Set();
  const changed = (dead: ReadonlySet<string>) => {
    const turned = new Set([...before, ...dead].filter((node) => before.has(node) !== dead.has(node)));
    before = dead;
    options.zone.setUnreachable(dead);
    const services = servicesOn(turned, options.slices());
    for (const key of services) options.update(key);
    for (const node of turned) {
      const fields = { node, services: services.size };
      if (dead.has(node)) log.warn('this Node does not answer: its endpoints come last until it does', fields);
      else log.info('the endpoints of this Node are like the others again', fields);
    }
  };
  const prober: Prober = createProber({ probe: probe.value, port: options.port, clock, changed }, signal);
  metrics.read('nodesUnreachable', () => [[{}, prober.dead().size]]);
  return { nodesChanged: () => prober.setTargets([...options.nodes()].flatMap(toTarget)), closed: prober.closed };
}

/** A Node is asked at its first InternalIP. */
function toTarget({ name, internalIps }: Node): readonly ProbeTarget[] {
  const [address] = internalIps;
  return address ? [{ node: name, address }] : [];
}

function servicesOn(nodes: ReadonlySet<string>, slices: Iterable<EndpointSlice>): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const slice of slices) {
    if (slice.endpoints.some((endpoint) => nodes.has(endpoint.nodeName))) keys.add(`${slice.namespace}/${slice.serviceName}`);
  }
  return keys;
}
