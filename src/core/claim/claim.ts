import type { Ingress } from '../object/ingress.ts';
import type { Meta } from '../object/raw.ts';
import type { Route, RouteKind } from '../object/route.ts';
import type { IngressPoint, Service } from '../object/service.ts';
import { type DnsName, joinName } from '../value/dns-name.ts';
import { type Attachments, attachRoute, type GatewayView } from './attachment.ts';
import { parseHost, type Reach } from './host.ts';

/** Kinds of objects that claim names. */
export type ClaimKind = 'Service' | 'Ingress' | RouteKind;

/** The object that makes a claim. */
export interface ClaimSource {
  readonly kind: ClaimKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339 text, which sorts as time. */
  readonly created: string;
}

/** Where a claimed name leads. Claims with the same `key` lead to the same place. */
export interface ClaimTarget {
  readonly key: string;
  readonly points: readonly IngressPoint[];
  /** True for a Service's own annotation: the name is the Service's, SRV records included. */
  readonly service: boolean;
}

/** One object that wants one name. */
export interface Claim {
  readonly source: ClaimSource;
  /** A name, or `*.` and a name. */
  readonly pattern: DnsName;
  readonly reach: Reach;
  readonly target: ClaimTarget;
  /** `namespace/name` of the Gateways that a route has this host through. */
  readonly gateways?: readonly string[];
}

/** Why an object claims nothing, or not all that it says. */
export type ClaimFault =
  | { readonly code: 'ignored' | 'other-class' | 'no-address' | 'no-host' }
  | { readonly code: 'bad-host'; readonly host: string; readonly detail: string }
  | { readonly code: 'too-many-hosts'; readonly detail: string };

export interface ObjectClaims {
  readonly source: ClaimSource;
  readonly claims: readonly Claim[];
  readonly faults: readonly ClaimFault[];
  /** For routes: what each parent and listener said. */
  readonly attachments?: Attachments;
}

export interface ClaimOptions {
  readonly domain: DnsName;
  /** `-ingress-class`; empty: all. */
  readonly ingressClasses: readonly string[];
  /** `-gateway-class`; empty: all. */
  readonly gatewayClasses: readonly string[];
}

/** Most hosts one `minilb/host` may list; the API itself bounds the other kinds. */
const ANNOTATED_HOSTS_MAX = 256;

const NOTHING: readonly Claim[] = [];

/** What a Service claims by `minilb/host`: comma-separated names, `*` for one or more labels. */
export function claimsOfService(service: Service, options: ClaimOptions): ObjectClaims {
  const source = sourceOf('Service', service);
  const text = service.annotations['minilb/host'];
  if (text === undefined) return { source, claims: NOTHING, faults: [] };
  if (service.ignored) return { source, claims: NOTHING, faults: [{ code: 'ignored' }] };
  const own = joinName(service.name, service.namespace, options.domain);
  if (!own) return { source, claims: NOTHING, faults: [{ code: 'no-address' }] };
  const all = text.split(',').filter((part) => part.trim() !== '');
  const { hosts, faults } = parseHosts(all.slice(0, ANNOTATED_HOSTS_MAX));
  if (all.length > ANNOTATED_HOSTS_MAX)
    faults.push({ code: 'too-many-hosts', detail: `only the first ${ANNOTATED_HOSTS_MAX} of ${all.length} names count` });
  const target = { key: `service ${own}`, points: [{ hostname: own }], service: true };
  return { source, claims: hosts.map((pattern) => ({ source, pattern, reach: 'many', target })), faults };
}

/** What an Ingress claims: the hosts of its rules, once its status says where they lead (a pending one must not take a working name away). */
export function claimsOfIngress(ingress: Ingress, options: ClaimOptions): ObjectClaims {
  const { ingressClasses } = options;
  const source = sourceOf('Ingress', ingress);
  if (ingress.ignored) return { source, claims: NOTHING, faults: [{ code: 'ignored' }] };
  if (ingressClasses.length > 0 && !ingressClasses.includes(ingress.ingressClass))
    return { source, claims: NOTHING, faults: [{ code: 'other-class' }] };
  const { hosts, faults } = parseHosts(ingress.hosts);
  if (ingress.hosts.length === 0) faults.push({ code: 'no-host' });
  if (ingress.points.length === 0) return { source, claims: NOTHING, faults: [...faults, { code: 'no-address' }] };
  const target = targetOf(ingress.points);
  return { source, claims: hosts.map((pattern) => ({ source, pattern, reach: 'one', target })), faults };
}

/** What a route claims: each host it has through its parents, leading to all addresses of the Gateways behind it. */
export function claimsOfRoute(route: Route, view: GatewayView, options: ClaimOptions): ObjectClaims {
  const source = sourceOf(route.kind, route);
  if (route.ignored) return { source, claims: NOTHING, faults: [{ code: 'ignored' }] };
  const attachments = attachRoute(route, view, options.gatewayClasses);
  const claims: Claim[] = [];
  for (const [pattern, found] of Map.groupBy(attachments.attached, ({ host }) => host)) {
    const gateways = [...new Set(found.map(({ gateway }) => gateway))].sort();
    const target = targetOf(gateways.flatMap((key) => view.gateway(key)?.points ?? []));
    claims.push({ source, pattern, reach: 'many', target, gateways });
  }
  const faults: ClaimFault[] = attachments.badHosts.map((host) => badHost(host));
  if (claims.length === 0 && attachments.refused.length === 0) faults.push({ code: 'no-host' });
  return { source, claims, faults, attachments };
}

function parseHosts(texts: readonly string[]): { readonly hosts: readonly DnsName[]; readonly faults: ClaimFault[] } {
  const hosts = new Set<DnsName>();
  const faults: ClaimFault[] = [];
  for (const text of texts) {
    const host = parseHost(text);
    if (host.ok) hosts.add(host.value);
    else faults.push(badHost(text));
  }
  return { hosts: [...hosts], faults };
}

function badHost(text: string): ClaimFault {
  const host = parseHost(text);
  return { code: 'bad-host', host: text.trim(), detail: host.ok ? '' : host.detail };
}

/** Equal points in any order are one target. */
function targetOf(points: readonly IngressPoint[]): ClaimTarget {
  const texts = points.flatMap(({ ip, hostname }) => [...(ip ? [ip] : []), ...(hostname ? [hostname] : [])]);
  return { key: [...new Set(texts)].sort().join(' '), points, service: false };
}

function sourceOf(kind: ClaimKind, { namespace, name, uid, created }: Meta): ClaimSource {
  return { kind, namespace, name, uid, created };
}
