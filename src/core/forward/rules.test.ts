import { describe, expect, test } from 'bun:test';
import { questionOf, responseBytes, toQuery } from '../../../test/support/upstream-message.ts';
import { ip } from '../../../test/support/values.ts';
import { clientRanges } from '../settings/kinds.ts';
import { parseCidr } from '../value/ip.ts';
import { createAddressGate, forwardNetworks, REMEMBERED_MAX } from './clients.ts';
import { createFailureCache } from './failures.ts';
import { judge } from './judge.ts';
import { beginRound, probeName, probeReturned, probeToken } from './loop-probe.ts';
import { encodeQuestion } from './question.ts';
import { foreignPrimary, resolversIn } from './real-zone.ts';
import { BYPASSES, PRIVATE_REVERSE } from './special-names.ts';
import { afterAnswer, afterSilence, HEALTHY, inOrderOfHealth, isPrivate } from './upstreams.ts';

describe('failures rest one second, doubling to thirty (RFC 9520 §3.2)', () => {
  test('one after the other', () => {
    const failures = createFailureCache();
    let now = 0;
    const rests = Array.from({ length: 8 }, () => {
      const rest = failures.failed('q', now);
      now += rest;
      expect(failures.isFailing('q', now - 1)).toBe(true);
      expect(failures.isFailing('q', now)).toBe(false);
      return rest;
    });
    expect(rests).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  });

  test('an answer, or half a minute of quiet, begins anew; others are not concerned', () => {
    const failures = createFailureCache();
    failures.failed('q', 0);
    expect(failures.isFailing('other', 1)).toBe(false);
    failures.answered('q');
    expect(failures.isFailing('q', 1)).toBe(false);
    expect(failures.failed('q', 2)).toBe(1000);
    expect(failures.failed('q', 1002 + 30_000)).toBe(1000);
  });

  test('are bounded', () => {
    const failures = createFailureCache(3);
    for (let i = 0; i < 10; i++) failures.failed(`q${i}`, 0);
    expect(failures.size()).toBe(3);
    expect([failures.isFailing('q0', 1), failures.isFailing('q9', 1)]).toEqual([false, true]);
  });
});

describe('upstreams in order of health', () => {
  const silent = (times: number, now = 0) =>
    Array.from({ length: times }).reduce<typeof HEALTHY>((health) => afterSilence(health, now), HEALTHY);
  const order = (now: number, ...healths: readonly (typeof HEALTHY)[]) =>
    inOrderOfHealth(
      healths.map((health, n) => ({ n, health })),
      now,
    ).map(({ n }) => n);

  test('the order given, while all are well; one silence changes nothing', () => {
    expect(order(0, HEALTHY, HEALTHY, HEALTHY)).toEqual([0, 1, 2]);
    expect(order(0, silent(1), HEALTHY)).toEqual([0, 1]);
  });

  test('after two it rests behind the others, for one second, doubling to thirty', () => {
    expect(order(999, silent(2), HEALTHY)).toEqual([1, 0]);
    expect(order(1000, silent(2), HEALTHY)).toEqual([0, 1]);
    expect([2, 3, 4, 5, 6, 7, 8, 50].map((times) => silent(times).retryAtMs)).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  });

  test('when all rest, the one whose rest ends first is asked first', () => {
    expect(order(0, silent(4), silent(2), silent(3))).toEqual([1, 2, 0]);
  });

  test('an answer makes it well; one that loops is never asked', () => {
    expect(order(0, afterAnswer(silent(5)), HEALTHY)).toEqual([0, 1]);
    expect(order(0, { ...HEALTHY, looping: true }, HEALTHY)).toEqual([1]);
    expect(order(0, { ...HEALTHY, looping: true })).toEqual([]);
  });

  test.each([
    ['192.168.1.1', true],
    ['127.0.0.1', true],
    ['100.64.0.1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['9.9.9.9', false],
    ['172.32.0.1', false],
    ['2620:fe::fe', false],
  ])('%s is private: %p', (address, expected) => {
    expect(isPrivate(ip(address))).toBe(expected);
  });
});

describe('names with a rule of their own', () => {
  const rows: readonly [name: string, set: typeof BYPASSES, covered: boolean][] = [
    ['use-application-dns.net', BYPASSES, true],
    ['Use-Application-DNS.net', BYPASSES, true],
    ['mask.icloud.com', BYPASSES, true],
    ['mask-h2.icloud.com', BYPASSES, true],
    ['www.icloud.com', BYPASSES, false],
    ['net', BYPASSES, false],
    ['5.0.244.10.in-addr.arpa', PRIVATE_REVERSE, true],
    ['10.in-addr.arpa', PRIVATE_REVERSE, true],
    ['in-addr.arpa', PRIVATE_REVERSE, false],
    ['1.1.31.172.in-addr.arpa', PRIVATE_REVERSE, true],
    ['1.1.32.172.in-addr.arpa', PRIVATE_REVERSE, false],
    ['1.1.127.100.in-addr.arpa', PRIVATE_REVERSE, true],
    ['1.1.128.100.in-addr.arpa', PRIVATE_REVERSE, false],
    ['8.8.8.8.in-addr.arpa', PRIVATE_REVERSE, false],
    ['110.in-addr.arpa', PRIVATE_REVERSE, false],
    ['5.0.d.f.ip6.arpa', PRIVATE_REVERSE, true],
    ['1.b.e.f.ip6.arpa', PRIVATE_REVERSE, true],
    ['1.c.e.f.ip6.arpa', PRIVATE_REVERSE, false],
    [`1.${'0.'.repeat(31)}ip6.arpa`, PRIVATE_REVERSE, true],
    ['1.8.b.d.0.1.0.0.2.ip6.arpa', PRIVATE_REVERSE, true],
  ];
  test.each(rows)('%s (RFC 6303 §4, RFC 7793)', (name, set, covered) => {
    expect(set.covers(toQuery(name, 'PTR'))).toBe(covered);
  });
});

describe('loop probes', () => {
  const token = '0123456789abcdef0123456789abcdef';

  test('a probe is known when it comes back, in any case; other names are none', () => {
    const bytes = encodeQuestion(questionOf('x', 'TXT'), { id: 1, edns: true, authentic: false });
    expect(bytes.length).toBeGreaterThan(12);
    expect(probeName(token).length).toBe(1 + 32 + 1 + 17 + 1);
    expect(probeToken(toQuery(`${token.toUpperCase()}.minilb-loop-probe`, 'TXT'))).toBe(token);
    expect(probeToken(toQuery('minilb-loop-probe', 'TXT'))).toBe('');
    expect(probeToken(toQuery('www.example.com', 'TXT'))).toBeUndefined();
  });

  test('a token marks the upstream that it was sent to, and only of this round', () => {
    const round = beginRound(['a', token]);
    const seen = probeReturned(round, token);
    expect([seen.upstream, seen.round.returned]).toEqual([1, [false, true]]);
    expect(probeReturned(seen.round, 'unknown')).toEqual({ round: seen.round, upstream: -1 });
    expect(probeReturned(seen.round, '').upstream).toBe(-1);
  });
});

describe('who is forwarded for', () => {
  const admits = (address: string, forwardClients = '') => {
    const ranges = clientRanges.parse(forwardClients);
    if (!ranges.ok) throw new Error(ranges.detail);
    const onLink = [parseCidr('203.0.113.0/24') ?? expect.unreachable()];
    const networks = forwardNetworks({ forwardClients: ranges.value, onLink, nodeIps: [ip('2001:db8:1::5'), ip('198.51.100.5')] });
    return createAddressGate(networks).admits(address);
  };
  const rows: readonly [name: string, address: string, ranges: string, admitted: boolean][] = [
    ['private', '192.168.1.7', '', true],
    ['loopback', '127.0.0.1', '', true],
    ['link-local', 'fe80::7', '', true],
    ['shared address space (RFC 6598)', '100.100.1.1', '', true],
    ['unique local (RFC 4193)', 'fd12::1', '', true],
    ['the link that is listened on', '203.0.113.9', '', true],
    ['the /64 of a Node', '2001:db8:1::99', '', true],
    ['the neighbour of a Node’s IPv4 address is a stranger', '198.51.100.6', '', false],
    ['a stranger', '8.8.8.8', '', false],
    ['a stranger over IPv6', '2001:db8:2::1', '', false],
    ['+ adds', '8.8.8.8', '+8.8.8.0/24', true],
    ['+ leaves the others', '192.168.1.7', '+8.8.8.0/24', true],
    ['a list takes the place of the defaults', '192.168.1.7', '8.8.8.0/24', false],
    ['and of the links', '203.0.113.9', '8.8.8.0/24', false],
    ['what is no address', '', '', false],
  ];
  test.each(rows)('%s', (_, address, ranges, admitted) => {
    expect(admits(address, ranges)).toBe(admitted);
  });

  test('a gate that has seen more addresses than it remembers still decides right', () => {
    const gate = createAddressGate([parseCidr('10.0.0.0/8') ?? expect.unreachable()]);
    for (let i = 0; i < REMEMBERED_MAX + 10; i++) expect(gate.admits(`10.0.${i >> 8}.${i & 255}`)).toBe(true);
    expect([gate.admits('10.0.0.0'), gate.admits('11.0.0.0')]).toEqual([true, false]);
  });
});

describe('whose zone -domain is', () => {
  const primary = (answers: readonly string[], rcode: 'NOERROR' | 'NXDOMAIN' = 'NOERROR', authorities: readonly string[] = []) => {
    const judged = judge(responseBytes('sko.ai', 'SOA', { answers, rcode, authorities }), 1, questionOf('sko.ai', 'SOA'), false);
    return judged.kind === 'answer' ? foreignPrimary(judged.answer, ['ns.dns.sko.ai', 'ns.sko.ai.ours']) : judged.kind;
  };

  test('an SOA that names another server is somebody’s', () => {
    expect(primary(['sko.ai 60 SOA 60'])).toBe('ns.sko.ai');
  });

  test('ours, none, and one above are not', () => {
    const judged = judge(responseBytes('sko.ai', 'SOA', { answers: ['sko.ai 60 SOA 60'] }), 1, questionOf('sko.ai', 'SOA'), false);
    expect(judged.kind === 'answer' ? foreignPrimary(judged.answer, ['ns.sko.ai']) : '').toBeUndefined();
    expect(primary([], 'NXDOMAIN', ['ai 60 SOA 60'])).toBeUndefined();
    expect(primary(['sko.ai 60 CNAME other.ai', 'other.ai 60 SOA 60'])).toBeUndefined();
  });

  test('resolv.conf: the first three addresses; comments and zones are left out (resolv.conf(5))', () => {
    const text =
      '# nameserver 1.1.1.1\nsearch a b\nnameserver 192.168.1.1\n nameserver\tfd00::1\nnameserver fe80::1%eth0\nnameserver 9.9.9.9\nnameserver 8.8.8.8\n';
    expect(resolversIn(text).map(({ ip: address }) => String(address))).toEqual(['192.168.1.1', 'fd00::1', '9.9.9.9']);
  });
});
