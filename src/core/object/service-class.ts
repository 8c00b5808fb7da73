import { type Cidr, cidrContains, type Ip, parseIp } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import { compact, refOf } from './raw.ts';
import type { Service } from './service.ts';

/** What the three ways call their class unless told otherwise. */
export const OWN_CLASSES: readonly string[] = ['minilb', 'minilb-l3', 'lb.paperlb.com/paperlb-class'];

/** The ways of minilb: by name (`minilb dns`), by route (`minilb l3`), by proxy (`minilb external`). */
export type Way = 'name' | 'route' | 'proxy';

export interface ServiceClasses {
  /** `spec.loadBalancerClass` of each way. */
  readonly byName: string;
  readonly byRoute: string;
  readonly byProxy: string;
  /** Networks that addresses by route come from. */
  readonly routePrefixes: readonly Cidr[];
  /** Whether by proxy takes Services without a class. */
  readonly classless: boolean;
}

/** Where the entries of `status.loadBalancer.ingress` come from, as the asking role can tell. */
export interface StatusOrigin {
  /** `nobody` when there are none. */
  readonly writer: 'nobody' | 'route' | 'proxy' | 'other';
  /** For how long there have been none. */
  readonly emptySeconds: number;
  /** Another controller has replaced what by proxy wrote there. */
  readonly overwritten: boolean;
}

export type ServiceOwner =
  | { readonly kind: 'way'; readonly way: Way }
  /** Ours if nobody else takes it for this long. */
  | { readonly kind: 'waiting'; readonly way: 'proxy'; readonly seconds: number }
  | {
      readonly kind: 'nobody';
      readonly reason: 'not-a-load-balancer' | 'other-class' | 'classless-off' | 'claimed-by-other' | 'overwritten';
    };

/** A Service without a class is by proxy when nobody else has taken it for this long. */
export const CLASSLESS_WAIT_SECONDS = 30;

/**
 * Decides whose a Service is.
 *
 * | class | address in an l3 prefix requested | status written by | owner |
 * |-------|------|-------|-------|
 * | ours  | –    | –     | that way |
 * | another's | – | –    | nobody |
 * | none  | yes  | nobody, by route | by route |
 * | none  | yes  | by proxy, other  | nobody: claimed by other |
 * | none  | no   | by proxy         | by proxy, if `classless` |
 * | none  | no   | nobody for 30 s  | by proxy, if `classless`; once overwritten by another: nobody |
 * | none  | no   | by route, other  | nobody: claimed by other |
 */
export function ownerOf(service: Service, classes: ServiceClasses, status: StatusOrigin): ServiceOwner {
  if (service.type !== 'LoadBalancer') return { kind: 'nobody', reason: 'not-a-load-balancer' };
  if (service.loadBalancerClass !== '') {
    const way = wayOfClass(service.loadBalancerClass, classes);
    return way ? { kind: 'way', way } : { kind: 'nobody', reason: 'other-class' };
  }
  const wanted: Way = requestsAddressIn(service, classes.routePrefixes) ? 'route' : 'proxy';
  if (wanted === 'proxy' && !classes.classless) return { kind: 'nobody', reason: 'classless-off' };
  if (wanted === 'proxy' && status.overwritten) return { kind: 'nobody', reason: 'overwritten' };
  if (status.writer !== 'nobody' && status.writer !== wanted) return { kind: 'nobody', reason: 'claimed-by-other' };
  if (wanted === 'proxy' && status.writer === 'nobody' && status.emptySeconds < CLASSLESS_WAIT_SECONDS)
    return { kind: 'waiting', way: 'proxy', seconds: CLASSLESS_WAIT_SECONDS - status.emptySeconds };
  return { kind: 'way', way: wanted };
}

/** True when the Service is by name; its class alone decides that, whatever its status says. */
export function isByName(service: Service, loadBalancerClass: string): boolean {
  return service.type === 'LoadBalancer' && service.loadBalancerClass === loadBalancerClass;
}

/** Addresses that the Service asks for: `minilb/address` (comma-separated), `spec.loadBalancerIP`, `spec.externalIPs`. */
export function requestedAddresses(service: Service): readonly Ip[] {
  const annotated = compact((service.annotations['minilb/address'] ?? '').split(',').map((text) => parseIp(text.trim())));
  return [...annotated, ...(service.requestedIps ?? [])];
}

/** What to tell the user of a Service that another controller has; nothing for other owners. */
export function ownerNotices(service: Service, owner: ServiceOwner): readonly Notice[] {
  if (owner.kind !== 'nobody' || (owner.reason !== 'claimed-by-other' && owner.reason !== 'overwritten')) return [];
  const text =
    owner.reason === 'overwritten'
      ? 'Another controller has replaced the status that minilb wrote; minilb leaves this Service to it. Set spec.loadBalancerClass to choose.'
      : 'Another controller has written the status of this Service, which has no spec.loadBalancerClass; minilb leaves it alone.';
  return [{ object: refOf('v1', 'Service', service), code: 'ClaimedByOther', text }];
}

function wayOfClass(name: string, classes: ServiceClasses): Way | undefined {
  if (name === classes.byName) return 'name';
  if (name === classes.byRoute) return 'route';
  return name === classes.byProxy ? 'proxy' : undefined;
}

function requestsAddressIn(service: Service, prefixes: readonly Cidr[]): boolean {
  return requestedAddresses(service).some((ip) => prefixes.some((prefix) => cidrContains(prefix, ip)));
}
