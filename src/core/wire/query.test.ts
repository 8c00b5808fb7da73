import { describe, expect, test } from 'bun:test';
import { encode } from 'dns-packet';
import fc from 'fast-check';
import { nameToWire, parseDnsName } from '../value/dns-name.ts';
import { TYPE } from './message.ts';
import { createQuery, hashWireName, parseQuery } from './query.ts';

const WEB_A = 'q:web.default.minilb/A';

/** `0102` hex, `"text"` as a label, `q:name/TYPE` a question in class IN, `opt:VERSION:FLAGS:OPTIONS` an OPT record. */
function bytes(...parts: readonly string[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...piece(part)]));
}

function piece(part: string): Uint8Array {
  if (part.startsWith('q:')) {
    const [name = '', type = 'A'] = part.slice(2).split('/');
    const wire = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    return Uint8Array.from([...wire, 0, 0, TYPE[type as 'A'], 0, 1]);
  }
  if (part.startsWith('opt:')) {
    const [, version = '0', flags = '0000', options = ''] = part.split(':');
    const length = (options.length / 2).toString(16).padStart(4, '0');
    return Buffer.from(`00002904d000${version.padStart(2, '0')}${flags}${length}${options}`, 'hex');
  }
  return Buffer.from(part.replace(/ /g, ''), 'hex');
}

const one = '0001 0000 0000 0000';
const withOpt = '0001 0000 0000 0001';

const outcomes: readonly [rule: string, packet: readonly string[], outcome: string][] = [
  ['an ordinary query', ['1234 0100', one, WEB_A], 'ok'],
  ['nothing at all is dropped', [], 'drop'],
  ['under 12 bytes is dropped', ['1234 0100 0001 0000 0000'], 'drop'],
  ['a response is dropped, whatever else is wrong (QR=1)', ['1234 8100', one], 'drop'],
  ['a response with an unknown opcode is dropped too', ['1234 f800', one, WEB_A], 'drop'],
  ['opcode 15 is NOTIMP (RFC 8906 §8.1)', ['1234 7800', one, WEB_A], 'notimp'],
  ['opcode 15 in a bare header is NOTIMP (RFC 8906 §8.1)', ['1234 7800 0000 0000 0000 0000'], 'notimp'],
  ['NOTIFY is NOTIMP', ['1234 2000', one, WEB_A], 'notimp'],
  ['UPDATE with a broken body is NOTIMP', ['1234 2800', one, 'ff'], 'notimp'],
  ['a bare header with opcode 0 has no question: FORMERR (RFC 9619)', ['1234 0100 0000 0000 0000 0000'], 'formerr'],
  ['two questions: FORMERR (RFC 9619)', ['1234 0100 0002 0000 0000 0000', WEB_A, WEB_A], 'formerr'],
  ['65,535 questions announced, one there', ['1234 0100 ffff 0000 0000 0000', WEB_A], 'formerr'],
  ['a cut question', ['1234 0100', one, '03 777777'], 'formerr'],
  ['a question without its class', ['1234 0100', one, '00 0001'], 'formerr'],
  ['the root is a name', ['1234 0100', one, '00 0001 0001'], 'ok'],
  ['a pointer in the question can only lead into the header', ['1234 0100', one, 'c000 0001 0001'], 'formerr'],
  ['a pointer to itself', ['1234 0100', one, 'c00c 0001 0001'], 'formerr'],
  ['an extended label type (RFC 6891 §5)', ['1234 0100', one, '41 01 00 0001 0001'], 'formerr'],
  ['label type 10', ['1234 0100', one, '81 01 00 0001 0001'], 'formerr'],
  ['bytes after the message are ignored, as BIND and Knot do', ['1234 0100', one, WEB_A, 'deadbeef'], 'ok'],
  ['EDNS version 0', ['1234 0100', withOpt, WEB_A, 'opt:0'], 'ok'],
  ['EDNS version 1: BADVERS (RFC 6891 §6.1.3)', ['1234 0100', withOpt, WEB_A, 'opt:1'], 'badvers'],
  ['the version comes before QDCOUNT', ['1234 0100 0000 0000 0000 0001', 'opt:1'], 'badvers'],
  ['the OPT count comes before the version', ['1234 0100 0001 0000 0000 0002', WEB_A, 'opt:1', 'opt:1'], 'formerr'],
  ['two OPTs: FORMERR (RFC 6891 §6.1.1)', ['1234 0100 0001 0000 0000 0002', WEB_A, 'opt:0', 'opt:0'], 'formerr'],
  ['OPT in the answer section', ['1234 0100 0001 0001 0000 0000', WEB_A, 'opt:0'], 'formerr'],
  ['OPT whose owner is not the root', ['1234 0100', withOpt, WEB_A, '01 61', 'opt:0'], 'formerr'],
  ['OPT whose owner is a pointer to a root', ['1234 0100', withOpt, '00 0001 0001', 'c00c 0029 04d0 00000000 0000'], 'formerr'],
  ['an OPT that is announced and missing', ['1234 0100', withOpt, WEB_A], 'formerr'],
  ['OPT data longer than the message', ['1234 0100', withOpt, WEB_A, '00 0029 04d0 00000000 0004'], 'formerr'],
  ['an option longer than the OPT', ['1234 0100', withOpt, WEB_A, 'opt:0:0000:000a0008'], 'formerr'],
  ['half an option', ['1234 0100', withOpt, WEB_A, 'opt:0:0000:000a'], 'formerr'],
  [
    'a COOKIE is an option like any unknown one (RFC 7873 §5.2)',
    ['1234 0100', withOpt, WEB_A, 'opt:0:0000:000a00080102030405060708'],
    'ok',
  ],
  ['Z bits do not matter (RFC 6891 §6.1.4)', ['1234 0100', withOpt, WEB_A, 'opt:0:7fff'], 'ok'],
  ['records before the OPT are skipped', ['1234 0100 0001 0000 0001 0001', WEB_A, 'c00c 0006 0001 00000000 0002 abcd', 'opt:0'], 'ok'],
  ['a record whose owner points forwards', ['1234 0100 0001 0000 0001 0000', WEB_A, 'c0ff 0006 0001 00000000 0000'], 'formerr'],
];

describe('what becomes of a packet', () => {
  test.each(outcomes)('%s', (_, parts, outcome) => {
    const packet = bytes(...parts);
    expect(parseQuery(packet, packet.length, createQuery())).toBe(outcome as 'ok');
  });

  test('bytes of an earlier, longer packet in the same buffer are not read', () => {
    const packet = bytes('1234 0100', withOpt, WEB_A, 'opt:0');
    expect(parseQuery(packet, packet.length - 1, createQuery())).toBe('formerr');
  });
});

describe('what is read from a query', () => {
  const read = (...parts: readonly string[]) => {
    const query = createQuery();
    const packet = bytes(...parts);
    return { outcome: parseQuery(packet, packet.length, query), query, packet };
  };

  test('RD and CD, ID, type, class and where the question ends', () => {
    const { query, packet } = read('beef 0110', one, 'q:Web.Default.MINILB/AAAA');
    expect(query).toMatchObject({
      id: 0xbeef,
      rd: true,
      cd: true,
      opcode: 0,
      qtype: 28,
      qclass: 1,
      questionEnd: packet.length,
      edns: false,
      udpSize: 512,
    });
  });

  test('the name is folded (RFC 4343), byte values over 127 are not', () => {
    const { query } = read('0001 0000', one, '04 5a 5b c1 40 00 0001 0001');
    expect([...query.name.subarray(0, query.nameLength)]).toEqual([4, 0x7a, 0x5b, 0xc1, 0x40, 0]);
  });

  test('a label of "A" to "Z" bytes in the length position cannot occur: lengths end at 63', () => {
    const { query } = read('0001 0000', one, `3f ${'41'.repeat(63)} 00 0001 0001`);
    expect(query.name[0]).toBe(63);
    expect(query.name[1]).toBe(0x61);
  });

  const opts: readonly [rule: string, opt: string, fields: object][] = [
    ['size, DO', 'opt:0:8000', { edns: true, udpSize: 1232, do: true, nsid: false }],
    ['no DO', 'opt:0:0000', { do: false }],
    ['a size under 512 counts as 512 (RFC 6891 §6.2.3)', '00 0029 0010 00000000 0000', { udpSize: 512 }],
    ['NSID asked for (RFC 5001 §2.1)', 'opt:0:0000:00030000', { nsid: true }],
    ['NSID behind another option', 'opt:0:0000:000a000400000000 00030000'.replace(/ /g, ''), { nsid: true }],
  ];
  test.each(opts)('EDNS: %s', (_, opt, fields) => {
    expect(read('0001 0000', withOpt, WEB_A, opt).query).toMatchObject(fields);
  });

  test('a reply to two OPTs has an OPT and the question', () => {
    const { query } = read('1234 0100 0001 0000 0000 0002', WEB_A, 'opt:0', 'opt:0');
    expect(query).toMatchObject({ edns: true, questionEnd: 12 + bytes(WEB_A).length });
  });

  test('a reply to a broken question has none, and nothing is left of the query before', () => {
    const query = createQuery();
    const good = bytes('1234 0110', withOpt, WEB_A, 'opt:0:8000:00030000');
    const bad = bytes('4321 0000', one, 'ff');
    parseQuery(good, good.length, query);
    parseQuery(bad, bad.length, query);
    expect(query).toMatchObject({
      id: 0x4321,
      rd: false,
      cd: false,
      questionEnd: 12,
      edns: false,
      do: false,
      nsid: false,
      nameLength: 0,
      udpSize: 512,
      qtype: 0,
    });
  });

  test('the longest name has 255 bytes, one more is FORMERR (RFC 1035 §3.1)', () => {
    const label = (n: number) => `${n.toString(16).padStart(2, '0')}${'61'.repeat(n)}`;
    const longest = label(63) + label(63) + label(63) + label(61);
    expect(read('0001 0000', one, longest, '00 0001 0001').outcome).toBe('ok');
    expect(read('0001 0000', one, label(63) + label(63) + label(63) + label(62), '00 0001 0001').outcome).toBe('formerr');
    const { query, outcome } = read('0001 0000', one, '0161'.repeat(127), '00 0001 0001');
    expect([outcome, query.labels, query.nameLength]).toEqual(['ok', 127, 255]);
    expect(read('0001 0000', one, '0161'.repeat(128), '00 0001 0001').outcome).toBe('formerr');
  });
});

describe('hashes of suffixes', () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9]{1,12}$/);
  test('each equals the hash of the stored lower-case name of that suffix', () => {
    const query = createQuery();
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 8 }), (labels) => {
        const packet = encode({ type: 'query', questions: [{ type: 'A', name: labels.join('.') }] });
        expect(parseQuery(packet, packet.length, query)).toBe('ok');
        expect(query.labels).toBe(labels.length);
        for (let i = 0; i < labels.length; i++) {
          const suffix = parseDnsName(labels.slice(i).join('.'));
          if (!suffix.ok) throw new Error(suffix.detail);
          expect(query.hashes[i]).toBe(hashWireName(nameToWire(suffix.value)));
          expect(query.name.subarray(query.offsets[i], query.nameLength)).toEqual(nameToWire(suffix.value));
        }
      }),
    );
  });

  test('100,000 names like those of a cluster share few hashes', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 100_000; i++) {
      const name = parseDnsName(`svc-${i % 1000}.ns-${Math.floor(i / 1000)}.minilb`);
      if (name.ok) seen.add(hashWireName(nameToWire(name.value)));
    }
    expect(seen.size).toBeGreaterThan(99_980);
  });
});
