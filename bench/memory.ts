import { join } from 'node:path';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { changeEndpoints, createServices, jsonKubeconfig, must, serviceName } from './lib/load.ts';
import { createProbe } from './lib/probe.ts';
import { cpuNanoseconds, readProcess, resetPeak, startProgram } from './lib/program.ts';

const SIZES = [
  { services: 1, endpoints: 1, limitMb: undefined },
  { services: 100, endpoints: 2, limitMb: 46 },
  { services: 1000, endpoints: 10, limitMb: 54 },
  { services: 5000, endpoints: 10, limitMb: 68 },
  { services: 20_000, endpoints: 10, limitMb: undefined },
] as const;
const IDLE_SERVICES = 100;
const SETTLE_MS = 8_000;
const START_MS_MAX = 60_000;
const IDLE_MS = 30_000;
/** A re-list comes a little before this is over, and settles. */
const RELIST_SECONDS = 15;
const RELIST_MS = 12_000;

/** RSS of the program before a real API server, with clusters of several sizes, and what it does when nothing happens. */
export async function benchMemory(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  const lines = [
    '| Services × endpoints | first answer | RSS | first list: peak | re-list: peak | target | idle CPU |',
    '|---|---|---|---|---|---|---|',
  ];
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    let made = 0;
    let madeEndpoints = 0;
    for (const { services, endpoints, limitMb } of SIZES) {
      if (endpoints !== madeEndpoints) for (let n = 0; n < made; n++) await changeEndpoints(cluster, n, endpoints, 0);
      await createServices(cluster, made, services, endpoints);
      [made, madeEndpoints] = [services, endpoints];
      const { firstAnswerMs, rssMb, peakMb, relistMb } = await measureStart(cluster, services);
      const target = limitMb === undefined ? '–' : `${limitMb} MB, ${rssMb <= limitMb ? 'met' : 'not met'}`;
      const idle = services === IDLE_SERVICES ? `${(await measureIdle(cluster)).toFixed(2)} millicores` : '–';
      const peak = (mb: number) => `${mb.toFixed(1)} MB, ${(mb / rssMb).toFixed(2)} ×`;
      lines.push(
        `| ${services.toLocaleString('en')} × ${endpoints} | ${Math.round(firstAnswerMs)} ms | ${rssMb.toFixed(1)} MB | ${peak(peakMb)} | ${peak(relistMb)} | ${target} | ${idle} |`,
      );
    }
    return lines.join('\n');
  } finally {
    await cluster.stop();
  }
}

/** Starts the program, lets it answer and settle, and then list everything again. */
async function measureStart(cluster: Cluster, services: number) {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), [`-resync=${RELIST_SECONDS}`]);
  try {
    const probe = createProbe(program.dnsPort);
    while (!((await probe.addresses(`${serviceName(services - 1)}.bench.minilb`)) ?? []).length)
      if (performance.now() > program.startedAt + START_MS_MAX) throw new Error('minilb did not answer');
    const firstAnswerMs = performance.now() - program.startedAt;
    probe.close();
    await Bun.sleep(SETTLE_MS);
    const { rssMb, peakMb } = readProcess(program.pid);
    resetPeak(program.pid);
    await Bun.sleep(RELIST_MS);
    return { firstAnswerMs, rssMb, peakMb, relistMb: readProcess(program.pid).peakMb };
  } finally {
    await program.stop();
  }
}

async function measureIdle(cluster: Cluster): Promise<number> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'));
  try {
    await Bun.sleep(SETTLE_MS);
    const before = cpuNanoseconds(program.pid);
    await Bun.sleep(IDLE_MS);
    return (cpuNanoseconds(program.pid) - before) / 1e6 / (IDLE_MS / 1000);
  } finally {
    await program.stop();
  }
}

if (import.meta.main) console.log(await benchMemory());
