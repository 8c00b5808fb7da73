import { systemClock } from '../../src/shell/system/clock.ts';

// `lookup-load.ts NAME PER_SECOND SERVER SERVER`: looks a name up so many times a second, as glibc does (resolv.conf(5) without options: each server is
// given 5 s, an ICMP error goes on to the next at once, two rounds), half of the lookups with the servers the other way round. Writes a JSON line of
// its counts each second until SIGTERM.
const ATTEMPTS = 2;
const TIMEOUT_MS = 5_000;
const TICK_MS = 5;

const [name = '', perSecond = '', ...servers] = process.argv.slice(2);
const counts = { lookups: 0, answered: 0, failed: 0, second: 0, slowestMs: 0, worstStallMs: 0, ttls: {} as Record<string, number> };

function question(id: number): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Uint8Array.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

/** The TTL of the first answer, or why there is none. */
async function ask(server: string, id: number): Promise<number | 'refused' | 'silent' | 'wrong'> {
  const done = Promise.withResolvers<number | 'refused' | 'silent' | 'wrong'>();
  const socket = await Bun.udpSocket({
    connect: { hostname: server, port: 53 },
    socket: {
      data: (_, reply) => {
        const good = reply.length > 40 && reply.readUInt16BE(0) === id && (reply[3] ?? 0) % 16 === 0 && reply.readUInt16BE(6) > 0;
        done.resolve(good ? reply.readUInt32BE(12 + name.length + 2 + 4 + 6) : 'wrong');
      },
      error: () => done.resolve('refused'),
    },
  });
  const over = new AbortController();
  void systemClock.after(TIMEOUT_MS, over.signal).then(() => done.resolve('silent'));
  try {
    socket.send(question(id));
  } catch {
    done.resolve('refused');
  }
  const result = await done.promise;
  over.abort();
  socket.close();
  return result;
}

async function lookup(order: readonly string[], id: number): Promise<void> {
  const started = systemClock.now();
  counts.lookups++;
  for (let tried = 0; tried < ATTEMPTS * order.length; tried++) {
    const result = await ask(order[tried % order.length] ?? '', id);
    if (typeof result !== 'number') continue;
    counts.answered++;
    if (tried > 0) counts.second++;
    counts.ttls[result] = (counts.ttls[result] ?? 0) + 1;
    counts.slowestMs = Math.max(counts.slowestMs, systemClock.now() - started);
    return;
  }
  counts.failed++;
}

const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
const pending = new Set<Promise<void>>();
const began = systemClock.now();
let said = began;
let sent = 0;
let ticked = began;
while (!ending.signal.aborted) {
  const now = systemClock.now();
  counts.worstStallMs = Math.max(counts.worstStallMs, now - ticked - TICK_MS);
  ticked = now;
  // After a stall the lost ticks are made up for, in pieces that receive buffers hold.
  const due = Math.min(Math.floor(((now - began) / 1000) * Number(perSecond)) - sent, 100);
  for (let i = 0; i < due; i++) {
    sent++;
    const one = lookup(sent % 2 === 0 ? servers : servers.toReversed(), sent & 0xffff);
    pending.add(one);
    void one.finally(() => pending.delete(one));
  }
  if (now - said >= 1000) {
    said = now;
    console.log(JSON.stringify(counts));
  }
  await systemClock.after(TICK_MS, ending.signal);
}
await Promise.all(pending);
console.log(JSON.stringify({ ...counts, ended: true }));
