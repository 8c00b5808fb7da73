import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigText, startFakeApi } from '../../test/support/fake-api.ts';
import { SERVER_CORE, writeNames } from './dnsperf.ts';
import { serviceBody, serviceName, sliceBody } from './load.ts';
import { createProbe } from './probe.ts';
import { type Program, startProgram } from './program.ts';

export const ENDPOINTS = 10;
const SETTLE_MS = 4_000;
const START_MS_MAX = 120_000;

export interface Listed {
  readonly program: Program;
  /** File of `name type` lines, one for each Service. */
  readonly names: string;
  readonly firstAnswerMs: number;
  readonly folder: string;
}

export interface ListedOptions {
  readonly flags?: readonly string[];
  /** Words before the program's name; `folder` is gone when `body` has ended. */
  readonly before?: (folder: string) => readonly string[];
}

/** Runs `body` beside a program that knows this many Services with ten endpoints each, from a server without TLS that only lists. */
export async function withListedProgram(
  services: number,
  body: (listed: Listed) => Promise<string>,
  { flags = [], before = () => SERVER_CORE }: ListedOptions = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-bench-'));
  const all = Array.from({ length: services }, (_, n) => n);
  const api = startFakeApi({
    services: all.map((n) => withMetadata(serviceBody(n), n)),
    slices: all.map((n) => withMetadata(sliceBody(n, ENDPOINTS), n)),
  });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText({ server: api.url }));
  const program = await startProgram(kubeconfig, join(folder, 'minilb.log'), ['-controller=false', ...flags], before(folder));
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
    return await body({ program, names, firstAnswerMs, folder });
  } finally {
    await program.stop();
    await api.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function withMetadata(object: { readonly metadata: object }, n: number): object {
  const metadata = { namespace: 'bench', uid: `uid-${n}`, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}
