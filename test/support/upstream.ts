import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { decodeMessage } from '../../src/core/wire/decode.ts';
import { typeName } from '../../src/core/wire/message.ts';
import { wireNameText } from '../../src/core/wire/text.ts';

export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly bytes: Uint8Array;
  /** Where it came from. */
  readonly port: number;
}

/** Messages to send back, in order; none for silence. */
export type Answering = (asked: Asked) => readonly Uint8Array[];

/** A DNS server of a test's own, that does as it is told: UDP and TCP on one port of 127.0.0.1. */
export interface TestUpstream {
  readonly port: number;
  readonly asked: Asked[];
  /** Queries for this name so far. */
  readonly count: (name: string) => number;
  readonly stop: () => Promise<void>;
}

/** A port that is free for one protocol may be taken for the other. */
const FREE_PORT_TRIES = 8;

/** `port` 0: any that is free. */
export async function startUpstream(answer: Answering, port = 0): Promise<TestUpstream> {
  for (let i = 1; ; i++) {
    try {
      return await startOnce(answer, port);
    } catch (error) {
      if (port !== 0 || i === FREE_PORT_TRIES) throw error;
    }
  }
}

async function startOnce(answer: Answering, port: number): Promise<TestUpstream> {
  const asked: Asked[] = [];
  const take = (bytes: Uint8Array, transport: 'udp' | 'tcp', from: number): readonly Uint8Array[] => {
    const message = decodeMessage(bytes);
    const question = message.ok ? message.value.questions[0] : undefined;
    if (!message.ok || !question) return [];
    const one: Asked = {
      id: message.value.id,
      name: wireNameText(question.name).toLowerCase(),
      type: typeName(question.type),
      transport,
      bytes: new Uint8Array(bytes),
      port: from,
    };
    asked.push(one);
    return answer(one);
  };

  const udp = createSocket('udp4');
  udp.on('message', (bytes: Buffer, from: RemoteInfo) => {
    for (const reply of take(bytes, 'udp', from.port)) udp.send(reply, from.port, from.address, () => {});
  });
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(port, '127.0.0.1', resolve);
  });
  const bound = udp.address().port;

  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        for (const reply of take(received.subarray(2, end), 'tcp', socket.remotePort ?? 0)) {
          socket.write(Uint8Array.of(reply.length >> 8, reply.length & 255));
          socket.write(reply);
        }
        received = received.subarray(end);
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', (error) => udp.close(() => reject(error)));
    tcp.listen(bound, '127.0.0.1', resolve);
  });
  return {
    port: bound,
    asked,
    count: (name) => asked.filter((one) => one.name === name).length,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await new Promise<void>((resolve) => tcp.close(() => resolve()));
    },
  };
}
