import type { Claim } from '../claim/claim.ts';
import { claimsOf, isClaimKind } from '../claim/claim-book.ts';
import type { ClaimOutcome, Refusal } from '../claim/decision.ts';
import { parseHost } from '../claim/host.ts';
import { decisionNotices, describeSource, faultNotices } from '../claim/notices.ts';
import { suggestClaimHosts } from '../claim/suggest-hosts.ts';
import { keyOf } from '../object/raw.ts';
import type { DnsName } from '../value/dns-name.ts';
import type { Notice } from '../value/notice.ts';
import { serviceAliasNotices, zoneNotices } from '../zone/zone-notices.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding, kubectl, shellWord } from './finding.ts';
import { addArgument, serversOf } from './server-pods.ts';

/** Who claims what they do not get, what is no host, and whether anybody may claim anything. */
export function claimFindings(facts: ClusterFacts): readonly Finding[] {
  const { zone, settings } = facts;
  const decisions = [...zone.claims.book.patterns()].map((pattern) => zone.claims.decide(pattern));
  return [
    ...decisions.flatMap((decision) => decision.outcomes.flatMap((outcome) => outcomeFinding(decision.pattern, outcome, facts))),
    ...badHosts(facts),
    ...(settings.forwarding
      ? openClaims(facts)
      : aliases([
          ...decisions.flatMap((decision) => zoneNotices(zone, decision)),
          ...facts.services.flatMap((service) => serviceAliasNotices(zone, service)),
        ])),
  ];
}

function outcomeFinding(pattern: DnsName, outcome: ClaimOutcome, facts: ClusterFacts): readonly Finding[] {
  const { source } = outcome.claim;
  // One outcome at a time, in the words of the Event.
  const [notice] = decisionNotices({ pattern, winner: undefined, deep: undefined, outcomes: [outcome] });
  if (!notice || outcome.kind === 'owner') return [];
  const away = takeAway(outcome.claim, facts);
  if (outcome.kind === 'lost')
    return [
      finding('HostConflict', describeSource(source), notice.text, 'Take the name away from the one that shall not have it, here this:', [
        away,
      ]),
    ];
  return [
    finding(
      'HostRefused',
      describeSource(source),
      notice.text,
      `${refusedText(outcome.refusal, source.namespace, pattern)}take the name away:`,
      [away],
    ),
  ];
}

function refusedText(refusal: Refusal, namespace: string, pattern: DnsName): string {
  const policy = refusal === 'not-listed' || refusal === 'reserved-for-others' || refusal === 'too-wide';
  return policy ? `Allow it, by adding ${namespace}=${pattern} to -claim-hosts, or ` : 'Only Services have such names: ';
}

/** The command after which an object claims this name no more: one host of an annotation, or the whole object. */
function takeAway({ source, pattern }: Claim, { view }: ClusterFacts): string {
  const { kind, namespace, name } = source;
  if (kind !== 'Service') return `${kubectl(namespace)} label ${kind.toLowerCase()} ${name} minilb/ignore=true`;
  const written = view.service(keyOf(source))?.annotations['minilb/host'] ?? '';
  return annotateHosts(source, (host) => host !== pattern, written);
}

/** The command that leaves in an annotation only the hosts that can be one and that `keep` wants. */
function annotateHosts(service: { namespace: string; name: string }, keep: (host: DnsName) => boolean, written: string): string {
  const kept = written.split(',').flatMap((text) => {
    const host = parseHost(text);
    return host.ok && keep(host.value) ? [host.value] : [];
  });
  const value = kept.length > 0 ? `minilb/host=${kept.join()} --overwrite` : 'minilb/host-';
  return `${kubectl(service.namespace)} annotate service ${service.name} ${value}`;
}

function badHosts({ inputs, view, zone }: ClusterFacts): readonly Finding[] {
  return inputs.flatMap(([kind, key]) => {
    const found = isClaimKind(kind) ? claimsOf(view, kind, key, zone.claims.options) : undefined;
    if (!found) return [];
    const { namespace, name } = found.source;
    return faultNotices(found.source, found.faults).map(({ text }) =>
      kind === 'Service'
        ? finding('InvalidHost', `Service ${key}`, text, 'Correct it, or take it out of the annotation:', [
            annotateHosts({ namespace, name }, () => true, view.service(key)?.annotations['minilb/host'] ?? ''),
          ])
        : finding('InvalidHost', `${kind} ${key}`, text, `Correct it: kubectl -n ${namespace} edit ${kind.toLowerCase()} ${name}`),
    );
  });
}

function aliases(notices: readonly Notice[]): readonly Finding[] {
  return notices.map(({ object, text }) =>
    finding(
      'CnameOnly',
      `${object.kind} ${object.namespace}/${object.name}`,
      text,
      'Give the object an address, or run minilb with -upstream.',
    ),
  );
}

function openClaims(facts: ClusterFacts): readonly Finding[] {
  const { zone, settings } = facts;
  if (settings.claimHosts) return [];
  const suggested = suggestClaimHosts(zone.claims.book);
  const seen = '-upstream is set and -claim-hosts is not: any namespace can take any public name for everybody who asks minilb.';
  if (suggested === undefined)
    return [finding('OpenClaims', 'minilb', seen, 'Many names are claimed: allow them by wildcards, such as -claim-hosts=*.example.com')];
  // Nothing is claimed yet: what lies in our own zone does no harm.
  const flag = `-claim-hosts=${suggested === '' ? `*.${zone.config.domain}` : suggested}`;
  const paste = serversOf(facts).flatMap((pod) => addArgument(pod, flag));
  return [finding('OpenClaims', 'minilb', seen, `Allow just what is claimed now: ${shellWord(flag)}`, [...new Set(paste)])];
}
