import { join } from 'node:path';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { changeEndpoints, createServices, jsonKubeconfig, must, serviceName, untilAnswered } from './lib/load.ts';
import { createProbe, percentiles, watchStalls } from './lib/probe.ts';
import { readProcess, startProgram, udpDrops } from './lib/program.ts';

const SIZES = [
  { services: 100, endpoints: 2 },
  { services: 1000, endpoints: 10 },
] as const;
const ROUNDS = 200;
const SETTLE_MS = 6000;
/** Until the program has given back what load makes it touch. */
const REST_MS = 35_000;

interface Row {
  readonly services: number;
  readonly endpoints: number;
  readonly firstAnswerMs: number;
  readonly idleRssMb: number;
  readonly rssMb: number;
  readonly peakMb: number;
  readonly changeMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly stallMs: number;
  readonly lost: number;
  readonly drops: number;
}

/** Start, size and freshness of the main job against a real API server; a Markdown table. */
export async function benchMainJob(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    const rows: Row[] = [];
    let made = 0;
    for (const { services, endpoints } of SIZES) {
      // A fresh start: Services of the smaller size have fewer endpoints, so they are given the new number first.
      for (let n = 0; n < made; n++) await changeEndpoints(cluster, n, endpoints, 0);
      await createServices(cluster, made, services, endpoints);
      made = services;
      rows.push(await measure(cluster, services, endpoints));
    }
    return render(rows);
  } finally {
    await cluster.stop();
  }
}

async function measure(cluster: Cluster, services: number, endpoints: number): Promise<Row> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'));
  const probe = createProbe(program.dnsPort);
  const last = services - 1;
  await untilAnswered(probe, last, endpoints, 0);
  const firstAnswerMs = performance.now() - program.startedAt;
  await Bun.sleep(SETTLE_MS);
  const idleRssMb = readProcess(program.pid).rssMb;
  const done = new AbortController();
  const stalls = watchStalls(program.dnsPort, `${serviceName(0)}.bench.minilb`, done.signal);
  const changes: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const n = (round * 7) % services;
    await changeEndpoints(cluster, n, endpoints, round);
    const acknowledged = performance.now();
    await untilAnswered(probe, n, endpoints, round);
    changes.push(performance.now() - acknowledged);
    await Bun.sleep(10);
  }
  done.abort();
  const { longestMs, lost } = await stalls;
  await Bun.sleep(REST_MS);
  const { rssMb, peakMb } = readProcess(program.pid);
  const drops = udpDrops(program.dnsPort);
  probe.close();
  await program.stop();
  return { services, endpoints, firstAnswerMs, idleRssMb, rssMb, peakMb, changeMs: percentiles(changes), stallMs: longestMs, lost, drops };
}

function render(rows: readonly Row[]): string {
  const ms = (value: number) => value.toFixed(2);
  const head =
    '| Services × endpoints | first answer | RSS idle | RSS 35 s after load | peak RSS | change → answered p50 / p99 / max | longest stall | queries lost | drops in /proc/net/udp |';
  const lines = rows.map(
    (row) =>
      `| ${row.services} × ${row.endpoints} | ${Math.round(row.firstAnswerMs)} ms | ${row.idleRssMb.toFixed(1)} MB | ${row.rssMb.toFixed(1)} MB | ${row.peakMb.toFixed(1)} MB | ` +
      `${ms(row.changeMs.p50)} / ${ms(row.changeMs.p99)} / ${ms(row.changeMs.max)} ms | ${ms(row.stallMs)} ms | ${row.lost} | ${row.drops} |`,
  );
  return [head, '|---|---|---|---|---|---|---|---|---|', ...lines].join('\n');
}

if (import.meta.main) console.log(await benchMainJob());
