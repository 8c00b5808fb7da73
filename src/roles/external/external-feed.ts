import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import { EXTERNAL_NODES, type ExternalNode } from '../../core/object/external-node.ts';
import { EXTERNAL_SERVICES, type ExternalService } from '../../core/object/external-service.ts';
import { LOAD_BALANCERS, type LoadBalancer } from '../../core/object/load-balancer.ts';
import { LOAD_BALANCER_CONFIGS, type LoadBalancerConfig } from '../../core/object/load-balancer-config.ts';
import type { Meta } from '../../core/object/raw.ts';
import { ENDPOINT_SLICES, type Resource } from '../../core/object/resources.ts';
import type { Change } from '../../shell/kube/live-set.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../../shell/kube/reflector.ts';
import { createStore, type Store } from '../../shell/kube/store.ts';

export interface ExternalFeedOptions
  extends Pick<ReflectorOptions<Meta>, 'client' | 'clock' | 'random' | 'log' | 'observer' | 'resyncSeconds'> {
  /** Something has changed that a plan may depend on: most of what Nodes and endpoints do is no matter here. */
  readonly changed: () => void;
}

/** The cluster as by proxy knows it, kept as it was while the API server is away. */
export interface ExternalFeed {
  readonly services: Store<ExternalService>;
  readonly nodes: Store<ExternalNode>;
  readonly slices: Store<EndpointSlice>;
  readonly balancers: Store<LoadBalancer>;
  readonly configs: Store<LoadBalancerConfig>;
  /** Resolves when every kind has been listed in full; decisions wait for it. */
  readonly synced: Promise<unknown>;
  /** What the first sync still waits for, a line each. */
  readonly waiting: () => readonly string[];
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
  readonly closed: Promise<unknown>;
}

/** Starts watching; `signal` ends it. */
export function createExternalFeed(options: ExternalFeedOptions, signal: AbortSignal): ExternalFeed {
  const services = createStore<ExternalService>();
  const nodes = createStore<ExternalNode>();
  const slices = createStore<EndpointSlice>({ indexBy: (slice) => `${slice.namespace}/${slice.serviceName}` });
  const balancers = createStore<LoadBalancer>();
  const configs = createStore<LoadBalancerConfig>();
  const watch = <T extends Meta>(resource: Resource<T>, store: Store<T>, matters: (change: Change<T>) => boolean = () => true) => {
    const onChange = (change: Change<T>) => {
      if (matters(change)) options.changed();
    };
    const reflector = createReflector({ ...options, ...resource, store, onChange }, signal);
    return [resource.kind, reflector, store] as const;
  };
  /** Where its endpoints are decides about a Service's targets with policy Local alone. */
  const isFollowed = (slice: EndpointSlice | undefined) =>
    slice !== undefined && services.get(`${slice.namespace}/${slice.serviceName}`)?.localPolicy === true;
  const watched = [
    watch(LOAD_BALANCER_CONFIGS, configs),
    watch(LOAD_BALANCERS, balancers),
    watch(EXTERNAL_SERVICES, services, ({ before, after }) => isBalanced(before) || isBalanced(after)),
    watch(EXTERNAL_NODES, nodes, ({ before, after }) => targetFacts(before) !== targetFacts(after)),
    watch(ENDPOINT_SLICES, slices, ({ before, after }) => isFollowed(before) || isFollowed(after)),
  ] as const;
  const missing = () => watched.filter(([, reflector]) => !reflector.state().synced);
  return {
    services,
    nodes,
    slices,
    balancers,
    configs,
    synced: Promise.all(watched.map(([, reflector]) => reflector.ready)),
    waiting: () => missing().map(([kind, reflector]) => `${kind} not listed yet: ${reflector.state().error ?? 'in progress'}`),
    kinds: () => watched.map(([kind, reflector, store]) => [kind, reflector, store.size()] as const),
    closed: Promise.all(watched.map(([, reflector]) => reflector.closed)),
  };
}

function isBalanced(service: ExternalService | undefined): boolean {
  return service?.type === 'LoadBalancer';
}

/** What of a Node makes it a target; its heartbeats do not. */
function targetFacts(node: ExternalNode | undefined): string {
  return node ? JSON.stringify([node.ready, node.excluded, node.addresses]) : '';
}
