import { cidrText, ipFamily } from '../value/ip.ts';
import type { PlannedRoute, RoutePlan } from './routes.ts';

/** The seed's words. */
const HEADING = 'Add the following routes to your default gateway (router):';

/** Lines to paste into a router's shell, each ended by a newline; routes with a fault are comments with the reason. */
export function renderRoutes(plan: RoutePlan): string {
  if (plan.routes.length === 0) return '# No routes: the cluster has no Nodes.\n';
  return [HEADING, ...plan.routes.map(routeLine), ''].join('\n');
}

/**
 * The firewall rules that belong beside the routes, as comments: whoever has the routes reaches every port of every pod. Empty when there
 * is no route.
 */
export function renderFirewall(plan: RoutePlan): string {
  const rules = ([4, 6] as const).flatMap((family) => {
    const cidrs = plan.routes.flatMap(({ cidr, fault }) => (cidr && !fault && ipFamily(cidr.address) === family ? [cidrText(cidr)] : []));
    if (cidrs.length === 0) return [];
    const daddr = `${family === 4 ? 'ip' : 'ip6'} daddr { ${cidrs.join(', ')} }`;
    return [`# nft add rule inet filter forward ${daddr} ct state new tcp dport != { 80, 443 } drop`];
  });
  if (rules.length === 0) return '';
  return [
    '# Whoever has these routes reaches every port of every pod. A rule for the router that lets through only',
    '# the pod ports you mean (here 80 and 443; SRV records show the ports of a Service):',
    ...rules,
    '',
  ].join('\n');
}

function routeLine({ node, cidr, via, fault }: PlannedRoute): string {
  if (fault || !cidr || !via) return `# ${node}${cidr ? ` ${cidrText(cidr)}` : ''}: ${fault?.text ?? 'no next hop'}`;
  return `ip ${ipFamily(cidr.address) === 6 ? '-6 ' : ''}route add ${cidrText(cidr)} via ${via}`;
}
