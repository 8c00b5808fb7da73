import type { ClaimView } from '../../src/core/claim/claim-book.ts';
import type { Gateway, Listener } from '../../src/core/object/gateway.ts';
import type { Ingress } from '../../src/core/object/ingress.ts';
import type { ListenerSet } from '../../src/core/object/listener-set.ts';
import type { Namespace } from '../../src/core/object/namespace.ts';
import type { Meta } from '../../src/core/object/raw.ts';
import type { ParentRef, Route, RouteKind } from '../../src/core/object/route.ts';
import type { IngressPoint, Service } from '../../src/core/object/service.ts';
import { type DnsName, parseDnsName } from '../../src/core/value/dns-name.ts';
import { parseIp } from '../../src/core/value/ip.ts';

/** Short ways to write the objects that claim names; everything not named is the API's default. */
export function dnsName(text: string): DnsName {
  const name = parseDnsName(text);
  if (!name.ok) throw new Error(`the test names a name that is none: ${name.detail}`);
  return name.value;
}

function metaOf(key: string): Meta {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name, uid: `uid-${key}`, resourceVersion: '1', created: '2026-01-01T00:00:00Z' };
}

/** Addresses and host names as a status lists them. */
export function points(...texts: readonly string[]): readonly IngressPoint[] {
  return texts.map((text) => {
    const ip = parseIp(text);
    return ip ? { ip } : { hostname: text };
  });
}

export function ingress(key: string, hosts: readonly string[], over: Partial<Ingress> = {}): Ingress {
  return { ...metaOf(key), ingressClass: 'nginx', hosts, points: points('192.0.2.1'), ...over };
}

export function listener(hostname: string, over: Partial<Listener> = {}): Listener {
  return { name: 'web', hostname, port: 80, protocol: 'HTTP', namespaces: { from: 'Same' }, ...over };
}

export function gateway(key: string, listeners: readonly Listener[], over: Partial<Gateway> = {}): Gateway {
  return { ...metaOf(key), gatewayClass: 'envoy', listeners, listenerSets: { from: 'None' }, points: points('192.0.2.10'), ...over };
}

export function listenerSet(key: string, gatewayKey: string, listeners: readonly Listener[], over: Partial<ListenerSet> = {}): ListenerSet {
  return { ...metaOf(key), gateway: gatewayKey, listeners, accepted: true, ...over };
}

/** A parent that has accepted the route; `key` is `namespace/name`. */
export function parent(key: string, over: Partial<ParentRef> = {}): ParentRef {
  const [namespace = '', name = ''] = key.split('/');
  return { kind: 'Gateway', namespace, name, sectionName: '', port: 0, accepted: true, ...over };
}

export function route(key: string, hostnames: readonly string[], parents: readonly ParentRef[], over: Partial<Route> = {}): Route {
  return { ...metaOf(key), kind: 'HTTPRoute', hostnames, parents, ...over };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Namespace {
  return { ...metaOf(`/${name}`), labels };
}

/** Claiming objects that a test may change at will. Routes are under `kind namespace/name`, and so are ListenerSets. */
export interface TestClaims extends ClaimView {
  readonly services: Map<string, Service>;
  readonly ingresses: Map<string, Ingress>;
  readonly routes: Map<string, Route>;
  readonly gateways: Map<string, Gateway>;
  readonly listenerSets: Map<string, ListenerSet>;
  readonly namespaces: Map<string, Namespace>;
}

export function testClaims(services: Map<string, Service> = new Map()): TestClaims {
  const ingresses = new Map<string, Ingress>();
  const routes = new Map<string, Route>();
  const gateways = new Map<string, Gateway>();
  const listenerSets = new Map<string, ListenerSet>();
  const namespaces = new Map<string, Namespace>();
  return {
    services,
    ingresses,
    routes,
    gateways,
    listenerSets,
    namespaces,
    service: (key) => services.get(key),
    ingress: (key) => ingresses.get(key),
    route: (kind: RouteKind, key) => routes.get(`${kind} ${key}`),
    gateway: (key) => gateways.get(key),
    listenerSet: (kind, key) => listenerSets.get(`${kind} ${key}`),
    namespace: (name) => namespaces.get(name),
  };
}
