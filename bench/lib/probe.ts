import { createSocket } from 'node:dgram';
import { systemClock } from '../../src/shell/system/clock.ts';
import { queryBytes, readReply } from '../../test/support/dns-query.ts';

/** Asks one server over UDP, one query at a time. */
export interface Probe {
  /** The addresses of a name, sorted; empty for NODATA and NXDOMAIN; undefined for SERVFAIL and when no reply came within 50 ms. */
  readonly addresses: (name: string) => Promise<readonly string[] | undefined>;
  readonly close: () => void;
}

const REPLY_MS_MAX = 50;
const LATE_REPLIES_MS = 1000;

export function createProbe(port: number): Probe {
  const socket = createSocket('udp4');
  const waiting = new Map<number, (reply: Uint8Array | undefined) => void>();
  let id = 0;
  socket.on('message', (message) => waiting.get(message.readUInt16BE(0))?.(message));
  return {
    async addresses(name) {
      id = (id + 1) & 0xffff;
      const own = id;
      const reply = await new Promise<Uint8Array | undefined>((resolve) => {
        const answered = new AbortController();
        waiting.set(own, (bytes) => {
          resolve(bytes);
          answered.abort();
        });
        void systemClock.after(REPLY_MS_MAX, answered.signal).then(() => resolve(undefined));
        socket.send(queryBytes(name, 'A', { id: own, edns: 1232 }), port, '127.0.0.1');
      });
      waiting.delete(own);
      if (!reply) return undefined;
      const read = readReply(reply);
      return read.rcode === 'SERVFAIL' ? undefined : read.answers.map((line) => line.split(' ')[2] ?? '').sort();
    },
    close: () => socket.close(),
  };
}

export interface StallReport {
  readonly sent: number;
  readonly lost: number;
  readonly longestMs: number;
}

/** Sends one query a millisecond until `done` aborts, and reports the slowest reply: the longest stall of the server's event loop. */
export async function watchStalls(port: number, name: string, done: AbortSignal): Promise<StallReport> {
  const socket = createSocket('udp4');
  const sentAt = new Map<number, number>();
  let sent = 0;
  let longestMs = 0;
  socket.on('message', (message) => {
    const id = message.readUInt16BE(0);
    longestMs = Math.max(longestMs, performance.now() - (sentAt.get(id) ?? performance.now()));
    sentAt.delete(id);
  });
  while (!done.aborted) {
    const id = sent++ & 0xffff;
    sentAt.set(id, performance.now());
    socket.send(queryBytes(name, 'A', { id }), port, '127.0.0.1');
    await Bun.sleep(1);
  }
  await Bun.sleep(LATE_REPLIES_MS);
  socket.close();
  return { sent, lost: sentAt.size, longestMs };
}

/** p50, p99 and the greatest of a list of figures. */
export function percentiles(figures: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN };
}
