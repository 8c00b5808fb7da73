import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type AnswerServer, exchange, PATHS, startAnswerServer } from '../support/answer-server.ts';
import { readReply } from '../support/dns-query.ts';

// RFC 8906 §8: its queries, byte by byte, and what it demands of the answers.

const MINILB = [6, ...Buffer.from('minilb'), 0];
const TYPE = { SOA: 6, DNSKEY: 48, TYPE1000: 1000 };
const AD = 0x20;
const CD = 0x10;
const Z = 0x40;
const RD = 0x100;
const DO = 0x8000;
const NSID = 3;
const COOKIE = 10;
const UNKNOWN_OPTION = 100;

interface Edns {
  readonly version?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly options?: readonly { readonly code: number; readonly data: readonly number[] }[];
}

interface Ask {
  readonly flags?: number;
  readonly type?: number;
  readonly edns?: Edns;
}

const word = (n: number) => [n >> 8, n & 255];

function opt({ version = 0, flags = 0, size = 1232, options = [] }: Edns): readonly number[] {
  const data = options.flatMap((option) => [...word(option.code), ...word(option.data.length), ...option.data]);
  return [0, ...word(41), ...word(size), 0, version, ...word(flags), ...word(data.length), ...data];
}

function message({ flags = 0, type = TYPE.SOA, edns }: Ask): Uint8Array {
  const question = [...MINILB, ...word(type), 0, 1];
  const counts = [0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0];
  return Uint8Array.from([0x89, 0x06, ...word(flags), ...counts, ...question, ...(edns ? opt(edns) : [])]);
}

/** What §8 looks at. */
interface Seen {
  readonly rcode: string;
  readonly soa: boolean;
  readonly aa: boolean;
  readonly rd: boolean;
  readonly ad: boolean;
  readonly z: boolean;
  /** The EDNS version of the reply; `none` without OPT. */
  readonly edns: number | 'none';
  /** Bits of the OPT's flags. */
  readonly ednsFlags: number;
  readonly options: readonly number[];
}

function look(reply: Buffer): Seen {
  const text = readReply(reply);
  const flags = reply.readUInt16BE(2);
  const at = reply.lastIndexOf(Buffer.from([0, 0, 41]));
  const withOpt = text.opt !== undefined;
  const options: number[] = [];
  for (let from = at + 11; withOpt && from < reply.length; from += 4 + reply.readUInt16BE(from + 2)) options.push(reply.readUInt16BE(from));
  return {
    rcode: text.rcode === 'EXT1' ? 'BADVERS' : text.rcode,
    soa: text.answers.some((line) => line.startsWith('minilb SOA ')),
    aa: text.flags.includes('aa'),
    rd: text.flags.includes('rd'),
    ad: (flags & AD) !== 0,
    z: (flags & Z) !== 0,
    edns: withOpt ? (reply[at + 6] ?? -1) : 'none',
    ednsFlags: withOpt ? reply.readUInt16BE(at + 7) : 0,
    options,
  };
}

const plain: Seen = { rcode: 'NOERROR', soa: true, aa: true, rd: false, ad: false, z: false, edns: 'none', ednsFlags: 0, options: [] };
const withEdns: Seen = { ...plain, edns: 0 };
const badVersion: Seen = { ...withEdns, rcode: 'BADVERS', soa: false, aa: false };
const unknownOption = [{ code: UNKNOWN_OPTION, data: [] }];

const rows: readonly (readonly [name: string, ask: Ask, expected: Seen])[] = [
  ['§8.1.1 configured for the zone', {}, plain],
  ['§8.1.2 unknown type', { type: TYPE.TYPE1000 }, { ...plain, soa: false }],
  ['§8.1.3.1 CD=1', { flags: CD }, plain],
  ['§8.1.3.2 AD=1', { flags: AD }, plain],
  ['§8.1.3.3 reserved bit', { flags: Z }, plain],
  ['§8.1.3.4 recursive query', { flags: RD }, { ...plain, rd: true }],
  ['§8.2.1 minimal EDNS', { edns: {} }, withEdns],
  ['§8.2.2 EDNS version 1', { edns: { version: 1 } }, badVersion],
  ['§8.2.3 unknown EDNS option', { edns: { options: unknownOption } }, withEdns],
  ['§8.2.4 unknown EDNS flags', { edns: { flags: 0x40 } }, withEdns],
  ['§8.2.5 EDNS version 1 with unknown flags', { edns: { version: 1, flags: 0x40 } }, badVersion],
  ['§8.2.6 EDNS version 1 with an unknown option', { edns: { version: 1, options: unknownOption } }, badVersion],
  [
    '§8.2.7 512 bytes and DO: OPT is in the reply',
    { type: TYPE.DNSKEY, edns: { size: 512, flags: DO } },
    { ...withEdns, soa: false, ednsFlags: DO },
  ],
  ['§8.2.8 DO=1', { edns: { flags: DO } }, { ...withEdns, ednsFlags: DO }],
  ['§8.2.9 EDNS version 1 with DO=1', { edns: { version: 1, flags: DO } }, { ...badVersion, ednsFlags: DO }],
  [
    '§8.2.10 several defined options',
    {
      edns: {
        options: [
          { code: NSID, data: [] },
          { code: COOKIE, data: [1, 2, 3, 4, 5, 6, 7, 8] },
          { code: 8, data: [0, 1, 0, 0] },
        ],
      },
    },
    { ...withEdns, options: [NSID] },
  ],
  [
    'a cookie is ignored like any unknown option (RFC 7873 §5.2)',
    { edns: { options: [{ code: COOKIE, data: [1, 2, 3, 4, 5, 6, 7, 8] }] } },
    withEdns,
  ],
];

describe('RFC 8906 section 8', () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  }, 30_000);
  afterAll(() => server?.stop());

  // §8.1.5 asks that TCP answers, and the second family costs nothing.
  describe.each(PATHS.map((path) => [path.name, path] as const))('%s', (_, path) => {
    const send = async (bytes: Uint8Array) => {
      const reply = await exchange(path, server.port, bytes);
      if (!reply) throw new Error('no answer');
      return reply;
    };

    test.each(rows)('%s', async (_name, ask, expected) => {
      expect(look(await send(message(ask)))).toEqual(expected);
    });

    test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])(
      '§8.1.4 opcode %i as a bare header: NOTIMP, all sections empty',
      async (opcode) => {
        const reply = await send(Uint8Array.from([0x89, 0x06, opcode << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        expect([...reply]).toEqual([0x89, 0x06, 0x80 | (opcode << 3), 4, 0, 0, 0, 0, 0, 0, 0, 0]);
      },
    );
  });
});
