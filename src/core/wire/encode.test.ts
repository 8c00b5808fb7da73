import { describe, expect, test } from 'bun:test';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { nameToWire, parseDnsName } from '../value/dns-name.ts';
import {
  A_RECORD_BYTES,
  AAAA_RECORD_BYTES,
  replyFlags,
  writeAddress,
  writeAddressOf,
  writeCounts,
  writeError,
  writeName,
  writeNameRecord,
  writeOpt,
  writeReplyHead,
  writeSoa,
  writeSrv,
  writeTxt,
} from './encode.ts';
import { CLASS, EDE, FLAG, RCODE, TYPE } from './message.ts';
import { createQuery, parseQuery, type Query } from './query.ts';

const wire = (name: string): Uint8Array => {
  const parsed = parseDnsName(name);
  if (!parsed.ok) throw new Error(parsed.detail);
  return nameToWire(parsed.value);
};

function ask(name: string, type = 'A', opt = false): { packet: Uint8Array; query: Query; out: Uint8Array } {
  const additionals = opt ? [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0x8000, options: [] }] : [];
  const packet = encode({ type: 'query', id: 7, flags: FLAG.RD, questions: [{ type, name }], additionals });
  const query = createQuery();
  expect(parseQuery(packet, packet.length, query)).toBe('ok');
  return { packet, query, out: new Uint8Array(4096) };
}

const LIMIT = 4096;

describe('a reply', () => {
  test('echoes ID, opcode, RD, CD and the question in the case it was asked in (0x20)', () => {
    const { packet, query, out } = ask('WeB.Default.miNILb');
    const at = writeReplyHead(out, packet, query, replyFlags(query, RCODE.NOERROR, FLAG.AA));
    const end = writeAddress(out, at, LIMIT, 5, Uint8Array.of(10, 244, 0, 5));
    writeCounts(out, 1, 0, 0);
    expect(end - at).toBe(A_RECORD_BYTES);
    const reply = decode(Buffer.from(out.subarray(0, end)));
    expect(reply).toMatchObject({
      id: 7,
      type: 'response',
      flag_aa: true,
      flag_rd: true,
      flag_cd: false,
      flag_ra: false,
      rcode: 'NOERROR',
    });
    expect(reply.questions).toMatchObject([{ name: 'WeB.Default.miNILb', type: 'A' }]);
    expect(reply.answers).toMatchObject([{ name: 'WeB.Default.miNILb', type: 'A', ttl: 5, data: '10.244.0.5' }]);
  });

  test('every kind of record is what dns-packet reads', () => {
    const { packet, query, out } = ask('_http._tcp.web.default.minilb', 'SRV', true);
    const owner = wire('_http._tcp.web.default.minilb');
    const service = wire('web.default.minilb');
    let at = writeReplyHead(out, packet, query, replyFlags(query, RCODE.NOERROR, FLAG.AA));
    at = writeSrv(out, at, LIMIT, owner, query, 5, { priority: 0, weight: 1, port: 8080, target: service });
    at = writeNameRecord(out, at, LIMIT, wire('a.minilb'), query, TYPE.CNAME, 6, wire('b.example.com'));
    at = writeNameRecord(out, at, LIMIT, wire('minilb'), query, TYPE.NS, 7, wire('ns.dns.minilb'));
    at = writeNameRecord(out, at, LIMIT, wire('5.0.244.10.in-addr.arpa'), query, TYPE.PTR, 8, service);
    const soa = { mname: wire('ns.dns.minilb'), rname: wire('hostmaster.minilb'), serial: 4_000_000_000 };
    at = writeSoa(out, at, LIMIT, wire('minilb'), query, 5, {
      ...soa,
      refreshSeconds: 60,
      retrySeconds: 10,
      expireSeconds: 86_400,
      minimumSeconds: 5,
    });
    at = writeTxt(out, at, LIMIT, wire('id.server'), query, 0, Buffer.from('pod-0'), CLASS.CH);
    at = writeAddressOf(out, at, LIMIT, service, query, 5, Uint8Array.of(0xfd, 0, ...new Array(13).fill(0), 9));
    at = writeOpt(out, at, LIMIT, query, RCODE.NOERROR, 1232, EDE.NOT_READY, Buffer.from('soon'), Buffer.from('pod-0'));
    writeCounts(out, 4, 1, 3);
    const reply = decode(Buffer.from(out.subarray(0, at)));
    expect(reply.answers).toMatchObject([
      { type: 'SRV', name: '_http._tcp.web.default.minilb', ttl: 5, data: { weight: 1, port: 8080, target: 'web.default.minilb' } },
      { type: 'CNAME', name: 'a.minilb', ttl: 6, data: 'b.example.com' },
      { type: 'NS', name: 'minilb', ttl: 7, data: 'ns.dns.minilb' },
      { type: 'PTR', name: '5.0.244.10.in-addr.arpa', data: 'web.default.minilb' },
    ]);
    expect(reply.authorities[0]?.data).toMatchObject({
      mname: 'ns.dns.minilb',
      rname: 'hostmaster.minilb',
      serial: 4_000_000_000,
      minimum: 5,
    });
    expect(reply.additionals).toMatchObject([
      { type: 'TXT', name: 'id.server', class: 'CH', data: [Buffer.from('pod-0')] },
      { type: 'AAAA', name: 'web.default.minilb', data: 'fd00::9' },
      { type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, flags: 0x8000, options: [{ code: 15 }, { code: 3 }] },
    ]);
  });

  test('TXT over 255 bytes is several strings (RFC 1035 §3.3.14)', () => {
    const { packet, query, out } = ask('a.minilb', 'TXT');
    const at = writeReplyHead(out, packet, query, 0x8000);
    const end = writeTxt(out, at, LIMIT, wire('a.minilb'), query, 5, new Uint8Array(300).fill(0x78));
    writeCounts(out, 1, 0, 0);
    const texts = decode(Buffer.from(out.subarray(0, end))).answers.flatMap((answer) => answer.data as Buffer[]);
    expect(texts.map((part) => part.length)).toEqual([255, 45]);
  });

  test('BADVERS puts its upper bits into the OPT and has AA=0 (RFC 6891 §6.1.3)', () => {
    const { packet, query, out } = ask('a.minilb', 'A', true);
    const end = writeError(out, 512, packet, query, RCODE.BADVERS, 1232);
    const reply = decode(Buffer.from(out.subarray(0, end)));
    expect(reply).toMatchObject({ flag_aa: false, rcode: 'NOERROR', additionals: [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }] });
  });

  test('an error to a query without OPT has none (RFC 6891 §7)', () => {
    const { packet, query, out } = ask('a.minilb');
    const reply = decode(Buffer.from(out.subarray(0, writeError(out, 512, packet, query, RCODE.REFUSED, 1232, EDE.NOT_AUTHORITATIVE))));
    expect(reply).toMatchObject({ rcode: 'REFUSED', additionals: [] });
  });

  test('a bare header is answered by a bare header', () => {
    const query = createQuery();
    const packet = Buffer.from('123478000000000000000000', 'hex');
    expect(parseQuery(packet, 12, query)).toBe('notimp');
    const out = new Uint8Array(512);
    expect(writeError(out, 512, packet, query, RCODE.NOTIMP, 1232)).toBe(12);
    expect(Buffer.from(out.subarray(0, 12)).toString('hex')).toBe('1234f8040000000000000000');
  });
});

const shared: readonly [rule: string, question: string, name: string, hex: string][] = [
  ['the whole question', 'web.default.minilb', 'web.default.minilb', 'c00c'],
  ['the question asked in capitals', 'WEB.Default.minilb', 'web.default.minilb', 'c00c'],
  ['a suffix', 'web.default.minilb', 'minilb', 'c018'],
  ['own labels before the suffix', 'web.default.minilb', 'ns.dns.minilb', '026e7303646e73c018'],
  ['longer than the question', 'minilb', 'hostmaster.minilb', '0a686f73746d6173746572c00c'],
  ['nothing in common', 'web.default.minilb', 'a.com', '016103636f6d00'],
  ['labels, not letters: ilb is not a suffix of minilb', 'web.minilb', 'ilb', '03696c6200'],
  ['labels, not letters: xminilb does not end in minilb', 'web.minilb', 'xminilb', '07786d696e696c6200'],
];

describe('names are compressed against the question (RFC 1035 §4.1.4)', () => {
  test.each(shared)('%s', (_, question, name, hex) => {
    const { query, out } = ask(question);
    const end = writeName(out, 0, 512, wire(name), query);
    expect(Buffer.from(out.subarray(0, end)).toString('hex')).toBe(hex);
  });

  test('a label that holds the bytes of other labels is not taken for them', () => {
    const query = createQuery();
    // The question is one label of the bytes "a", 3, "com"; the name a.com ends in the same bytes.
    const packet = Buffer.concat([
      Buffer.from('000100000001000000000000', 'hex'),
      Buffer.from('0661610363 6f6d00 0001 0001'.replace(/ /g, ''), 'hex'),
    ]);
    expect(parseQuery(packet, packet.length, query)).toBe('ok');
    const out = new Uint8Array(64);
    expect(writeName(out, 0, 64, wire('a.com'), query)).toBe(7);
  });

  test('whatever the names, dns-packet reads the same ones back', () => {
    const label = fc.constantFrom('a', 'b', 'aa', 'minilb', 'web');
    const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, name, name, (question, owner, target) => {
        const { packet, query, out } = ask(question);
        const at = writeReplyHead(out, packet, query, 0x8000);
        const end = writeNameRecord(out, at, LIMIT, wire(owner), query, TYPE.CNAME, 1, wire(target));
        writeCounts(out, 1, 0, 0);
        expect(decode(Buffer.from(out.subarray(0, end))).answers).toMatchObject([{ name: owner, data: target }]);
      }),
    );
  });
});

describe('what does not fit', () => {
  const soa = {
    mname: wire('ns.minilb'),
    rname: wire('h.minilb'),
    serial: 1,
    refreshSeconds: 60,
    retrySeconds: 10,
    expireSeconds: 9,
    minimumSeconds: 5,
  };
  type Writer = (out: Uint8Array, at: number, limit: number, query: Query) => number;
  const writers: readonly [name: string, write: Writer][] = [
    ['A', (out, at, limit) => writeAddress(out, at, limit, 5, new Uint8Array(4))],
    ['AAAA', (out, at, limit) => writeAddress(out, at, limit, 5, new Uint8Array(16))],
    ['SOA', (out, at, limit, query) => writeSoa(out, at, limit, wire('minilb'), query, 5, soa)],
    [
      'SRV',
      (out, at, limit, query) =>
        writeSrv(out, at, limit, wire('x.minilb'), query, 5, { priority: 0, weight: 0, port: 1, target: wire('a.b') }),
    ],
    ['NS', (out, at, limit, query) => writeNameRecord(out, at, limit, wire('minilb'), query, TYPE.NS, 5, wire('ns.minilb'))],
    ['TXT', (out, at, limit, query) => writeTxt(out, at, limit, wire('minilb'), query, 5, new Uint8Array(300))],
    ['additional address', (out, at, limit, query) => writeAddressOf(out, at, limit, wire('b.minilb'), query, 5, new Uint8Array(4))],
    ['OPT', (out, at, limit, query) => writeOpt(out, at, limit, query, 0, 1232, 14, Buffer.from('why'), Buffer.from('me'))],
  ];
  test.each(writers)('%s: -1 for every limit that is too small, nothing beyond the limit, and -1 stays -1', (_, write) => {
    const { query } = ask('web.minilb', 'A', true);
    const needed = write(new Uint8Array(512), 0, 512, query);
    expect(needed).toBeGreaterThan(10);
    for (let limit = 0; limit < needed; limit++) {
      const out = new Uint8Array(512).fill(0xee);
      expect(write(out, 0, limit, query)).toBe(-1);
      expect(out.subarray(limit).every((byte) => byte === 0xee)).toBe(true);
    }
    expect(write(new Uint8Array(512), 0, needed, query)).toBe(needed);
    expect(write(new Uint8Array(512), -1, 512, query)).toBe(-1);
  });

  test('an AAAA record of the name asked for has 28 bytes', () => {
    expect(writeAddress(new Uint8Array(64), 0, 64, 5, new Uint8Array(16))).toBe(AAAA_RECORD_BYTES);
  });
});
