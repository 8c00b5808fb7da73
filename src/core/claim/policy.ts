import type { DnsName } from '../value/dns-name.ts';
import { isWildcard, labelCount } from './host.ts';

/** One value of `-claim-hosts`: `*.sko.ai`, or `team-a=*.a.sko.ai`. */
export interface HostRule {
  readonly pattern: DnsName;
  /** Absent: every namespace. */
  readonly namespace?: string;
}

/** Which namespaces may claim what a pattern covers; `undefined` is every one. */
export type Allowed = ReadonlySet<string> | undefined;

/** `-claim-hosts`, by pattern. Empty: everything is allowed but what is too wide. */
export type HostPolicy = ReadonlyMap<DnsName, Allowed>;

export type PolicyVerdict = 'allowed' | 'not-listed' | 'reserved-for-others' | 'too-wide';

/** Fewer fixed labels than this after `*.` would take a whole top-level domain. */
const WILDCARD_LABELS_MIN = 2;

export function createHostPolicy(rules: readonly HostRule[]): HostPolicy {
  const policy = new Map<DnsName, Set<string> | undefined>();
  for (const { pattern, namespace } of rules) {
    const known = policy.get(pattern);
    if (policy.has(pattern) && known === undefined) continue;
    policy.set(pattern, namespace === undefined ? undefined : new Set([...(known ?? []), namespace]));
  }
  return policy;
}

/**
 * Whether a namespace may claim a host. The most specific pattern that covers it decides: the host itself, then the longest wildcard. A
 * wildcard is covered by one that holds all of it.
 *
 * | `-claim-hosts` | covering pattern | namespace | verdict |
 * |----------------|------------------|-----------|---------|
 * | empty | – | – | allowed; too-wide for a single label and for `*` before fewer than two labels |
 * | given | none | – | not-listed |
 * | given | one | among those it names, or it names none | allowed |
 * | given | one | another | reserved-for-others |
 */
export function judgeHost(policy: HostPolicy, pattern: DnsName, namespace: string): PolicyVerdict {
  if (policy.size === 0) return isTooWide(pattern) ? 'too-wide' : 'allowed';
  const rule = coveringRule(policy, pattern);
  if (rule === undefined) return 'not-listed';
  const allowed = policy.get(rule);
  return allowed === undefined || allowed.has(namespace) ? 'allowed' : 'reserved-for-others';
}

/** The most specific pattern of `policy` that covers a host as a whole. */
export function coveringRule(policy: HostPolicy, pattern: DnsName): DnsName | undefined {
  if (policy.has(pattern)) return pattern;
  for (let dot = pattern.indexOf('.'); dot >= 0; dot = pattern.indexOf('.', dot + 1)) {
    const wildcard = `*${pattern.slice(dot)}` as DnsName;
    if (policy.has(wildcard)) return wildcard;
  }
  return undefined;
}

function isTooWide(pattern: DnsName): boolean {
  const labels = labelCount(pattern);
  return isWildcard(pattern) ? labels - 1 < WILDCARD_LABELS_MIN : labels < 2;
}
