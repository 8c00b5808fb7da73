import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type MessageOptions, questionOf, responseBytes } from '../../../test/support/upstream-message.ts';
import { judge, type Verdict } from './judge.ts';
import { ALIASES_MAX, NEGATIVE_TTL_SECONDS_MAX, TTL_SECONDS_MAX } from './upstream-answer.ts';

const A = 'www.example.com 300 A 192.0.2.1';
const SOA = 'example.com 900 SOA 60';
const ask = questionOf('www.example.com', 'A');

function verdict(options: MessageOptions, question = ask): Verdict {
  return judge(responseBytes('www.example.com', 'A', options), 1, question, false);
}

describe('what is taken for an answer (RFC 5452 §9)', () => {
  const rows: readonly [name: string, options: MessageOptions, expected: Verdict['kind']][] = [
    ['ID and question match', { answers: [A] }, 'answer'],
    ['the question in another case is the same (RFC 4343)', { question: ['WWW.example.COM', 'A'], answers: [A] }, 'answer'],
    ['another ID', { id: 2, answers: [A] }, 'ignored'],
    ['another name in the question', { question: ['www.example.org', 'A'], answers: [A] }, 'ignored'],
    ['another type in the question', { question: ['www.example.com', 'AAAA'], answers: [A] }, 'ignored'],
    ['a query is no response', { flags: ['-qr'], answers: [A] }, 'ignored'],
    ['TC: over TCP again (RFC 2181 §9)', { flags: ['tc'], answers: [A] }, 'truncated'],
    ['TC with another ID is nobody’s', { id: 2, flags: ['tc'] }, 'ignored'],
    ['TC with another question too', { flags: ['tc'], question: ['x.example', 'A'] }, 'ignored'],
    ['FORMERR: without OPT again (RFC 6891 §6.2.2)', { rcode: 'FORMERR' }, 'no-edns'],
    ['SERVFAIL: another upstream may know', { rcode: 'SERVFAIL' }, 'failed'],
    ['REFUSED', { rcode: 'REFUSED' }, 'failed'],
    ['NXDOMAIN is an answer', { rcode: 'NXDOMAIN', authorities: [SOA] }, 'answer'],
    ['a referral is none (RFC 2308 §2.2)', { authorities: ['com 900 NS ns.example.net'] }, 'failed'],
    ['NODATA beside NS records is an answer', { authorities: ['example.com 9 NS ns.example.com', SOA] }, 'answer'],
  ];
  test.each(rows)('%s', (_, options, expected) => {
    expect(verdict(options).kind).toBe(expected);
  });

  test('two questions, or none, are not ours', () => {
    const bytes = responseBytes('www.example.com', 'A');
    bytes[5] = 0;
    expect(judge(bytes, 1, ask, false).kind).toBe('ignored');
  });

  test('any bytes get a verdict, and bytes that do not begin with our ID are ignored', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const kind = judge(bytes, 0x0101, ask, false).kind;
        if (bytes[0] !== 1 || bytes[1] !== 1) expect(kind).toBe('ignored');
      }),
      { numRuns: 2000 },
    );
  });

  test('an answer cut or changed anywhere never throws', () => {
    const whole = responseBytes('www.example.com', 'A', {
      answers: ['www.example.com 5 CNAME a.example.com', 'a.example.com 5 A 192.0.2.1'],
    });
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, byte) => {
        const bytes = whole.slice();
        bytes[at] = byte;
        judge(bytes.subarray(0, cut), 1, ask, false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is kept of an answer', () => {
  const kept = (options: MessageOptions, question = ask) => {
    const judged = verdict(options, question);
    if (judged.kind !== 'answer') throw new Error(`not an answer: ${judged.kind}`);
    const { answers, authorities, ttlSeconds, aliases } = judged.answer;
    return [answers, authorities, ttlSeconds, ...aliases.map((alias) => String(alias.target))].join(' ');
  };
  const chain = ['www.example.com 50 CNAME a.example.net', 'a.example.net 40 CNAME b.example.org', 'b.example.org 30 A 192.0.2.1'];
  const loop = ['www.example.com 50 CNAME a.example.com', 'a.example.com 50 CNAME www.example.com'];
  const rows: readonly [name: string, options: MessageOptions, answersAuthoritiesTtlAliases: string][] = [
    ['the RRset asked for', { answers: [A, 'www.example.com 200 A 192.0.2.2'] }, '2 0 200'],
    ['records of other names are dropped (RFC 2181 §5.4.1)', { answers: [A, 'bank.example 300 A 203.0.113.6'] }, '1 0 300'],
    ['other types of the name are dropped', { answers: [A, 'www.example.com 300 TXT hello'] }, '1 0 300'],
    [
      'authority and additional of positive answers are dropped',
      { answers: [A], authorities: [SOA], additionals: ['x.example 1 A 192.0.2.9'] },
      '1 0 300',
    ],
    ['the CNAME chain', { answers: chain }, '3 0 30 a.example.net b.example.org'],
    ['in any order', { answers: chain.toReversed() }, '3 0 30 a.example.net b.example.org'],
    [
      'a chain that loops ends',
      { answers: loop },
      `${ALIASES_MAX} 0 0 ${Array.from({ length: ALIASES_MAX }, (_, i) => (i % 2 ? 'www' : 'a'))
        .map((l) => `${l}.example.com`)
        .join(' ')}`,
    ],
    ['negative: the SOA, for the lesser of TTL and MINIMUM (RFC 2308 §5)', { rcode: 'NXDOMAIN', authorities: [SOA] }, '0 1 60'],
    [
      'negative behind a CNAME: SOA of the target',
      { rcode: 'NXDOMAIN', answers: ['www.example.com 20 CNAME a.example.net'], authorities: ['example.net 90 SOA 70'] },
      '1 1 20 a.example.net',
    ],
    ['negative without SOA is not cached (RFC 2308 §5)', { rcode: 'NXDOMAIN' }, '0 0 0'],
    ['an SOA of another tree says nothing', { rcode: 'NXDOMAIN', authorities: ['example.org 900 SOA 60'] }, '0 0 0'],
    ['an SOA of a sibling neither', { rcode: 'NXDOMAIN', authorities: ['ww.example.com 900 SOA 60'] }, '0 0 0'],
    ['the root’s SOA does', { rcode: 'NXDOMAIN', authorities: ['. 900 SOA 60'] }, '0 1 60'],
    ['a TTL beyond a day is cut to a day', { answers: ['www.example.com 9999999 A 192.0.2.1'] }, `1 0 ${TTL_SECONDS_MAX}`],
    [
      'a negative TTL beyond an hour to an hour (RFC 2308 §5)',
      { rcode: 'NXDOMAIN', authorities: ['example.com 90000 SOA 90000'] },
      `0 1 ${NEGATIVE_TTL_SECONDS_MAX}`,
    ],
    ['TTL 0 is not kept', { answers: ['www.example.com 0 A 192.0.2.1'] }, '1 0 0'],
    ['an OPT is hop by hop (RFC 6891 §6.2.6)', { answers: [A], additionals: [] }, '1 0 300'],
  ];
  test.each(rows)('%s', (_, options, expected) => {
    expect(kept(options)).toBe(expected);
  });

  test('AD only from an upstream whose word is taken (RFC 6840 §5.8)', () => {
    const bytes = responseBytes('www.example.com', 'A', { answers: [A], flags: ['ad'] });
    const authentic = [false, true].map((trusted) => {
      const judged = judge(bytes, 1, ask, trusted);
      return judged.kind === 'answer' && judged.answer.authentic;
    });
    expect(authentic).toEqual([false, true]);
  });

  test('an answer that no reply could hold is a failure', () => {
    const long = Array.from({ length: 250 }, (_, i) => `www.example.com 5 TXT ${'x'.repeat(250)}${i}`.slice(0, 270));
    const judged = judge(responseBytes('www.example.com', 'TXT', { answers: long }), 1, questionOf('www.example.com', 'TXT'), false);
    expect(judged).toEqual({ kind: 'failed', reason: 'too-large' });
  });
});
