import { join } from 'node:path';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { at, type Cost, driveAndMeasure, leastOf, SERVER_CORE, writeNames } from './lib/dnsperf.ts';
import { createServices, endpointAddress, jsonKubeconfig, must, serviceName } from './lib/load.ts';
import { type PeerServer, startCoreDns, startKnot, writeZone } from './lib/peer-servers.ts';
import { createProbe } from './lib/probe.ts';
import { readProcess, startProgram } from './lib/program.ts';

const SERVICES = 5000;
const ENDPOINTS = 10;
const ROUNDS = 3;
const SECONDS = 3;
const STEADY_RATE = 20_000;
const START_MS_MAX = 30_000;

interface Row {
  readonly server: PeerServer;
  readonly rssBeforeMb: number;
  readonly udp: Cost[];
  readonly tcp: Cost[];
}

/** minilb, Knot and CoreDNS on the same names, driven in turns; a Markdown table. */
export async function benchPeers(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  const servers: PeerServer[] = [];
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    await createServices(cluster, 0, SERVICES, ENDPOINTS);
    const addressesOf = new Map(
      Array.from({ length: SERVICES }, (_, n) => [
        `${serviceName(n)}.bench.minilb`,
        Array.from({ length: ENDPOINTS }, (_, m) => endpointAddress(n, m)),
      ]),
    );
    const names = await writeNames(cluster.folder, [...addressesOf.keys()]);
    const zone = await writeZone(cluster.folder, 'minilb', addressesOf);
    servers.push(await startMinilb(cluster));
    for (const start of [startKnot, startCoreDns]) {
      const server = await start(cluster.folder, zone);
      if (server) servers.push(server);
    }
    // What the API server does in its own time after 10,000 writes would be somebody's CPU.
    await Bun.sleep(5_000);
    const rows: readonly Row[] = servers.map((server) => ({ server, rssBeforeMb: readProcess(server.pid).rssMb, udp: [], tcp: [] }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const row of rows) {
        row.udp.push(await driveAndMeasure(row.server.pid, { port: row.server.port, names, seconds: SECONDS }));
        row.tcp.push(await driveAndMeasure(row.server.pid, { port: row.server.port, names, seconds: SECONDS, transport: 'tcp' }));
      }
    }
    const lines: string[] = [];
    for (const row of rows) lines.push(await render(row, rows[0] as Row, names));
    return [HEAD, '|---|---|---|---|---|---|---|---|', ...lines].join('\n');
  } finally {
    for (const server of servers) await server.stop();
    await cluster.stop();
  }
}

async function startMinilb(cluster: Cluster): Promise<PeerServer> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), [], SERVER_CORE);
  const probe = createProbe(program.dnsPort);
  const deadline = performance.now() + START_MS_MAX;
  while (!((await probe.addresses(`${serviceName(SERVICES - 1)}.bench.minilb`)) ?? []).length)
    if (performance.now() > deadline) throw new Error('minilb did not answer');
  probe.close();
  return { name: 'minilb', pid: program.pid, port: program.dnsPort, stop: program.stop };
}

const HEAD =
  '| server | CPU per query, UDP (user + kernel) | minilb is | queries/s UDP | CPU per query, TCP | queries/s TCP | at 20,000 q/s: p50 / p99 / p99.9 / max | RSS before → after |';

async function render(row: Row, own: Row, names: string): Promise<string> {
  const { server, rssBeforeMb } = row;
  const steady = await driveAndMeasure(server.pid, { port: server.port, names, seconds: SECONDS, rate: STEADY_RATE, times: true });
  const [udp, tcp] = [leastOf(row.udp), leastOf(row.tcp)];
  const whole = (cost: Cost) => cost.userUs + cost.kernelUs;
  const cost = (each: Cost) => `${whole(each).toFixed(1)} us (${each.userUs.toFixed(1)} + ${each.kernelUs.toFixed(1)})`;
  const wrong = [...row.udp, ...row.tcp].some((each) => each.wrong) ? ' (wrong answers)' : '';
  const times = [0.5, 0.99, 0.999, 1].map((share) => at(steady.timesMs, share).toFixed(2)).join(' / ');
  const ratio = row === own ? '–' : `${(whole(leastOf(own.udp)) / whole(udp)).toFixed(2)} ×`;
  const rate = (each: Cost) => Math.round(each.perSecond).toLocaleString('en');
  return `| ${server.name}${wrong} | ${cost(udp)} | ${ratio} | ${rate(udp)} | ${cost(tcp)} | ${rate(tcp)} | ${times} ms | ${rssBeforeMb.toFixed(1)} → ${readProcess(server.pid).rssMb.toFixed(1)} MB |`;
}

if (import.meta.main) console.log(await benchPeers());
