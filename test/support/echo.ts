import { createSocket } from 'node:dgram';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { waitFor } from './wait.ts';

/** Answers every line with its own name before it, over TCP and UDP, so that a test sees which upstream its bytes reached. */
export interface EchoServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Listens on both protocols at one port of `host`; 0: a free one. */
export async function startEcho(name: string, host = '127.0.0.1', wanted = 0): Promise<EchoServer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => socket.write(`${name}:${data}`));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(wanted, host, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (data, from) => udp.send(`${name}:${data}`, from.port, from.address));
  await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, host, resolve));
  return {
    port,
    close: async () => {
      for (const socket of open) socket.destroy();
      udp.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A TCP connection that stays open. */
export interface OpenConnection {
  readonly ask: (text: string) => Promise<string>;
  readonly close: () => void;
}

export async function openTcp(port: number, host = '127.0.0.1'): Promise<OpenConnection> {
  const socket = netConnect(port, host);
  let received = '';
  let ended: string | undefined;
  socket.on('data', (data) => {
    received += data;
  });
  socket.on('error', (error) => {
    ended = error.message;
  });
  socket.on('close', () => {
    ended ??= 'closed';
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject));
  return {
    ask: async (text) => {
      received = '';
      socket.write(`${text}\n`);
      await waitFor(`an answer to ${text}`, () => received.endsWith('\n') || ended !== undefined, 5_000);
      return ended !== undefined && received === '' ? `(${ended})` : received.trim();
    },
    close: () => socket.destroy(),
  };
}

/** Sends a line over a new connection; the answer, or in brackets what went wrong. */
export async function askTcp(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  try {
    const connection = await openTcp(port, host);
    const answer = await connection.ask(text);
    connection.close();
    return answer;
  } catch (error) {
    return `(${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}

/** Sends a datagram, again every 300 ms; the answer, or `(silence)` after 2 s. */
export async function askUdp(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let answer: string | undefined;
  socket.on('message', (data) => {
    answer ??= String(data);
  });
  socket.on('error', () => {});
  try {
    let sends = 0;
    return await waitFor(
      'a datagram',
      () => {
        if (sends++ % 15 === 0) socket.send(text, port, host);
        return answer;
      },
      2_000,
    );
  } catch {
    return '(silence)';
  } finally {
    socket.close();
  }
}
