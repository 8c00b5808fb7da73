import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { type AnswerServer, framed, framesOf, MANY, PATHS, startAnswerServer } from '../support/answer-server.ts';
import { queryBytes, readReply } from '../support/dns-query.ts';
import { pause, waitFor } from '../support/wait.ts';

// How connections are used (RFC 7766), through the real program's sockets.

const query = (id: number, name = 'v4.default.minilb') => framed(queryBytes(name, 'A', { id }));

describe.each(PATHS.filter((path) => path.transport === 'tcp').map((path) => [path.name, path.host] as const))('%s', (_, host) => {
  let server: AnswerServer;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server = await startAnswerServer();
  }, 30_000);
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => server?.stop());

  const dial = async () => {
    const socket = connect({ port: server.port, host, allowHalfOpen: true, noDelay: true });
    sockets.push(socket);
    let received = Buffer.alloc(0);
    let chunks = 0;
    let ended = false;
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      chunks++;
    });
    for (const event of ['end', 'close', 'error']) socket.on(event, () => (ended = true));
    await new Promise((resolve) => socket.once('connect', resolve));
    const replies = () => framesOf(received).map(readReply);
    return { socket, replies, chunks: () => chunks, ended: () => ended, bytes: () => received.length };
  };

  test('many queries may be sent without waiting, each is answered once, by its ID (RFC 7766 §6.2.1.1, §7)', async () => {
    const client = await dial();
    const ids = Array.from({ length: 500 }, (_, i) => i + 1);
    client.socket.write(Buffer.concat(ids.map((id) => query(id))));
    await waitFor('all replies', () => client.replies().length === ids.length);
    const replies = client.replies();
    expect(replies.map((reply) => reply.id).sort((a, b) => a - b)).toEqual(ids);
    expect(new Set(replies.map((reply) => reply.answers.join()))).toEqual(new Set(['v4.default.minilb A 10.244.1.1']));
  });

  test('the connection stays for the next query (RFC 7766 §6.2.1)', async () => {
    const client = await dial();
    for (let id = 1; id <= 5; id++) {
      client.socket.write(query(id));
      await waitFor('the reply', () => client.replies().length === id);
    }
    expect(client.ended()).toBe(false);
  });

  test('a query in single bytes is a query (RFC 7766 §8)', async () => {
    const client = await dial();
    for (const byte of query(7)) {
      client.socket.write(Uint8Array.of(byte));
      await pause(1);
    }
    await waitFor('the reply', () => client.replies().length === 1);
    expect(client.replies()[0]?.id).toBe(7);
  });

  test('length and message come in one write (RFC 7766 §8)', async () => {
    const client = await dial();
    client.socket.write(query(8, 'many.default.minilb'));
    await waitFor('the reply', () => client.replies().length === 1);
    expect([client.chunks(), client.replies()[0]?.answers.length]).toEqual([1, MANY]);
  });

  test('a client that has sent its FIN still gets its answers (RFC 7766 §6.2.4)', async () => {
    const client = await dial();
    client.socket.end(Buffer.concat([query(1), query(2)]));
    await waitFor('both replies', () => client.replies().length === 2);
    await waitFor('the end', () => client.ended());
  });

  test('what is no query ends nothing: the next one is answered', async () => {
    const client = await dial();
    client.socket.write(Buffer.concat([framed(Uint8Array.of(1, 2, 3)), framed(new Uint8Array(0)), query(9)]));
    await waitFor('the reply', () => client.replies().length === 1);
    expect(client.replies()[0]?.id).toBe(9);
  });

  test('a client that never reads costs the others nothing', async () => {
    const slow = await dial();
    slow.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => query(i, 'many.default.minilb')));
    for (let i = 0; i < 10; i++) slow.socket.write(flood);
    const other = await dial();
    other.socket.write(query(10));
    await waitFor('the other’s reply', () => other.replies().length === 1);
  });
});
