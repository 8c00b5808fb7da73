import type { Gateway } from '../object/gateway.ts';
import type { ListenerSet } from '../object/listener-set.ts';
import type { ParentKind, Route, RouteKind } from '../object/route.ts';
import type { GatewayView } from './attachment.ts';

export interface RouteId {
  readonly kind: RouteKind;
  readonly key: string;
}

/** Which routes depend on which Gateways, ListenerSets and Namespaces. */
export interface GatewayIndex {
  /** Notes what a route refers to; `undefined` when it is gone. */
  readonly setRoute: (kind: RouteKind, key: string, route: Route | undefined) => void;
  /**
   * The routes whose claims may change with this object. None when nothing changed in it that matters here: a Gateway's status
   * changes with every route that comes and goes.
   */
  readonly routesBehind: (view: GatewayView, kind: ParentKind | 'Namespace', key: string) => readonly RouteId[];
}

interface RouteEntry extends RouteId {
  readonly parents: readonly string[];
}

export function createGatewayIndex(): GatewayIndex {
  const routes = new Map<string, RouteEntry>();
  const byParent = new Map<string, Set<RouteEntry>>();
  /** ListenerSet → its Gateway. */
  const sets = new Map<string, string>();
  /** What mattered in each Gateway and ListenerSet when it was last looked at. */
  const seen = new Map<string, string>();

  function setRoute(kind: RouteKind, key: string, route: Route | undefined): void {
    const id = `${kind} ${key}`;
    const before = routes.get(id);
    for (const parent of before?.parents ?? []) drop(byParent, parent, before);
    routes.delete(id);
    if (!route) return;
    const parents = [...new Set(route.parents.map((ref) => `${ref.kind} ${ref.namespace}/${ref.name}`))];
    const entry = { kind, key, parents };
    routes.set(id, entry);
    for (const parent of parents) put(byParent, parent, entry);
  }

  function routesBehind(view: GatewayView, kind: ParentKind | 'Namespace', key: string): readonly RouteId[] {
    if (kind === 'Namespace') return inNamespace(key);
    const id = `${kind} ${key}`;
    const object = kind === 'Gateway' ? view.gateway(key) : view.listenerSet(kind, key);
    const now = object ? essence(object) : undefined;
    if (seen.get(id) === now && now !== undefined) return [];
    if (now === undefined) seen.delete(id);
    else seen.set(id, now);
    if (kind !== 'Gateway') setListenerSet(id, view.listenerSet(kind, key));
    const through = kind === 'Gateway' ? [...sets].filter(([, gateway]) => gateway === key).map(([set]) => set) : [];
    return [id, ...through].flatMap((parent) => [...(byParent.get(parent) ?? [])]);
  }

  function setListenerSet(id: string, set: ListenerSet | undefined): void {
    if (set) sets.set(id, set.gateway);
    else sets.delete(id);
  }

  /** Routes of the namespace, and those of its ListenerSets: both may be selected by its labels. */
  function inNamespace(namespace: string): readonly RouteId[] {
    const own = [...routes.values()].filter((entry) => entry.key.startsWith(`${namespace}/`));
    const through = [...sets.keys()].filter((set) => set.slice(set.indexOf(' ') + 1).startsWith(`${namespace}/`));
    return [...new Set([...own, ...through.flatMap((set) => [...(byParent.get(set) ?? [])])])];
  }

  return { setRoute, routesBehind };
}

function essence(object: Gateway | ListenerSet): string {
  const common = [object.ignored, object.listeners];
  return JSON.stringify(
    'gateway' in object
      ? [...common, object.gateway, object.accepted]
      : [...common, object.gatewayClass, object.listenerSets, object.points],
  );
}

function put<T>(index: Map<string, Set<T>>, key: string, value: T): void {
  const known = index.get(key);
  if (known) known.add(value);
  else index.set(key, new Set([value]));
}

function drop<T>(index: Map<string, Set<T>>, key: string, value: T | undefined): void {
  const known = index.get(key);
  if (value !== undefined) known?.delete(value);
  if (known?.size === 0) index.delete(key);
}
