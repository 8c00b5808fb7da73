import type { Result } from '../value/result.ts';
import { type CiliumNode, toCiliumNode } from './cilium-node.ts';
import { type EndpointSlice, toEndpointSlice } from './endpoint-slice.ts';
import { type Node, toNode } from './node.ts';
import type { Meta } from './raw.ts';
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
