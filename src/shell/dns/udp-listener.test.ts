import { describe, expect, test } from 'bun:test';
import { createDnsCounters, type DnsHandler, LATER, plainAddress } from './handler.ts';
import type { Batch } from './reply-queue.ts';
import { openSocketOptions, SOCKET_BUFFER_BYTES } from './socket-options.ts';
import { createUdpListener, type OpenUdpSocket, type UdpEvents } from './udp-listener.ts';

const echo: DnsHandler = (packet, length, out) => {
  for (let i = 0; i < length; i++) out[i] = packet[i] as number;
  return length;
};

async function listen(handle: DnsHandler, address = '127.0.0.1', open?: OpenUdpSocket) {
  const stop = new AbortController();
  const counters = createDnsCounters();
  const faults: unknown[] = [];
  const options = { address, port: 0, handle, counters, fault: (error: unknown) => faults.push(error), ...(open && { open }) };
  const listener = await createUdpListener(options, stop.signal);
  if (!listener.ok) throw new Error(listener.detail);
  return { ...listener.value, counters, faults, stop: () => stop.abort(), signal: stop.signal };
}

/** A client whose received first bytes are kept. */
async function client(address = '127.0.0.1') {
  const got: number[] = [];
  const socket = await Bun.udpSocket({
    hostname: address,
    socket: { data: (_, data) => void got.push(((data[0] ?? 0) << 8) | (data[1] ?? 0)), error: () => {} },
  });
  return { socket, got };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (condition()) return;
    await Bun.sleep(10);
  }
  throw new Error(`30 s without: ${what}`);
}

const numbered = (i: number) => Uint8Array.of(i >> 8, i & 255, 0, 0);

describe('a UDP listener', () => {
  test.each(['127.0.0.1', '127.0.0.53', '::1'])('answers on %s', async (address) => {
    const seen: unknown[] = [];
    const listener = await listen((packet, length, out, from) => {
      seen.push({ ...from, later: undefined });
      return echo(packet, length, out, from);
    }, address);
    const { socket, got } = await client(address);
    socket.send(numbered(7), listener.port, address);
    await until(() => got.length === 1, 'a reply');
    const family = address.includes(':') ? 6 : 4;
    expect(seen).toEqual([{ address: socket.hostname, port: socket.port, family, transport: 'udp', local: address, later: undefined }]);
    expect(listener.counters).toMatchObject({ udpQueries: 1, udpReplies: 1 });
    socket.close();
    listener.stop();
    await listener.closed;
  });

  test('clients that close before the reply do not cost the others theirs (ICMP port unreachable)', async () => {
    let cutShort = 0;
    const listener = await listen(echo, '127.0.0.1', async (hostname, port, events) => {
      const real = await Bun.udpSocket({ hostname, port, binaryType: 'uint8array', socket: events });
      const sendMany = (batch: Batch) => {
        cutShort++;
        const sent = real.sendMany(batch);
        if (sent === batch.length / 3) cutShort--;
        return sent;
      };
      return { port: real.port, sendMany, close: () => real.close() };
    });
    const { socket, got } = await client();
    let sent = 0;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 10; i++) {
        const vanishing = await client();
        vanishing.socket.send(numbered(0xffff), listener.port, '127.0.0.1');
        vanishing.socket.close();
        socket.send(numbered(sent++), listener.port, '127.0.0.1');
      }
      await until(() => got.length === sent, `${sent} replies, ${got.length} came`);
    }
    expect(got).toEqual(Array.from({ length: sent }, (_, i) => i));
    expect(cutShort).toBeGreaterThan(0);
    expect(listener.counters.udpErrors).toBeGreaterThan(0);
    expect(listener.counters).toMatchObject({ udpQueries: 2 * sent, udpReplies: 2 * sent, udpRefused: 0 });
    socket.close();
    listener.stop();
  });

  test('a flood of 4,000 queries in one turn is answered: the receive buffer holds them', async () => {
    const listener = await listen(echo);
    const libc = await openSocketOptions();
    if (!libc.ok) throw new Error(libc.detail);
    const enlarged = libc.value.enlargeBuffers(listener.fd);
    const { socket, got } = await client();
    libc.value.enlargeBuffers((socket as unknown as { fd: number }).fd);
    const count = enlarged.ok ? 4000 : 200;
    for (let i = 0; i < count; i++) socket.send(numbered(i), listener.port, '127.0.0.1');
    await until(() => got.length === count, `${count} replies, ${got.length} came`);
    expect(listener.counters).toMatchObject({ udpQueries: count, udpReplies: count, udpOverflow: 0 });
    socket.close();
    listener.stop();
  });

  test('a handler that throws loses its query and nothing else', async () => {
    const listener = await listen((packet, length, out, from) => {
      if (packet[1] === 1) throw new Error('a bug');
      return echo(packet, length, out, from);
    });
    const { socket, got } = await client();
    for (let i = 0; i < 3; i++) socket.send(numbered(i), listener.port, '127.0.0.1');
    await until(() => got.length === 2, 'two replies');
    expect([got, listener.counters.faults, String(listener.faults[0])]).toEqual([[0, 2], 1, 'Error: a bug']);
    socket.close();
    listener.stop();
  });

  test('an answer may come later, once, to the client that asked, even after others; a closed listener swallows it', async () => {
    const waiting: ((reply: Uint8Array) => void)[] = [];
    const listener = await listen((packet, length, out, from) => {
      if (packet[1] !== 9) return echo(packet, length, out, from);
      waiting.push(from.later());
      return LATER;
    });
    const a = await client();
    const b = await client();
    a.socket.send(numbered(9), listener.port, '127.0.0.1');
    await until(() => waiting.length === 1, 'the query');
    b.socket.send(numbered(2), listener.port, '127.0.0.1');
    await until(() => b.got.length === 1, 'the other reply');
    waiting[0]?.(numbered(77));
    waiting[0]?.(numbered(78));
    await until(() => a.got.length === 1, 'the late reply');
    a.socket.send(numbered(9), listener.port, '127.0.0.1');
    await until(() => waiting.length === 2, 'the second query');
    listener.stop();
    await listener.closed;
    waiting[1]?.(numbered(79));
    expect([a.got, b.got]).toEqual([[77], [2]]);
    a.socket.close();
    b.socket.close();
  });

  test('late answers given while another query is being answered do not disturb that one', async () => {
    const waiting: ((reply: Uint8Array) => void)[] = [];
    const listener = await listen((packet, length, out, from) => {
      if (packet[1] === 1) {
        waiting.push(from.later());
        return LATER;
      }
      echo(packet, length, out, from);
      for (const answer of waiting.splice(0)) answer(numbered(77));
      return length;
    });
    const { socket, got } = await client();
    for (let i = 0; i < 200; i++) socket.send(numbered(1), listener.port, '127.0.0.1');
    await until(() => waiting.length === 200, 'the queries');
    socket.send(numbered(2), listener.port, '127.0.0.1');
    await until(() => got.length === 201, 'all replies');
    expect(got).toEqual([...new Array<number>(200).fill(77), 2]);
    socket.close();
    listener.stop();
  });

  test('an address that is not ours, and a port in use, are said by their code', async () => {
    const listener = await listen(echo);
    const options = { handle: echo, counters: createDnsCounters(), fault: () => {} };
    expect(await createUdpListener({ ...options, address: '127.0.0.1', port: listener.port }, listener.signal)).toMatchObject({
      code: 'cannot-bind',
      detail: 'EADDRINUSE',
    });
    expect(await createUdpListener({ ...options, address: '192.0.2.123', port: 0 }, listener.signal)).toMatchObject({
      code: 'cannot-bind',
      detail: 'EADDRNOTAVAIL',
    });
    listener.stop();
  });
});

describe('what a socket reports', () => {
  const fake = async (address: string) => {
    let events: UdpEvents | undefined;
    const sent: unknown[] = [];
    const listener = await listen(
      (_, __, out, from) => {
        out[0] = 1;
        seen.push(`${from.address} ${from.family}`);
        return 1;
      },
      address,
      async (_, port, given) => {
        events = given;
        return {
          port,
          sendMany: (batch) => sent.push(...batch.filter((part) => typeof part !== 'object')) && batch.length / 3,
          close: () => {},
        };
      },
    );
    const seen: string[] = [];
    return { listener, seen, sent, receive: (port: number, from: string) => events?.data(null, new Uint8Array(12), port, from) };
  };

  test('queries from source port 0 are dropped: a reply to it throws', async () => {
    const { listener, receive, seen, sent } = await fake('127.0.0.1');
    receive(0, '127.0.0.1');
    receive(5, '127.0.0.1');
    listener.stop();
    expect([seen.length, sent, listener.counters.udpPortZero]).toEqual([1, [5, '127.0.0.1'], 1]);
  });

  test('v4-mapped clients and zones are normalised for rules, and answered where they are', async () => {
    const { listener, receive, seen, sent } = await fake('::');
    receive(5, '::ffff:192.168.1.7');
    receive(6, 'fe80::1%eth0');
    listener.stop();
    expect(seen).toEqual(['192.168.1.7 4', 'fe80::1 6']);
    expect(sent).toEqual([5, '::ffff:192.168.1.7', 6, 'fe80::1%eth0']);
  });

  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '::ffff:a00:1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fd00::1', 'fd00::1'],
  ])('%s is %s', (reported, plain) => {
    expect(plainAddress(reported)).toBe(plain);
  });
});

describe('socket buffers', () => {
  test('4 MiB where the kernel allows it, else what it gave and why', async () => {
    const libc = await openSocketOptions();
    if (!libc.ok) throw new Error(libc.detail);
    const { socket } = await client();
    const enlarged = libc.value.enlargeBuffers((socket as unknown as { fd: number }).fd);
    if (enlarged.ok) expect(enlarged.value).toBe(SOCKET_BUFFER_BYTES);
    else expect(enlarged.detail).toContain('net.core.rmem_max');
    expect(libc.value.enlargeBuffers(-1)).toMatchObject({ ok: false, code: 'too-small' });
    socket.close();
  });

  test('a C library that is not there is said, with what was tried', async () => {
    expect(await openSocketOptions(['libnone.so.9'])).toMatchObject({
      ok: false,
      code: 'no-libc',
      detail: expect.stringContaining('libnone'),
    });
  });
});
