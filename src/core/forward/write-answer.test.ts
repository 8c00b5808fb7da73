import { describe, expect, test } from 'bun:test';
import { type QueryOptions, queryBytes, readReply } from '../../../test/support/dns-query.ts';
import { type MessageOptions, responseBytes } from '../../../test/support/upstream-message.ts';
import { endpoint, service, slice, testCluster } from '../../../test/support/values.ts';
import type { DnsName } from '../value/dns-name.ts';
import { parseQuery } from '../wire/query.ts';
import { createRespondContext } from '../zone/reply.ts';
import { createZone } from '../zone/zone.ts';
import { judge } from './judge.ts';
import { toQuestion } from './question.ts';
import { ANY_TTL, writeAnswer, writeNoSuchName } from './write-answer.ts';

const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 });
const cluster = testCluster();
cluster.services.set('default/web', service('default/web'));
cluster.sliceLists.set('default/web', [slice('default/web', 's', [endpoint('10.244.0.1')])]);
cluster.services.set('default/alias', service('default/alias', { type: 'ExternalName', externalName: 'web.default.minilb' }));
for (const key of cluster.services.keys()) zone.update(cluster, key);

interface Options extends QueryOptions {
  readonly age?: number;
  readonly cap?: number;
  readonly exists?: boolean;
  readonly tcp?: boolean;
  readonly trusted?: boolean;
  readonly fallthrough?: boolean;
}

function reply(name: string, type: string, upstream: MessageOptions, options: Options = {}) {
  const ctx = createRespondContext({ maxAnswers: 16, serverId: new Uint8Array(0), fallthrough: options.fallthrough ?? false }, 1);
  ctx.ra = 0x80;
  ctx.tcp = options.tcp ?? false;
  ctx.forwardedNameExists = options.exists ?? false;
  const packet = queryBytes(name, type, { rd: true, ...options });
  parseQuery(packet, packet.length, ctx.query);
  const judged = judge(responseBytes(name, type, upstream), 1, toQuestion(ctx.query), options.trusted ?? false);
  if (judged.kind !== 'answer') throw new Error(judged.kind);
  const out = new Uint8Array(65_535);
  const length = writeAnswer(packet, out, zone, ctx, judged.answer, options.age ?? 0, options.cap ?? ANY_TTL);
  return readReply(out.slice(0, length));
}

const SOA = 'example.com 900 SOA 60';
type Row = readonly [
  name: string,
  asked: readonly [string, string],
  upstream: MessageOptions,
  options: Options,
  expected: Partial<ReturnType<typeof reply>>,
];

const rows: readonly Row[] = [
  [
    'an answer: RA, no AA, the case asked for (draft-vixie-dnsext-dns0x20)',
    ['wWw.example.com', 'A'],
    { answers: ['www.example.com 300 A 192.0.2.1'], flags: ['aa'] },
    {},
    { rcode: 'NOERROR', flags: ['rd', 'ra'], question: ['wWw.example.com A'], answers: ['wWw.example.com A 192.0.2.1'], ttls: [300] },
  ],
  ['TTLs age (RFC 1035 §4.1.3)', ['a.example.com', 'A'], { answers: ['a.example.com 300 A 192.0.2.1'] }, { age: 120 }, { ttls: [180] }],
  [
    'and are capped before the first sync',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 A 192.0.2.1'] },
    { cap: 5 },
    { ttls: [5] },
  ],
  [
    'NXDOMAIN with its SOA (RFC 2308 §3)',
    ['a.example.com', 'A'],
    { rcode: 'NXDOMAIN', authorities: [SOA] },
    {},
    { rcode: 'NXDOMAIN', answers: [], authorities: ['example.com SOA ns.example.com admin.example.com 60'], ttls: [60] },
  ],
  [
    'NXDOMAIN for a name that exists here becomes NODATA',
    ['a.example.com', 'MX'],
    { rcode: 'NXDOMAIN', authorities: [SOA] },
    { exists: true },
    { rcode: 'NOERROR', answers: [], ttls: [60] },
  ],
  [
    'a CNAME chain of others is passed on, each owner right',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 9 CNAME b.example.net', 'b.example.net 8 CNAME c.example.net', 'c.example.net 7 A 192.0.2.1'] },
    {},
    { answers: ['a.example.com CNAME b.example.net', 'b.example.net CNAME c.example.net', 'c.example.net A 192.0.2.1'], ttls: [9, 8, 7] },
  ],
  [
    'a chain that reaches a name of ours is completed, RCODE of the last name (RFC 6604 §3), TTLs capped',
    ['a.example.com', 'A'],
    { rcode: 'NXDOMAIN', answers: ['a.example.com 300 CNAME web.default.minilb'], authorities: ['. 900 SOA 60'] },
    {},
    {
      rcode: 'NOERROR',
      flags: ['rd', 'ra'],
      answers: ['a.example.com CNAME web.default.minilb', 'web.default.minilb A 10.244.0.1'],
      authorities: [],
      ttls: [5, 5],
    },
  ],
  [
    'what the upstream claims to know about our names is dropped',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 CNAME web.default.minilb', 'web.default.minilb 300 A 203.0.113.66'] },
    {},
    { answers: ['a.example.com CNAME web.default.minilb', 'web.default.minilb A 10.244.0.1'] },
  ],
  [
    'our own aliases are followed on',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 CNAME b.example.net', 'b.example.net 300 CNAME alias.default.minilb'] },
    {},
    {
      answers: [
        'a.example.com CNAME b.example.net',
        'b.example.net CNAME alias.default.minilb',
        'alias.default.minilb CNAME web.default.minilb',
        'web.default.minilb A 10.244.0.1',
      ],
    },
  ],
  [
    'a name of ours that does not exist: NXDOMAIN with our SOA',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 CNAME nobody.default.minilb'] },
    {},
    {
      rcode: 'NXDOMAIN',
      answers: ['a.example.com CNAME nobody.default.minilb'],
      authorities: ['minilb SOA ns.dns.minilb hostmaster.minilb 5'],
    },
  ],
  [
    'a name of ours without that type: NODATA',
    ['a.example.com', 'AAAA'],
    { rcode: 'NXDOMAIN', answers: ['a.example.com 300 CNAME web.default.minilb'] },
    {},
    {
      rcode: 'NOERROR',
      answers: ['a.example.com CNAME web.default.minilb'],
      authorities: ['minilb SOA ns.dns.minilb hostmaster.minilb 5'],
    },
  ],
  [
    '-fallthrough: a name in -domain that nothing covers is the upstream’s',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 CNAME www.x.minilb', 'www.x.minilb 300 A 192.0.2.1'] },
    { fallthrough: true },
    { answers: ['a.example.com CNAME www.x.minilb', 'www.x.minilb A 192.0.2.1'] },
  ],
  [
    '-fallthrough: one that a namespace covers is not',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 300 CNAME www.default.minilb', 'www.default.minilb 300 A 192.0.2.1'] },
    { fallthrough: true },
    { rcode: 'NXDOMAIN', answers: ['a.example.com CNAME www.default.minilb'] },
  ],
  [
    'asked for the CNAME itself, it is the answer',
    ['a.example.com', 'CNAME'],
    { answers: ['a.example.com 300 CNAME web.default.minilb'] },
    {},
    { answers: ['a.example.com CNAME web.default.minilb'], ttls: [300] },
  ],
  [
    'AD from a trusted upstream, asked for by DO (RFC 6840 §5.8)',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 5 A 192.0.2.1'], flags: ['ad'] },
    { edns: 1232, dnssecOk: true, trusted: true },
    { flags: ['rd', 'ra', 'ad'] },
  ],
  [
    'not if nobody asked for it',
    ['a.example.com', 'A'],
    { answers: ['a.example.com 5 A 192.0.2.1'], flags: ['ad'] },
    { edns: 1232, trusted: true },
    { flags: ['rd', 'ra'] },
  ],
];

describe('a forwarded answer as the client sees it', () => {
  test.each(rows)('%s', (_, [name, type], upstream, options, expected) => {
    expect(reply(name, type, upstream, options)).toMatchObject(expected);
  });

  test('what does not fit over UDP is marked as cut and empty; TCP gives all (RFC 2181 §9)', () => {
    const answers = Array.from({ length: 60 }, (_, i) => `a.example.com 5 A 192.0.2.${i}`);
    const cut = reply('a.example.com', 'A', { answers });
    expect([cut.flags, cut.answers]).toEqual([['tc', 'rd', 'ra'], []]);
    expect(reply('a.example.com', 'A', { answers }, { tcp: true }).answers).toHaveLength(60);
  });

  test('names that must not exist: NXDOMAIN with an SOA at the name, so that it is cached (RFC 2308 §5)', () => {
    const ctx = createRespondContext({ maxAnswers: 16, serverId: new Uint8Array(0) }, 1);
    ctx.ra = 0x80;
    const packet = queryBytes('use-application-dns.net', 'A', { rd: true });
    parseQuery(packet, packet.length, ctx.query);
    const out = new Uint8Array(1232);
    expect(readReply(out.slice(0, writeNoSuchName(packet, out, zone, ctx)))).toMatchObject({
      rcode: 'NXDOMAIN',
      flags: ['rd', 'ra'],
      authorities: ['use-application-dns.net SOA ns.dns.minilb hostmaster.minilb 5'],
    });
  });
});
