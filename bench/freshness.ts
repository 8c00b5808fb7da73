import { join } from 'node:path';
import type { ApiWatch } from '../test/support/api.ts';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { at, drive, writeNames } from './lib/dnsperf.ts';
import { changeEndpoints, createServices, endpointAddress, jsonKubeconfig, must, serviceName, untilAnswered } from './lib/load.ts';
import { createProbe, percentiles } from './lib/probe.ts';
import { startProgram, udpDrops } from './lib/program.ts';

const SERVICES = 1000;
const ENDPOINTS = 10;
const SECONDS = 20;
const RATE = 20_000;
const CHANGES_PER_SECOND = 50;
/** By then start-up has given its memory back. */
const SETTLE_MS = 5_000;

/** Endpoint changes while queries are served: a Markdown table. */
export async function benchFreshness(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    await createServices(cluster, 0, SERVICES, ENDPOINTS);
    const lines = [
      '| re-lists | queries/s | changes/s | change → answered p50 / p99 / max | change → in another client’s watch p50 / p99 / max | query → answer p50 / p99 / p99.9 / max | queries sent | lost | drops in /proc/net/udp |',
      '|---|---|---|---|---|---|---|---|---|',
    ];
    // No query may be lost in re-lists either.
    for (const resyncSeconds of [300, 5]) lines.push(await measure(cluster, resyncSeconds));
    return lines.join('\n');
  } finally {
    await cluster.stop();
  }
}

let round = 0;

async function measure(cluster: Cluster, resyncSeconds: number): Promise<string> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), [`-resync=${resyncSeconds}`]);
  const probe = createProbe(program.dnsPort);
  while (!((await probe.addresses(`${serviceName(SERVICES - 1)}.bench.minilb`)) ?? []).length) await Bun.sleep(1);
  const names = await writeNames(
    cluster.folder,
    Array.from({ length: SERVICES }, (_, n) => `${serviceName(n)}.bench.minilb`),
  );
  await Bun.sleep(SETTLE_MS);
  const load = drive({ port: program.dnsPort, names, seconds: SECONDS, rate: RATE, times: true });
  const [times, watched]: [number[], number[]] = [[], []];
  const watch = await cluster.watch({
    path: '/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices',
    query: { resourceVersion: await versionOf(cluster) },
  });
  const begin = performance.now();
  for (let count = 1; performance.now() < begin + SECONDS * 1000 - 500; count++) {
    round++;
    const n = (round * 7) % SERVICES;
    await changeEndpoints(cluster, n, ENDPOINTS, round);
    const acknowledged = performance.now();
    // In turns: what another client sees of the same API server at the same time is the floor.
    if (count % 2 === 0) {
      await untilAnswered(probe, n, ENDPOINTS, round);
      times.push(performance.now() - acknowledged);
    } else {
      await untilSeen(watch, endpointAddress(n, 0, round));
      watched.push(performance.now() - acknowledged);
    }
    await Bun.sleep(Math.max(0, begin + (count * 1000) / CHANGES_PER_SECOND - performance.now()));
  }
  const { sent, lost, perSecond, timesMs } = await load;
  await watch.close();
  const spread = (figures: readonly number[]) => {
    const { p50, p99, max } = percentiles(figures);
    return `${p50.toFixed(2)} / ${p99.toFixed(2)} / ${max.toFixed(2)} ms`;
  };
  const drops = udpDrops(program.dnsPort);
  probe.close();
  await program.stop();
  const cells = [
    `every ${resyncSeconds} s`,
    Math.round(perSecond).toLocaleString('en'),
    ((times.length + watched.length) / SECONDS).toFixed(0),
    spread(times),
    spread(watched),
    `${[0.5, 0.99, 0.999, 1].map((share) => at(timesMs, share).toFixed(2)).join(' / ')} ms`,
    sent.toLocaleString('en'),
    lost,
    drops,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Waits for an event with this address, looking once a turn of the event loop. */
async function untilSeen(watch: ApiWatch, address: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!JSON.stringify(watch.events.at(-1) ?? '').includes(`"${address}"`)) {
    if (performance.now() > deadline) throw new Error(`no event with ${address} within 30 s`);
    await Bun.sleep(0);
  }
}

async function versionOf(cluster: Cluster): Promise<string> {
  const list = await cluster.request({ path: '/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices', query: { limit: '1' } });
  return (list.body as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion;
}
