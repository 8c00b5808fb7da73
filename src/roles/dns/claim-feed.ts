import type { ClaimInput, ClaimView } from '../../core/claim/claim-book.ts';
import type { Gateway } from '../../core/object/gateway.ts';
import type { Ingress } from '../../core/object/ingress.ts';
import type { ListenerSet } from '../../core/object/listener-set.ts';
import type { Namespace } from '../../core/object/namespace.ts';
import { GATEWAYS, INGRESSES, LISTENER_SETS, NAMESPACES, ROUTES, X_LISTENER_SETS } from '../../core/object/resources.ts';
import { ROUTE_KINDS, type Route } from '../../core/object/route.ts';
import { createOptionalKinds, type OptionalKinds, type OptionalKindsOptions, optionalKind } from '../../shell/kube/optional-kinds.ts';
import { createStore } from '../../shell/kube/store.ts';

export interface ClaimFeedOptions extends Omit<OptionalKindsOptions, 'kinds'> {
  /** An object that may change claims was added, changed or deleted. */
  readonly claimsChanged: (kind: Exclude<ClaimInput, 'Service'>, key: string) => void;
}

/** The objects that claim names beside Services. */
export interface ClaimFeed {
  readonly view: Omit<ClaimView, 'service'>;
  readonly ingresses: () => Iterable<Ingress>;
  readonly routes: () => Iterable<Route>;
  readonly optional: OptionalKinds;
}

/** Starts watching what the API serves of them; `signal` ends it. */
export function createClaimFeed(options: ClaimFeedOptions, signal: AbortSignal): ClaimFeed {
  const { claimsChanged } = options;
  const ingresses = createStore<Ingress>();
  const gateways = createStore<Gateway>();
  const namespaces = createStore<Namespace>();
  const listenerSets = { ListenerSet: createStore<ListenerSet>(), XListenerSet: createStore<ListenerSet>() };
  const routes = { HTTPRoute: createStore<Route>(), GRPCRoute: createStore<Route>(), TLSRoute: createStore<Route>() };
  const told = (kind: Exclude<ClaimInput, 'Service'>) => (change: { readonly key: string }) => claimsChanged(kind, change.key);
  const kinds = [
    optionalKind(INGRESSES, ingresses, told('Ingress')),
    // Namespaces matter to the selectors of Gateways only.
    optionalKind(NAMESPACES, namespaces, told('Namespace'), GATEWAYS),
    optionalKind(GATEWAYS, gateways, told('Gateway')),
    optionalKind(LISTENER_SETS, listenerSets.ListenerSet, told('ListenerSet')),
    optionalKind(X_LISTENER_SETS, listenerSets.XListenerSet, told('XListenerSet')),
    ...ROUTE_KINDS.map((kind) => optionalKind(ROUTES[kind], routes[kind], told(kind))),
  ];
  return {
    view: {
      ingress: ingresses.get,
      gateway: gateways.get,
      namespace: namespaces.get,
      listenerSet: (kind, key) => listenerSets[kind].get(key),
      route: (kind, key) => routes[kind].get(key),
    },
    ingresses: ingresses.values,
    routes: () => ROUTE_KINDS.flatMap((kind) => [...routes[kind].values()]),
    optional: createOptionalKinds({ ...options, kinds }, signal),
  };
}
