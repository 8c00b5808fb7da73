import type { CiliumNode } from '../../core/object/cilium-node.ts';
import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import type { Node } from '../../core/object/node.ts';
import type { Meta } from '../../core/object/raw.ts';
import { CILIUM_NODE_KIND, ENDPOINT_SLICES, NODES, type Resource } from '../../core/object/resources.ts';
import { createOptionalKinds, optionalKind } from '../../shell/kube/optional-kinds.ts';
import { createReflector, type Reflector, type ReflectorObserver, type ReflectorOptions } from '../../shell/kube/reflector.ts';
import { createStore, type Store } from '../../shell/kube/store.ts';

export interface RouteFeedOptions
  extends Pick<ReflectorOptions<Meta>, 'client' | 'clock' | 'random' | 'log' | 'observer' | 'resyncSeconds'> {
  /** Called from the first sync on. */
  readonly changed: (what: 'nodes' | 'endpoints') => void;
  /** Called once, when nothing is waited for any more. */
  readonly synced: () => void;
}

/** What routes come from, kept as it was while the API server is away. */
export interface RouteFeed {
  readonly nodes: Store<Node>;
  readonly slices: Store<EndpointSlice>;
  readonly ciliumNodes: Store<CiliumNode>;
  /** What the first sync still waits for, a line each; empty for ever after it. */
  readonly waiting: () => readonly string[];
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
  readonly closed: Promise<unknown>;
}

/**
 * Watches Nodes, EndpointSlices and, where they are, CiliumNodes. The first sync waits for Nodes, and for the others until they are listed,
 * refused or known to be missing, however long that takes: without CiliumNodes the Nodes' own podCIDRs might lead nowhere.
 */
export function createRouteFeed(options: RouteFeedOptions, signal: AbortSignal): RouteFeed {
  const nodes = createStore<Node>();
  const slices = createStore<EndpointSlice>();
  const ciliumNodes = createStore<CiliumNode>();
  let latched = false;
  const told = (what: 'nodes' | 'endpoints') => () => {
    if (latched) options.changed(what);
  };
  const observer: ReflectorObserver = {
    ...options.observer,
    restarted: (kind, reason) => {
      options.observer.restarted(kind, reason);
      // A refusal may be the last thing that the first sync waited for; the reflector's state shows it after this call.
      queueMicrotask(latch);
    },
  };
  const watch = <T extends Meta>(resource: Resource<T>, store: Store<T>, onChange: () => void) =>
    [resource.kind, createReflector({ ...options, ...resource, observer, store, onChange }, signal), store] as const;
  const watched = [watch(NODES, nodes, told('nodes')), watch(ENDPOINT_SLICES, slices, told('endpoints'))] as const;
  const optional = createOptionalKinds(
    { ...options, kinds: [optionalKind(CILIUM_NODE_KIND, ciliumNodes, told('nodes'))], changed: () => latch() },
    signal,
  );
  const missing = () => watched.filter(([kind, { state }]) => !state().synced && !(kind !== NODES.kind && state().code === 'forbidden'));
  const waiting = (): readonly string[] => {
    if (latched) return [];
    return [...missing().map(([kind, { state }]) => `${kind} not listed yet: ${state().error ?? 'in progress'}`), ...optional.waiting()];
  };
  function latch(): void {
    if (latched || signal.aborted || waiting().length > 0) return;
    latched = true;
    options.synced();
  }
  for (const [, reflector] of watched) void reflector.ready.then(latch);
  return {
    nodes,
    slices,
    ciliumNodes,
    waiting,
    kinds: () => [...watched.map(([kind, reflector, store]) => [kind, reflector, store.size()] as const), ...optional.kinds()],
    closed: Promise.all([...watched.map(([, reflector]) => reflector.closed), optional.closed]),
  };
}
