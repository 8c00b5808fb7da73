import { type Node, toNode } from '../../src/core/object/node.ts';
import { planRoutes } from '../../src/core/plan/routes.ts';
import { renderRouteLines } from '../../src/core/router/route-lines.ts';
import type { RouteFormat } from '../../src/core/settings/formats.ts';
import { parseIp } from '../../src/core/value/ip.ts';

function node(name: string, podCIDRs: readonly string[], ips: readonly string[]): Node {
  const addresses = ips.map((address) => ({ type: 'InternalIP', address }));
  const parsed = toNode({ metadata: { name, uid: name }, spec: { podCIDRs }, status: { addresses } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const nodes = [
  node('a', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.30', 'fd00:1::30']),
  node('b', ['10.244.2.0/24'], ['192.168.1.31']),
  node('evil', ['0.0.0.0/1'], ['192.168.1.66']),
];
const plan = planRoutes({ nodes, ciliumNodes: [], evidence: new Map(), via: [], cidrs: [], reserved: [] });

/** What `minilb routes -format` prints for two Nodes and a hostile one. */
export function plannedText(format: RouteFormat): string {
  const text = renderRouteLines(plan, format, parseIp('192.168.1.1'));
  if (!text.ok) throw new Error(text.detail);
  return text.value;
}

/** What a router holds when it has understood. */
export const PLANNED = ['10.244.0.0/24 via 192.168.1.30', '10.244.2.0/24 via 192.168.1.31', 'fd00:244::/64 via fd00:1::30'];
