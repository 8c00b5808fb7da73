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

/** Replies of one UDP socket, collected and sent together. */
export interface ReplyQueue {
  /** The buffer for the next reply, or `undefined` when too many wait. Valid until `commit`, `put` or `flush`. */
  readonly slot: () => Uint8Array | undefined;
  /** Queues the first `length` bytes of `slot()`; `address` as the socket reported it. */
  readonly commit: (length: number, port: number, address: string) => void;
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
  const slots: Uint8Array[] = [];
  const batch: Batch = [];
  let count = 0;
  let scheduled = false;

  const slot = (): Uint8Array | undefined => {
    if (count === REPLIES_MAX) {
      flush();
      if (count === REPLIES_MAX) {
        counters.udpOverflow++;
        return undefined;
      }
    }
    const found = slots[count];
    if (found !== undefined) return found;
    const made = new Uint8Array(UDP_EDNS_BYTES_MAX);
    slots.push(made);
    return made;
  };

  const commit = (length: number, port: number, address: string): void => {
    batch.push((slots[count] as Uint8Array).subarray(0, length), port, address);
    count++;
    if (count % FLUSH_AT === 0) flush();
    else if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
  };

  const put = (bytes: Uint8Array, port: number, address: string): void => {
    const into = slot();
    if (into === undefined) return;
    if (bytes.length > into.length) {
      counters.udpRefused++;
      return;
    }
    into.set(bytes);
    commit(bytes.length, port, address);
  };

  /** Takes the first `n` replies off; their buffers go to the end, since those behind them are still in use. */
  const discard = (n: number): void => {
    if (n === count) batch.length = 0;
    else {
      batch.splice(0, 3 * n);
      slots.push(...slots.splice(0, n));
    }
    count -= n;
  };

  const flush = (): void => {
    scheduled = false;
    let failures = 0;
    while (count > 0) {
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

  return { slot, commit, put, flush };
}

const RETRY = -1;
const SKIP = -2;
