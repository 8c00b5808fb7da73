import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigText, startFakeApi } from '../test/support/fake-api.ts';
import { type Cost, driveAndMeasure, SERVER_CORE, writeNames } from './lib/dnsperf.ts';
import { serviceBody, serviceName, sliceBody } from './lib/load.ts';
import { createProbe } from './lib/probe.ts';
import { type Program, readProcess, startProgram } from './lib/program.ts';

const SIZES = [100, 1_000, 10_000, 50_000] as const;
const ENDPOINTS = 10;
const ROUNDS = 3;
const SECONDS = 2;
const SETTLE_MS = 4_000;
const START_MS_MAX = 120_000;
const SOAK_QUERIES = 10_000_000;
const SOAK_SECONDS = 20;
const SOAK_NAMES = 5_000;

/** What more names cost: a Markdown table. Lists come from a server without TLS that only lists. */
export async function benchGrowth(): Promise<string> {
  const lines = ['| names × addresses | first answer | RSS | CPU per query, UDP (user + kernel) | queries/s |', '|---|---|---|---|---|'];
  for (const services of SIZES) {
    const row = await withProgram(services, async (program, names, firstAnswerMs) => {
      const { rssMb } = readProcess(program.pid);
      const costs: Cost[] = [];
      for (let i = 0; i < ROUNDS; i++) costs.push(await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SECONDS }));
      const least = costs.reduce((a, b) => (a.userUs + a.kernelUs < b.userUs + b.kernelUs ? a : b));
      const cost = `${(least.userUs + least.kernelUs).toFixed(1)} us (${least.userUs.toFixed(1)} + ${least.kernelUs.toFixed(1)})`;
      return `| ${services.toLocaleString('en')} × ${ENDPOINTS} | ${Math.round(firstAnswerMs)} ms | ${rssMb.toFixed(1)} MB | ${cost} | ${Math.round(least.perSecond).toLocaleString('en')} |`;
    });
    lines.push(row);
  }
  return lines.join('\n');
}

/** Ten million queries: a sentence. */
export async function benchSoak(): Promise<string> {
  return withProgram(SOAK_NAMES, async (program, names) => {
    const before = readProcess(program.pid).rssMb;
    let sent = 0;
    let lost = 0;
    while (sent < SOAK_QUERIES) {
      const load = await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SOAK_SECONDS });
      sent += load.sent;
      lost += load.lost;
    }
    const after = readProcess(program.pid).rssMb;
    const change = ((after / before - 1) * 100).toFixed(1);
    return `${sent.toLocaleString('en')} queries, ${lost} lost: RSS ${before.toFixed(1)} → ${after.toFixed(1)} MB (${change} %).`;
  });
}

async function withProgram(
  services: number,
  body: (program: Program, names: string, firstAnswerMs: number) => Promise<string>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-bench-'));
  const all = Array.from({ length: services }, (_, n) => n);
  const metadata = (n: number) => ({
    namespace: 'bench',
    uid: `uid-${n}`,
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
  });
  const withMetadata = (object: { readonly metadata: object }, n: number) => ({
    ...object,
    metadata: { ...object.metadata, ...metadata(n) },
  });
  const api = startFakeApi({
    services: all.map((n) => withMetadata(serviceBody(n), n)),
    slices: all.map((n) => withMetadata(sliceBody(n, ENDPOINTS), n)),
  });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server: api.url }));
  const program = await startProgram(kubeconfig, join(folder, 'minilb.log'), ['-controller=false'], SERVER_CORE);
  try {
    const names = await writeNames(
      folder,
      all.map((n) => `${serviceName(n)}.bench.minilb`),
    );
    const probe = createProbe(program.dnsPort);
    while (!((await probe.addresses(`${serviceName(services - 1)}.bench.minilb`)) ?? []).length)
      if (performance.now() > program.startedAt + START_MS_MAX) throw new Error('minilb did not answer');
    const firstAnswerMs = performance.now() - program.startedAt;
    probe.close();
    await Bun.sleep(SETTLE_MS);
    return await body(program, names, firstAnswerMs);
  } finally {
    await program.stop();
    await api.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
