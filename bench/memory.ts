import { join } from 'node:path';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { changeEndpoints, createServices, jsonKubeconfig, must, serviceName } from './lib/load.ts';
import { createProbe } from './lib/probe.ts';
import { type ProcessFigures, readProcess, startProgram } from './lib/program.ts';

const SIZES = [
  { services: 1, endpoints: 1, limitMb: undefined },
  { services: 100, endpoints: 2, limitMb: 46 },
  { services: 1000, endpoints: 10, limitMb: 54 },
  { services: 5000, endpoints: 10, limitMb: 68 },
] as const;
const SETTLE_MS = 8_000;
const START_MS_MAX = 60_000;
const IDLE_MS = 20_000;

/** RSS of the program before a real API server, with clusters of several sizes, and what it does when nothing happens. */
export async function benchMemory(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  const lines = ['| Services × endpoints | RSS | peak | peak / RSS | target | idle CPU |', '|---|---|---|---|---|---|'];
  try {
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    let made = 0;
    let madeEndpoints = 0;
    for (const { services, endpoints, limitMb } of SIZES) {
      if (endpoints !== madeEndpoints) for (let n = 0; n < made; n++) await changeEndpoints(cluster, n, endpoints, 0);
      await createServices(cluster, made, services, endpoints);
      [made, madeEndpoints] = [services, endpoints];
      const { rssMb, peakMb, idleMillicores } = await measureStart(cluster, services, [], services === 100 ? IDLE_MS : 0);
      const target = limitMb === undefined ? '–' : `${limitMb} MB, ${rssMb <= limitMb ? 'met' : 'not met'}`;
      const idle = services === 100 ? `${idleMillicores.toFixed(1)} millicores` : '–';
      lines.push(
        `| ${services} × ${endpoints} | ${rssMb.toFixed(1)} MB | ${peakMb.toFixed(1)} MB | ${(peakMb / rssMb).toFixed(2)} | ${target} | ${idle} |`,
      );
    }
    return lines.join('\n');
  } finally {
    await cluster.stop();
  }
}

export interface Start extends ProcessFigures {
  readonly idleMillicores: number;
}

/** Starts the program after the words `before` (`env`, `taskset`), lets it answer and settle, and reads its figures. */
export async function measureStart(cluster: Cluster, services: number, before: readonly string[], idleMs = 0): Promise<Start> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), [], before);
  try {
    const probe = createProbe(program.dnsPort);
    const deadline = performance.now() + START_MS_MAX;
    while (!((await probe.addresses(`${serviceName(services - 1)}.bench.minilb`)) ?? []).length)
      if (performance.now() > deadline) throw new Error('minilb did not answer');
    probe.close();
    await Bun.sleep(SETTLE_MS);
    const begin = readProcess(program.pid);
    await Bun.sleep(idleMs);
    const end = readProcess(program.pid);
    const cpuMs = end.userMs + end.kernelMs - begin.userMs - begin.kernelMs;
    return { ...end, idleMillicores: idleMs > 0 ? (cpuMs * 1000) / idleMs : 0 };
  } finally {
    await program.stop();
  }
}

if (import.meta.main) console.log(await benchMemory());
