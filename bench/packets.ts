import { createRandom, hostilePacket } from '../test/fuzz/packets.ts';
import { exchange, framed, PATHS } from '../test/support/answer-server.ts';
import { queryBytes, readReply } from '../test/support/dns-query.ts';
import { type Listed, withListedProgram } from './lib/listed-program.ts';
import { serviceName } from './lib/load.ts';
import { readProcess } from './lib/program.ts';

const PACKETS = 10_000_000;
const TCP_PACKETS = 200_000;
/** Made once and sent again and again, each time with another ID and one other byte, so that making them does not take the time. */
const DIFFERENT = 200_000;
const SEED = 20_261_126;
const BATCH = 64;
const MARK = 0x8001;
const MARK_MS_MAX = 100;
const TCP_BATCH = 100;
const SERVICES = 1_000;
/** Until the program has given back what load makes it touch. */
const REST_MS = 35_000;

/** Ten million seeded packets, most of them broken, through the real sockets: a sentence on answers and memory. */
export async function benchPackets(): Promise<string> {
  const random = createRandom(SEED);
  const packets = Array.from({ length: DIFFERENT }, () => hostilePacket(random));
  return withListedProgram(SERVICES, async ({ program }: Listed) => {
    const { pid, dnsPort } = program;
    // What the first packets make it compile is not a leak.
    await pour(dnsPort, packets, DIFFERENT);
    await Bun.sleep(REST_MS);
    const before = readProcess(pid).rssMb;
    const replies = await pour(dnsPort, packets, PACKETS);
    const closed = await pourOverTcp(dnsPort, packets, TCP_PACKETS);
    const loaded = readProcess(pid).rssMb;
    await Bun.sleep(REST_MS);
    const after = readProcess(pid).rssMb;
    const metrics = await (await fetch(`http://127.0.0.1:${program.healthPort}/metrics`)).text();
    const metric = (name: string) =>
      [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
    const reply = await exchange(PATHS[0] as (typeof PATHS)[number], dnsPort, queryBytes(`${serviceName(1)}.bench.minilb`, 'A'));
    const alive = reply !== undefined && readReply(reply).answers.length === 10 ? 'it answers as before' : 'IT DOES NOT ANSWER';
    const millions = (count: number) => `${(count / 1e6).toFixed(2)} million`;
    return (
      `${millions(PACKETS)} packets over UDP (seed ${SEED}; received ${millions(metric('minilb_dns_received_total'))} in all), ${millions(replies)} replies; ${millions(TCP_PACKETS)} over TCP, in ${closed} connections. ` +
      `Faults ${metric('minilb_dns_faults_total')}. RSS ${before.toFixed(1)} → ${loaded.toFixed(1)} under load → ${after.toFixed(1)} MB ${REST_MS / 1000} s later (${((after / before - 1) * 100).toFixed(1)} %); ${alive}.`
    );
  });
}

/** Sends `count` packets, each batch closed by a query whose answer is waited for, so that none is lost for want of room; returns the replies. */
async function pour(port: number, packets: readonly Uint8Array[], count: number): Promise<number> {
  let replies = 0;
  let answered = () => {};
  const mark = queryBytes(`${serviceName(0)}.bench.minilb`, 'A', { id: MARK });
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    connect: { hostname: '127.0.0.1', port },
    socket: {
      data: (_, data) => {
        replies++;
        if (data.readUInt16BE(0) === MARK) answered();
      },
      error: () => {},
    },
  });
  const random = createRandom(SEED + 1);
  for (let sent = 0; sent < count; ) {
    const batch: Uint8Array[] = [];
    for (let i = 1; i < BATCH && sent < count; i++, sent++) {
      const packet = packets[sent % packets.length] as Uint8Array;
      if (packet.length > 0) packet[random.below(packet.length)] = random.below(256);
      // Its ID is never the mark's.
      if (packet.length > 0) packet[0] = sent & 0x7f;
      batch.push(packet);
    }
    const marked = new Promise<void>((resolve) => {
      answered = resolve;
    });
    socket.sendMany([...batch, mark]);
    // One that is lost all the same costs a moment.
    await Promise.race([marked, Bun.sleep(MARK_MS_MAX)]);
  }
  socket.close();
  return replies;
}

/** The same packets, framed, a batch in each connection; returns the number of connections. */
async function pourOverTcp(port: number, packets: readonly Uint8Array[], count: number): Promise<number> {
  let connections = 0;
  for (let sent = 0; sent < count; sent += TCP_BATCH) {
    const stream = Buffer.concat(packets.slice(sent, sent + TCP_BATCH).map(framed));
    await new Promise<void>((resolve) => {
      void Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          open: (socket) => {
            socket.write(stream);
            socket.shutdown();
          },
          data: () => {},
          close: () => resolve(),
          error: () => resolve(),
        },
      });
    });
    connections++;
  }
  return connections;
}

if (import.meta.main) console.log(await benchPackets());
