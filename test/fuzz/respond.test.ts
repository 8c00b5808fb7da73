import { describe, expect, test } from 'bun:test';
import { decode } from 'dns-packet';
import type { DnsName } from '../../src/core/value/dns-name.ts';
import { decodeMessage } from '../../src/core/wire/decode.ts';
import { createRespondContext } from '../../src/core/zone/reply.ts';
import { respond } from '../../src/core/zone/respond.ts';
import { createZone } from '../../src/core/zone/zone.ts';
import { createDnsCounters } from '../../src/shell/dns/handler.ts';
import { createUdpListener } from '../../src/shell/dns/udp-listener.ts';
import { endpoint, service, slice, testCluster } from '../support/values.ts';
import { waitFor } from '../support/wait.ts';
import { createRandom, fuzzSeed, hostilePacket } from './packets.ts';

const PACKETS = 100_000;
const seed = fuzzSeed();

function testZone() {
  const cluster = testCluster();
  for (const [key, addresses] of [['default/web', 40] as const, ['default/db', 3] as const]) {
    cluster.services.set(key, service(key));
    const endpoints = Array.from({ length: addresses }, (_, i) => endpoint(`10.244.0.${i + 1}`));
    cluster.sliceLists.set(key, [slice(key, 'a', endpoints), slice(key, 'b', [endpoint('fd00::1')])]);
  }
  const zone = createZone({ domain: 'minilb' as DnsName, ttlSeconds: 5, nameservers: [], serial: 1 });
  for (const key of cluster.services.keys()) zone.update(cluster, key);
  return zone;
}

const zone = testZone();
const createContext = () => {
  const ctx = createRespondContext({ maxAnswers: 16, serverId: new TextEncoder().encode('pod-a') }, seed);
  ctx.synced = true;
  return ctx;
};

/** Throws when a reply is not one that an honest resolver could take. */
function checkReply(packet: Uint8Array, reply: Uint8Array, tcp: boolean): void {
  const message = decodeMessage(reply);
  if (!message.ok) throw new Error(`our reply is malformed: ${message.detail}`);
  // A second opinion that knows nothing of our encoder.
  decode(Buffer.from(reply));
  expect(message.value.id).toBe(((packet[0] as number) << 8) | (packet[1] as number));
  expect(message.value.flags & 0x8000).toBe(0x8000);
  expect((message.value.flags >> 11) & 15).toBe(((packet[2] as number) >> 3) & 15);
  if (!tcp) expect(reply.length).toBeLessThanOrEqual(message.value.edns ? 1232 : 512);
  const [question] = message.value.questions;
  if (question) expect(Buffer.compare(question.name, packet.subarray(12, 12 + question.name.length))).toBe(0);
}

describe(`hostile packets against the server (FUZZ_SEED=${seed})`, () => {
  test.each([false, true])(`${PACKETS} packets, TCP %p: no throw, no answer to a response, and every reply is well-formed`, (tcp) => {
    const random = createRandom(seed);
    const ctx = createContext();
    ctx.tcp = tcp;
    const out = new Uint8Array(65_535);
    let replies = 0;
    for (let i = 0; i < PACKETS; i++) {
      const packet = hostilePacket(random);
      try {
        const length = respond(packet, packet.length, out, zone, ctx);
        const silent = packet.length < 12 || ((packet[2] as number) & 0x80) !== 0;
        expect(length > 0).toBe(!silent);
        if (length > 0) checkReply(packet, out.subarray(0, length), tcp);
        replies += length > 0 ? 1 : 0;
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed}, packet ${i}: ${Buffer.from(packet).toString('hex')}`, { cause: error });
      }
    }
    expect(replies).toBeGreaterThan(PACKETS / 4);
  });

  test('the same through a real socket: every query is answered once, nothing else is, and memory does not grow', async () => {
    const stop = new AbortController();
    const counters = createDnsCounters();
    const ctx = createContext();
    const faults: unknown[] = [];
    const listener = await createUdpListener(
      {
        address: '127.0.0.1',
        port: 0,
        counters,
        fault: (error) => faults.push(error),
        handle: (packet, length, out) => respond(packet, length, out, zone, ctx),
      },
      stop.signal,
    );
    if (!listener.ok) throw new Error(listener.detail);
    let got = 0;
    const client = await Bun.udpSocket({ hostname: '127.0.0.1', socket: { data: () => void got++, error: () => {} } });
    const random = createRandom(seed);
    const probe = createContext();
    const out = new Uint8Array(65_535);
    let sent = 0;
    let expected = 0;
    const round = async (packets: number) => {
      for (let i = 0; i < packets; i++) {
        const packet = hostilePacket(random);
        if (packet.length === 0) continue;
        if (respond(packet, packet.length, out, zone, probe) > 0) expected++;
        client.send(packet, listener.value.port, '127.0.0.1');
        sent++;
        // Few enough at once for the sockets' default buffers.
        if (sent % 50 === 0) await waitFor('the replies', () => got === expected, 30_000, 1);
      }
      await waitFor('the last replies', () => got === expected && counters.udpQueries === sent);
      Bun.gc(true);
      return process.memoryUsage.rss();
    };
    const before = await round(20_000);
    const after = await round(PACKETS - 20_000);
    expect([faults, counters.udpQueries, counters.udpReplies]).toEqual([[], sent, expected]);
    expect(after).toBeLessThan(before + 16_000_000);
    client.close();
    stop.abort();
    await listener.value.closed;
  });
});
