import { type Cidr, cidrText, type Ip, ipFamily } from '../value/ip.ts';
import type { PlannedRoute, RoutePlan } from './routes.ts';

/** The seed's words. */
export const HEADING = 'Add the following routes to your default gateway (router):';

/**
 * Lines to paste into a router's shell, each ended by a newline; routes with a fault are comments with the reason. `renderRouteLines` of
 * core/router has the other formats, and the rules that belong beside the routes.
 */
export function renderRoutes(plan: RoutePlan): string {
  if (plan.routes.length === 0) return '# No routes: the cluster has no Nodes.\n';
  return [HEADING, ...plan.routes.map(routeLine), ''].join('\n');
}

function routeLine({ node, cidr, via, fault }: PlannedRoute): string {
  if (fault || !cidr || !via) return `# ${node}${cidr ? ` ${cidrText(cidr)}` : ''}: ${fault?.text ?? 'no next hop'}`;
  return routeCommand({ cidr, via });
}

/** What iproute2 is told. */
export function routeCommand({ cidr, via }: { readonly cidr: Cidr; readonly via: Ip }): string {
  return `ip ${ipFamily(cidr.address) === 6 ? '-6 ' : ''}route add ${cidrText(cidr)} via ${via}`;
}
