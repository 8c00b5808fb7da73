import { UDP_EDNS_BYTES_MAX } from '../../core/wire/message.ts';
import type { DnsCounters } from './handler.ts';

/** Replies that wait at most; more are given up. */
export const REPLIES_MAX = 1024;
/** Replies are sent at once when this many wait: a flood can keep one turn of the event loop busy for long. */
const FLUSH_AT = 128;
/** Retries of one reply. Each failed call takes one pending ICMP error off the socket, so few are ever needed. */
const RETRIES_MAX = 16;

/** Errors that an ICMP message to another reply may have caused. */
const PASSING = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ECONNRESET', 'EPROTO', 'EINTR']);
/** The kernel has no room at the moment. */
const FULL = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS', 'ENOMEM']);

/** The triples that `Bun.udpSocket().sendMany` takes: bytes, port, address. */
export type Batch = (Uint8Array | number | string)[];

/** Room for one reply, used again and again. */
export interface ReplyBuffer {
  readonly bytes: Uint8Array;
  /** What was sent of it last: most replies of a server are of few lengths, and a view each would be the most of its garbage. */
  view: Uint8Array;
}

/** Replies of one UDP socket, collected and sent together. */
export interface ReplyQueue {
  /** A buffer for a reply, or `undefined` when too many wait. It must come back through `commit` or `release`. */
  readonly acquire: () => ReplyBuffer | undefined;
  /** Queues the first `length` bytes of an acquired buffer; `address` as the socket reported it. */
  readonly commit: (buffer: ReplyBuffer, length: number, port: number, address: string) => void;
  /** Gives a buffer back unused. */
  readonly release: (buffer: ReplyBuffer) => void;
  /** Queues a copy of `bytes`. */
  readonly put: (bytes: Uint8Array, port: number, address: string) => void;
  /** Sends what waits, as far as the kernel takes it. Called once per turn by itself, and by the owner on `drain`. */
  readonly flush: () => void;
}

/**
 * Collects replies and sends them once per turn of the event loop, all with one system call. `sendMany` stops at the first
 * bad peer; whatever it reports, every other reply is sent.
 */
export function createReplyQueue(sendMany: (batch: Batch) => number, counters: DnsCounters): ReplyQueue {
  const free: ReplyBuffer[] = [];
  /** Buffers of the replies in `batch`, in the same order. */
  const used: ReplyBuffer[] = [];
  const batch: Batch = [];
  let scheduled = false;

  const acquire = (): ReplyBuffer | undefined => {
    if (used.length >= REPLIES_MAX) {
      flush();
      if (used.length >= REPLIES_MAX) {
        counters.udpOverflow++;
        return undefined;
      }
    }
    return free.pop() ?? newBuffer();
  };

  const release = (buffer: ReplyBuffer): void => {
    free.push(buffer);
  };

  const commit = (buffer: ReplyBuffer, length: number, port: number, address: string): void => {
    used.push(buffer);
    if (buffer.view.length !== length) buffer.view = buffer.bytes.subarray(0, length);
    batch.push(buffer.view, port, address);
    if (used.length % FLUSH_AT === 0) flush();
    else if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
  };

  const put = (bytes: Uint8Array, port: number, address: string): void => {
    if (bytes.length > UDP_EDNS_BYTES_MAX) {
      counters.udpRefused++;
      return;
    }
    const buffer = acquire();
    if (buffer === undefined) return;
    buffer.bytes.set(bytes);
    commit(buffer, bytes.length, port, address);
  };

  /** Takes the first `n` replies off. */
  const discard = (n: number): void => {
    for (let i = 0; i < n; i++) free.push(used[i] as ReplyBuffer);
    if (n === used.length) {
      used.length = 0;
      batch.length = 0;
    } else {
      used.splice(0, n);
      batch.splice(0, 3 * n);
    }
  };

  const flush = (): void => {
    scheduled = false;
    let failures = 0;
    while (used.length > 0) {
      const sent = trySend();
      if (sent === 0) return;
      if (sent > 0) {
        counters.udpReplies += sent;
        discard(sent);
        failures = 0;
      } else if (sent === RETRY && ++failures <= RETRIES_MAX) counters.udpRetries++;
      else {
        counters.udpRefused++;
        discard(1);
        failures = 0;
      }
    }
  };

  /** Replies sent; 0: wait for `drain`; `RETRY`; `SKIP` the first one. */
  const trySend = (): number => {
    try {
      return sendMany(batch);
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      if (FULL.has(code)) return 0;
      return PASSING.has(code) ? RETRY : SKIP;
    }
  };

  return { acquire, commit, release, put, flush };
}

function newBuffer(): ReplyBuffer {
  const bytes = new Uint8Array(UDP_EDNS_BYTES_MAX);
  return { bytes, view: bytes };
}

const RETRY = -1;
const SKIP = -2;
