import type { Gateway, Listener, NamespaceRule } from '../object/gateway.ts';
import { selects } from '../object/label-selector.ts';
import type { ListenerSet } from '../object/listener-set.ts';
import type { Namespace } from '../object/namespace.ts';
import type { ParentKind, ParentRef, Route, RouteKind } from '../object/route.ts';
import type { DnsName } from '../value/dns-name.ts';
import { ANY_HOST, intersectHosts, parseHost } from './host.ts';

/** The objects that decide about an attachment, by `namespace/name`; Namespaces by name. */
export interface GatewayView {
  readonly gateway: (key: string) => Gateway | undefined;
  readonly listenerSet: (kind: Exclude<ParentKind, 'Gateway'>, key: string) => ListenerSet | undefined;
  readonly namespace: (name: string) => Namespace | undefined;
}

/** Why a parent, or one listener of it, gives a route no name. */
export type AttachmentFault =
  | 'not-accepted' // the parent's controller has not accepted the route, or has not judged it yet
  | 'no-parent' // no such Gateway or ListenerSet
  | 'ignored' // the parent has the label minilb/ignore
  | 'other-class' // the Gateway is of a class that -gateway-class leaves out
  | 'no-address' // the Gateway has no status address yet
  | 'listener-set-not-accepted'
  | 'listener-set-not-allowed' // the Gateway's allowedListeners leave it out
  | 'no-listener' // sectionName or port names none
  | 'protocol' // a listener for another kind of route
  | 'kind-not-allowed' // allowedRoutes.kinds
  | 'namespace-not-allowed' // allowedRoutes.namespaces
  | 'no-intersection'; // hostnames that have nothing in common

/** A host that a route has through one listener. */
export interface Attachment {
  readonly host: DnsName;
  /** `namespace/name` of the Gateway behind the listener. */
  readonly gateway: string;
  readonly parent: ParentRef;
  readonly listener: string;
  /** Why the listener's controller has not accepted it; the name stands all the same. */
  readonly refusal?: string;
}

export interface RefusedParent {
  readonly parent: ParentRef;
  /** Empty when the whole parent is meant. */
  readonly listener: string;
  readonly fault: AttachmentFault;
}

export interface Attachments {
  readonly attached: readonly Attachment[];
  readonly refused: readonly RefusedParent[];
  /** Hostnames, of the route or a listener, that are no host. */
  readonly badHosts: readonly string[];
}

type HostOrAny = DnsName | typeof ANY_HOST;

/** Listener protocols that a kind of route suits when the listener does not name kinds itself. */
const PROTOCOLS: { readonly [K in RouteKind]: readonly string[] } = {
  HTTPRoute: ['HTTP', 'HTTPS'],
  GRPCRoute: ['HTTP', 'HTTPS'],
  TLSRoute: ['TLS'],
};

/**
 * The hosts that a route has through its parents (Gateway API, "Route attachment"). A parent counts when it stands in `spec.parentRefs`
 * and its controller has accepted the route; listeners are then filtered by `sectionName`, `port`, protocol, `allowedRoutes`, and by
 * what their hostname and the route's have in common.
 */
export function attachRoute(route: Route, view: GatewayView, gatewayClasses: readonly string[]): Attachments {
  const attached: Attachment[] = [];
  const refused: RefusedParent[] = [];
  const badHosts = new Set<string>();
  const parse = (text: string): HostOrAny | undefined => {
    if (text === '') return ANY_HOST;
    const host = parseHost(text);
    if (!host.ok) badHosts.add(text);
    return host.ok ? host.value : undefined;
  };
  const wanted = (route.hostnames.length > 0 ? route.hostnames : ['']).flatMap((text) => parse(text) ?? []);
  for (const parent of route.parents) {
    const found = findListeners(parent, view, gatewayClasses);
    if (typeof found === 'string') {
      refused.push({ parent, listener: '', fault: found });
      continue;
    }
    for (const listener of found.listeners) {
      const fault = listenerFault(route, listener, found.namespace, view);
      const hosts = fault ? [] : intersections(parse(listener.hostname), wanted);
      const { name, refusal } = listener;
      const through = { gateway: found.gateway, parent, listener: name, ...(refusal !== undefined && { refusal }) };
      attached.push(...hosts.map((host) => ({ host, ...through })));
      if (fault || hosts.length === 0) refused.push({ parent, listener: listener.name, fault: fault ?? 'no-intersection' });
    }
  }
  return { attached, refused, badHosts: [...badHosts] };
}

interface FoundListeners {
  readonly gateway: string;
  /** Where the listeners stand: what `from: Same` means. */
  readonly namespace: string;
  readonly listeners: readonly Listener[];
}

function findListeners(parent: ParentRef, view: GatewayView, classes: readonly string[]): FoundListeners | AttachmentFault {
  if (!parent.accepted) return 'not-accepted';
  const key = `${parent.namespace}/${parent.name}`;
  const set = parent.kind === 'Gateway' ? undefined : view.listenerSet(parent.kind, key);
  if (parent.kind !== 'Gateway' && !set) return 'no-parent';
  const gatewayKey = set ? set.gateway : key;
  const gateway = view.gateway(gatewayKey);
  const fault = gateway ? (gatewayFault(gateway, classes) ?? (set && listenerSetFault(set, gateway, view))) : 'no-parent';
  if (!gateway || fault) return fault ?? 'no-parent';
  const listeners = (set ?? gateway).listeners.filter((listener) => isNamed(parent, listener));
  return listeners.length > 0 ? { gateway: gatewayKey, namespace: parent.namespace, listeners } : 'no-listener';
}

function gatewayFault(gateway: Gateway, classes: readonly string[]): AttachmentFault | undefined {
  if (gateway.ignored) return 'ignored';
  if (classes.length > 0 && !classes.includes(gateway.gatewayClass)) return 'other-class';
  return gateway.points.length > 0 ? undefined : 'no-address';
}

function listenerSetFault(set: ListenerSet, gateway: Gateway, view: GatewayView): AttachmentFault | undefined {
  if (set.ignored) return 'ignored';
  if (!allows(gateway.listenerSets, gateway.namespace, set.namespace, view)) return 'listener-set-not-allowed';
  return set.accepted ? undefined : 'listener-set-not-accepted';
}

/** `sectionName` and `port` must both fit where both are given (ParentReference.port). */
function isNamed(parent: ParentRef, listener: Listener): boolean {
  return (parent.sectionName === '' || parent.sectionName === listener.name) && (parent.port === 0 || parent.port === listener.port);
}

function listenerFault(route: Route, listener: Listener, namespace: string, view: GatewayView): AttachmentFault | undefined {
  // Some controllers take TLSRoutes on HTTPS listeners that name the kind.
  const named = listener.kinds?.includes(route.kind) ?? false;
  const suits = PROTOCOLS[route.kind].includes(listener.protocol) || (named && route.kind === 'TLSRoute' && listener.protocol === 'HTTPS');
  if (!suits) return 'protocol';
  if (listener.kinds && !named) return 'kind-not-allowed';
  return allows(listener.namespaces, namespace, route.namespace, view) ? undefined : 'namespace-not-allowed';
}

function allows(rule: NamespaceRule, own: string, other: string, view: GatewayView): boolean {
  switch (rule.from) {
    case 'All':
      return true;
    case 'Same':
      return own === other;
    case 'None':
      return false;
    case 'Selector': {
      const labels = view.namespace(other)?.labels;
      return rule.selector !== undefined && labels !== undefined && selects(rule.selector, labels);
    }
  }
}

/** A listener and a route that both take any host name none. */
function intersections(listener: HostOrAny | undefined, wanted: readonly HostOrAny[]): readonly DnsName[] {
  if (listener === undefined) return [];
  return wanted.flatMap((route) => {
    const host = intersectHosts(listener, route);
    return host === undefined || host === ANY_HOST ? [] : [host];
  });
}
