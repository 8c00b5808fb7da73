import type { Ip } from '../value/ip.ts';
import type { Service } from './service.ts';

/** The class of Services by route, unless `minilb l3` was told otherwise. */
const BY_ROUTE = 'minilb-l3';

/**
 * The addresses that `minilb l3` holds on nodes for these Services, as their status tells: those of its class, and of Services without a
 * class that asked for theirs. A Node's own address is never one, whoever wrote it there (ServiceLB does).
 */
export function addressesByRoute(services: Iterable<Service>, nodeIps: ReadonlySet<Ip>): ReadonlySet<Ip> {
  const held = new Set<Ip>();
  for (const { type, loadBalancerClass, ingress, requestedIps = [] } of services) {
    if (type !== 'LoadBalancer' || (loadBalancerClass !== BY_ROUTE && loadBalancerClass !== '')) continue;
    for (const { ip } of ingress) {
      const ours = loadBalancerClass === BY_ROUTE || (ip !== undefined && requestedIps.includes(ip));
      if (ip !== undefined && ours && !nodeIps.has(ip)) held.add(ip);
    }
  }
  return held;
}
