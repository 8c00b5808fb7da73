import { SERVICE_CIDRS } from '../../core/object/service-cidr.ts';
import { overlapFaults, type PrefixNeighbour } from '../../core/plan/route-prefixes.ts';
import type { Cidr } from '../../core/value/ip.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { L3Feed } from './l3-feed.ts';

/**
 * What is wrong with the prefixes in this cluster: they must not overlap the Nodes' podCIDRs or the ServiceCIDRs (which are looked at where
 * the API server serves them and shows them to us).
 */
export async function clusterPrefixFaults(
  prefixes: readonly Cidr[],
  feed: L3Feed,
  client: KubeClient,
  log: Log,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const pods: readonly PrefixNeighbour[] = [...feed.nodes.values()].flatMap((node) =>
    node.podCidrs.map((cidr) => ({ cidr, what: `a podCIDR of the Node ${node.name}` })),
  );
  const listed = await listAll(client, SERVICE_CIDRS, log, signal);
  if (!listed.ok) log.debug('ServiceCIDRs cannot be listed; the prefixes are not compared with them', { detail: listed.detail });
  const services = (listed.ok ? listed.value : []).flatMap(({ cidrs }) => cidrs.map((cidr) => ({ cidr, what: 'a ServiceCIDR' })));
  return overlapFaults(prefixes, [...pods, ...services]);
}
