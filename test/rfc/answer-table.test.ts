import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type AnswerServer, exchange, MANY, PATHS, type Path, startAnswerServer } from '../support/answer-server.ts';
import { type QueryOptions, queryBytes, type ReplyText, readReply } from '../support/dns-query.ts';

// The whole answer table through the real program's sockets; the replies are read by another codec.

const SOA = 'minilb SOA ns.dns.minilb hostmaster.minilb 5';
const noData = { rcode: 'NOERROR', flags: ['aa'], answers: [], authorities: [SOA], ttls: [5] };
const noName = { rcode: 'NXDOMAIN', flags: ['aa'], answers: [], authorities: [SOA], ttls: [5] };
const refused = { rcode: 'REFUSED', flags: [], answers: [], authorities: [] };

type Row = readonly [name: string, question: string, type: string, options: QueryOptions, expected: Partial<ReplyText>];

const names: readonly Row[] = [
  [
    'an address: AA, one TTL, nothing in the authority section (RFC 2181 §5.2)',
    'v4.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', flags: ['aa'], answers: ['v4.default.minilb A 10.244.1.1'], authorities: [], additionals: [], ttls: [5] },
  ],
  ['AAAA (RFC 3596 §2.1)', 'web.default.minilb', 'AAAA', {}, { answers: ['web.default.minilb AAAA fd00::5'], ttls: [5] }],
  [
    'names match in any case and come back in the asked one (RFC 4343 §3, §4.1)',
    'V4.DeFault.miniLB',
    'A',
    {},
    { question: ['V4.DeFault.miniLB A'], answers: ['V4.DeFault.miniLB A 10.244.1.1'] },
  ],
  ['a family the name lacks is NODATA with SOA (RFC 2308 §2.2, 4074 §3)', 'v4.default.minilb', 'AAAA', {}, noData],
  ['MX is NODATA (RFC 2308 §2.2)', 'web.default.minilb', 'MX', {}, noData],
  ['HTTPS is NODATA (RFC 9460 §2)', 'web.default.minilb', 'UNKNOWN_65', {}, noData],
  ['an unknown type is NODATA (RFC 3597 §3)', 'v4.default.minilb', 'UNKNOWN_65280', {}, noData],
  ['a Service without usable endpoints is NODATA, never NXDOMAIN (RFC 8020 §2)', 'none.default.minilb', 'A', {}, noData],
  ['a namespace with Services below it is NODATA (RFC 8020 §2)', 'default.minilb', 'A', {}, noData],
  ['the same for NS, as a minimising resolver asks (RFC 9156 §2.3)', 'default.minilb', 'NS', {}, noData],
  ['no such Service is NXDOMAIN with SOA; its TTL is the negative TTL (RFC 2308 §3, §5)', 'nobody.default.minilb', 'A', {}, noName],
  ['no such namespace is NXDOMAIN (RFC 2308 §2.1)', 'web.nowhere.minilb', 'A', {}, noName],
  ['below a name that does not exist nothing does (RFC 8020 §2)', 'a.b.c.nowhere.minilb', 'A', {}, noName],
  ['below a Service what is no endpoint is NXDOMAIN', 'x.web.default.minilb', 'A', {}, noName],
  ['the apex has a SOA', 'minilb', 'SOA', {}, { rcode: 'NOERROR', flags: ['aa'], answers: [SOA], authorities: [] }],
  [
    'the apex has NS, with the address beside it (RFC 1034 §4.2.1)',
    'minilb',
    'NS',
    {},
    { answers: ['minilb NS ns.dns.minilb'], authorities: [], additionals: ['ns.dns.minilb A 192.0.2.53'] },
  ],
  ['the NS target has an address, not an alias (RFC 2181 §10.3)', 'ns.dns.minilb', 'A', {}, { answers: ['ns.dns.minilb A 192.0.2.53'] }],
  ['the apex has no address', 'minilb', 'A', {}, noData],
  ['DS at the apex is NODATA (RFC 4035 §3.1.4.1)', 'minilb', 'DS', {}, noData],
  ['DNSKEY is NODATA: the zone is unsigned', 'minilb', 'DNSKEY', {}, noData],
  ['SOA below the apex is NODATA: no zone cut (RFC 2308 §2.2)', 'web.default.minilb', 'SOA', {}, noData],
  ['ANY gets one RRset (RFC 8482 §4.1)', 'v4.default.minilb', 'ANY', {}, { answers: ['v4.default.minilb A 10.244.1.1'] }],
  ['an endpoint by its address', '10-244-0-2.web.default.minilb', 'A', {}, { answers: ['10-244-0-2.web.default.minilb A 10.244.0.2'] }],
  ['an endpoint that is not usable is NXDOMAIN', '10-244-0-9.none.default.minilb', 'A', {}, noName],
  [
    'an endpoint by its hostname (EndpointSlice hostname)',
    'db-0.db.default.minilb',
    'A',
    {},
    { answers: ['db-0.db.default.minilb A 10.244.4.1'] },
  ],
  [
    'ExternalName is a CNAME, followed by the client (RFC 1034 §3.6.2)',
    'www.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', flags: ['aa'], answers: ['www.default.minilb CNAME www.example.com'], authorities: [] },
  ],
  [
    'a CNAME asked for is not followed (RFC 1034 §4.3.2)',
    'alias2.default.minilb',
    'CNAME',
    {},
    { answers: ['alias2.default.minilb CNAME alias.default.minilb'] },
  ],
  [
    'an alias into the zone brings the chain and its addresses (RFC 1034 §4.3.2)',
    'alias2.default.minilb',
    'AAAA',
    {},
    {
      flags: ['aa'],
      answers: [
        'alias2.default.minilb CNAME alias.default.minilb',
        'alias.default.minilb CNAME web.default.minilb',
        'web.default.minilb AAAA fd00::5',
      ],
    },
  ],
  [
    'the RCODE is that of the chain’s last name (RFC 6604 §3)',
    'dead.default.minilb',
    'A',
    {},
    { rcode: 'NXDOMAIN', answers: ['dead.default.minilb CNAME nobody.default.minilb'], authorities: [SOA] },
  ],
  [
    'a chain to a name without data brings the SOA (RFC 2308 §2.2)',
    'silent.default.minilb',
    'A',
    {},
    { rcode: 'NOERROR', answers: ['silent.default.minilb CNAME none.default.minilb'], authorities: [SOA] },
  ],
  ['a foreign name is REFUSED, AA=0, EDE 20 (RFC 8914 §4.21)', 'www.example.com', 'A', { edns: 1232 }, { ...refused, ede: [20] }],
  ['a name that only ends like the domain is foreign', 'evilminilb', 'A', { edns: 1232 }, { ...refused, ede: [20] }],
  ['the root is foreign', '.', 'NS', {}, refused],
];

const header: readonly Row[] = [
  [
    'RD and CD are copied, RA is not given to whom nothing is forwarded (RFC 1035 §4.1.1, 4035 §3.1.6)',
    'v4.default.minilb',
    'A',
    { rd: true, cd: true },
    { flags: ['aa', 'rd', 'cd'] },
  ],
  ['no OPT in the query, none in the reply (RFC 6891 §6.1.1)', 'nobody.minilb', 'A', {}, { opt: undefined, ede: [] }],
  ['no OPT, no EDE either (RFC 8914 §3)', 'www.example.com', 'A', {}, { opt: undefined, ede: [] }],
  ['DO is copied (RFC 3225 §3)', 'v4.default.minilb', 'A', { edns: 4096, dnssecOk: true }, { opt: { udpSize: 1232, dnssecOk: true } }],
  ['without DO there is none', 'v4.default.minilb', 'A', { edns: 4096 }, { opt: { udpSize: 1232, dnssecOk: false } }],
  ['RRSIG is NODATA', 'v4.default.minilb', 'RRSIG', { edns: 4096, dnssecOk: true }, { rcode: 'NOERROR', answers: [] }],
  ['NSEC is NODATA', 'v4.default.minilb', 'NSEC', { edns: 4096, dnssecOk: true }, { rcode: 'NOERROR', answers: [] }],
  [
    'NSID names the server (RFC 5001 §2.3)',
    'v4.default.minilb',
    'A',
    { edns: 1232, nsid: true },
    { nsid: 'pod-a', answers: ['v4.default.minilb A 10.244.1.1'] },
  ],
  ['NSID is not volunteered (RFC 5001 §2.2)', 'v4.default.minilb', 'A', { edns: 1232 }, { nsid: undefined }],
  [
    'EDNS version 1 is BADVERS with OPT, AA=0 (RFC 6891 §6.1.3)',
    'v4.default.minilb',
    'A',
    { edns: 1232, ednsVersion: 1 },
    { rcode: 'EXT1', flags: [], answers: [], opt: { udpSize: 1232, dnssecOk: false } },
  ],
  ['AXFR is REFUSED (RFC 5936 §2.2.1)', 'minilb', 'AXFR', {}, refused],
  ['IXFR is REFUSED (RFC 5936 §2.2.1)', 'minilb', 'IXFR', {}, refused],
  [
    'CH TXT id.server names the server (RFC 4892 §3)',
    'id.server',
    'TXT',
    { qclass: 'CH' },
    { rcode: 'NOERROR', answers: ['id.server TXT pod-a'] },
  ],
  ['CH TXT version.bind is REFUSED (RFC 4892 §2.1)', 'version.bind', 'TXT', { qclass: 'CH' }, refused],
  ['class HS is REFUSED', 'web.default.minilb', 'A', { qclass: 'HS' }, refused],
];

const bare = (flags: number, counts: readonly number[], rest: readonly number[] = []) =>
  Uint8Array.from([0x12, 0x34, flags >> 8, flags & 255, ...counts.flatMap((n) => [0, n]), ...rest]);
const ROOT_A = [0, 0, 1, 0, 1];
const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

const packets: readonly (readonly [name: string, packet: Uint8Array, rcode: string | undefined])[] = [
  ['a response gets no answer (RFC 1035 §7.3)', bare(0x8000, [1, 0, 0, 0], ROOT_A), undefined],
  ['eleven bytes get no answer', bare(0, [0, 0, 0, 0]).subarray(0, 11), undefined],
  ['opcode IQUERY is NOTIMP (RFC 3425 §3)', bare(0x0800, [1, 0, 0, 0], ROOT_A), 'NOTIMP'],
  ['opcode NOTIFY is NOTIMP', bare(0x2000, [1, 0, 0, 0], ROOT_A), 'NOTIMP'],
  ['opcode UPDATE is NOTIMP (RFC 2136 §2.2)', bare(0x2800, [1, 0, 0, 0], ROOT_A), 'NOTIMP'],
  ['opcode DSO is NOTIMP (RFC 8490 §5.1)', bare(0x3000, [0, 0, 0, 0]), 'NOTIMP'],
  ['no question is FORMERR (RFC 9619 §4)', bare(0, [0, 0, 0, 0]), 'FORMERR'],
  ['two questions are FORMERR (RFC 9619 §4)', bare(0, [2, 0, 0, 0], [...ROOT_A, ...ROOT_A]), 'FORMERR'],
  ['a question that is cut is FORMERR', bare(0, [1, 0, 0, 0], [3, 97]), 'FORMERR'],
  ['two OPTs are FORMERR (RFC 6891 §6.1.1)', bare(0, [1, 0, 0, 2], [...ROOT_A, ...OPT, ...OPT]), 'FORMERR'],
  ['an OPT that is not at the root is FORMERR (RFC 6891 §6.1.2)', bare(0, [1, 0, 0, 1], [...ROOT_A, 1, 97, ...OPT]), 'FORMERR'],
];

const SILENT_MS = 150;

describe('answers', () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  }, 30_000);
  afterAll(() => server?.stop());

  const send = async (path: Path, name: string, type: string, options: QueryOptions = {}) => {
    const reply = await exchange(path, server.port, queryBytes(name, type, options));
    if (!reply) throw new Error('no answer');
    return { bytes: reply.length, ...readReply(reply) };
  };
  const ipv4Udp = PATHS[0] as Path;
  const ipv4Tcp = PATHS[2] as Path;

  describe.each(PATHS.map((path) => [path.name, path] as const))('%s', (_, path) => {
    test.each([...names, ...header])('%s', async (_name, name, type, options, expected) => {
      expect(await send(path, name, type, options)).toMatchObject(expected);
    });

    test.each(packets)('%s', async (_name, packet, rcode) => {
      const reply = await exchange(path, server.port, packet, rcode ? undefined : SILENT_MS);
      expect(reply && readReply(reply).rcode).toBe(rcode);
      if (reply) expect([reply.readUInt16BE(0), (reply[2] ?? 0) >> 7]).toEqual([0x1234, 1]);
    });

    test('two addresses: the whole RRset, of one TTL, and both orders come (RFC 2181 §5.2, 1794 §3)', async () => {
      const firsts = new Set<string>();
      for (let i = 0; i < 40; i++) {
        const reply = await send(path, 'web.default.minilb', 'A');
        expect([...reply.answers].sort()).toEqual(['web.default.minilb A 10.244.0.1', 'web.default.minilb A 10.244.0.2']);
        expect(reply.ttls).toEqual([5, 5]);
        firsts.add(reply.answers[0] ?? '');
      }
      expect(firsts.size).toBe(2);
    });

    test('a loop of aliases ends', async () => {
      expect((await send(path, 'loop.default.minilb', 'A')).answers.length).toBeLessThanOrEqual(8);
    });
  });

  test('UDP, not headless: 16 different addresses, TC=0; TCP: all', async () => {
    const udp = await send(ipv4Udp, 'many.default.minilb', 'A', { edns: 1232 });
    expect([udp.answers.length, new Set(udp.answers).size, udp.flags]).toEqual([16, 16, ['aa']]);
    expect(new Set((await send(ipv4Tcp, 'many.default.minilb', 'A')).answers).size).toBe(MANY);
  });

  test('UDP, headless: all that there are', async () => {
    expect(new Set((await send(ipv4Udp, 'db.default.minilb', 'A', { edns: 1232 })).answers).size).toBe(MANY + 1);
  });

  test.each([
    ['no OPT: 512 bytes (RFC 1035 §4.2.1)', {}, 512],
    ['a client that says less than 512 gets 512 (RFC 6891 §6.2.3)', { edns: 100 }, 512],
    ['a client that takes 600 gets at most that', { edns: 600 }, 600],
  ] as const)('a headless name that does not fit is cut at whole records and says so; %s', async (_name, options, most) => {
    const reply = await send(ipv4Udp, 'db.default.minilb', 'A', options);
    expect(reply.bytes).toBeLessThanOrEqual(most);
    expect(reply.bytes).toBeGreaterThan(most - 32);
    expect(reply.flags).toContain('tc');
  });

  test('nobody gets more than 1232 bytes over UDP (RFC 9715 §3.1)', async () => {
    expect((await send(ipv4Udp, 'db.default.minilb', 'A', { edns: 65_535 })).bytes).toBeLessThanOrEqual(1232);
  });
});

describe('before the first sync', () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer({ synced: false });
  }, 30_000);
  afterAll(() => server?.stop());

  test.each(PATHS.map((path) => [path.name, path] as const))('%s: SERVFAIL, EDE 14, AA=0 (RFC 8914 §4.15)', async (_, path) => {
    for (const name of ['web.default.minilb', 'minilb', 'nobody.default.minilb']) {
      const reply = await exchange(path, server.port, queryBytes(name, 'A', { edns: 1232 }));
      expect(reply && readReply(reply)).toMatchObject({ rcode: 'SERVFAIL', flags: [], answers: [], authorities: [], ede: [14] });
    }
  });

  test('foreign names are REFUSED all the same', async () => {
    const reply = await exchange(PATHS[0] as Path, server.port, queryBytes('www.example.com', 'A', { edns: 1232 }));
    expect(reply && readReply(reply)).toMatchObject({ rcode: 'REFUSED', ede: [20] });
  });
});
