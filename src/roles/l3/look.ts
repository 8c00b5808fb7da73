import { hostname } from 'node:os';
import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import { ENDPOINT_SLICES } from '../../core/object/resources.ts';
import { ROUTE_NODES, type RouteNode } from '../../core/object/route-node.ts';
import { ROUTE_SERVICES, type RouteService } from '../../core/object/route-service.ts';
import type { AnnouncementInputs } from '../../core/plan/announcements.ts';
import { ok, type Result } from '../../core/value/result.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import type { RoleContext } from '../role.ts';

export interface Look {
  readonly services: readonly RouteService[];
  readonly nodes: readonly RouteNode[];
  /** What the agent of this node plans from. */
  readonly inputs: AnnouncementInputs;
}

/** Reads the cluster once, for commands that look and end. */
export async function lookAtCluster(context: RoleContext<'l3'>, client: KubeClient): Promise<Result<Look>> {
  const { settings, log, signal, clock } = context;
  const services = await listAll(client, ROUTE_SERVICES, log, signal);
  if (!services.ok) return services;
  const slices = await listAll(client, ENDPOINT_SLICES, log, signal);
  if (!slices.ok) return slices;
  const nodes = await listAll(client, ROUTE_NODES, log, signal);
  if (!nodes.ok) return nodes;
  const bySlice: ReadonlyMap<string, readonly EndpointSlice[]> = Map.groupBy(slices.value, (one) => `${one.namespace}/${one.serviceName}`);
  const byName = new Map(nodes.value.map((node) => [node.name, node]));
  return ok({
    services: services.value,
    nodes: nodes.value,
    inputs: {
      loadBalancerClass: settings.loadBalancerClass,
      prefixes: settings.prefixes,
      node: settings.nodeName || hostname(),
      services: services.value,
      slicesOf: (key) => bySlice.get(key) ?? [],
      nodeOf: (name) => byName.get(name),
      drainSeconds: settings.drainSeconds,
      drainTaint: settings.drainTaint,
      holdSeconds: settings.holdSeconds,
      nowMs: clock.now(),
      seen: new Map(),
    },
  });
}
