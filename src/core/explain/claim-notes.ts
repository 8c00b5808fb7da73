import type { AttachmentFault, RefusedParent } from '../claim/attachment.ts';
import type { Claim, ClaimFault, ClaimKind } from '../claim/claim.ts';
import { claimsOf } from '../claim/claim-book.ts';
import type { ClaimOutcome } from '../claim/decision.ts';
import { isWildcard, matchesHost, parseHost } from '../claim/host.ts';
import { describeSource, lossText, refusalText } from '../claim/notices.ts';
import type { IngressPoint } from '../object/service.ts';
import { type DnsName, joinName } from '../value/dns-name.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import { unreachable } from '../value/result.ts';
import type { ClusterView, Zone } from '../zone/zone.ts';

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

/** Objects that are named one by one. */
const NAMED_MAX = 10;

/** Who claims a name: who has it, who lost it or was refused and why, and who would if something were not in the way. */
export function claimNotes(name: DnsName, facts: ClaimFacts): readonly NoteReport[] {
  const outcomes = patternsOver(name).flatMap((pattern) => facts.zone.claims.decide(pattern).outcomes);
  const covering = outcomes.filter(({ claim }) => matchesHost(claim.pattern, claim.reach, name));
  const decided = covering.slice(0, NAMED_MAX).map((outcome) => outcomeNote(outcome));
  const blocked = [...facts.claimants()].filter(({ hosts }) => mayMean(hosts, name)).flatMap((one) => faultsOf(one, facts));
  return [...decided, ...blocked.slice(0, NAMED_MAX)];
}

/** The name, then each wildcard that could cover it, longest first. */
function patternsOver(name: DnsName): readonly DnsName[] {
  const labels = name.split('.');
  return [name, ...labels.slice(1).flatMap((_, i) => joinName('*', ...labels.slice(i + 1)) ?? [])];
}

/** True when one of the hosts as written covers the name. Routes without hosts may mean any: they count only where a fault says so. */
function mayMean(hosts: readonly string[], name: DnsName): boolean {
  return hosts.some((text) => {
    const host = parseHost(text);
    return host.ok && matchesHost(host.value, 'many', name);
  });
}

function outcomeNote(outcome: ClaimOutcome): NoteReport {
  const who = describeSource(outcome.claim.source);
  const by = isWildcard(outcome.claim.pattern) ? ` by ${outcome.claim.pattern}` : '';
  switch (outcome.kind) {
    case 'owner':
      return fact(
        'ClaimOwner',
        `${who} has the name${by}${through(outcome.claim)}; it leads to ${pointsText(outcome.claim.target.points)}.`,
      );
    case 'refused':
      return trouble('ClaimRefused', `${who} claims the name${by} and is refused: ${refusalText(outcome.refusal)}.`);
    case 'lost': {
      const winner = outcome.to ? ` ${describeSource(outcome.to.source)}` : '';
      return trouble('ClaimLost', `${who} claims the name${by} too and does not get it: ${lossText(outcome.loss)}${winner}.`);
    }
  }
}

function through({ gateways, source }: Claim): string {
  if (gateways) return ` through Gateway ${gateways.join(', ')}`;
  return source.kind === 'Service' ? ' through its annotation minilb/host' : '';
}

function pointsText(points: readonly IngressPoint[]): string {
  return points.flatMap(({ ip, hostname }) => ip ?? hostname ?? []).join(', ');
}

function faultsOf({ kind, key }: Claimant, { zone, view }: ClaimFacts): readonly NoteReport[] {
  const { domain, claims } = zone.config;
  const options = { domain, ingressClasses: claims?.ingressClasses ?? [], gatewayClasses: claims?.gatewayClasses ?? [] };
  const found = claimsOf(view, kind, key, options);
  if (!found) return [];
  const refused = found.attachments?.refused ?? [];
  return [
    ...found.faults.map((fault) => trouble('ClaimFault', `${kind} ${key} ${faultText(fault, kind)}.`)),
    ...refused.map((parent) => trouble('ParentRefused', `${kind} ${key} gets no name ${parentText(parent)}.`)),
  ];
}

function faultText(fault: ClaimFault, kind: ClaimKind): string {
  switch (fault.code) {
    case 'ignored':
      return 'claims nothing: it has the label minilb/ignore';
    case 'other-class':
      return 'claims nothing: -ingress-class leaves its class out';
    case 'no-address':
      return kind === 'Ingress'
        ? 'claims nothing yet: its status has no address, so its ingress controller has not taken it up'
        : 'claims nothing: its own name is too long';
    case 'no-host':
      return 'names no host';
    case 'bad-host':
      return `names a host that is none: ${fault.detail}`;
    case 'too-many-hosts':
      return `names too many hosts: ${fault.detail}`;
    default:
      return unreachable(fault);
  }
}

function parentText({ parent, listener, fault }: RefusedParent): string {
  const at = `${parent.kind} ${parent.namespace}/${parent.name}`;
  const reason = fault === 'not-accepted' && parent.reason ? ` (${parent.reason})` : '';
  return `${listener === '' ? `through ${at}` : `through listener ${listener} of ${at}`}: ${attachmentText(fault)}${reason}`;
}

function attachmentText(fault: AttachmentFault): string {
  switch (fault) {
    case 'not-accepted':
      return 'its controller has not accepted the route';
    case 'no-parent':
      return 'there is no such object';
    case 'ignored':
      return 'it has the label minilb/ignore';
    case 'other-class':
      return '-gateway-class leaves its class out';
    case 'no-address':
      return 'the Gateway has no address in its status yet';
    case 'listener-set-not-accepted':
      return 'its Gateway has not accepted it';
    case 'listener-set-not-allowed':
      return 'allowedListeners of its Gateway leave it out';
    case 'no-listener':
      return 'no listener has that sectionName or port';
    case 'protocol':
      return 'its protocol is for routes of another kind';
    case 'kind-not-allowed':
      return 'allowedRoutes.kinds leave this kind out';
    case 'namespace-not-allowed':
      return 'allowedRoutes.namespaces leave the route’s namespace out';
    case 'no-intersection':
      return 'its hostname and those of the route have nothing in common';
    default:
      return unreachable(fault);
  }
}
