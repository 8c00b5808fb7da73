import type { Ingress } from '../object/ingress.ts';
import { ROUTE_KINDS, type Route, type RouteKind } from '../object/route.ts';
import type { Service } from '../object/service.ts';
import type { DnsName } from '../value/dns-name.ts';
import type { GatewayView } from './attachment.ts';
import {
  type Claim,
  type ClaimKind,
  type ClaimOptions,
  claimsOfIngress,
  claimsOfRoute,
  claimsOfService,
  type ObjectClaims,
} from './claim.ts';
import { namespaceNodeOf } from './decision.ts';
import { createGatewayIndex } from './gateway-index.ts';

/** The objects that claim names and those that decide about it, as the stores hold them. */
export interface ClaimView extends GatewayView {
  readonly service: (key: string) => Service | undefined;
  readonly ingress: (key: string) => Ingress | undefined;
  readonly route: (kind: RouteKind, key: string) => Route | undefined;
}

/** Kinds whose changes can change claims. */
export type ClaimInput = ClaimKind | 'Gateway' | 'ListenerSet' | 'XListenerSet' | 'Namespace';

/** Who claims what, kept up to date one object at a time. */
export interface ClaimBook {
  /**
   * Brings everything that depends on this object up to date: its own claims, or those of the routes attached through it. Returns the
   * patterns whose claims changed. Running it again returns none.
   */
  readonly update: (view: ClaimView, kind: ClaimInput, key: string) => readonly DnsName[];
  /** All claims of one pattern, in no order. */
  readonly claims: (pattern: DnsName) => readonly Claim[];
  readonly patterns: () => Iterable<DnsName>;
  /** The patterns at or below `<namespace>.<domain>`. */
  readonly patternsIn: (namespace: string) => Iterable<DnsName>;
  /** How many objects' claims have been worked out so far: shows what a change costs. */
  readonly examined: () => number;
}

const NONE: readonly never[] = [];

export function createClaimBook(options: ClaimOptions): ClaimBook {
  /** Most patterns have one claim: a list only where there are more. */
  const byPattern = new Map<DnsName, Claim | readonly Claim[]>();
  const byObject = new Map<string, readonly Claim[]>();
  const byNode = new Map<string, Set<DnsName>>();
  const gateways = createGatewayIndex();
  let examined = 0;

  function update(view: ClaimView, kind: ClaimInput, key: string): readonly DnsName[] {
    if (kind === 'Service' || kind === 'Ingress') return examine(view, kind, key);
    if (!isRouteKind(kind)) {
      const touched = gateways.routesBehind(view, kind, key).flatMap((id) => examine(view, id.kind, id.key));
      return [...new Set(touched)];
    }
    gateways.setRoute(kind, key, view.route(kind, key));
    return examine(view, kind, key);
  }

  function examine(view: ClaimView, kind: ClaimKind, key: string): readonly DnsName[] {
    const id = `${kind} ${key}`;
    const found = claimsOf(view, kind, key, options);
    if (found) examined++;
    const before = byObject.get(id) ?? NONE;
    const kept = new Map(before.map((claim) => [claim.pattern, claim]));
    const after = (found?.claims ?? NONE).map((claim) => unlessSame(kept.get(claim.pattern), claim));
    if (after.length > 0) byObject.set(id, after);
    else byObject.delete(id);
    const gone = before.filter((claim) => !after.includes(claim));
    const come = after.filter((claim) => !before.includes(claim));
    for (const claim of gone) remove(claim);
    for (const claim of come) add(claim);
    return [...new Set([...gone, ...come].map(({ pattern }) => pattern))];
  }

  function add(claim: Claim): void {
    const { pattern } = claim;
    const held = asList(byPattern.get(pattern));
    byPattern.set(pattern, held.length === 0 ? claim : [...held, claim]);
    const node = namespaceNodeOf(pattern, options.domain);
    if (node === undefined) return;
    const known = byNode.get(node);
    if (known) known.add(pattern);
    else byNode.set(node, new Set([pattern]));
  }

  function remove(claim: Claim): void {
    const { pattern } = claim;
    const rest = asList(byPattern.get(pattern)).filter((held) => held !== claim);
    const [only] = rest;
    if (only) {
      byPattern.set(pattern, rest.length === 1 ? only : rest);
      return;
    }
    byPattern.delete(pattern);
    const node = namespaceNodeOf(pattern, options.domain);
    const known = node === undefined ? undefined : byNode.get(node);
    known?.delete(pattern);
    if (node !== undefined && known?.size === 0) byNode.delete(node);
  }

  return {
    update,
    claims: (pattern) => asList(byPattern.get(pattern)),
    patterns: () => byPattern.keys(),
    patternsIn: (namespace) => [...(byNode.get(namespace) ?? NONE)],
    examined: () => examined,
  };
}

/** What one object claims and why not more; `undefined` when there is no such object. */
export function claimsOf(view: ClaimView, kind: ClaimKind, key: string, options: ClaimOptions): ObjectClaims | undefined {
  if (kind === 'Service') {
    const service = view.service(key);
    return service && claimsOfService(service, options);
  }
  if (kind === 'Ingress') {
    const ingress = view.ingress(key);
    return ingress && claimsOfIngress(ingress, options);
  }
  const route = view.route(kind, key);
  return route && claimsOfRoute(route, view, options);
}

export function isClaimKind(kind: string): kind is ClaimKind {
  return kind === 'Service' || kind === 'Ingress' || isRouteKind(kind);
}

export function isRouteKind(kind: string): kind is RouteKind {
  return ROUTE_KINDS.some((known) => known === kind);
}

/** The claim that is known already when the new one says nothing else, so that identity means sameness. */
function unlessSame(known: Claim | undefined, claim: Claim): Claim {
  const same =
    known &&
    known.source.uid === claim.source.uid &&
    known.source.created === claim.source.created &&
    known.target.key === claim.target.key &&
    known.gateways?.join() === claim.gateways?.join();
  return same ? known : claim;
}

function asList(held: Claim | readonly Claim[] | undefined): readonly Claim[] {
  if (held === undefined) return NONE;
  return Array.isArray(held) ? (held as readonly Claim[]) : [held as Claim];
}
