import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import { ANY_HOST, intersectHosts, matchesHost, parseHost, type Reach } from './host.ts';

describe('a host as people write it', () => {
  const rows: readonly [name: string, text: string, host: string | undefined][] = [
    ['case is folded (RFC 4343)', 'MQTT.Sko.AI', 'mqtt.sko.ai'],
    ['white space around it is dropped', ' mqtt.sko.ai ', 'mqtt.sko.ai'],
    ['a trailing dot is dropped', 'mqtt.sko.ai.', 'mqtt.sko.ai'],
    ['a wildcard is the whole first label', '*.sko.ai', '*.sko.ai'],
    ['Gateway API: f*.example.com is no hostname ("Hostname wildcards")', 'f*.example.com', undefined],
    ['Gateway API: *oo.example.com is no hostname ("Hostname wildcards")', '*oo.example.com', undefined],
    ['a wildcard inside is refused', 'a.*.sko.ai', undefined],
    ['addresses are no hosts (IngressRule.host, Gateway API Hostname)', '192.0.2.1', undefined],
    ['a label that begins with _ is a protocol’s (RFC 8552)', '_acme-challenge.sko.ai', undefined],
    ['such a label is refused below a wildcard too', '*._tcp.sko.ai', undefined],
    ['empty is refused', '', undefined],
  ];
  test.each(rows)('%s', (_, text, host) => {
    const parsed = parseHost(text);
    expect(parsed.ok ? String(parsed.value) : undefined).toBe(host);
  });
});

describe('which names a pattern stands for', () => {
  const rows: readonly [name: string, pattern: string, reach: Reach, host: string, matches: boolean][] = [
    ['an exact name matches itself', 'a.example', 'one', 'a.example', true],
    ['Ingress: *.foo.com matches bar.foo.com (IngressRule.host, "Hostname wildcards")', '*.foo.com', 'one', 'bar.foo.com', true],
    ['Ingress: *.foo.com is not baz.bar.foo.com: one label only', '*.foo.com', 'one', 'baz.bar.foo.com', false],
    ['Ingress: *.foo.com is not foo.com', '*.foo.com', 'one', 'foo.com', false],
    ['Gateway API: *.example.com matches www.example.com', '*.example.com', 'many', 'www.example.com', true],
    ['Gateway API: *.example.com matches sub.domain.example.com', '*.example.com', 'many', 'sub.domain.example.com', true],
    ['Gateway API: *.example.com is not example.com', '*.example.com', 'many', 'example.com', false],
    ['Gateway API: *.com matches www.example.com', '*.com', 'many', 'www.example.com', true],
    ['labels, not letters: *.sko.ai is not evilsko.ai', '*.sko.ai', 'many', 'evilsko.ai', false],
    ['* is never a label that begins with _', '*.sko.ai', 'one', '_acme-challenge.sko.ai', false],
    ['nor holds one', '*.sko.ai', 'many', '_acme-challenge.www.sko.ai', false],
  ];
  test.each(rows)('%s', (_, pattern, reach, host, matches) => {
    expect(matchesHost(dnsName(pattern), reach, dnsName(host))).toBe(matches);
  });
});

describe('which requests an intersected hostname stands for (Gateway API, "Host header matching")', () => {
  const rows: readonly [intersected: string, host: string, matches: boolean][] = [
    ['www.example.com', 'www.example.com', true],
    ['www.example.com', 'foo.example.com', false],
    ['*.example.com', 'www.example.com', true],
    ['*.example.com', 'foo.example.com', true],
    ['*.example.com', 'foo.bar.example.com', true],
  ];
  test.each(rows)('%s, %s: %p', (intersected, host, matches) => {
    expect(matchesHost(dnsName(intersected), 'many', dnsName(host))).toBe(matches);
  });
});

describe('what a listener and a route have in common (Gateway API, "Hostname Intersection")', () => {
  const rows: readonly [reason: string, listener: string, route: string, common: string | undefined][] = [
    ['precise hostnames intersect', 'www.example.com', 'www.example.com', 'www.example.com'],
    ['a precise hostname intersects with an equivalent wildcard', '*.example.com', 'www.example.com', 'www.example.com'],
    ['a wildcard can stand for many labels', '*.example.com', 'sub.domain.example.com', 'sub.domain.example.com'],
    ['a wildcard on the route matches a precise listener', 'www.example.com', '*.example.com', 'www.example.com'],
    ['and with many labels', 'sub.domain.example.com', '*.example.com', 'sub.domain.example.com'],
    ['equal wildcards match', '*.example.com', '*.example.com', '*.example.com'],
    ['a less specific listener gives way to a more specific route', '*.com', '*.example.com', '*.example.com'],
    ['a less specific route gives way to a more specific listener ("Expected match examples")', '*.example.com', '*.com', '*.example.com'],
    ['match anything intersects with a precise hostname', '*', 'www.example.com', 'www.example.com'],
    ['match anything intersects with match anything', '*', '*', '*'],
    ['a route without hostname takes the listener’s ("Expected match examples")', '*.example.com', '*', '*.example.com'],
    ['different precise hostnames do not intersect', 'www.example.com', 'foo.example.com', undefined],
    ['a wildcard is never the bare suffix', '*.example.com', 'example.com', undefined],
    ['nor is it the other way round', 'example.com', '*.example.com', undefined],
    ['other suffixes do not intersect', '*.example.com', 'test.example.net', undefined],
    ['labels, not letters', '*.sko.ai', '*.evilsko.ai', undefined],
  ];
  const parse = (text: string) => (text === ANY_HOST ? ANY_HOST : dnsName(text));
  test.each(rows)('%s', (_, listener, route, common) => {
    expect(intersectHosts(parse(listener), parse(route)) as string | undefined).toBe(common);
  });
});
