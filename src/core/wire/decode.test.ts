import { describe, expect, test } from 'bun:test';
import { type Answer, encode } from 'dns-packet';
import fc from 'fast-check';
import { type DecodedMessage, decodeMessage } from './decode.ts';
import { foldWireName, recordDataText, wireNameText } from './text.ts';

const hex = (...parts: readonly string[]) => new Uint8Array(Buffer.from(parts.join('').replace(/ /g, ''), 'hex'));

function decoded(bytes: Uint8Array): DecodedMessage {
  const message = decodeMessage(bytes);
  if (!message.ok) throw new Error(message.detail);
  return message.value;
}

const lines = (message: DecodedMessage) =>
  message.answers.map((record) => `${wireNameText(record.owner)} ${record.ttlSeconds} ${record.type} ${recordDataText(record)}`);

const name = fc.array(fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/), { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const u16 = fc.nat(65_535);
const u32 = fc.nat(0x7fffffff);
const record: fc.Arbitrary<readonly [Answer, number, string]> = fc.oneof(
  fc.ipV4().map((ip) => [{ type: 'A', name: '', data: ip }, 1, ip] as const),
  name.map((target) => [{ type: 'NS', name: '', data: target }, 2, `${target}.`] as const),
  name.map((target) => [{ type: 'CNAME', name: '', data: target }, 5, `${target}.`] as const),
  name.map((target) => [{ type: 'PTR', name: '', data: target }, 12, `${target}.`] as const),
  fc
    .tuple(u16, name)
    .map(([preference, exchange]) => [{ type: 'MX', name: '', data: { preference, exchange } }, 15, `${preference} ${exchange}.`] as const),
  fc.tuple(u16, u16, u16, name).map(([priority, weight, port, target]) => {
    return [{ type: 'SRV', name: '', data: { priority, weight, port, target } }, 33, `${priority} ${weight} ${port} ${target}.`] as const;
  }),
  fc.tuple(name, name, u32, u32, u32, u32, u32).map(([mname, rname, serial, refresh, retry, expire, minimum]) => {
    const data = { mname, rname, serial, refresh, retry, expire, minimum };
    return [{ type: 'SOA', name: '', data }, 6, `${mname}. ${rname}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`] as const;
  }),
  fc.stringMatching(/^[a-z ]{0,40}$/).map((text) => [{ type: 'TXT', name: '', data: [text] }, 16, `"${text}"`] as const),
);

describe('the decoder', () => {
  test('reads what dns-packet writes, with the same meaning', () => {
    fc.assert(
      fc.property(name, fc.array(fc.tuple(name, u32, record), { maxLength: 8 }), (question, records) => {
        const answers = records.map(([owner, ttl, [answer]]) => ({ ...answer, name: owner, ttl }));
        const message = decoded(encode({ type: 'response', id: 5, flags: 0x0400, questions: [{ type: 'A', name: question }], answers }));
        expect(lines(message)).toEqual(records.map(([owner, ttl, [, type, text]]) => `${owner} ${ttl} ${type} ${text}`));
        expect(message).toMatchObject({ id: 5, flags: 0x8400, opcode: 0, rcode: 0, edns: undefined });
        expect(message.questions.map((one) => wireNameText(one.name))).toEqual([question]);
      }),
    );
  });

  const head = '0001 8400 0001 0001 0000 0000 03777777 0161 00 0001 0001';
  const answer = (...rest: readonly string[]) => hex(head, ...rest);

  test('names are uncompressed, owner and data, in the case they came in', () => {
    const message = decoded(answer('c00c 0005 0001 00000005 0005 0242 42', 'c010'));
    expect(lines(message)).toEqual(['www.a 5 5 BB.a.']);
    expect(message.answers[0]?.data).toEqual(hex('0242420161 00'));
  });

  test('EDNS: size, version, DO, options and the upper bits of the RCODE (RFC 6891 §6.1.3)', () => {
    const message = decoded(hex('0001 8000 0000 0000 0000 0001 00 0029 04d0 01 00 8000 0008 000f 0004 00166869'));
    expect(message).toMatchObject({ rcode: 16, additionals: [], edns: { udpSize: 1232, version: 0, do: true } });
    expect(message.edns?.options).toEqual([{ code: 15, data: hex('00166869') }]);
  });

  test('a TTL with the top bit set counts as 0 (RFC 2181 §8)', () => {
    expect(lines(decoded(answer('c00c 0001 0001 80000001 0004 0a000001')))).toEqual(['www.a 0 1 10.0.0.1']);
  });

  const malformed: readonly [what: string, bytes: Uint8Array, detail: string][] = [
    ['no header', hex('0001 8400'), 'no header'],
    ['a question that is not there', hex('0001 8400 0001 0000 0000 0000'), 'ends outside'],
    ['an answer that is not there', answer(''), 'ends outside'],
    ['65,535 records announced', hex('0001 8400 0000 ffff ffff ffff 00 0001 0001 00000000 0000'), 'address'],
    ['a pointer to itself', answer('c017 0001 0001 00000000 0004 0a000001'), 'backwards'],
    ['a pointer forwards', answer('c0f0 0001 0001 00000000 0004 0a000001'), 'backwards'],
    ['a pointer into the header', answer('c000 0001 0001 00000000 0004 0a000001'), 'backwards'],
    ['half a pointer', answer('c0'), 'half a pointer'],
    ['a label type of another age', answer('40 0001'), 'label type'],
    ['data longer than the message', answer('c00c 0001 0001 00000000 0005 0a000001'), 'announced'],
    ['an A record of 3 bytes', answer('c00c 0001 0001 00000000 0003 0a0000'), '3 bytes of address'],
    ['an AAAA record of 4 bytes', answer('c00c 001c 0001 00000000 0004 0a000001'), '4 bytes of address'],
    ['a CNAME that ends before its record', answer('c00c 0005 0001 00000000 0004 0161 00 ff'), 'does not end'],
    ['a CNAME that runs out of its record', answer('c00c 0005 0001 00000000 0001 0161 00'), 'does not end'],
    ['an SRV without target', answer('c00c 0021 0001 00000000 0004 00010001'), '4 bytes of data'],
    ['a cut SOA', answer('c00c 0006 0001 00000000 0008 c00c c00c 00000001'), 'does not end'],
    ['OPT among the answers', answer('00 0029 04d0 00000000 0000'), 'OPT'],
    ['OPT of another owner', hex('0001 8000 0000 0000 0000 0001 0161 00 0029 04d0 00000000 0000'), 'OPT'],
    ['two OPTs', hex('0001 8000 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000'), 'two OPT'],
    ['an option longer than its OPT', hex('0001 8000 0000 0000 0000 0001 00 0029 04d0 00000000 0004 000f 0009'), 'longer than its OPT'],
    ['half an option', hex('0001 8000 0000 0000 0000 0001 00 0029 04d0 00000000 0002 000f'), 'half an EDNS option'],
  ];
  test.each(malformed)('malformed: %s', (_, bytes, detail) => {
    expect(decodeMessage(bytes)).toMatchObject({ ok: false, code: 'malformed', detail: expect.stringContaining(detail) });
  });

  test('a name may not grow over 255 bytes through pointers (RFC 1035 §2.3.4)', () => {
    const label = `3f${'61'.repeat(63)}`;
    const question = `0001 8400 0001 0001 0000 0000 ${label}${label}${label} 00 0001 0001`;
    expect(decodeMessage(hex(question, `${label} c00c 0001 0001 00000000 0004 0a000001`))).toMatchObject({
      detail: 'a name over 255 bytes',
    });
  });

  test('a chain of pointers is followed a bounded number of times', () => {
    const chain = (pointers: number) => {
      const links = Array.from({ length: pointers }, (_, i) => (0xc000 | (i === 0 ? 12 : 23 + 2 * (i - 1))).toString(16));
      const data = links.join('');
      const length = (data.length / 2).toString(16).padStart(4, '0');
      const last = (0xc000 | (23 + 2 * (pointers - 1))).toString(16);
      return hex('0001 8400 0000 0002 0000 0000', '00 03e7 0001 00000000', length, data, last, '0001 0001 00000000 0004 0a000001');
    };
    expect(decodeMessage(chain(100)).ok).toBe(true);
    expect(decodeMessage(chain(200))).toMatchObject({ detail: 'too many pointers' });
  });

  test('bytes behind the last record are ignored', () => {
    expect(decoded(answer('c00c 0001 0001 00000005 0004 0a000001 dead')).answers.length).toBe(1);
  });
});

describe('text', () => {
  test.each([
    ['00', '.'],
    ['0161 0162 00', 'a.b'],
    ['03612e62 00', 'a\\.b'],
    ['03 5c0041 00', '\\\\\\000A'],
    ['01ff 00', '\\255'],
  ])('the name %s is %s', (wire, text) => {
    expect(wireNameText(hex(wire))).toBe(text);
  });

  test.each([
    [28, 'fd000000000000000000000000000009', 'fd00::9'],
    [257, '00056973737565', '\\# 7 00056973737565'],
    [999, '', '\\# 0'],
    [16, '0161 0562', '\\# 4 01610562'],
    [16, '0322005c', '"\\"\\000\\\\"'],
  ])('data of type %d, %s, is %s', (type, data, text) => {
    expect(recordDataText({ type, data: hex(data) })).toBe(text);
  });

  test('folding touches letters only', () => {
    expect(foldWireName(hex('03415a5b 01e4 00'))).toEqual(hex('03617a5b 01e4 00'));
  });
});
