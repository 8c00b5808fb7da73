import { afterEach, describe, expect, test } from 'bun:test';
import { queryBytes, type ReplyText, readReply } from '../../../test/support/dns-query.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { startUpstream } from '../../../test/support/upstream.ts';
import { responseBytes } from '../../../test/support/upstream-message.ts';
import { ip } from '../../../test/support/values.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import type { DnsName } from '../../core/value/dns-name.ts';
import { createRespondContext } from '../../core/zone/reply.ts';
import { FORWARD, respond } from '../../core/zone/respond.ts';
import { createZone } from '../../core/zone/zone.ts';
import { systemClock } from '../system/clock.ts';
import { createForwarder, IN_FLIGHT_MAX, WAITING_MAX } from './forwarder.ts';
import { type DnsClient, LATER } from './handler.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function makeForwarder(upstreams: readonly ServerAddress[], synced = true) {
  const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 });
  const ctx = createRespondContext({ maxAnswers: 16, serverId: new Uint8Array(0), forwarding: true }, 1);
  ctx.synced = synced;
  ctx.ra = 0x80;
  const stop = new AbortController();
  const log = createMemoryLog();
  let answered = 0;
  const forwarder = createForwarder(
    { upstreams, zone, ctx, syncGraceSeconds: 10, clock: systemClock, log, answered: () => void answered++ },
    stop.signal,
  );
  ends.push(() => stop.abort());
  const out = new Uint8Array(1232);
  const later: ReplyText[] = [];

  /** The reply given at once, `later`, or what `respond` itself said. */
  const ask = (name: string, type = 'A', from = '192.168.1.7'): ReplyText | 'later' => {
    const packet = queryBytes(name, type, { rd: true, edns: 1232 });
    if (respond(packet, packet.length, out, zone, ctx) !== FORWARD) throw new Error('a name of ours');
    const send = (reply: Uint8Array) => void later.push(readReply(reply));
    const client: DnsClient = { address: from, port: 5, family: 4, transport: 'udp', local: '127.0.0.1', later: () => send };
    const length = forwarder.handle(packet, packet.length, out, client);
    return length === LATER ? 'later' : readReply(out.slice(0, length));
  };
  return { forwarder, ask, later, log, answered: () => answered };
}

/** An address of TEST-NET-1 (RFC 5737): nobody is there. */
const PUBLIC: ServerAddress = { ip: ip('192.0.2.53'), port: 53 };

async function silentUpstream(): Promise<ServerAddress> {
  const upstream = await startUpstream(() => []);
  ends.push(upstream.stop);
  return { ip: ip('127.0.0.1'), port: upstream.port };
}

describe('what is not asked of anybody', () => {
  const rows: readonly [name: string, asked: string, type: string, from: string, expected: string][] = [
    ['a foreign query from an upstream’s own address: it would go in circles', 'www.example.com', 'A', '192.0.2.53', 'REFUSED'],
    ['the probe of another replica', 'minilb-loop-probe', 'TXT', '192.168.1.7', 'REFUSED'],
    ['a probe with a token', `${'ab'.repeat(16)}.minilb-loop-probe`, 'TXT', '192.168.1.7', 'REFUSED'],
    ['types between two servers: TKEY (RFC 2930 §4)', 'www.example.com', 'TKEY', '192.168.1.7', 'REFUSED'],
    ['private reverse names, of public upstreams (RFC 6303)', '5.1.168.192.in-addr.arpa', 'PTR', '192.168.1.7', 'NXDOMAIN'],
    ['the canary of browsers', 'use-application-dns.net', 'A', '192.168.1.7', 'NXDOMAIN'],
  ];
  test.each(rows)('%s', (_, asked, type, from, expected) => {
    const { ask } = makeForwarder([PUBLIC]);
    expect(ask(asked, type, from)).toMatchObject({ rcode: expected, flags: ['rd', 'ra'] });
  });

  test('private reverse names are asked of a private upstream', async () => {
    const { ask } = makeForwarder([PUBLIC, await silentUpstream()]);
    expect(ask('5.1.168.192.in-addr.arpa', 'PTR')).toBe('later');
  });

  test('anything before the first sync', async () => {
    const { ask } = makeForwarder([await silentUpstream()], false);
    expect(ask('www.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [14] });
  });
});

describe('bounds', () => {
  test('questions under way: beyond the limit SERVFAIL at once, while those that are under way take further clients', async () => {
    const { ask, forwarder } = makeForwarder([await silentUpstream()]);
    for (let i = 0; i < IN_FLIGHT_MAX; i++) expect(ask(`n${i}.example.com`)).toBe('later');
    expect(ask('one-more.example.com')).toMatchObject({ rcode: 'SERVFAIL' });
    expect(ask('n0.example.com')).toBe('later');
    expect(forwarder.counters).toMatchObject({ full: 1, shared: 1, miss: IN_FLIGHT_MAX });
  });

  test('clients that wait, over all questions', async () => {
    const { ask, forwarder } = makeForwarder([await silentUpstream()]);
    for (let i = 0; i < WAITING_MAX; i++) ask('same.example.com');
    expect(ask('same.example.com')).toMatchObject({ rcode: 'SERVFAIL' });
    expect(forwarder.state()).toMatchObject({ waiting: WAITING_MAX, inFlight: 1 });
  });

  test('nothing is left behind: when all is answered nobody waits', async () => {
    const upstream = await startUpstream(({ name, type, id }) => [responseBytes(name, type, { id, answers: [`${name} 60 A 192.0.2.1`] })]);
    ends.push(upstream.stop);
    const { ask, forwarder, later, answered } = makeForwarder([{ ip: ip('127.0.0.1'), port: upstream.port }]);
    for (let i = 0; i < 100; i++) expect(ask(`n${i % 50}.example.com`)).toBe('later');
    await waitFor('all answers', () => later.length === 100);
    expect(later.every((reply) => reply.rcode === 'NOERROR' && reply.answers.length === 1)).toBe(true);
    expect(forwarder.state()).toMatchObject({ inFlight: 0, waiting: 0, cached: 50 });
    expect(answered()).toBe(100);
    expect(ask('n7.example.com')).toMatchObject({ answers: ['n7.example.com A 192.0.2.1'] });
  });

  test('a failed question rests, and is counted', async () => {
    const upstream = await startUpstream(({ name, type, id }) => [responseBytes(name, type, { id, rcode: 'SERVFAIL' })]);
    ends.push(upstream.stop);
    const { ask, forwarder, later } = makeForwarder([{ ip: ip('127.0.0.1'), port: upstream.port }]);
    expect(ask('bad.example.com')).toBe('later');
    await waitFor('the answer', () => later.length === 1);
    expect(later[0]).toMatchObject({ rcode: 'SERVFAIL', ede: [22] });
    expect(ask('bad.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [22] });
    expect(forwarder.counters).toMatchObject({ miss: 1, resting: 1 });
    expect(upstream.count('bad.example.com')).toBe(1);
  });
});
