import type { Claimant } from '../../core/explain/claim-notes.ts';
import { claimantsOf } from '../../core/explain/claimants.ts';
import type { EndpointSlice } from '../../core/object/endpoint-slice.ts';
import type { Node } from '../../core/object/node.ts';
import type { Meta } from '../../core/object/raw.ts';
import { ENDPOINT_SLICES, NODES, type Resource, SERVICES } from '../../core/object/resources.ts';
import type { Service } from '../../core/object/service.ts';
import type { ClusterView } from '../../core/zone/zone.ts';
import { type Change, createReflector, type Reflector, type ReflectorObserver, type ReflectorOptions } from '../../shell/kube/reflector.ts';
import { createStore, type Store } from '../../shell/kube/store.ts';
import { type ClaimFeedOptions, createClaimFeed } from './claim-feed.ts';

/** How long the first sync waits for kinds that may be missing, once all others are there. */
const OPTIONAL_MS_MAX = 10_000;

export interface ClusterFeedOptions
  extends Pick<ReflectorOptions<Meta>, 'client' | 'clock' | 'random' | 'log' | 'observer' | 'resyncSeconds'> {
  /** A Service, or one of its slices, was added, changed or deleted. `key` is the Service's. */
  readonly serviceChanged: (key: string, what: 'service' | 'endpoints') => void;
  readonly nodesChanged: () => void;
  /** An object that claims names, or decides about it, was added, changed or deleted; Services are told of by `serviceChanged`. */
  readonly claimsChanged: ClaimFeedOptions['claimsChanged'];
  /**
   * Called once, when Services and EndpointSlices have been listed, Nodes too unless they are forbidden, and the kinds that may be missing, for
   * which it waits 10 s at most.
   */
  readonly synced: () => void;
}

/** The cluster as the DNS role knows it: kept up to date by watches, and kept as it was while the API server is away. */
export interface ClusterFeed {
  readonly view: ClusterView;
  readonly services: Store<Service>;
  readonly slices: Store<EndpointSlice>;
  readonly nodes: Store<Node>;
  /** False while Nodes may not be read: then nothing can be said about routes. */
  readonly nodesKnown: () => boolean;
  /** Objects that may claim names. */
  readonly claimants: () => Iterable<Claimant>;
  /** Kinds that the API does not serve. */
  readonly missing: () => readonly string[];
  readonly closed: Promise<unknown>;
  /** What the first sync still waits for, a line each; empty for ever after it. */
  readonly waiting: () => readonly string[];
  /** Kinds that are watched, with their state. */
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
}

/** Starts watching; `signal` ends it. */
export function createClusterFeed(options: ClusterFeedOptions, signal: AbortSignal): ClusterFeed {
  const services = createStore<Service>();
  const slices = createStore<EndpointSlice>({ indexBy: serviceKeyOf });
  const nodes = createStore<Node>();
  const observer: ReflectorObserver = {
    ...options.observer,
    restarted: (kind, reason) => {
      options.observer.restarted(kind, reason);
      // A refusal may be the last thing that the first sync waited for; the reflector's state shows it after this call.
      queueMicrotask(latch);
    },
  };
  const watch = <T extends Meta>(resource: Resource<T>, store: Store<T>, onChange: (change: Change<T>) => void) =>
    createReflector({ ...options, ...resource, observer, store, onChange }, signal);

  const nodeWatch = watch(NODES, nodes, () => options.nodesChanged());
  const watched = [
    [SERVICES.kind, watch(SERVICES, services, (change) => options.serviceChanged(change.key, 'service')), services] as const,
    [ENDPOINT_SLICES.kind, watch(ENDPOINT_SLICES, slices, (change) => forEachService(change, options.serviceChanged)), slices] as const,
    [NODES.kind, nodeWatch, nodes] as const,
  ];
  const claims = createClaimFeed({ ...options, observer: options.observer, changed: () => latch() }, signal);
  let latched = false;
  let patience: 'untried' | 'waiting' | 'over' = 'untried';
  const missing = () => watched.filter(([kind, { state }]) => !state().synced && !(kind === NODES.kind && state().code === 'forbidden'));
  function latch(): void {
    if (latched || missing().length > 0) return;
    if (claims.optional.waiting().length > 0 && patience !== 'over') {
      if (patience === 'untried') waitForOptional();
      return;
    }
    latched = true;
    options.synced();
  }
  function waitForOptional(): void {
    patience = 'waiting';
    void options.clock.after(OPTIONAL_MS_MAX, signal).then(() => {
      patience = 'over';
      if (!signal.aborted) latch();
    });
  }
  const waiting = (): readonly string[] => {
    if (latched) return [];
    const required = missing().map(([kind, { state }]) => `${kind} not listed yet: ${state().error ?? 'in progress'}`);
    return required.length > 0 ? required : claims.optional.waiting();
  };
  for (const [, reflector] of watched) void reflector.ready.then(latch);
  return {
    view: { ...claims.view, service: services.get, slices: slices.indexed },
    services,
    slices,
    nodes,
    nodesKnown: () => nodeWatch.state().synced,
    claimants: () => claimantsOf(services.values(), claims.ingresses(), claims.routes()),
    missing: claims.optional.missing,
    closed: Promise.all([...watched.map(([, reflector]) => reflector.closed), claims.optional.closed]),
    waiting,
    kinds: () => [...watched.map(([kind, reflector, store]) => [kind, reflector, store.size()] as const), ...claims.optional.kinds()],
  };
}

function serviceKeyOf(slice: EndpointSlice): string {
  return `${slice.namespace}/${slice.serviceName}`;
}

/** A slice may be given to another Service: both change. */
function forEachService(change: Change<EndpointSlice>, serviceChanged: ClusterFeedOptions['serviceChanged']): void {
  const before = change.before && serviceKeyOf(change.before);
  const after = change.after && serviceKeyOf(change.after);
  if (before !== undefined && before !== after) serviceChanged(before, 'endpoints');
  if (after !== undefined) serviceChanged(after, 'endpoints');
}
