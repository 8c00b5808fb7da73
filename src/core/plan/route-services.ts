import { compact, refOf } from '../object/raw.ts';
import type { RouteService } from '../object/route-service.ts';
import { ownerOf, type ServiceOwner, type StatusOrigin } from '../object/service-class.ts';
import type { Cidr, Ip } from '../value/ip.ts';
import type { Notice, NoticeCode } from '../value/notice.ts';
import { isInside } from './node-addresses.ts';

/** What makes a Service by route. */
export interface RouteClass {
  /** `-class`. */
  readonly loadBalancerClass: string;
  /** `-prefix`. */
  readonly prefixes: readonly Cidr[];
}

/** Whose the Service is, as by route sees it: other ways count as nobody. */
export function routeOwner(service: RouteService, { loadBalancerClass, prefixes }: RouteClass): ServiceOwner {
  const classes = { byName: '', byProxy: '', byRoute: loadBalancerClass, routePrefixes: prefixes, classless: false };
  return ownerOf(service, classes, statusOrigin(service, prefixes));
}

export function isByRoute(service: RouteService, routeClass: RouteClass): boolean {
  const owner = routeOwner(service, routeClass);
  return owner.kind === 'way' && owner.way === 'route';
}

/** The addresses that the status gives the Service and that may be announced. */
export function heldIps(service: RouteService, prefixes: readonly Cidr[]): readonly Ip[] {
  return compact(service.ingress.map((entry) => entry.ip)).filter((ip) => isInside(ip, prefixes));
}

/** Says whose claim to an address is older: by creationTimestamp, then uid. Allocator and agents decide by the same rule. */
export function compareAge(a: RouteService, b: RouteService): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0;
}

/**
 * Whether two Services may have one address: the same `minilb/share`, namespace and class, no port in common, and both with policy
 * Cluster or the same selector (else a node would take traffic of the one because it has a pod of the other).
 */
export function mayShare(a: RouteService, b: RouteService): boolean {
  const key = a.annotations['minilb/share'] ?? '';
  const same = key !== '' && key === b.annotations['minilb/share'] && a.namespace === b.namespace;
  if (!same || a.loadBalancerClass !== b.loadBalancerClass) return false;
  if (a.ports.some((one) => b.ports.some((other) => one.port === other.port && one.protocol === other.protocol))) return false;
  return (!a.localPolicy && !b.localPolicy) || (a.selector !== '' && a.selector === b.selector);
}

/**
 * Gives each address to those Services whose status holds it and that may have it together: the oldest and what shares with all kept so
 * far. The API server checks no uniqueness across objects, so two can hold one address after a race.
 */
export function resolveHolders(
  services: readonly RouteService[],
  prefixes: readonly Cidr[],
): { readonly holders: ReadonlyMap<Ip, readonly RouteService[]>; readonly losers: ReadonlyMap<RouteService, readonly Ip[]> } {
  const holders = new Map<Ip, RouteService[]>();
  const losers = new Map<RouteService, Ip[]>();
  for (const service of [...services].sort(compareAge)) {
    for (const ip of new Set(heldIps(service, prefixes))) {
      const kept = holders.get(ip);
      if (!kept) holders.set(ip, [service]);
      else if (kept.every((other) => mayShare(service, other))) kept.push(service);
      else losers.set(service, [...(losers.get(service) ?? []), ip]);
    }
  }
  return { holders, losers };
}

export function serviceNotice(service: RouteService, code: NoticeCode, text: string): Notice {
  return { object: refOf('v1', 'Service', service), code, text };
}

function statusOrigin(service: RouteService, prefixes: readonly Cidr[]): StatusOrigin {
  const none = service.ingress.length === 0 && service.statusIsVips;
  const ours = service.statusIsVips && service.ingress.every((entry) => entry.ip !== undefined && isInside(entry.ip, prefixes));
  return { writer: none ? 'nobody' : ours ? 'route' : 'other', emptySeconds: 0, overwritten: false };
}
