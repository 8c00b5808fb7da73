import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import type { Meta } from '../../core/object/raw.ts';
import { ENDPOINT_SLICES, type Resource } from '../../core/object/resources.ts';
import { ROUTE_NODES, type RouteNode } from '../../core/object/route-node.ts';
import { ROUTE_SERVICES, type RouteService } from '../../core/object/route-service.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../../shell/kube/reflector.ts';
import { createStore, type Store } from '../../shell/kube/store.ts';

export interface L3FeedOptions extends Pick<ReflectorOptions<Meta>, 'client' | 'clock' | 'random' | 'log' | 'observer' | 'resyncSeconds'> {
  /** The allocator does without EndpointSlices. */
  readonly endpoints: boolean;
  readonly changed: () => void;
}

/** The cluster as by route knows it, kept as it was while the API server is away. */
export interface L3Feed {
  readonly services: Store<RouteService>;
  readonly slices: Store<EndpointSlice>;
  readonly nodes: Store<RouteNode>;
  /** Resolves when every kind has been listed in full. */
  readonly synced: Promise<unknown>;
  /** What the first sync still waits for, a line each. */
  readonly waiting: () => readonly string[];
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
  readonly closed: Promise<unknown>;
}

/** Starts watching Services, Nodes and, where wanted, EndpointSlices; `signal` ends it. */
export function createL3Feed(options: L3FeedOptions, signal: AbortSignal): L3Feed {
  const services = createStore<RouteService>();
  const slices = createStore<EndpointSlice>({ indexBy: (slice) => `${slice.namespace}/${slice.serviceName}` });
  const nodes = createStore<RouteNode>();
  const watch = <T extends Meta>(resource: Resource<T>, store: Store<T>) => {
    const reflector = createReflector({ ...options, ...resource, store, onChange: options.changed }, signal);
    return [resource.kind, reflector, store] as const;
  };
  const watched = [
    watch(ROUTE_SERVICES, services),
    watch(ROUTE_NODES, nodes),
    ...(options.endpoints ? [watch(ENDPOINT_SLICES, slices)] : []),
  ] as const;
  const missing = () => watched.filter(([, reflector]) => !reflector.state().synced);
  return {
    services,
    slices,
    nodes,
    synced: Promise.all(watched.map(([, reflector]) => reflector.ready)),
    waiting: () => missing().map(([kind, reflector]) => `${kind} not listed yet: ${reflector.state().error ?? 'in progress'}`),
    kinds: () => watched.map(([kind, reflector, store]) => [kind, reflector, store.size()] as const),
    closed: Promise.all(watched.map(([, reflector]) => reflector.closed)),
  };
}
