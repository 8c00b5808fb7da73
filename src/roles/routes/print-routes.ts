import { CILIUM_NODES, ENDPOINT_SLICES, NODES } from '../../core/object/resources.ts';
import { findOutsideEndpoints } from '../../core/plan/route-evidence.ts';
import { planRoutes, podCidrsOf } from '../../core/plan/routes.ts';
import { renderRouteLines } from '../../core/router/route-lines.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';

/**
 * Prints the routes to the pods in the router's words, and the rules that belong beside them. 1 when Nodes cannot be read; without
 * EndpointSlices or CiliumNodes it says on standard error what could not be judged.
 */
export async function printRoutes(
  client: KubeClient,
  options: Pick<RoleContext<'routes'>['settings'], 'via' | 'cidrs' | 'routeFormat' | 'gateway'>,
  context: Pick<RoleContext, 'stdout' | 'stderr' | 'log' | 'signal'>,
): Promise<ExitCode> {
  const { stdout, stderr, log, signal } = context;
  const [nodes, slices, ciliumNodes] = await Promise.all([
    listAll(client, NODES, log, signal),
    listAll(client, ENDPOINT_SLICES, log, signal),
    listAll(client, CILIUM_NODES, log, signal),
  ]);
  if (!nodes.ok) {
    stderr(`minilb routes: Nodes cannot be listed: ${nodes.detail}\n`);
    return 1;
  }
  if (!slices.ok) stderr(`minilb routes: EndpointSlices cannot be listed, so podCIDRs are not checked against pods: ${slices.detail}\n`);
  if (!ciliumNodes.ok && ciliumNodes.code !== 'not-found')
    stderr(`minilb routes: CiliumNodes cannot be listed, so podCIDRs are the Nodes' own: ${ciliumNodes.detail}\n`);
  const cilium = ciliumNodes.ok ? ciliumNodes.value : [];
  const evidence = findOutsideEndpoints(nodes.value, podCidrsOf(cilium), slices.ok ? slices.value : []);
  const { via, cidrs } = options;
  const plan = planRoutes({ nodes: nodes.value, ciliumNodes: cilium, evidence, via, cidrs, reserved: [] });
  const text = renderRouteLines(plan, options.routeFormat, options.gateway);
  if (!text.ok) return giveUp(context, text.detail);
  stdout(text.value);
  return 0;
}
