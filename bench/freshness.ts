import { join } from 'node:path';
import { startCluster } from '../test/support/cluster.ts';
import { drive, writeNames } from './lib/dnsperf.ts';
import { changeEndpoints, createServices, jsonKubeconfig, must, serviceName, untilAnswered } from './lib/load.ts';
import { createProbe, percentiles } from './lib/probe.ts';
import { startProgram, udpDrops } from './lib/program.ts';

const SERVICES = 1000;
const ENDPOINTS = 10;
const SECONDS = 20;
const RATE = 20_000;
const CHANGES_PER_SECOND = 50;

/** Endpoint changes while queries are served: a Markdown table. */
export async function benchFreshness(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    await createServices(cluster, 0, SERVICES, ENDPOINTS);
    // Re-lists happen while it runs: none may lose a query either.
    const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), ['-resync=5']);
    const probe = createProbe(program.dnsPort);
    await untilAnswered(probe, SERVICES - 1, ENDPOINTS, 0);
    const names = await writeNames(
      cluster.folder,
      Array.from({ length: SERVICES }, (_, n) => `${serviceName(n)}.bench.minilb`),
    );
    await Bun.sleep(3_000);
    const load = drive({ port: program.dnsPort, names, seconds: SECONDS, rate: RATE });
    const times: number[] = [];
    const begin = performance.now();
    for (let round = 1; performance.now() < begin + SECONDS * 1000 - 500; round++) {
      const n = (round * 7) % SERVICES;
      const due = begin + (round * 1000) / CHANGES_PER_SECOND;
      await changeEndpoints(cluster, n, ENDPOINTS, round);
      const acknowledged = performance.now();
      await untilAnswered(probe, n, ENDPOINTS, round);
      times.push(performance.now() - acknowledged);
      await Bun.sleep(Math.max(0, due - performance.now()));
    }
    const { sent, lost, perSecond } = await load;
    const { p50, p99, max } = percentiles(times);
    const drops = udpDrops(program.dnsPort);
    probe.close();
    await program.stop();
    const rate = (times.length / SECONDS).toFixed(0);
    return [
      '| queries/s | changes/s | change → answered p50 / p99 / max | queries sent | lost | drops in /proc/net/udp |',
      '|---|---|---|---|---|---|',
      `| ${Math.round(perSecond).toLocaleString('en')} | ${rate} | ${p50.toFixed(2)} / ${p99.toFixed(2)} / ${max.toFixed(2)} ms | ${sent.toLocaleString('en')} | ${lost} | ${drops} |`,
    ].join('\n');
  } finally {
    await cluster.stop();
  }
}
