import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type ForwardingMinilb, startForwarding } from '../support/forwarding-minilb.ts';
import { type Asked, startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type MessageOptions, responseBytes } from '../support/upstream-message.ts';
import { waitFor } from '../support/wait.ts';

/** What the upstream does is in the first label of the name that it is asked about. */
function hostile(asked: Asked): readonly Uint8Array[] {
  const { name, type, id, transport } = asked;
  const reply = (options: MessageOptions = {}) => responseBytes(name, type, { id, ...options });
  const lie = { answers: [`${name} 60 A 203.0.113.66`] };
  const right = reply({ answers: [`${name} 60 A 192.0.2.1`] });
  switch (name.split('.')[0]) {
    case 'wrong-id':
      return [...Array.from({ length: 50 }, (_, i) => reply({ ...lie, id: (id + 1 + i) & 0xffff })), right];
    case 'wrong-question':
      return [reply({ ...lie, question: ['other.example.com', type] }), reply({ ...lie, question: [name, 'AAAA'] }), right];
    case 'query':
      return [reply({ ...lie, flags: ['-qr'] }), right];
    case 'garbage':
      return [new Uint8Array(3), right.slice(0, 20), new Uint8Array([id >> 8, id & 255, ...new Uint8Array(600).fill(0xc0)]), right];
    case 'truncated':
      return transport === 'udp' ? [reply({ ...lie, flags: ['tc'] })] : [right];
    case 'always-truncated':
      return [reply({ flags: ['tc'] })];
    case 'huge':
      if (transport === 'udp') return [reply({ flags: ['tc'] })];
      return [reply({ answers: Array.from({ length: 1200 }, (_, i) => `${name} 60 A 10.1.${i >> 8}.${i & 255}`) })];
    case 'cname-loop':
      return [reply({ answers: [`${name} 60 CNAME b.example.com`, `b.example.com 60 CNAME ${name}`] })];
    case 'liar':
      return [
        reply({
          answers: [`${name} 60 A 192.0.2.1`, 'bank.example.com 60 A 203.0.113.66', 'web.default.minilb 60 A 203.0.113.66'],
          authorities: ['example.com 60 NS evil.example.com'],
          additionals: ['bank.example.com 60 A 203.0.113.66'],
        }),
      ];
    case 'bank':
      return [reply({ answers: [`${name} 60 A 192.0.2.7`] })];
    case 'published':
      return [reply({ answers: [`${name} 60 CNAME web.default.minilb`, 'web.default.minilb 60 A 203.0.113.66'] })];
    case 'no-edns':
      return [asked.bytes[11] === 1 ? reply({ rcode: 'FORMERR' }) : right];
    case 'servfail':
      return [reply({ rcode: 'SERVFAIL' })];
    case 'silent':
      return [];
    case 'hangs-up':
      return transport === 'udp' ? [reply({ flags: ['tc'] })] : [];
    default:
      return [right];
  }
}

let upstream: TestUpstream;
let server: ForwardingMinilb;

beforeAll(async () => {
  upstream = await startUpstream(hostile);
  server = await startForwarding(['-upstream', `127.0.0.1:${upstream.port}`]);
});
afterAll(async () => {
  await server?.stop();
  await upstream?.stop();
});

const RIGHT = (name: string) => [`${name} A 192.0.2.1`];

describe('a hostile upstream', () => {
  test.each([
    ['fifty wrong IDs before the right one (RFC 5452 §9.2)', 'wrong-id.example.com'],
    ['other questions before the right one (RFC 5452 §9.1)', 'wrong-question.example.com'],
    ['a query in place of a response', 'query.example.com'],
    ['garbage', 'garbage.example.com'],
    ['a cut answer that is asked for again over TCP (RFC 7766 §5)', 'truncated.example.com'],
    ['no EDNS (RFC 6891 §6.2.2)', 'no-edns.example.com'],
  ])('%s: the right answer, never the lie', async (_, name) => {
    const reply = await server.ask(name);
    expect([reply.rcode, reply.flags, reply.answers]).toEqual(['NOERROR', ['rd', 'ra'], RIGHT(name)]);
  });

  test('what was ignored is counted', async () => {
    expect(await server.metric('minilb_forward_ignored_total')).toBeGreaterThanOrEqual(50);
  });

  test('a liar about other names: only what was asked is passed on, and nothing of it is kept', async () => {
    const lied = await server.ask('liar.example.com');
    expect([lied.answers, lied.authorities, lied.additionals]).toEqual([RIGHT('liar.example.com'), [], []]);
    expect((await server.ask('bank.example.com')).answers).toEqual(['bank.example.com A 192.0.2.7']);
    expect((await server.ask('web.default.minilb')).answers).toEqual(['web.default.minilb A 10.244.0.5']);
  });

  test('a public CNAME to a name of ours is completed from the cluster, not from the upstream’s word', async () => {
    const reply = await server.ask('published.example.com');
    expect(reply.answers).toEqual(['published.example.com CNAME web.default.minilb', 'web.default.minilb A 10.244.0.5']);
    expect(Math.max(...reply.ttls)).toBeLessThanOrEqual(5);
  });

  test('a huge answer: whole over TCP, cut over UDP', async () => {
    expect((await server.ask('huge.example.com', 'A', { transport: 'tcp' })).answers).toHaveLength(1200);
    expect(await server.ask('huge.example.com')).toMatchObject({ rcode: 'NOERROR', flags: ['tc', 'rd', 'ra'], answers: [] });
  });

  test.each([
    ['TC over TCP too', 'always-truncated.example.com'],
    ['SERVFAIL', 'servfail.example.com'],
  ])('%s: SERVFAIL with EDE 22 (RFC 8914 §4.23)', async (_, name) => {
    expect(await server.ask(name)).toMatchObject({ rcode: 'SERVFAIL', ede: [22], answers: [] });
  });

  test('a CNAME loop ends, and is not kept', async () => {
    const reply = await server.ask('cname-loop.example.com', 'A', { transport: 'tcp' });
    expect(reply.answers.length).toBeLessThanOrEqual(12);
  });

  test('silence: SERVFAIL with EDE 23 before the client gives up, three queries at most, and then it rests (RFC 9520 §3.2)', async () => {
    expect(await server.ask('silent.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [23] });
    const asked = upstream.asked.filter((one) => one.name === 'silent.example.com');
    expect(asked.length).toBeLessThanOrEqual(3);
    expect(new Set(asked.map((one) => one.port)).size).toBe(asked.length);
    expect(await server.ask('silent.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [22] });
    expect(upstream.count('silent.example.com')).toBe(asked.length);
    await waitFor(
      'it to be asked again',
      async () => (await server.ask('servfail.example.com')).rcode === 'SERVFAIL' && upstream.count('servfail.example.com') > 1,
    );
  });

  test('names of ours are answered at once while others wait; silence over TCP is SERVFAIL in time as well', async () => {
    const waiting = Array.from({ length: 20 }, (_, i) => server.ask(`${i % 2 ? 'silent' : 'hangs-up'}.w${i}.example.com`));
    for (let i = 0; i < 20; i++) expect((await server.ask('web.default.minilb')).answers).toHaveLength(1);
    expect(new Set((await Promise.all(waiting)).map((reply) => reply.rcode))).toEqual(new Set(['SERVFAIL']));
  });
});

describe('the forwarder’s manners', () => {
  test('identical questions under way share one upstream query, each asked case echoed', async () => {
    const names = ['shared.example.com', 'SHARED.example.com', 'Shared.Example.Com'];
    const before = upstream.count('shared.example.com');
    const replies = await Promise.all(Array.from({ length: 30 }, (_, i) => server.ask(names[i % 3] ?? '')));
    expect(upstream.count('shared.example.com') - before).toBe(1);
    for (const [i, reply] of replies.entries()) expect(reply.answers).toEqual(RIGHT(names[i % 3] ?? ''));
  });

  test('the cache answers the second time, over TCP as well; TTLs age', async () => {
    await server.ask('cached.example.com');
    expect((await server.ask('cached.example.com', 'A', { transport: 'tcp' })).answers).toEqual(RIGHT('cached.example.com'));
    expect(upstream.count('cached.example.com')).toBe(1);
    await waitFor('the TTL to age', async () => ((await server.ask('cached.example.com')).ttls[0] ?? 60) < 60);
    expect(upstream.count('cached.example.com')).toBe(1);
  });

  test('another port and ID for each query (RFC 5452 §9.2)', async () => {
    const from = upstream.asked.length;
    await Promise.all(Array.from({ length: 20 }, (_, i) => server.ask(`port${i}.example.com`)));
    const asked = upstream.asked.slice(from);
    expect(new Set(asked.map((one) => one.port)).size).toBeGreaterThanOrEqual(19);
    expect(new Set(asked.map((one) => one.id)).size).toBeGreaterThanOrEqual(19);
  });

  test('RD=0 is not forwarded: REFUSED, EDE 20', async () => {
    expect(await server.ask('norecurse.example.com', 'A', { rd: false })).toMatchObject({ rcode: 'REFUSED', ede: [20] });
    expect(upstream.count('norecurse.example.com')).toBe(0);
  });

  test('DO and CD go along; without EDNS the client gets none back', async () => {
    await server.ask('flags.example.com', 'A', { dnssecOk: true, cd: true });
    const sent = upstream.asked.find((one) => one.name === 'flags.example.com')?.bytes ?? new Uint8Array();
    expect([(sent[3] ?? 0) & 0x10, (sent.at(-4) ?? 0) & 0x80]).toEqual([0x10, 0x80]);
    expect((await server.ask('flags.example.com', 'A', { dnssecOk: true, cd: true })).opt?.dnssecOk).toBe(true);
  });

  test('names that keep browsers on this resolver do not exist, and are not asked about', async () => {
    for (const name of ['use-application-dns.net', 'mask.icloud.com', 'mask-h2.icloud.com']) {
      expect((await server.ask(name)).rcode).toBe('NXDOMAIN');
      expect(upstream.count(name)).toBe(0);
    }
  });

  test('the probe went out, came back from nobody, and the upstream is in use', async () => {
    expect(upstream.asked.some((one) => /^[0-9a-f]{32}\.minilb-loop-probe$/.test(one.name) && one.type === 'TXT')).toBe(true);
    expect(await server.metric('minilb_forward_upstream_usable')).toBe(1);
  });
});
