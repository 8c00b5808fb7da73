import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePort, run, startChild } from '../support/child.ts';
import { type ForwardingMinilb, startForwarding } from '../support/forwarding-minilb.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// The forwarder between real servers: Knot holds and signs example.com, Unbound resolves it, minilb forwards to Unbound, and a second,
// validating Unbound stands where a router would, behind minilb. For the first Unbound nothing is below `minilb`, as the root
// would say.

const suite = await requires('net', programs('knotd', 'unbound', 'dnsmasq', 'dig'));

const ZONE = `$ORIGIN example.com.
$TTL 300
@ SOA ns admin 1 3600 600 86400 60
@ NS ns
@ MX 10 mail
@ CAA 0 issue "ca.example.net"
ns A 127.0.0.1
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
alias2 CNAME alias
dangling CNAME nobody
published CNAME web.default.minilb.
*.wild A 192.0.2.9
_http._tcp SRV 0 5 80 www
short 1 A 192.0.2.3
big TXT ${Array.from({ length: 12 }, (_, i) => `"${String(i).repeat(200).slice(0, 200)}"`).join(' ')}
a.b.ent TXT "below an empty non-terminal"
`;

interface Programs {
  readonly folder: string;
  readonly children: Child[];
  readonly knot: number;
  readonly unbound: number;
  readonly behind: number;
  readonly minilb: ForwardingMinilb;
}

let all: Programs;

const dig = (port: number, ...args: readonly string[]) =>
  run(['dig', '@127.0.0.1', '-p', String(port), '+tries=1', '+time=5', '+nocookie', ...args]);
/** RCODE, the flags that matter, and the records of answer and authority without TTLs, sorted. */
const outcome = async (port: number, ...args: readonly string[]) => {
  const text = await dig(port, ...args);
  const records = text.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  return {
    rcode: /status: (\w+)/.exec(text)?.[1],
    ad: /flags:[^;]* ad/.test(text),
    records: records.map((line) => line.replace(/\s+/g, ' ').replace(/ \d+ IN /, ' IN ')).sort(),
  };
};

function unboundConfig(folder: string, port: number, anchor: string, rest: string): string {
  return [
    'server:',
    '  interface: 127.0.0.1',
    `  port: ${port}`,
    `  directory: "${folder}"`,
    '  username: ""',
    '  chroot: ""',
    '  pidfile: ""',
    '  use-syslog: no',
    '  do-not-query-localhost: no',
    '  do-ip6: no',
    '  module-config: "validator iterator"',
    `  trust-anchor: "${anchor}"`,
    '  domain-insecure: "minilb"',
    rest,
    '',
  ].join('\n');
}

suite('minilb between Knot, Unbound and a validating Unbound', () => {
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'minilb-forward-net-'));
    const children: Child[] = [];
    const [knot, unbound, behind] = [await freePort(), await freePort(), await freePort()];
    const start = (name: string, config: string, command: (file: string) => readonly string[]) => {
      const file = join(folder, `${name}.conf`);
      writeFileSync(file, config);
      children.push(startChild({ name, command: command(file), log: join(folder, `${name}.log`) }));
    };
    writeFileSync(join(folder, 'example.com.zone'), ZONE);
    writeFileSync(
      join(folder, 'minilb.zone'),
      '@ 60 SOA ns.example.com. admin.example.com. 1 3600 600 86400 60\n@ 60 NS ns.example.com.\n',
    );
    start(
      'knot',
      `server:\n  listen: 127.0.0.1@${knot}\n  rundir: ${folder}\n  user: ${process.env['USER'] || 'root'}\ndatabase:\n  storage: ${folder}\nlog:\n  - target: stderr\n    any: warning\npolicy:\n  - id: ours\n    algorithm: ecdsap256sha256\nzone:\n  - domain: example.com\n    storage: ${folder}\n    file: example.com.zone\n    zonefile-sync: -1\n    journal-content: none\n    dnssec-signing: on\n    dnssec-policy: ours\n  - domain: minilb\n    storage: ${folder}\n    file: minilb.zone\n    zonefile-sync: -1\n    journal-content: none\n`,
      (file) => ['knotd', '-c', file],
    );
    const anchor = await waitFor(
      'the zone’s key',
      async () => /^.*DNSKEY\s+257.*$/m.exec(await dig(knot, '+noall', '+answer', 'example.com', 'DNSKEY'))?.[0],
    );
    const key = anchor.replace(/\s+/g, ' ').replace(/ \d+ IN /, ' IN ');
    start(
      'unbound',
      unboundConfig(
        folder,
        unbound,
        key,
        `stub-zone:\n  name: "minilb"\n  stub-addr: 127.0.0.1@${knot}\nstub-zone:\n  name: "example.com"\n  stub-addr: 127.0.0.1@${knot}`,
      ),
      (file) => ['unbound', '-d', '-c', file],
    );
    await waitFor('Unbound', async () => (await outcome(unbound, 'www.example.com', 'A')).rcode === 'NOERROR');
    const minilb = await startForwarding(['-upstream', `127.0.0.1:${unbound}`]);
    start('behind', unboundConfig(folder, behind, key, `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${minilb.port}`), (file) => [
      'unbound',
      '-d',
      '-c',
      file,
    ]);
    all = { folder, children, knot, unbound, behind, minilb };
    await waitFor('the second Unbound', async () => (await outcome(behind, 'www.example.com', 'A')).rcode === 'NOERROR');
  }, 60_000);
  afterAll(async () => {
    await all?.minilb.stop();
    for (const child of all?.children ?? []) await child.stop();
    if (all) rmSync(all.folder, { recursive: true });
  });

  const questions = [
    'www A',
    'www AAAA',
    'www MX',
    'alias A',
    'alias2 AAAA',
    'dangling A',
    'nobody A',
    'wild A',
    'x.wild A',
    'b.ent A',
    '_http._tcp SRV',
    'big TXT',
    'www TYPE65',
    'www TYPE1234',
  ];
  const full = questions.map((question) => question.replace(' ', '.example.com '));
  const asked = [...full, 'example.com SOA', 'example.com NS', 'example.com MX', 'example.com CAA', 'example.com DNSKEY'].flatMap(
    (question) => [question, `${question} +dnssec`, `${question} +tcp +noedns`],
  );

  test.each(asked)('%s: minilb says what Unbound says, first from upstream and then from its cache', async (question) => {
    const args = [...question.split(' '), '+noadditional'];
    const upstream = await outcome(all.unbound, ...args);
    // Unbound adds the authority section of positive answers, which is not part of what was asked.
    const wanted = { rcode: upstream.rcode, answers: withoutAuthority(upstream.records, question) };
    for (let round = 0; round < 2; round++) {
      const got = await outcome(all.minilb.port, ...args);
      expect({ rcode: got.rcode, answers: withoutAuthority(got.records, question) }).toEqual(wanted);
    }
  });

  test('DNSSEC goes through: a validating resolver behind minilb proves answers, absences, wildcards and aliases (RFC 4035 §4)', async () => {
    for (const [name, type, rcode] of [
      ['www.example.com', 'A', 'NOERROR'],
      ['www.example.com', 'MX', 'NOERROR'],
      ['nobody.example.com', 'A', 'NXDOMAIN'],
      ['x.wild.example.com', 'A', 'NOERROR'],
      ['alias2.example.com', 'A', 'NOERROR'],
      ['big.example.com', 'TXT', 'NOERROR'],
    ] as const)
      expect({ name, ...(await outcome(all.behind, name, type, '+dnssec', '+noauthority')), records: [] }).toEqual({
        name,
        rcode,
        ad: true,
        records: [],
      });
  });

  test('AD of an upstream on loopback reaches who asks for it, and nobody else (RFC 6840 §5.7)', async () => {
    expect((await outcome(all.minilb.port, 'www.example.com', 'A', '+adflag')).ad).toBe(true);
    expect((await outcome(all.minilb.port, 'www.example.com', 'A', '+noadflag')).ad).toBe(false);
    expect((await outcome(all.minilb.port, 'web.default.minilb', 'A', '+adflag')).ad).toBe(false);
  });

  test('an alias that external-dns published leads to the pods, also for a resolver behind', async () => {
    const wanted = ['published.example.com. IN CNAME web.default.minilb.', 'web.default.minilb. IN A 10.244.0.5'];
    expect((await outcome(all.minilb.port, 'published.example.com', 'A', '+noauthority')).records).toEqual(wanted);
    expect((await outcome(all.behind, 'published.example.com', 'A', '+noauthority')).records).toEqual(wanted);
  });

  test('-domain is a real zone here, and minilb has said so', async () => {
    expect(await all.minilb.minilb.logged('is a real zone of somebody else')).toContain('primary=ns.example.com');
  });

  test('no answer outlives its TTL: a change in the zone is seen within it', async () => {
    await outcome(all.minilb.port, 'short.example.com', 'A');
    const before = await all.minilb.metric('minilb_forward_queries_total', '"hit"');
    await waitFor('the TTL’s end', async () => {
      const misses = await all.minilb.metric('minilb_forward_queries_total', '"miss"');
      await outcome(all.minilb.port, 'short.example.com', 'A');
      return (await all.minilb.metric('minilb_forward_queries_total', '"miss"')) > misses;
    });
    expect(await all.minilb.metric('minilb_forward_queries_total', '"hit"')).toBeGreaterThanOrEqual(before);
  });
});

/** Positive answers come with authority records that are nobody's question. */
function withoutAuthority(records: readonly string[], question: string): readonly string[] {
  const type = question.split(' ')[1] ?? '';
  const positive = records.some((line) => line.includes(` IN ${type} `));
  return positive
    ? records.filter((line) => line.includes(` IN ${type} `) || line.includes(' IN CNAME ') || line.includes(` IN RRSIG ${type} `))
    : records;
}

suite('a router (dnsmasq) that forwards everything to minilb, which forwards to it', () => {
  let folder: string;
  let router: Child;
  let server: ForwardingMinilb;
  const log = () => readFileSync(join(folder, 'queries.log'), 'utf8').split('\n');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minilb-loop-'));
    const [routerPort, port] = [await freePort(), await freePort()];
    const config = ['listen-address=127.0.0.1', 'bind-interfaces', 'no-resolv', 'no-hosts', 'user=root', 'cache-size=0', 'log-queries'];
    const file = join(folder, 'dnsmasq.conf');
    writeFileSync(
      file,
      [
        ...config,
        `port=${routerPort}`,
        `server=127.0.0.1#${port}`,
        `pid-file=${folder}/pid`,
        `log-facility=${folder}/queries.log`,
        '',
      ].join('\n'),
    );
    router = startChild({
      name: 'dnsmasq',
      command: ['dnsmasq', '--keep-in-foreground', `--conf-file=${file}`],
      log: join(folder, 'dnsmasq.log'),
    });
    await waitFor('dnsmasq', () => log().length > 1);
    server = await startForwarding(['-upstream', `127.0.0.1:${routerPort}`], {}, port);
  });
  afterAll(async () => {
    await server?.stop();
    await router?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the probe finds it within seconds; until then and after, one question is a handful of queries, not a storm', async () => {
    const early = server.ask('early.example.com').catch(() => undefined);
    await server.minilb.logged('sends our queries back');
    await early;
    const about = (name: string) => log().filter((line) => line.includes(`query[A] ${name}`)).length;
    expect(about('early.example.com')).toBeLessThanOrEqual(20);
    for (let i = 0; i < 20; i++) expect((await server.ask(`late${i}.example.com`)).rcode).toBe('SERVFAIL');
    expect(about('late')).toBe(0);
    expect(await server.metric('minilb_forward_upstream_usable')).toBe(0);
    expect((await server.ask('web.default.minilb')).answers).toEqual(['web.default.minilb A 10.244.0.5']);
  });
});
