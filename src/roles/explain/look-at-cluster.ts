import type { ClaimInput } from '../../core/claim/claim-book.ts';
import type { Claimant } from '../../core/explain/claim-notes.ts';
import { claimantsOf } from '../../core/explain/claimants.ts';
import type { Node } from '../../core/object/node.ts';
import { keyOf, type Meta } from '../../core/object/raw.ts';
import {
  ENDPOINT_SLICES,
  GATEWAYS,
  INGRESSES,
  LISTENER_SETS,
  NAMESPACES,
  NODES,
  type OptionalResource,
  ROUTES,
  SERVICES,
  X_LISTENER_SETS,
} from '../../core/object/resources.ts';
import type { Service } from '../../core/object/service.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { ClusterView } from '../../core/zone/zone.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { discoverKinds, kindId } from '../../shell/kube/discovery.ts';
import { listAll } from '../../shell/kube/list.ts';
import type { Log } from '../../shell/telemetry/log.ts';

/** The cluster at one moment, as a server would know it. */
export interface ClusterLook {
  readonly view: ClusterView;
  readonly nodes: readonly Node[];
  readonly services: () => Iterable<Service>;
  readonly claimants: () => Iterable<Claimant>;
  /** Objects that claim names or decide about it, Services too. */
  readonly inputs: readonly (readonly [kind: ClaimInput, key: string])[];
}

/** Kinds that claim names or decide about it, and that a cluster need not have. */
export const OPTIONAL = [
  INGRESSES,
  NAMESPACES,
  GATEWAYS,
  LISTENER_SETS,
  X_LISTENER_SETS,
  ROUTES.HTTPRoute,
  ROUTES.GRPCRoute,
  ROUTES.TLSRoute,
];

/** Lists all that names come from. Services and EndpointSlices must be readable; other kinds are named in the log where they are not. */
export async function lookAtCluster(client: KubeClient, log: Log, signal: AbortSignal): Promise<Result<ClusterLook, 'cannot-look'>> {
  const [services, slices] = await Promise.all([listAll(client, SERVICES, log, signal), listAll(client, ENDPOINT_SLICES, log, signal)]);
  if (!services.ok) return err('cannot-look', `Services cannot be listed: ${services.detail}`);
  if (!slices.ok) return err('cannot-look', `EndpointSlices cannot be listed: ${slices.detail}`);
  const [nodes, served] = await Promise.all([listAll(client, NODES, log, signal), discoverKinds(client, OPTIONAL, signal)]);
  if (!nodes.ok) log.warn('Nodes cannot be listed, so answers that depend on them are missing here', { detail: nodes.detail });
  if (!served.ok) log.warn('the API server does not say which kinds it serves, so only Services are looked at', { detail: served.detail });
  const list = async <T extends Meta>(resource: OptionalResource<T>): Promise<ReadonlyMap<string, T>> => {
    const path = served.ok ? served.value.get(kindId(resource)) : undefined;
    if (path === undefined) return new Map();
    const { kind, group, project } = resource;
    const listed = await listAll(client, { apiVersion: group, kind, path, project }, log, signal);
    if (!listed.ok) log.warn(`${kind} objects cannot be listed, so what they claim is missing here`, { detail: listed.detail });
    return byKey(listed.ok ? listed.value : []);
  };
  const [ingresses, namespaces, gateways] = [await list(INGRESSES), await list(NAMESPACES), await list(GATEWAYS)];
  const sets = { ListenerSet: await list(LISTENER_SETS), XListenerSet: await list(X_LISTENER_SETS) };
  const routes = {
    HTTPRoute: await list(ROUTES.HTTPRoute),
    GRPCRoute: await list(ROUTES.GRPCRoute),
    TLSRoute: await list(ROUTES.TLSRoute),
  };
  const known = byKey(services.value);
  const byService = Map.groupBy(slices.value, (slice) => `${slice.namespace}/${slice.serviceName}`);
  const all = { Namespace: namespaces, Gateway: gateways, ...sets, ...routes, Ingress: ingresses, Service: known };
  return ok({
    view: {
      service: (key) => known.get(key),
      slices: (key) => byService.get(key) ?? [],
      ingress: (key) => ingresses.get(key),
      gateway: (key) => gateways.get(key),
      namespace: (key) => namespaces.get(key),
      listenerSet: (kind, key) => sets[kind].get(key),
      route: (kind, key) => routes[kind].get(key),
    },
    nodes: nodes.ok ? nodes.value : [],
    services: () => known.values(),
    claimants: () =>
      claimantsOf(
        known.values(),
        ingresses.values(),
        Object.values(routes).flatMap((each) => [...each.values()]),
      ),
    inputs: Object.entries(all).flatMap(([kind, objects]) => [...objects.keys()].map((key) => [kind as keyof typeof all, key] as const)),
  });
}

function byKey<T extends Meta>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}
