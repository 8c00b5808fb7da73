import type { Claim, ClaimKind } from '../claim/claim.ts';
import { claimsOf, isRouteKind } from '../claim/claim-book.ts';
import { type ClaimOutcome, type Decision, lossTo, namespaceNodeOf, owns } from '../claim/decision.ts';
import { isWildcard, labelCount, matchesHost, parseHost, suffixOf } from '../claim/host.ts';
import { describeSource, lossText, refusalText } from '../claim/notices.ts';
import { judgeHost } from '../claim/policy.ts';
import type { IngressPoint } from '../object/service.ts';
import { type DnsName, joinName } from '../value/dns-name.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import type { ClusterView, Zone } from '../zone/zone.ts';
import { faultNotes } from './fault-notes.ts';

/** An object that may claim names, with the hosts it writes; none: what its listeners say. */
export interface Claimant {
  readonly kind: ClaimKind;
  readonly key: string;
  readonly hosts: readonly string[];
}

export interface ClaimFacts {
  readonly zone: Zone;
  readonly view: ClusterView;
  readonly claimants: () => Iterable<Claimant>;
}

export interface ClaimFindings {
  /** The claim that the name is answered for. */
  readonly holder: Claim | undefined;
  readonly notes: readonly NoteReport[];
}

/** Objects that are named one by one. */
const NAMED_MAX = 10;

/** Who claims a name: who has it, who lost it or was refused and why, and who would if something were not in the way. */
export function findClaims(name: DnsName, facts: ClaimFacts): ClaimFindings {
  const { zone } = facts;
  const decisions = patternsOver(name).map((pattern) => zone.claims.decide(pattern));
  const winners = decisions.map((decision) => ({ decision, winner: winnerFor(name, decision) }));
  const first = winners.find(({ winner }) => winner && barrierTo(name, winner, zone) === undefined);
  const decided = winners.flatMap(({ decision, winner }) => {
    const at = { name, winner, holder: first?.winner, zone };
    return decision.outcomes
      .filter(({ claim }) => matchesHost(claim.pattern, claim.reach, name))
      .map((outcome) => outcomeNote(outcome, at));
  });
  const blocked = [...facts.claimants()]
    .filter((one) => mayMean(one.kind, hostsOf(one, facts.view), name))
    .flatMap((one) => faultsOf(one, name, facts));
  return { holder: first?.winner, notes: [...decided.slice(0, NAMED_MAX), ...blocked.slice(0, NAMED_MAX)] };
}

/** The name, then each wildcard that could cover it, longest first. */
function patternsOver(name: DnsName): readonly DnsName[] {
  const labels = name.split('.');
  return [...new Set([name, ...labels.slice(1).flatMap((_, i) => joinName('*', ...labels.slice(i + 1)) ?? [])])];
}

/** Whose a name is as far as one pattern goes: a wildcard's winner for one label may be another than for several. */
function winnerFor(name: DnsName, { pattern, winner, deep }: Decision): Claim | undefined {
  if (!isWildcard(pattern)) return winner;
  const found = labelCount(name) === labelCount(pattern) ? winner : deep;
  return found && matchesHost(pattern, found.reach, name) ? found : undefined;
}

/** Why a wildcard that somebody has does not reach a name that it covers. */
function barrierTo(name: DnsName, { pattern, source }: Claim, zone: Zone): string | undefined {
  if (!isWildcard(pattern)) return undefined;
  const own = zone.names.get(name);
  if (own?.answer && own.owner !== 'claim') return 'the name is the zone’s own or a Service’s';
  const { domain } = zone.config;
  const node = namespaceNodeOf(name, domain);
  const at = node === undefined ? undefined : joinName(node, domain);
  const above = at !== undefined && labelCount(suffixOf(pattern)) < labelCount(at);
  if (at && above && (zone.names.get(at)?.services ?? 0) > 0) return `${at} stands for a namespace that has Services`;
  const { policy } = zone.claims;
  return judgeHost(policy, name, source.namespace) === 'reserved-for-others' ? '-claim-hosts reserves it for other namespaces' : undefined;
}

/** Hosts as written; of a route without any, what its parents' listeners say. */
function hostsOf({ kind, key, hosts }: Claimant, view: ClusterView): readonly string[] {
  if (hosts.length > 0 || !isRouteKind(kind)) return hosts;
  const parents = view.route(kind, key)?.parents ?? [];
  return parents.flatMap((parent) => {
    const at = `${parent.namespace}/${parent.name}`;
    const object = parent.kind === 'Gateway' ? view.gateway(at) : view.listenerSet(parent.kind, at);
    return (object?.listeners ?? []).map(({ hostname }) => hostname);
  });
}

/**
 * True when one of the hosts covers the name. A server asks this of every object while queries wait, so what the API has checked already, lower
 * case without a dot at the end, is compared as it is first.
 */
function mayMean(kind: ClaimKind, hosts: readonly string[], name: DnsName): boolean {
  return hosts.some((text) => {
    if (kind !== 'Service' && !name.endsWith(text.startsWith('*') ? text.slice(1) : text)) return false;
    const host = parseHost(text);
    return host.ok && matchesHost(host.value, 'many', name);
  });
}

interface At {
  readonly name: DnsName;
  /** Of the outcome's own pattern. */
  readonly winner: Claim | undefined;
  readonly holder: Claim | undefined;
  readonly zone: Zone;
}

function outcomeNote(outcome: ClaimOutcome, at: At): NoteReport {
  const who = describeSource(outcome.claim.source);
  const by = isWildcard(outcome.claim.pattern) ? ` by ${outcome.claim.pattern}` : '';
  switch (outcome.kind) {
    case 'owner':
      return ownerNote(outcome.claim, who, by, at);
    case 'refused':
      return trouble('ClaimRefused', `${who} claims the name${by} and is refused: ${refusalText(outcome.refusal)}.`);
    case 'lost': {
      const winner = outcome.to ? ` ${describeSource(outcome.to.source)}` : '';
      return trouble('ClaimLost', `${who} claims the name${by} too and does not get it: ${lossText(outcome.loss)}${winner}.`);
    }
  }
}

/** Who has a pattern need not have each name that it covers. */
function ownerNote(claim: Claim, who: string, by: string, { name, winner, holder, zone }: At): NoteReport {
  if (winner && !owns(claim, winner))
    return trouble(
      'ClaimLost',
      `${who} claims the name${by} too and does not get it: ${lossText(lossTo(claim, winner))} ${describeSource(winner.source)}.`,
    );
  const barrier = barrierTo(name, claim, zone);
  if (barrier !== undefined) return trouble('ClaimHeldBack', `${who} has ${claim.pattern}, which does not reach this name: ${barrier}.`);
  if (holder && holder.pattern !== claim.pattern)
    return fact(
      'ClaimWider',
      `${who} has ${claim.pattern}; ${describeSource(holder.source)} comes before it, by the closer ${holder.pattern}.`,
    );
  return fact('ClaimOwner', `${who} has the name${by}${through(claim)}; it leads to ${pointsText(claim.target.points)}.`);
}

function through({ gateways, source }: Claim): string {
  if (gateways) return ` through Gateway ${gateways.join(', ')}`;
  return source.kind === 'Service' ? ' through its annotation minilb/host' : '';
}

function pointsText(points: readonly IngressPoint[]): string {
  return points.flatMap(({ ip, hostname }) => ip ?? hostname ?? []).join(', ');
}

function faultsOf({ kind, key }: Claimant, name: DnsName, { zone, view }: ClaimFacts): readonly NoteReport[] {
  const found = claimsOf(view, kind, key, zone.claims.options);
  return found ? faultNotes(name, found) : [];
}
