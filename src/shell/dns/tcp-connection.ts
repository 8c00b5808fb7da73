import { MESSAGE_BYTES_MAX } from '../../core/wire/message.ts';
import { addChunk, createFraming, heldBytes, keepRest, LENGTH_BYTES, nextMessage } from '../../core/wire/tcp-framing.ts';
import type { Clock } from '../system/clock.ts';
import type { DnsCounters } from './handler.ts';

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
export interface TcpSocket {
  data: TcpConnection | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly write: (bytes: Uint8Array, offset: number, length: number) => number;
  readonly end: () => void;
  readonly terminate: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
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
  /** Unsent and unread bytes. */
  bufferedBytes: number;
}

export function createTcpPool(): TcpPool {
  return {
    connections: new Set(),
    batch: new Uint8Array(BATCH_BYTES_MAX),
    framed: new Uint8Array(LENGTH_BYTES + MESSAGE_BYTES_MAX),
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

export function createConnection(options: ConnectionOptions): TcpConnection {
  const { socket, counters, clock, answer, pool } = options;
  const { batch } = pool;
  const framing = createFraming();
  const port = socket.remotePort;
  let unsent: Uint8Array = new Uint8Array(0);
  let accounted = 0;
  let waiting = 0;
  let halfClosed = false;
  let over = false;
  let active = clock.now();
  let stalledSince = active;

  const received = (chunk: Uint8Array): void => {
    if (over) return;
    addChunk(framing, chunk);
    work();
  };

  /** Answers what is whole, as long as the client takes the replies. */
  const work = (): void => {
    let filled = 0;
    while (unsent.length === 0 && !over) {
      const message = waiting < WAITING_MAX ? nextMessage(framing) : undefined;
      if (message === undefined) break;
      active = clock.now();
      counters.tcpQueries++;
      const reply = answer(message, self, port);
      if (reply === undefined) continue;
      counters.tcpReplies++;
      if (filled + reply.length > BATCH_BYTES_MAX) {
        write(batch, filled);
        filled = 0;
      }
      batch.set(reply, filled);
      filled += reply.length;
    }
    if (filled > 0) write(batch, filled);
    keepRest(framing);
    account();
    finish();
  };

  /** Writes now, keeping what the kernel does not take (RFC 7766 §8: length and message in one write). */
  const write = (bytes: Uint8Array, length: number): void => {
    if (over) return;
    const sent = unsent.length > 0 ? 0 : Math.max(0, socket.write(bytes, 0, length));
    if (sent === length) return;
    if (unsent.length === 0) {
      stalledSince = clock.now();
      socket.pause();
    }
    const kept = new Uint8Array(unsent.length + length - sent);
    kept.set(unsent);
    kept.set(bytes.subarray(sent, length), unsent.length);
    unsent = kept;
  };

  const drained = (): void => {
    if (over || unsent.length === 0) return;
    unsent = unsent.slice(Math.max(0, socket.write(unsent, 0, unsent.length)));
    if (unsent.length > 0) {
      account();
      return;
    }
    socket.resume();
    work();
  };

  const account = (): void => {
    const now = over ? 0 : unsent.length + heldBytes(framing);
    pool.bufferedBytes += now - accounted;
    accounted = now;
    if (unsent.length <= UNSENT_BYTES_MAX && heldBytes(framing) <= UNREAD_BYTES_MAX && pool.bufferedBytes <= BUFFERED_BYTES_MAX) return;
    if (over) return;
    counters.tcpSlow++;
    cut();
  };

  /** A half-closed client is let go when it has everything. */
  const finish = (): void => {
    if (halfClosed && unsent.length === 0 && waiting === 0) close();
  };

  const close = (): void => {
    if (over) return;
    leave();
    socket.end();
  };
  const cut = (): void => {
    if (over) return;
    leave();
    socket.terminate();
  };
  const leave = (): void => {
    over = true;
    account();
    options.closed(self);
  };

  const later = (): ((reply: Uint8Array) => void) => {
    let done = false;
    waiting++;
    return (reply) => {
      if (done) return;
      done = true;
      waiting--;
      if (over) return;
      const framed = new Uint8Array(LENGTH_BYTES + reply.length);
      framed[0] = reply.length >> 8;
      framed[1] = reply.length;
      framed.set(reply, LENGTH_BYTES);
      counters.tcpReplies++;
      active = clock.now();
      write(framed, framed.length);
      work();
    };
  };

  const self: TcpConnection = {
    address: options.address,
    received,
    drained,
    ended: () => {
      halfClosed = true;
      finish();
    },
    gone: () => {
      if (!over) leave();
    },
    close,
    cut,
    evict: () => {
      counters.tcpOverflow++;
      close();
    },
    expire: (idleMs, stallMs) => {
      const now = clock.now();
      if (unsent.length > 0) {
        if (now - stalledSince < stallMs) return;
        counters.tcpSlow++;
        cut();
      } else if (now - active >= idleMs) {
        counters.tcpIdle++;
        close();
      }
    },
    isIdle: () => waiting === 0 && unsent.length === 0,
    activeAt: () => active,
    later,
  };
  return self;
}
