import { MESSAGE_BYTES_MAX } from '../../core/wire/message.ts';
import { addChunk, createFraming, heldBytes, keepRest, LENGTH_BYTES, nextMessage } from '../../core/wire/tcp-framing.ts';
import type { Clock } from '../system/clock.ts';
import type { DnsCounters } from './handler.ts';
import { createTcpWriter, type WritableSocket } from './tcp-writer.ts';

/** Replies collected into one write; at least one of the largest size fits. */
const BATCH_BYTES_MAX = 128 * 1024;
/** Reply bytes kept for a client that does not read; more cuts it off. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** Query bytes kept while replies wait to be sent, or for a message that is not whole; more cuts the client off. */
const UNREAD_BYTES_MAX = 128 * 1024;
/** Unsent and unread bytes of all connections together: more than one client address can hold with all of its connections. */
const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;
/** Answers that one client may wait for at once. */
const WAITING_MAX = 1024;

/** The part of Bun's socket that is used. */
export interface TcpSocket extends WritableSocket {
  data: TcpConnection | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly end: () => void;
  readonly terminate: () => void;
}

export interface TcpConnection {
  /** The client's, see `plainAddress`. */
  readonly address: string;
  readonly received: (chunk: Uint8Array) => void;
  readonly drained: () => void;
  /** The client has sent its FIN and may still read. */
  readonly ended: () => void;
  readonly gone: () => void;
  /** Sends FIN after what was written. */
  readonly close: () => void;
  /** Ends at once. */
  readonly cut: () => void;
  /** Makes room for another connection. */
  readonly evict: () => void;
  /** Closes when nothing whole has come, or nothing was taken, for too long. */
  readonly expire: (idleMs: number, stallMs: number) => void;
  /** True when no answer is owed. */
  readonly isIdle: () => boolean;
  /** When the last whole query came (`Clock.now`). */
  readonly activeAt: () => number;
  readonly later: () => (reply: Uint8Array) => void;
}

/** What the connections of all listeners share. */
export interface TcpPool {
  readonly connections: Set<TcpConnection>;
  /** The replies of one chunk; empty between calls. */
  readonly batch: Uint8Array;
  /** One reply and its length; free between calls. */
  readonly framed: Uint8Array;
  /** True while `batch` and `framed` are in use. */
  answering: boolean;
  /** Unsent and unread bytes. */
  bufferedBytes: number;
}

export function createTcpPool(): TcpPool {
  return {
    connections: new Set(),
    batch: new Uint8Array(BATCH_BYTES_MAX),
    framed: new Uint8Array(LENGTH_BYTES + MESSAGE_BYTES_MAX),
    answering: false,
    bufferedBytes: 0,
  };
}

/** Calls the handler; the returned bytes, length first, are valid until the next call. */
export type Answer = (packet: Uint8Array, connection: TcpConnection, port: number) => Uint8Array | undefined;

export interface ConnectionOptions {
  readonly socket: TcpSocket;
  readonly address: string;
  readonly counters: DnsCounters;
  readonly clock: Clock;
  readonly answer: Answer;
  readonly pool: TcpPool;
  readonly closed: (connection: TcpConnection) => void;
}

/** One client's connection: what it sends becomes messages for `answer`, and the replies are written together. */
export function createConnection(options: ConnectionOptions): TcpConnection {
  const { socket, counters, clock, pool } = options;
  const framing = createFraming();
  const writer = createTcpWriter(socket, clock);
  let accounted = 0;
  let waiting = 0;
  let halfClosed = false;
  let over = false;
  let active = clock.now();

  /** The next message, unless the client must first take replies or too many of its answers are awaited. */
  const take = (): Uint8Array | undefined => {
    const message = over || writer.unsentBytes() > 0 || waiting >= WAITING_MAX ? undefined : nextMessage(framing);
    if (message === undefined) return undefined;
    active = clock.now();
    counters.tcpQueries++;
    return message;
  };

  const work = (): void => {
    answerAll(options, self, take, writer.write);
    keepRest(framing);
    account();
    // A half-closed client is let go when it has everything.
    if (halfClosed && writer.unsentBytes() === 0 && waiting === 0) close();
  };

  /** Keeps the books of buffered bytes, and cuts a client that has more of them than it may. */
  const account = (): void => {
    const now = over ? 0 : writer.unsentBytes() + heldBytes(framing);
    pool.bufferedBytes += now - accounted;
    accounted = now;
    const fits = writer.unsentBytes() <= UNSENT_BYTES_MAX && heldBytes(framing) <= UNREAD_BYTES_MAX;
    if (over || (fits && pool.bufferedBytes <= BUFFERED_BYTES_MAX)) return;
    counters.tcpSlow++;
    cut();
  };

  const leave = (end: () => void): void => {
    if (over) return;
    over = true;
    account();
    options.closed(self);
    end();
  };
  const close = () => leave(() => socket.end());
  const cut = () => leave(() => socket.terminate());

  const expire = (idleMs: number, stallMs: number): void => {
    const now = clock.now();
    if (writer.unsentBytes() > 0) {
      if (now - writer.stalledSince() < stallMs) return;
      counters.tcpSlow++;
      cut();
    } else if (now - active >= idleMs) {
      counters.tcpIdle++;
      close();
    }
  };

  const later = (): ((reply: Uint8Array) => void) => {
    let done = false;
    waiting++;
    return (reply) => {
      if (done) return;
      done = true;
      waiting--;
      if (over) return;
      active = clock.now();
      counters.tcpReplies++;
      const framed = new Uint8Array(LENGTH_BYTES + reply.length);
      framed.set([reply.length >> 8, reply.length & 255]);
      framed.set(reply, LENGTH_BYTES);
      writer.write(framed, framed.length);
      // Inside a handler's call the shared buffers are in use.
      if (pool.answering) setImmediate(work);
      else work();
    };
  };

  const self: TcpConnection = {
    address: options.address,
    received: (chunk) => {
      if (over) return;
      addChunk(framing, chunk);
      work();
    },
    drained: () => {
      if (over) return;
      if (writer.drained()) work();
      else account();
    },
    ended: () => {
      halfClosed = true;
      work();
    },
    gone: () => leave(() => {}),
    close,
    cut,
    evict: () => {
      counters.tcpOverflow++;
      close();
    },
    expire,
    isIdle: () => waiting === 0 && writer.unsentBytes() === 0,
    activeAt: () => active,
    later,
  };
  return self;
}

/** Answers messages while there are any, collecting replies into few writes (RFC 7766 §8: a length never goes alone). */
function answerAll(
  { answer, pool, counters, socket }: ConnectionOptions,
  connection: TcpConnection,
  take: () => Uint8Array | undefined,
  write: (bytes: Uint8Array, length: number) => void,
): void {
  const { batch } = pool;
  let filled = 0;
  pool.answering = true;
  for (let message = take(); message !== undefined; message = take()) {
    const reply = answer(message, connection, socket.remotePort);
    if (reply === undefined) continue;
    counters.tcpReplies++;
    if (filled + reply.length > BATCH_BYTES_MAX) {
      write(batch, filled);
      filled = 0;
    }
    batch.set(reply, filled);
    filled += reply.length;
  }
  pool.answering = false;
  if (filled > 0) write(batch, filled);
}
