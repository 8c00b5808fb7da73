import { afterEach, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../system/clock.ts';
import { createDnsCounters, type DnsHandler, LATER } from './handler.ts';
import { createTcpPool } from './tcp-connection.ts';
import { createTcpListener, type TcpLimits } from './tcp-listener.ts';

const echo: DnsHandler = (packet, length, out) => {
  for (let i = 0; i < length; i++) out[i] = packet[i] as number;
  return length;
};

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function listen(handle: DnsHandler, limits: Partial<TcpLimits> = {}, clock = systemClock, address = '127.0.0.1') {
  const stop = new AbortController();
  stops.push(() => stop.abort());
  const counters = createDnsCounters();
  const faults: unknown[] = [];
  const pool = createTcpPool();
  const options = { address, port: 0, handle, counters, fault: (error: unknown) => faults.push(error), clock, pool, limits };
  const listener = createTcpListener(options, stop.signal);
  if (!listener.ok) throw new Error(listener.detail);
  return { ...listener.value, counters, faults, pool, stop: () => stop.abort() };
}

/** A client that keeps what it reads, and says when the server has ended the connection. */
async function dial(port: number, host = '127.0.0.1') {
  const chunks: Buffer[] = [];
  const socket: Socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  const state = { ended: false };
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
  for (const event of ['end', 'error', 'close']) socket.on(event, () => (state.ended = true));
  await new Promise((resolve) => socket.once('connect', resolve));
  stops.push(() => socket.destroy());
  const bytes = () => Buffer.concat(chunks);
  /** Second bytes of the messages that came whole. */
  const got = () => {
    const numbers: number[] = [];
    const all = bytes();
    for (let at = 0; at + 2 <= all.length && at + 2 + all.readUInt16BE(at) <= all.length; at += 2 + all.readUInt16BE(at)) {
      numbers.push(all.readUInt16BE(at + 2));
    }
    return numbers;
  };
  return { socket, chunks, bytes, got, ended: () => state.ended };
}

const frame = (i: number, length = 20) => {
  const message = Buffer.alloc(2 + length);
  message.writeUInt16BE(length);
  message.writeUInt16BE(i, 2);
  return message;
};

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (condition()) return;
    await Bun.sleep(10);
  }
  throw new Error(`30 s without: ${what}`);
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('DNS over TCP', () => {
  test.each(['127.0.0.1', '::1'])('on %s: one query, one reply, and who asked', async (address) => {
    const seen: unknown[] = [];
    const handle: DnsHandler = (packet, length, out, from) => {
      seen.push([from.address, from.family, from.transport, from.local, from.port, out.length]);
      return echo(packet, length, out, from);
    };
    const listener = listen(handle, {}, systemClock, address);
    const client = await dial(listener.port, address);
    client.socket.write(frame(7));
    await until(() => client.got().length === 1, 'a reply');
    expect(seen).toEqual([[address, address === '::1' ? 6 : 4, 'tcp', address, client.socket.localPort, 65_535]]);
    expect(listener.counters).toMatchObject({ tcpConnections: 1, tcpOpen: 1, tcpQueries: 1, tcpReplies: 1 });
  });

  test('length and message come in one piece, pipelined replies too (RFC 7766 §8, §6.2.1.1)', async () => {
    const listener = listen(echo);
    const client = await dial(listener.port);
    client.socket.write(Buffer.concat(range(50).map((i) => frame(i))));
    await until(() => client.got().length === 50, '50 replies');
    expect(client.got()).toEqual(range(50));
    expect(client.chunks.length).toBe(1);
  });

  test('the largest message goes both ways', async () => {
    const listener = listen(echo);
    const client = await dial(listener.port);
    client.socket.write(frame(5, 65_535));
    await until(() => client.got().length === 1, 'a reply');
    expect(client.bytes().equals(frame(5, 65_535))).toBe(true);
  });

  test('a client that half-closes after its queries gets all replies, then FIN', async () => {
    const listener = listen(echo);
    const client = await dial(listener.port);
    client.socket.end(Buffer.concat([frame(1), frame(2)]));
    await until(client.ended, 'the end');
    expect(client.got()).toEqual([1, 2]);
    expect(listener.counters.tcpOpen).toBe(0);
  });

  test('a half-closed client that waits for a late answer gets it', async () => {
    let answer: ((reply: Uint8Array) => void) | undefined;
    const listener = listen((_, __, ___, from) => {
      answer = from.later();
      return LATER;
    });
    const client = await dial(listener.port);
    client.socket.end(frame(1));
    await until(() => answer !== undefined, 'the query');
    await Bun.sleep(20);
    expect(client.ended()).toBe(false);
    answer?.(Uint8Array.of(0, 9));
    answer?.(Uint8Array.of(0, 10));
    await until(client.ended, 'the end');
    expect(client.got()).toEqual([9]);
  });

  test('answers may come out of order (RFC 7766 §7)', async () => {
    const late: ((reply: Uint8Array) => void)[] = [];
    const listener = listen((packet, length, out, from) => {
      if (packet[1] !== 1) return echo(packet, length, out, from);
      late.push(from.later());
      return LATER;
    });
    const client = await dial(listener.port);
    client.socket.write(Buffer.concat([frame(1), frame(2)]));
    await until(() => client.got().length === 1, 'the second answer');
    late[0]?.(Uint8Array.of(0, 1));
    await until(() => client.got().length === 2, 'the first answer');
    expect(client.got()).toEqual([2, 1]);
  });

  test('a late answer given while another query is being answered disturbs neither, even when both clients have more queries', async () => {
    const late: ((reply: Uint8Array) => void)[] = [];
    const listener = listen((packet, length, out, from) => {
      if (packet[1] === 1) {
        late.push(from.later());
        return LATER;
      }
      echo(packet, length, out, from);
      for (const answer of late.splice(0)) answer(Uint8Array.of(0, 1, ...new Array(300).fill(0xee)));
      return length;
    });
    const clients = [await dial(listener.port), await dial(listener.port)] as const;
    clients[0].socket.write(frame(1));
    await until(() => late.length === 1, 'the query that waits');
    clients[1].socket.write(Buffer.concat([frame(2), frame(1), frame(3), frame(1), frame(4)]));
    await until(() => clients[0].got().length === 1 && clients[1].got().length === 5, 'all answers');
    expect(clients[1].got().toSorted()).toEqual([1, 1, 2, 3, 4]);
    expect(clients[1].bytes().indexOf(frame(4))).toBeGreaterThan(0);
    clients[0].socket.write(frame(5));
    await until(() => clients[0].got().length === 2, 'the next answer');
  });

  test('a message the handler drops gets nothing, the next one an answer; one that throws likewise', async () => {
    const listener = listen((packet, length, out, from) => {
      if (packet[1] === 1) return 0;
      if (packet[1] === 2) throw new Error('a bug');
      return echo(packet, length, out, from);
    });
    const client = await dial(listener.port);
    client.socket.write(Buffer.concat([frame(1), frame(2), Buffer.of(0, 0), frame(3)]));
    await until(() => client.got().includes(3), 'the answer');
    expect([listener.counters.faults, listener.faults.length]).toEqual([1, 1]);
  });

  test('a port in use is said by its code', () => {
    const { port, counters, pool } = listen(echo);
    const options = { address: '127.0.0.1', port, handle: echo, counters, fault: () => {}, clock: systemClock, pool };
    expect(createTcpListener(options, new AbortController().signal)).toMatchObject({ code: 'cannot-bind', detail: 'EADDRINUSE' });
  });

  test('at the end connections are closed', async () => {
    const listener = listen(echo);
    const client = await dial(listener.port);
    client.socket.write(frame(1));
    await until(() => client.got().length === 1, 'a reply');
    listener.stop();
    await listener.closed;
    await until(client.ended, 'the end');
    expect([listener.pool.connections.size, listener.counters.tcpOpen]).toEqual([0, 0]);
  });
});

describe('hostile and slow clients', () => {
  test('one byte a second: served within the idle time, closed behind it; others lose nothing', async () => {
    const clock = createFakeClock();
    const listener = listen(echo, { idleMs: 10_000 }, clock);
    const dribbler = await dial(listener.port);
    const other = await dial(listener.port);
    const query = frame(3);
    for (const byte of query.subarray(0, 12)) {
      dribbler.socket.write(Buffer.of(byte));
      other.socket.write(frame(1));
      const answered = other.got().length;
      await until(() => other.got().length > answered, 'the answer to the other client');
      await clock.advance(1000);
    }
    await until(dribbler.ended, 'the end of the one that dribbles');
    expect([other.ended(), listener.counters.tcpIdle, other.got().length]).toEqual([false, 1, 12]);
    await clock.advance(12_000);
    await until(other.ended, 'the end of the idle one');
    expect([listener.counters.tcpIdle, listener.counters.tcpOpen]).toEqual([2, 0]);
    expect(clock.pending()).toBe(0);
  });

  test('a whole query that comes byte by byte is answered', async () => {
    const listener = listen(echo);
    const client = await dial(listener.port);
    for (const byte of frame(3)) {
      client.socket.write(Buffer.of(byte));
      await Bun.sleep(1);
    }
    await until(() => client.got().length === 1, 'the answer');
  });

  /** Each query gets 60,000 bytes, so that a client that does not read fills all buffers soon. */
  const large: DnsHandler = (packet, _, out) => {
    out[0] = packet[0] as number;
    out[1] = packet[1] as number;
    return 60_000;
  };

  test('a client that reads late gets every answer, in order', async () => {
    const listener = listen(large);
    const client = await dial(listener.port);
    client.socket.pause();
    client.socket.write(Buffer.concat(range(1000).map((i) => frame(i))));
    await until(() => listener.counters.tcpQueries > 20, 'queries');
    await Bun.sleep(100);
    // Not all of the 60 MB were made at once.
    expect(listener.counters.tcpQueries).toBeLessThan(500);
    expect(listener.pool.bufferedBytes).toBeLessThan(400_000);
    client.socket.resume();
    await until(() => client.got().length === 1000, '1000 replies');
    expect(client.got()).toEqual(range(1000));
    expect(listener.pool.bufferedBytes).toBe(0);
  });

  test('a client that never reads is cut off, and nothing of it stays', async () => {
    const clock = createFakeClock();
    const listener = listen(large, { stallMs: 5000 }, clock);
    const client = await dial(listener.port);
    client.socket.pause();
    client.socket.write(Buffer.concat(range(1000).map((i) => frame(i))));
    await until(() => listener.pool.bufferedBytes > 0, 'a full buffer');
    await clock.advance(7000);
    expect(listener.counters).toMatchObject({ tcpSlow: 1, tcpOpen: 0 });
    expect(listener.pool.bufferedBytes).toBe(0);
  });

  test('a client that pours in queries and never reads costs a bounded buffer: it is not read any more', async () => {
    const listener = listen(large);
    const client = await dial(listener.port);
    client.socket.pause();
    client.socket.write(Buffer.concat(range(50_000).map((i) => frame(i))));
    await until(() => listener.pool.bufferedBytes > 0, 'a full buffer');
    await Bun.sleep(100);
    expect(listener.pool.bufferedBytes).toBeLessThan(1_000_000);
    expect(listener.counters.tcpOpen).toBe(1);
  });

  test('a client that pours in queries whose answers must wait is cut off when more is kept than may be', async () => {
    const listener = listen((_, __, ___, from) => {
      from.later();
      return LATER;
    });
    const client = await dial(listener.port);
    client.socket.write(Buffer.concat(range(20_000).map((i) => frame(i))));
    await until(() => listener.counters.tcpSlow === 1, 'the cut');
    expect(listener.counters.tcpQueries).toBe(1024);
    expect(listener.pool.bufferedBytes).toBe(0);
  });

  test('a client that resets while answers wait leaves nothing behind', async () => {
    const listener = listen(large);
    const client = await dial(listener.port);
    client.socket.pause();
    client.socket.write(Buffer.concat(range(1000).map((i) => frame(i))));
    await until(() => listener.pool.bufferedBytes > 0, 'a full buffer');
    client.socket.resetAndDestroy();
    await until(() => listener.counters.tcpOpen === 0, 'the end');
    expect(listener.pool.bufferedBytes).toBe(0);
  });

  test('at the cap of one client its own longest idle connection makes room', async () => {
    const listener = listen(echo, { connectionsPerClient: 3 });
    const clients: Awaited<ReturnType<typeof dial>>[] = [];
    for (const i of range(4)) {
      const client = await dial(listener.port);
      client.socket.write(frame(i));
      await until(() => client.got().length === 1, 'an answer');
      clients.push(client);
      await Bun.sleep(2);
    }
    await until(() => clients[0]?.ended() === true, 'the end of the oldest');
    expect(clients.map((client) => client.ended())).toEqual([true, false, false, false]);
    expect(listener.counters).toMatchObject({ tcpOpen: 3, tcpOverflow: 1 });
  });

  test('a connection that is owed an answer is not closed for room: the new one is refused', async () => {
    const listener = listen(
      (_, __, ___, from) => {
        from.later();
        return LATER;
      },
      { connections: 2 },
    );
    const clients = [await dial(listener.port), await dial(listener.port)];
    for (const client of clients) client.socket.write(frame(1));
    await until(() => listener.counters.tcpQueries === 2, 'both queries');
    const third = await dial(listener.port);
    await until(third.ended, 'the refusal');
    expect(clients.map((client) => client.ended())).toEqual([false, false]);
  });

  test('300 connections that come and go leave nothing open', async () => {
    const listener = listen(echo);
    for (const round of range(10)) {
      const clients = await Promise.all(range(30).map(() => dial(listener.port)));
      for (const client of clients) client.socket.end(frame(round));
      for (const client of clients) await until(client.ended, 'the end');
      expect(clients.every((client) => client.got()[0] === round)).toBe(true);
    }
    await until(() => listener.counters.tcpOpen === 0, 'the end of all');
    expect(listener.pool.connections.size).toBe(0);
  });
});
