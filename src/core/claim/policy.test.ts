import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { createHostPolicy, judgeHost, type PolicyVerdict } from './policy.ts';

/** `*.sko.ai team-a=*.a.sko.ai` */
function policy(text: string) {
  const rules = text.split(' ').filter((part) => part !== '');
  return createHostPolicy(
    rules.map((rule) => {
      const [first = '', second] = rule.split('=');
      return second === undefined ? { pattern: dnsName(first) } : { pattern: dnsName(second), namespace: first };
    }),
  );
}

const rows: readonly [name: string, rules: string, pattern: string, namespace: string, verdict: PolicyVerdict][] = [
  ['without rules every name is allowed', '', 'www.sko.ai', 'team-b', 'allowed'],
  ['without rules a wildcard with two fixed labels is allowed', '', '*.sko.ai', 'team-b', 'allowed'],
  ['a wildcard with one fixed label is too wide', '', '*.com', 'team-b', 'too-wide'],
  ['a single label is too wide', '', 'localdomain', 'team-b', 'too-wide'],
  ['a wide wildcard may be listed verbatim', '*.com', '*.com', 'team-b', 'allowed'],
  ['a single label may be listed verbatim', 'router', 'router', 'team-b', 'allowed'],
  ['*.x allows a name below x', '*.sko.ai', 'www.sko.ai', 'team-b', 'allowed'],
  ['*.x allows names deep below x', '*.sko.ai', 'a.b.sko.ai', 'team-b', 'allowed'],
  ['*.x allows wildcards below x', '*.sko.ai', '*.b.sko.ai', 'team-b', 'allowed'],
  ['*.x allows *.x itself', '*.sko.ai', '*.sko.ai', 'team-b', 'allowed'],
  ['*.x does not allow x', '*.sko.ai', 'sko.ai', 'team-b', 'not-listed'],
  ['labels, not letters', '*.sko.ai', 'www.evilsko.ai', 'team-b', 'not-listed'],
  ['a wildcard wider than the rule is not covered as a whole', '*.a.sko.ai', '*.sko.ai', 'team-b', 'not-listed'],
  ['a rule with a namespace is for that namespace', 'team-a=*.a.sko.ai', 'www.a.sko.ai', 'team-a', 'allowed'],
  ['and for no other', 'team-a=*.a.sko.ai', 'www.a.sko.ai', 'team-b', 'reserved-for-others'],
  ['the most specific rule decides', '*.sko.ai team-a=*.a.sko.ai', 'www.a.sko.ai', 'team-b', 'reserved-for-others'],
  ['an exact rule is the most specific', '*.sko.ai team-a=www.sko.ai', 'www.sko.ai', 'team-b', 'reserved-for-others'],
  ['a wildcard that a rule covers', '*.sko.ai team-a=*.a.sko.ai', '*.sko.ai', 'team-b', 'allowed'],
  ['a wildcard inside what is reserved', '*.sko.ai team-a=*.a.sko.ai', '*.b.a.sko.ai', 'team-b', 'reserved-for-others'],
  ['one pattern may name several namespaces', 'a=*.sko.ai b=*.sko.ai', 'www.sko.ai', 'b', 'allowed'],
  ['a rule without namespace beside one with: everybody', 'a=*.sko.ai *.sko.ai', 'www.sko.ai', 'c', 'allowed'],
];

describe('-claim-hosts', () => {
  test.each(rows)('%s', (_, rules, pattern, namespace, verdict) => {
    expect(judgeHost(policy(rules), dnsName(pattern), namespace)).toBe(verdict);
  });
});
