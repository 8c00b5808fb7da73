import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import type { Claim, ClaimKind } from './claim.ts';
import { isWildcard, labelCount, suffixOf } from './host.ts';
import { type HostPolicy, judgeHost, type PolicyVerdict } from './policy.ts';

/** Why a claim may not be: as the Event's text explains. */
export type Refusal =
  | Exclude<PolicyVerdict, 'allowed'>
  | 'apex' // the zone's own name
  | 'name-server' // a name of the zone's servers
  | 'namespace-node' // `<ns>.<domain>` of a namespace with Services
  | 'other-namespace'; // below that of another namespace

/** Why a claim that may be does not get the name. */
export type Loss =
  | 'service-name' // a Service has this name
  | 'older' // an object of another namespace had it first
  | 'precedence'; // another object of the same namespace comes first

export type ClaimOutcome =
  | { readonly claim: Claim; readonly kind: 'owner' }
  | { readonly claim: Claim; readonly kind: 'lost'; readonly loss: Loss; readonly to: Claim | undefined }
  | { readonly claim: Claim; readonly kind: 'refused'; readonly refusal: Refusal };

/** Who has a name. */
export interface Decision {
  readonly pattern: DnsName;
  /** The claim whose target the name answers; for a wildcard, names with one label in place of the `*`. */
  readonly winner: Claim | undefined;
  /** For a wildcard: names with more labels in place of the `*`. */
  readonly deep: Claim | undefined;
  readonly outcomes: readonly ClaimOutcome[];
}

/** What a decision depends on besides the claims. */
export interface DecisionFacts {
  readonly domain: DnsName;
  readonly policy: HostPolicy;
  /** The zone's servers keep their names. */
  readonly isNameServer: (name: DnsName) => boolean;
  /** True when a Service of this namespace has a name in the zone. */
  readonly hasServices: (namespace: string) => boolean;
  /** `namespace/name` of the Service that has this very name. */
  readonly serviceAt: (name: DnsName) => string | undefined;
}

const KIND_RANK: { readonly [K in ClaimKind]: number } = { Service: 0, Ingress: 1, HTTPRoute: 2, GRPCRoute: 2, TLSRoute: 2 };

/**
 * Decides who of those that claim a name has it.
 *
 * Names at or below the domain are Services' first. Then the namespace whose object is the oldest, whatever its kind: a new annotation
 * must not take over a Route that has served for years. Inside that namespace: Service annotation, Ingress, Route; then by name. Objects
 * of one kind and namespace with equal targets own a name together (paths split over several Ingresses), and so do routes on one Gateway.
 */
export function decideName(pattern: DnsName, claims: readonly Claim[], facts: DecisionFacts): Decision {
  const refusals = claims.map((claim) => refusalOf(pattern, claim.source.namespace, facts));
  const able = claims.filter((_, i) => refusals[i] === undefined);
  const service = isWildcard(pattern) ? undefined : facts.serviceAt(pattern);
  const winner = service === undefined ? firstOf(able) : able.find((claim) => isAnnotationOf(claim, service));
  const deep = isWildcard(pattern) ? firstOf(able.filter((claim) => claim.reach === 'many')) : undefined;
  const outcomes = claims.map((claim, i): ClaimOutcome => {
    const refusal = refusals[i];
    if (refusal) return { claim, kind: 'refused', refusal };
    if ((winner && owns(claim, winner)) || (deep && owns(claim, deep))) return { claim, kind: 'owner' };
    return { claim, kind: 'lost', loss: lossOf(claim, winner, service), to: winner };
  });
  return { pattern, winner, deep, outcomes };
}

function lossOf(claim: Claim, winner: Claim | undefined, service: string | undefined): Loss {
  return service === undefined ? lossTo(claim, winner) : 'service-name';
}

/** Why a claim loses to another one. */
export function lossTo(claim: Claim, winner: Claim | undefined): Loss {
  return winner?.source.namespace === claim.source.namespace ? 'precedence' : 'older';
}

/** True for the winner, and for a claim that has the name together with it. */
export function owns(claim: Claim, winner: Claim): boolean {
  if (claim === winner) return true;
  const alike = claim.source.kind === winner.source.kind && claim.source.namespace === winner.source.namespace;
  if (alike && claim.target.key === winner.target.key) return true;
  return claim.gateways?.some((gateway) => winner.gateways?.includes(gateway)) ?? false;
}

function isAnnotationOf(claim: Claim, service: string): boolean {
  return claim.source.kind === 'Service' && `${claim.source.namespace}/${claim.source.name}` === service;
}

function firstOf(claims: readonly Claim[]): Claim | undefined {
  if (claims.length < 2) return claims[0];
  const oldest = claims.reduce((best, claim) => (comesFirst(seniority(claim), seniority(best)) ? claim : best));
  return claims
    .filter(({ source }) => source.namespace === oldest.source.namespace)
    .reduce((best, claim) => (comesFirst(rank(claim), rank(best)) ? claim : best));
}

function seniority({ source }: Claim): readonly (string | number)[] {
  return [source.created, source.namespace];
}

function rank({ source }: Claim): readonly (string | number)[] {
  return [KIND_RANK[source.kind], source.name, source.kind];
}

function comesFirst(a: readonly (string | number)[], b: readonly (string | number)[]): boolean {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? '';
    if (value !== other) return value < other;
  }
  return false;
}

function refusalOf(pattern: DnsName, namespace: string, facts: DecisionFacts): Refusal | undefined {
  const verdict = judgeHost(facts.policy, pattern, namespace);
  if (verdict !== 'allowed') return verdict;
  if (facts.isNameServer(pattern)) return 'name-server';
  return isAtOrBelow(suffixOf(pattern), facts.domain) ? refusalInDomain(pattern, namespace, facts) : undefined;
}

/** What is between the domain and a name is a namespace's when that has Services; what lies below is its alone. */
function refusalInDomain(pattern: DnsName, namespace: string, facts: DecisionFacts): Refusal | undefined {
  if (pattern === facts.domain) return 'apex';
  const node = namespaceNodeOf(pattern, facts.domain);
  if (node === undefined || !facts.hasServices(node)) return undefined;
  const below = labelCount(pattern) - labelCount(facts.domain) > 1;
  if (!below) return 'namespace-node';
  return node === namespace ? undefined : 'other-namespace';
}

/** The label right before the domain: a namespace's, if it has Services. None for the apex, `*.<domain>`, and names elsewhere. */
export function namespaceNodeOf(pattern: DnsName, domain: DnsName): string | undefined {
  const name = suffixOf(pattern);
  if (name === domain || !isAtOrBelow(name, domain)) return undefined;
  return name
    .slice(0, name.length - domain.length - 1)
    .split('.')
    .at(-1);
}
