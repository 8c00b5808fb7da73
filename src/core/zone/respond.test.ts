import { describe, expect, test } from 'bun:test';
import { type QueryOptions, queryBytes, type ReplyText, readReply } from '../../../test/support/dns-query.ts';
import { endpoint, ip, service, slice, testCluster } from '../../../test/support/values.ts';
import type { DnsName } from '../value/dns-name.ts';
import { createRespondContext } from './reply.ts';
import { respond } from './respond.ts';
import { createZone } from './zone.ts';

const range = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => endpoint(`${prefix}${i + 1}`));

function testZone() {
  const cluster = testCluster();
  const add = (key: string, over: Parameters<typeof service>[1], ...lists: (readonly ReturnType<typeof endpoint>[])[]) => {
    cluster.services.set(key, service(key, over));
    cluster.sliceLists.set(
      key,
      lists.map((list, n) => slice(key, `s${n}`, list)),
    );
  };
  add('default/web', {}, range(2, '10.244.0.'), [endpoint('fd00::5')]);
  add('default/v4', {}, range(1, '10.244.1.'));
  add('default/none', {}, [endpoint('10.244.0.9', 'not ready')]);
  add('default/many', {}, range(40, '10.244.2.'));
  add('default/db', { headless: true }, [...range(40, '10.244.3.'), endpoint('10.244.4.1', 'ready', { hostname: 'db-0' })]);
  add('default/www', { type: 'ExternalName', externalName: 'www.example.com' });
  add('default/alias', { type: 'ExternalName', externalName: 'web.default.minilb' });
  add('default/alias2', { type: 'ExternalName', externalName: 'alias.default.minilb' });
  add('default/dead', { type: 'ExternalName', externalName: 'nobody.default.minilb' });
  add('default/silent', { type: 'ExternalName', externalName: 'none.default.minilb' });
  add('default/loop', { type: 'ExternalName', externalName: 'loop.default.minilb' });
  const nameservers = [{ name: 'ns.dns.minilb' as DnsName, addresses: [ip('192.0.2.53')] }];
  const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers, serial: 1 });
  for (const key of cluster.services.keys()) zone.update(cluster, key);
  return zone;
}

const zone = testZone();
const SOA = 'minilb SOA ns.dns.minilb hostmaster.minilb 5';

interface AskOptions extends QueryOptions {
  readonly tcp?: boolean;
  readonly synced?: boolean;
  readonly seed?: number;
}

function send(packet: Uint8Array, options: AskOptions = {}): Uint8Array {
  const ctx = createRespondContext({ maxAnswers: 16, serverId: new TextEncoder().encode('pod-a') }, options.seed ?? 7);
  ctx.tcp = options.tcp ?? false;
  ctx.synced = options.synced ?? true;
  const out = new Uint8Array(65_535);
  return out.slice(0, respond(packet, packet.length, out, zone, ctx));
}

function ask(name: string, type: string, options: AskOptions = {}): ReplyText {
  return readReply(send(queryBytes(name, type, options), options));
}

type Row = readonly [name: string, question: string, type: string, options: AskOptions, expected: Partial<ReplyText>];

const rows: readonly Row[] = [
  [
    'one address',
    'v4.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', flags: ['aa'], answers: ['v4.default.minilb A 10.244.1.1'], authorities: [], ttls: [5] },
  ],
  ['AAAA', 'web.default.minilb', 'AAAA', {}, { answers: ['web.default.minilb AAAA fd00::5'], ttls: [5] }],
  [
    'the asked case is echoed (draft-vixie-dnsext-dns0x20)',
    'V4.DeFault.miniLB',
    'A',
    {},
    { question: ['V4.DeFault.miniLB A'], answers: ['V4.DeFault.miniLB A 10.244.1.1'] },
  ],
  [
    'a type the name lacks is NODATA with SOA (RFC 2308 §2.2)',
    'v4.default.minilb',
    'AAAA',
    {},
    { rcode: 'NOERROR', flags: ['aa'], answers: [], authorities: [SOA], ttls: [5] },
  ],
  ['an unknown type is NODATA (RFC 3597)', 'v4.default.minilb', 'UNKNOWN_65280', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  ['MX is NODATA', 'web.default.minilb', 'MX', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  ['a Service without usable endpoints is NODATA', 'none.default.minilb', 'A', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  [
    'a namespace with Services below is NODATA, never NXDOMAIN (RFC 8020)',
    'default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', answers: [], authorities: [SOA] },
  ],
  [
    'no such Service is NXDOMAIN with SOA (RFC 2308 §2.1)',
    'nobody.default.minilb',
    'A',
    {},
    { rcode: 'NXDOMAIN', flags: ['aa'], answers: [], authorities: [SOA], ttls: [5] },
  ],
  ['no such namespace is NXDOMAIN', 'web.nowhere.minilb', 'A', {}, { rcode: 'NXDOMAIN', authorities: [SOA] }],
  ['a name below a Service that is no endpoint is NXDOMAIN', 'x.web.default.minilb', 'A', {}, { rcode: 'NXDOMAIN' }],
  ['apex SOA', 'minilb', 'SOA', {}, { rcode: 'NOERROR', flags: ['aa'], answers: [SOA] }],
  [
    'apex NS with its address',
    'minilb',
    'NS',
    {},
    { answers: ['minilb NS ns.dns.minilb'], additionals: ['ns.dns.minilb A 192.0.2.53'], authorities: [] },
  ],
  ['the NS target resolves (RFC 1912 §2.8)', 'ns.dns.minilb', 'A', {}, { answers: ['ns.dns.minilb A 192.0.2.53'] }],
  ['apex A is NODATA', 'minilb', 'A', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  ['apex DS is NODATA (RFC 4035 §3.1.4.1)', 'minilb', 'DS', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  ['SOA below the apex is NODATA', 'web.default.minilb', 'SOA', {}, { rcode: 'NOERROR', answers: [], authorities: [SOA] }],
  ['ANY gets one RRset (RFC 8482 §4.1)', 'v4.default.minilb', 'ANY', {}, { answers: ['v4.default.minilb A 10.244.1.1'] }],
  [
    'an endpoint by its dashed address',
    '10-244-0-2.web.default.minilb',
    'A',
    {},
    { answers: ['10-244-0-2.web.default.minilb A 10.244.0.2'] },
  ],
  [
    'an IPv6 endpoint by its dashed address',
    'fd00--5.web.default.minilb',
    'AAAA',
    {},
    { answers: ['fd00--5.web.default.minilb AAAA fd00::5'] },
  ],
  [
    'an endpoint has no address of the other family',
    '10-244-0-2.web.default.minilb',
    'AAAA',
    {},
    { rcode: 'NOERROR', answers: [], authorities: [SOA] },
  ],
  ['an address that is no endpoint of the Service is NXDOMAIN', '10-244-9-9.web.default.minilb', 'A', {}, { rcode: 'NXDOMAIN' }],
  ['an endpoint that is not usable is NXDOMAIN', '10-244-0-9.none.default.minilb', 'A', {}, { rcode: 'NXDOMAIN' }],
  ['an endpoint by its hostname', 'db-0.db.default.minilb', 'A', {}, { answers: ['db-0.db.default.minilb A 10.244.4.1'] }],
  [
    'ExternalName is a CNAME that the client follows',
    'www.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', flags: ['aa'], answers: ['www.default.minilb CNAME www.example.com'], authorities: [] },
  ],
  [
    'CNAME asked for is the CNAME alone',
    'alias.default.minilb',
    'CNAME',
    {},
    { answers: ['alias.default.minilb CNAME web.default.minilb'] },
  ],
  [
    'an alias into the zone brings its addresses',
    'alias2.default.minilb',
    'AAAA',
    {},
    {
      answers: [
        'alias2.default.minilb CNAME alias.default.minilb',
        'alias.default.minilb CNAME web.default.minilb',
        'web.default.minilb AAAA fd00::5',
      ],
    },
  ],
  [
    'the RCODE is that of the last name (RFC 6604 §3)',
    'dead.default.minilb',
    'A',
    {},
    { rcode: 'NXDOMAIN', answers: ['dead.default.minilb CNAME nobody.default.minilb'], authorities: [SOA] },
  ],
  [
    'an alias to a name without data brings the SOA',
    'silent.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', answers: ['silent.default.minilb CNAME none.default.minilb'], authorities: [SOA] },
  ],
  [
    'a foreign name is REFUSED, not authoritative, EDE 20',
    'www.example.com',
    'A',
    { edns: 1232 },
    { rcode: 'REFUSED', flags: [], answers: [], authorities: [], ede: [20] },
  ],
  ['a name that only ends like the domain is foreign', 'evilminilb', 'A', { edns: 1232 }, { rcode: 'REFUSED', ede: [20] }],
  ['the root is foreign', '.', 'NS', {}, { rcode: 'REFUSED' }],
  [
    'before the first sync: SERVFAIL, EDE 14, not authoritative (RFC 8914 §4.15)',
    'web.default.minilb',
    'A',
    { synced: false, edns: 1232 },
    { rcode: 'SERVFAIL', flags: [], ede: [14] },
  ],
  [
    'before the first sync a foreign name is still REFUSED',
    'www.example.com',
    'A',
    { synced: false, edns: 1232 },
    { rcode: 'REFUSED', ede: [20] },
  ],
  [
    'RD and CD are copied, RA is never set (RFC 1035 §4.1.1, 4035 §3.1.6)',
    'v4.default.minilb',
    'A',
    { rd: true, cd: true },
    { flags: ['aa', 'rd', 'cd'] },
  ],
  ['no OPT in the query, none in the reply (RFC 6891 §6.1.1)', 'nobody.minilb', 'A', {}, { opt: undefined, ede: [] }],
  ['DO is copied (RFC 3225 §3)', 'v4.default.minilb', 'A', { edns: 4096, dnssecOk: true }, { opt: { udpSize: 1232, dnssecOk: true } }],
  ['RRSIG is NODATA', 'v4.default.minilb', 'RRSIG', { edns: 4096, dnssecOk: true }, { rcode: 'NOERROR', answers: [] }],
  [
    'NSID names the server (RFC 5001 §2.3)',
    'v4.default.minilb',
    'A',
    { edns: 1232, nsid: true },
    { nsid: 'pod-a', answers: ['v4.default.minilb A 10.244.1.1'] },
  ],
  ['NSID is not volunteered', 'v4.default.minilb', 'A', { edns: 1232 }, { nsid: undefined }],
  [
    'EDNS version 1 is BADVERS with OPT, without AA (RFC 6891 §6.1.3)',
    'v4.default.minilb',
    'A',
    { edns: 1232, ednsVersion: 1 },
    { rcode: 'EXT1', flags: [], answers: [], opt: { udpSize: 1232, dnssecOk: false } },
  ],
  ['AXFR is REFUSED', 'minilb', 'AXFR', { tcp: true }, { rcode: 'REFUSED', flags: [] }],
  ['IXFR is REFUSED', 'minilb', 'IXFR', {}, { rcode: 'REFUSED' }],
  [
    'CH TXT id.server names the server (RFC 4892 §3)',
    'id.server',
    'TXT',
    { qclass: 'CH' },
    { rcode: 'NOERROR', answers: ['id.server TXT pod-a'] },
  ],
  ['CH TXT version.bind is REFUSED', 'version.bind', 'TXT', { qclass: 'CH' }, { rcode: 'REFUSED', answers: [] }],
  ['another class is REFUSED', 'web.default.minilb', 'A', { qclass: 'HS' }, { rcode: 'REFUSED' }],
];

describe('answer table', () => {
  test.each(rows)('%s', (_, name, type, options, expected) => {
    expect(ask(name, type, options)).toMatchObject(expected);
  });
});

describe('packets that are no query', () => {
  const header = (flags: number, counts: readonly number[]) =>
    Uint8Array.from([0x12, 0x34, flags >> 8, flags & 255, ...counts.flatMap((n) => [0, n])]);
  const raw: readonly [name: string, packet: Uint8Array, rcode: string | undefined][] = [
    ['a response is dropped (RFC 1035 §7.3)', header(0x8000, [1, 0, 0, 0]), undefined],
    ['eleven bytes are dropped', header(0, [1, 0, 0, 0]).slice(0, 11), undefined],
    ['an empty packet is dropped', new Uint8Array(0), undefined],
    ['opcode STATUS is NOTIMP, also for a bare header (RFC 8906 §8.1)', header(0x1000, [0, 0, 0, 0]), 'NOTIMP'],
    ['opcode UPDATE is NOTIMP', header(0x2800, [1, 0, 0, 0]), 'NOTIMP'],
    ['no question is FORMERR (RFC 9619)', header(0, [0, 0, 0, 0]), 'FORMERR'],
    ['a question that is missing is FORMERR', header(0, [1, 0, 0, 0]), 'FORMERR'],
  ];
  test.each(raw)('%s', (_, packet, rcode) => {
    const reply = send(packet);
    expect(reply.length === 0 ? undefined : readReply(reply).rcode).toBe(rcode);
  });
});

describe('size and order', () => {
  test('a name that need not be complete gives -max-answers over UDP, without TC', () => {
    const reply = ask('many.default.minilb', 'A', { edns: 1232 });
    expect([reply.answers.length, new Set(reply.answers).size, reply.flags]).toEqual([16, 16, ['aa']]);
  });

  test('without EDNS the subset fits 512 bytes, still without TC (RFC 1035 §4.2.1)', () => {
    expect(send(queryBytes('many.default.minilb', 'A')).length).toBeLessThanOrEqual(512);
    expect(ask('many.default.minilb', 'A').flags).toEqual(['aa']);
  });

  test('over TCP every address is given', () => {
    expect(new Set(ask('many.default.minilb', 'A', { tcp: true }).answers).size).toBe(40);
  });

  test('a headless name gives every address over UDP', () => {
    expect(new Set(ask('db.default.minilb', 'A', { edns: 1232 }).answers).size).toBe(41);
  });

  test('a headless name that does not fit is cut at a whole record and says so (RFC 2181 §9)', () => {
    const reply = send(queryBytes('db.default.minilb', 'A'));
    expect(reply.length).toBeLessThanOrEqual(512);
    expect(readReply(reply).flags).toEqual(['aa', 'tc']);
  });

  test('a client that takes more than 1232 bytes gets 1232 (RFC 9715 §3.1)', () => {
    const reply = send(queryBytes('db.default.minilb', 'A', { edns: 65_535 }));
    expect(reply.length).toBeLessThanOrEqual(1232);
  });

  test('a loop of aliases ends', () => {
    expect(ask('loop.default.minilb', 'A').answers.length).toBe(8);
  });

  test('every address comes first equally often, and the next one varies (chi-squared, 5 degrees of freedom, p = 0.001)', () => {
    const seed = 20_261_121;
    const addresses = new Map<string, number>();
    const pairs = new Map<string, number>();
    const ctx = createRespondContext({ maxAnswers: 16, serverId: new Uint8Array(0) }, seed);
    ctx.synced = true;
    const cluster = testCluster();
    cluster.services.set('d/s', service('d/s'));
    cluster.sliceLists.set('d/s', [slice('d/s', 'a', range(3, '10.0.0.'))]);
    const small = createZone(zone.config);
    small.update(cluster, 'd/s');
    const rounds = 6000;
    const out = new Uint8Array(1232);
    const packet = queryBytes('s.d.minilb', 'A');
    for (let i = 0; i < rounds; i++) {
      const [first = '', second = ''] = readReply(out.slice(0, respond(packet, packet.length, out, small, ctx))).answers;
      addresses.set(first, (addresses.get(first) ?? 0) + 1);
      pairs.set(`${first} ${second}`, (pairs.get(`${first} ${second}`) ?? 0) + 1);
    }
    const chiSquared = (counts: Map<string, number>) =>
      [...counts.values()].reduce((sum, count) => sum + (count - rounds / counts.size) ** 2 / (rounds / counts.size), 0);
    expect([addresses.size, pairs.size]).toEqual([3, 6]);
    expect(chiSquared(addresses)).toBeLessThan(13.8);
    expect(chiSquared(pairs)).toBeLessThan(20.5);
  });
});
