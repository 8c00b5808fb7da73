import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { type AnswerServer, exchange, MANY, PATHS, startAnswerServer } from '../support/answer-server.ts';
import { run } from '../support/child.ts';
import { queryBytes, readReply } from '../support/dns-query.ts';
import { programs, requires } from '../support/require.ts';

// The answers as dig (ISC), kdig (CZ.NIC) and dnspython read them: three codecs that are not ours.

/** Debian's python, which has the package python3-dnspython; another one in front of it on the PATH may not. */
const PYTHON = '/usr/bin/python3';
const DNSPYTHON = '/usr/lib/python3/dist-packages/dns/message.py';

const suite = await requires(
  'net',
  () => programs('dig', 'kdig')() ?? (existsSync(DNSPYTHON) ? undefined : 'no python3-dnspython on this machine'),
);

/** RFC 8906 §8, its commands and its expectations as they stand there. */
const commands: readonly (readonly [section: string, options: string, present: readonly RegExp[], absent: readonly RegExp[]])[] = [
  ['8.1.1', '+noedns +noad +norec soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa;/], [/EDNS/]],
  ['8.1.2', '+noedns +noad +norec type1000 minilb', [/status: NOERROR/, /ANSWER: 0/, /flags: qr aa;/], [/EDNS/]],
  ['8.1.3.1', '+noedns +noad +norec +cd soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa cd;|flags: qr aa;/], [/EDNS/]],
  ['8.1.3.2', '+noedns +norec +ad soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa;/], [/EDNS/]],
  ['8.1.3.3', '+noedns +noad +norec +zflag soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa;/], [/EDNS/, /MBZ/]],
  ['8.1.3.4', '+noedns +noad +rec soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa rd;/], [/EDNS/]],
  ['8.1.4', '+noedns +noad +opcode=15 +norec +header-only', [/status: NOTIMP/, /opcode: RESERVED15/, /flags: qr;/], [/EDNS/, /SOA/]],
  ['8.1.5', '+noedns +noad +norec +tcp soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /flags: qr aa;/], [/EDNS/]],
  ['8.2.1', '+nocookie +edns=0 +noad +norec soa minilb', [/status: NOERROR/, /^minilb\.\s.*SOA/m, /EDNS: version: 0/, /flags: qr aa;/], []],
  [
    '8.2.2',
    '+nocookie +edns=1 +noednsneg +noad +norec soa minilb',
    [/status: BADVERS/, /EDNS: version: 0/, /flags: qr;/],
    [/^minilb\.\s.*SOA/m],
  ],
  [
    '8.2.3',
    '+nocookie +edns=0 +noad +norec +ednsopt=100 soa minilb',
    [/status: NOERROR/, /^minilb\.\s.*SOA/m, /EDNS: version: 0/],
    [/OPT=100/],
  ],
  [
    '8.2.4',
    '+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa minilb',
    [/status: NOERROR/, /^minilb\.\s.*SOA/m, /EDNS: version: 0/],
    [/MBZ/],
  ],
  [
    '8.2.5',
    '+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 soa minilb',
    [/status: BADVERS/, /EDNS: version: 0/],
    [/MBZ/, /^minilb\.\s.*SOA/m],
  ],
  ['8.2.6', '+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 soa minilb', [/status: BADVERS/, /EDNS: version: 0/], [/OPT=100/]],
  ['8.2.7', '+norec +dnssec +bufsize=512 +ignore dnskey minilb', [/status: NOERROR/, /EDNS: version: 0/], []],
  [
    '8.2.8',
    '+nocookie +edns=0 +noad +norec +dnssec soa minilb',
    [/status: NOERROR/, /^minilb\.\s.*SOA/m, /EDNS: version: 0, flags: do/],
    [],
  ],
  [
    '8.2.9',
    '+nocookie +edns=1 +noednsneg +noad +norec +dnssec soa minilb',
    [/status: BADVERS/, /EDNS: version: 0, flags: do/],
    [/^minilb\.\s.*SOA/m],
  ],
  [
    '8.2.10',
    '+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa minilb',
    [/status: NOERROR/, /NSID: .*"pod-a"/, /EDNS: version: 0/],
    [/COOKIE/],
  ],
];

const questions: readonly (readonly [name: string, type: string])[] = [
  ['web.default.minilb', 'A'],
  ['web.default.minilb', 'AAAA'],
  ['v4.default.minilb', 'AAAA'],
  ['v4.default.minilb', 'ANY'],
  ['V4.DEFAULT.minilb', 'MX'],
  ['none.default.minilb', 'A'],
  ['default.minilb', 'NS'],
  ['nobody.default.minilb', 'A'],
  ['minilb', 'SOA'],
  ['minilb', 'NS'],
  ['alias2.default.minilb', 'AAAA'],
  ['dead.default.minilb', 'A'],
  ['loop.default.minilb', 'A'],
  ['many.default.minilb', 'A'],
  ['db.default.minilb', 'A'],
  ['10-244-0-2.web.default.minilb', 'A'],
  ['fd00--5.web.default.minilb', 'AAAA'],
  ['www.default.minilb', 'A'],
  ['www.example.com', 'A'],
];

/** Reads hex lines, and writes what each message says as JSON; a message with anything left over or unreadable ends it. */
const READER = `
import dns.edns, dns.flags, dns.message, dns.rcode, dns.rdatatype, json, sys
for line in sys.stdin:
    m = dns.message.from_wire(bytes.fromhex(line.strip()), ignore_trailing=False, one_rr_per_rrset=True)
    rows = lambda section: [[s.name.to_text().rstrip('.'), dns.rdatatype.to_text(s.rdtype), s[0].to_text()] for s in section]
    print(json.dumps({
        'rcode': dns.rcode.to_text(m.rcode()), 'flags': dns.flags.to_text(m.flags & 0x7ff).lower().split(), 'edns': m.edns,
        'question': [q.name.to_text() + ' ' + dns.rdatatype.to_text(q.rdtype) for q in m.question],
        'answers': rows(m.answer), 'authorities': rows(m.authority), 'ttls': [s.ttl for s in m.answer + m.authority],
        'ede': [int.from_bytes(o.to_wire()[:2], 'big') for o in m.options if o.otype == 15]}))
`;

interface Read {
  readonly rcode: string;
  readonly flags: readonly string[];
  readonly edns: number;
  readonly question: readonly string[];
  readonly answers: readonly (readonly [string, string, string])[];
  readonly authorities: readonly (readonly [string, string, string])[];
  readonly ttls: readonly number[];
  readonly ede: readonly number[];
}

suite('the answers as others read them', () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  }, 30_000);
  afterAll(() => server?.stop());

  const dig = (options: string, host: string) =>
    run(['dig', `@${host}`, '-p', `${server.port}`, '+tries=1', '+time=3', ...options.split(' ').filter((word) => word !== '')]);

  test.each(commands)('dig, RFC 8906 §%s: %s', async (_, options, present, absent) => {
    for (const host of ['127.0.0.1', '::1']) {
      const text = await dig(options, host);
      for (const each of present) expect(text).toMatch(each);
      for (const each of absent) expect(text).not.toMatch(each);
      expect(text).not.toMatch(/WARNING: (?!recursion)|malformed|extra bytes/i);
    }
  });

  test.each(PATHS.map((path) => [path.name, path] as const))('kdig, %s: pods, NODATA, NXDOMAIN, REFUSED, NSID', async (_, path) => {
    const kdig = (...words: readonly string[]) =>
      run(['kdig', `@${path.host}`, '-p', `${server.port}`, path.transport === 'tcp' ? '+tcp' : '+notcp', '+retry=0', '+time=3', ...words]);
    const web = await kdig('+nsid', 'web.default.minilb', 'A');
    expect([...web.matchAll(/IN\s+A\s+(\d\S+)/g)].map((match) => match[1]).sort()).toEqual(['10.244.0.1', '10.244.0.2']);
    expect(web).toContain('pod-a');
    expect(await kdig('web.default.minilb', 'MX')).toMatch(/status: NOERROR[\s\S]*ANSWER: 0[\s\S]*AUTHORITY SECTION[\s\S]*SOA/);
    expect(await kdig('nobody.default.minilb', 'A')).toMatch(/status: NXDOMAIN[\s\S]*SOA/);
    expect(await kdig('+edns', 'www.example.com', 'A')).toMatch(/status: REFUSED[\s\S]*EDE: 20/);
    expect(await kdig('many.default.minilb', 'A')).toContain(`ANSWER: ${path.transport === 'tcp' ? MANY : 16};`);
  });

  test('kdig keeps one connection for several questions (RFC 7766 §6.2.1)', async () => {
    const names = ['v4', 'web', 'many'].flatMap((name) => [`${name}.default.minilb`, 'A']);
    const text = await run(['kdig', '@127.0.0.1', '-p', `${server.port}`, '+tcp', '+keepopen', '+retry=0', ...names]);
    expect([...text.matchAll(/status: NOERROR/g)].length).toBe(3);
  });

  test('dig asks again over TCP by itself when an answer is cut (RFC 7766 §5)', async () => {
    const text = await dig('+noedns db.default.minilb A', '127.0.0.1');
    expect(text).toMatch(/Truncated, retrying in TCP mode/);
    expect(text).toContain(`ANSWER: ${MANY + 1},`);
  });

  test('dnspython reads every answer to its last byte, and reads the same as npm’s codec', async () => {
    const replies: Buffer[] = [];
    for (const path of PATHS) {
      for (const [name, type] of questions) {
        for (const options of [{}, { edns: 1232 }, { edns: 4096, dnssecOk: true, nsid: true }]) {
          const reply = await exchange(path, server.port, queryBytes(name, type, options));
          if (!reply) throw new Error(`no answer to ${name} ${type} over ${path.name}`);
          replies.push(reply);
        }
      }
    }
    const output = await run([PYTHON, '-c', READER], { input: `${replies.map((reply) => reply.toString('hex')).join('\n')}\n` });
    const read = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Read);
    expect(read.length).toBe(replies.length);
    for (const [i, reply] of replies.entries()) {
      const ours = readReply(reply);
      const theirs = read[i] as Read;
      const first = (lines: readonly string[]) => lines.map((line) => line.split(' ').slice(0, 2).join(' '));
      expect({
        rcode: theirs.rcode,
        flags: theirs.flags.filter((flag) => flag !== 'qr'),
        edns: theirs.edns >= 0,
        answers: theirs.answers.map(([name, type]) => `${name} ${type}`),
        authorities: theirs.authorities.map(([name, type]) => `${name} ${type}`),
        ttls: theirs.ttls,
        ede: theirs.ede,
      }).toEqual({
        rcode: ours.rcode,
        flags: [...ours.flags],
        edns: ours.opt !== undefined,
        answers: first(ours.answers),
        authorities: first(ours.authorities),
        ttls: [...ours.ttls],
        ede: [...ours.ede],
      });
      for (const [name, type, data] of theirs.answers)
        if (type === 'A' || type === 'AAAA') expect(ours.answers).toContain(`${name} ${type} ${data}`);
    }
  }, 60_000);
});
