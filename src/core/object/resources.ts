import type { Result } from '../value/result.ts';
import { type CiliumNode, toCiliumNode } from './cilium-node.ts';
import { type EndpointSlice, toEndpointSlice } from './endpoint-slice.ts';
import { GATEWAY_GROUP, type Gateway, toGateway } from './gateway.ts';
import { type Ingress, toIngress } from './ingress.ts';
import { type ListenerSet, toListenerSet } from './listener-set.ts';
import { type Namespace, toNamespace } from './namespace.ts';
import { type Node, toNode } from './node.ts';
import type { Meta } from './raw.ts';
import { EXPERIMENTAL_GROUP, type Route, type RouteKind, toRoute } from './route.ts';
import { type Service, toService } from './service.ts';

/** A kind that minilb lists and watches: where the API serves it, and how one object becomes a stripped value. */
export interface Resource<T extends Meta> {
  readonly apiVersion: string;
  readonly kind: string;
  /** The collection over all namespaces. */
  readonly path: string;
  readonly project: (raw: unknown) => Result<T, 'malformed' | 'not-ours'>;
}

export const SERVICES: Resource<Service> = { apiVersion: 'v1', kind: 'Service', path: '/api/v1/services', project: toService };

export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  path: '/apis/discovery.k8s.io/v1/endpointslices',
  project: toEndpointSlice,
};

export const NODES: Resource<Node> = { apiVersion: 'v1', kind: 'Node', path: '/api/v1/nodes', project: toNode };

/** Optional: served only where Cilium is. */
export const CILIUM_NODES: Resource<CiliumNode> = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNode',
  path: '/apis/cilium.io/v2/ciliumnodes',
  project: toCiliumNode,
};

/** A kind that may be missing, or be served in one version or another: where it is served is asked at run time. */
export interface OptionalResource<T extends Meta> {
  /** Empty for core/v1. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Versions that `project` reads, best first. */
  readonly versions: readonly string[];
  readonly project: (raw: unknown) => Result<T, 'malformed' | 'not-ours'>;
}

/** The same for those who watch. */
export const CILIUM_NODE_KIND: OptionalResource<CiliumNode> = {
  group: 'cilium.io',
  kind: 'CiliumNode',
  plural: 'ciliumnodes',
  versions: ['v2'],
  project: toCiliumNode,
};

export const NAMESPACES: OptionalResource<Namespace> = {
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  versions: ['v1'],
  project: toNamespace,
};

export const INGRESSES: OptionalResource<Ingress> = {
  group: 'networking.k8s.io',
  kind: 'Ingress',
  plural: 'ingresses',
  versions: ['v1'],
  project: toIngress,
};

export const GATEWAYS: OptionalResource<Gateway> = {
  group: GATEWAY_GROUP,
  kind: 'Gateway',
  plural: 'gateways',
  versions: ['v1', 'v1beta1'],
  project: toGateway,
};

/** In the standard channel since Gateway API 1.5. */
export const LISTENER_SETS: OptionalResource<ListenerSet> = {
  group: GATEWAY_GROUP,
  kind: 'ListenerSet',
  plural: 'listenersets',
  versions: ['v1'],
  project: toListenerSet,
};

/** What ListenerSet was called while it was experimental (Gateway API 1.3 and 1.4). */
export const X_LISTENER_SETS: OptionalResource<ListenerSet> = {
  group: EXPERIMENTAL_GROUP,
  kind: 'XListenerSet',
  plural: 'xlistenersets',
  versions: ['v1alpha1'],
  project: toListenerSet,
};

/** TLSRoute was v1alpha2 and v1alpha3 before it was v1, GRPCRoute v1alpha2: the fields that matter here stayed the same. */
export const ROUTES: { readonly [K in RouteKind]: OptionalResource<Route> } = {
  HTTPRoute: routeResource('HTTPRoute', ['v1', 'v1beta1']),
  GRPCRoute: routeResource('GRPCRoute', ['v1', 'v1alpha2']),
  TLSRoute: routeResource('TLSRoute', ['v1', 'v1alpha3', 'v1alpha2']),
};

function routeResource(kind: RouteKind, versions: readonly string[]): OptionalResource<Route> {
  return { group: GATEWAY_GROUP, kind, plural: `${kind.toLowerCase()}s`, versions, project: toRoute(kind) };
}
