import { describe, expect, test } from 'bun:test';
import { dnsName, ingress, testClaims } from '../../../test/support/claim-values.ts';
import { service } from '../../../test/support/values.ts';
import { hostPatterns } from '../settings/claim-settings.ts';
import { createClaimBook } from './claim-book.ts';
import { createHostPolicy, judgeHost } from './policy.ts';
import { SUGGESTED_MAX, suggestClaimHosts } from './suggest-hosts.ts';

function bookOf(hosts: Readonly<Record<string, string>>) {
  const view = testClaims();
  const book = createClaimBook({ domain: dnsName('minilb'), ingressClasses: [], gatewayClasses: [] });
  for (const [key, text] of Object.entries(hosts)) {
    view.services.set(key, service(key, { annotations: { 'minilb/host': text } }));
    book.update(view, 'Service', key);
  }
  view.ingresses.set('team-b/web', ingress('team-b/web', ['www.sko.ai']));
  book.update(view, 'Ingress', 'team-b/web');
  return book;
}

describe('the -claim-hosts value that allows just what is claimed now', () => {
  test('names every pattern for each namespace that claims it, once', () => {
    const value = suggestClaimHosts(bookOf({ 'team-a/one': 'www.sko.ai,*.iot.sko.ai', 'team-a/two': 'www.sko.ai' }));
    expect(value).toBe('team-a=*.iot.sko.ai,team-a=www.sko.ai,team-b=www.sko.ai');
  });

  test('is a value of the flag, and allows them and no other', () => {
    const parsed = hostPatterns.parse(suggestClaimHosts(bookOf({ 'team-a/one': 'www.sko.ai,*.iot.sko.ai' })) ?? '');
    if (!parsed.ok) throw new Error(parsed.detail);
    const policy = createHostPolicy(parsed.value);
    expect(judgeHost(policy, dnsName('*.iot.sko.ai'), 'team-a')).toBe('allowed');
    expect(judgeHost(policy, dnsName('www.sko.ai'), 'team-b')).toBe('allowed');
    expect(judgeHost(policy, dnsName('*.iot.sko.ai'), 'team-b')).toBe('reserved-for-others');
    expect(judgeHost(policy, dnsName('mail.sko.ai'), 'team-a')).toBe('not-listed');
  });

  test('is not given when nobody would read it', () => {
    const many = Object.fromEntries(Array.from({ length: SUGGESTED_MAX + 1 }, (_, i) => [`team-a/s${i}`, `h${i}.sko.ai`]));
    expect(suggestClaimHosts(bookOf(many))).toBeUndefined();
  });
});
