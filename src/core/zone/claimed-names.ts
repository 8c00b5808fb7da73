import type { Claim, ClaimOptions, ClaimTarget } from '../claim/claim.ts';
import { type ClaimBook, type ClaimInput, type ClaimView, createClaimBook } from '../claim/claim-book.ts';
import { type Decision, type DecisionFacts, decideName } from '../claim/decision.ts';
import { isWildcard, suffixOf } from '../claim/host.ts';
import { createHostPolicy, type HostPolicy, type HostRule } from '../claim/policy.ts';
import type { IngressPoint } from '../object/service.ts';
import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import { type Answer, emptyAnswer, replaceAnswer } from './answer.ts';
import { followPoints } from './follow.ts';
import type { Place } from './lookup.ts';
import type { NameTable, WildcardSlot } from './name-table.ts';

/** Which claims count. */
export interface ClaimNaming {
  /** `-claim-hosts`. */
  readonly hosts: readonly HostRule[];
  /** `-ingress-class`; empty: all. */
  readonly ingressClasses: readonly string[];
  /** `-gateway-class`; empty: all. */
  readonly gatewayClasses: readonly string[];
}

export const ALL_CLAIMS: ClaimNaming = { hosts: [], ingressClasses: [], gatewayClasses: [] };

/** Who claims which name and who has it: for `explain`, notices and metrics. */
export interface Claims {
  readonly book: ClaimBook;
  readonly policy: HostPolicy;
  readonly options: ClaimOptions;
  readonly decide: (pattern: DnsName) => Decision;
}

/** The zone's part in claims: what it tells them, and what they ask it. */
export interface ClaimHost {
  readonly domain: DnsName;
  readonly names: NameTable;
  readonly lookUp: (name: DnsName) => Place;
  readonly facts: Omit<DecisionFacts, 'domain' | 'policy'>;
  /** An answer has changed. */
  readonly changed: () => void;
}

/** Keeps what claimed names answer up to date in the zone's table. Names with one target share one answer. */
export interface ClaimedNames extends Claims {
  /** Brings all names that depend on this object up to date; returns the patterns whose claims changed. */
  readonly update: (view: ClaimView, kind: ClaimInput, key: string) => readonly DnsName[];
  /** Decides these patterns again, because something besides the claims changed. */
  readonly decideAgain: (patterns: Iterable<DnsName>) => void;
  /** Makes room for a name that becomes the zone's own or a Service's. */
  readonly vacate: (name: DnsName) => void;
  /** Whatever leads to this name is followed again. */
  readonly followAgain: (name: DnsName) => void;
  /** A namespace got its first Service, or lost its last: names at and below its node change hands. */
  readonly namespaceChanged: (namespace: string) => void;
  /** Follows a Service's status entries; the answer is kept up to date in `into` until the points are others. `undefined`: forget it. */
  readonly followFor: (owner: DnsName, points: readonly IngressPoint[] | undefined, into: Answer) => void;
}

/** Names that lead to one place, and the answer they share. */
interface Target {
  readonly points: readonly IngressPoint[];
  readonly service: boolean;
  readonly answer: Answer;
  /** Names and wildcard slots that use it. */
  uses: number;
  names: readonly DnsName[];
}

export function createClaimedNames(host: ClaimHost, naming: ClaimNaming): ClaimedNames {
  const { domain, names } = host;
  const policy = createHostPolicy(naming.hosts);
  const options: ClaimOptions = { domain, ingressClasses: naming.ingressClasses, gatewayClasses: naming.gatewayClasses };
  const book = createClaimBook(options);
  const facts: DecisionFacts = { ...host.facts, domain, policy };
  const targets = new Map<string, Target>();
  const keys = new Map<Answer, string>();
  /** Followed name → the targets that it is on the way to. */
  const followers = new Map<DnsName, Set<Target>>();
  const ownTargets = new Map<DnsName, Target>();
  setGates(names, policy);

  const topOf = (name: DnsName): DnsName | '' => (isAtOrBelow(name, domain) ? domain : '');
  const decide = (pattern: DnsName): Decision => decideName(pattern, book.claims(pattern), facts);

  function update(view: ClaimView, kind: ClaimInput, key: string): readonly DnsName[] {
    const patterns = book.update(view, kind, key);
    decideAgain(patterns);
    return patterns;
  }

  function namespaceChanged(namespace: string): void {
    decideAgain(book.patternsIn(namespace));
    followAllBelow(`.${namespace}.${domain}`);
  }

  function followAllBelow(suffix: string): void {
    for (const name of [...followers.keys()]) if (name.endsWith(suffix)) followAgain(name);
  }

  function decideAgain(patterns: Iterable<DnsName>): void {
    for (const pattern of patterns) {
      const touched = isWildcard(pattern) ? setWildcard(decide(pattern)) : setName(decide(pattern));
      if (!touched) continue;
      host.changed();
      if (isWildcard(pattern)) followAllBelow(pattern.slice(1));
      else followAgain(pattern);
    }
  }

  function setName({ pattern, winner }: Decision): boolean {
    const node = names.get(pattern);
    if (node?.answer && node.owner !== 'claim') return false;
    const before = node?.answer;
    if (before && winner && keys.get(before) === winner.target.key) return false;
    if (winner) names.set(pattern, topOf(pattern), use(winner.target), 'claim');
    else names.remove(pattern, topOf(pattern));
    if (before) release(before);
    return before !== undefined || winner !== undefined;
  }

  function setWildcard({ pattern, winner, deep }: Decision): boolean {
    const suffix = suffixOf(pattern);
    const before = names.get(suffix)?.wildcard;
    if (!before && !winner) return false;
    const one = winner && toSlot(winner);
    const many = deep && toSlot(deep);
    names.setWildcard(suffix, topOf(suffix), one || many ? { one, many } : undefined);
    for (const slot of [before?.one, before?.many]) if (slot) release(slot.answer);
    return !sameSlot(before?.one, one) || !sameSlot(before?.many, many);
  }

  function toSlot(claim: Claim): WildcardSlot {
    return { answer: use(claim.target), namespace: claim.source.namespace };
  }

  function vacate(name: DnsName): void {
    const node = names.get(name);
    if (node?.owner !== 'claim' || !node.answer) return;
    const { answer } = node;
    names.remove(name, topOf(name));
    release(answer);
  }

  function use({ key, points, service }: ClaimTarget): Answer {
    const known = targets.get(key);
    const target = known ?? { points, service, answer: { ...emptyAnswer(), points }, uses: 0, names: [] };
    target.uses++;
    if (!known) {
      targets.set(key, target);
      keys.set(target.answer, key);
      follow(target);
    }
    return target.answer;
  }

  function release(answer: Answer): void {
    const key = keys.get(answer);
    const target = key === undefined ? undefined : targets.get(key);
    if (key === undefined || !target || --target.uses > 0) return;
    targets.delete(key);
    keys.delete(answer);
    listenTo(target, []);
  }

  function follow(target: Target): void {
    const { answer, names: onTheWay } = followPoints(target.points, host.lookUp);
    replaceAnswer(target.answer, target.service ? answer : { ...answer, srv: target.answer.srv });
    listenTo(target, onTheWay);
  }

  function listenTo(target: Target, followed: readonly DnsName[]): void {
    const wanted = followed.flatMap((name) => (isBelowService(name, domain) ? [name, parentOf(name)] : [name]));
    for (const name of target.names) {
      const known = followers.get(name);
      known?.delete(target);
      if (known?.size === 0) followers.delete(name);
    }
    for (const name of wanted) followers.set(name, (followers.get(name) ?? new Set()).add(target));
    target.names = wanted;
  }

  function followAgain(name: DnsName): void {
    for (const target of [...(followers.get(name) ?? [])]) {
      follow(target);
      host.changed();
    }
  }

  function followFor(owner: DnsName, points: readonly IngressPoint[] | undefined, into: Answer): void {
    const known = ownTargets.get(owner);
    if (known) listenTo(known, []);
    ownTargets.delete(owner);
    if (!points) return;
    const target = { points, service: false, answer: into, uses: 1, names: [] };
    ownTargets.set(owner, target);
    follow(target);
  }

  return { book, policy, options, decide, update, decideAgain, vacate, followAgain, followFor, namespaceChanged };
}

/** Puts the patterns of `-claim-hosts` where a query for a claimed wildcard meets them. */
function setGates(names: NameTable, policy: HostPolicy): void {
  for (const [pattern, namespaces] of policy) {
    names.setGate(suffixOf(pattern), isWildcard(pattern) ? { below: { namespaces } } : { exact: { namespaces } });
  }
}

function sameSlot(x: WildcardSlot | undefined, y: WildcardSlot | undefined): boolean {
  return x?.answer === y?.answer && x?.namespace === y?.namespace;
}

/** True for `<label>.<svc>.<ns>.<domain>`: an endpoint's name, which changes with its Service. */
function isBelowService(name: DnsName, domain: DnsName): boolean {
  return name.endsWith(`.${domain}`) && name.slice(0, -domain.length - 1).split('.').length > 2;
}

function parentOf(name: DnsName): DnsName {
  return name.slice(name.indexOf('.') + 1) as DnsName;
}
