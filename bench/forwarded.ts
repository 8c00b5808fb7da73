import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driveAndMeasure, leastOf, writeNames } from './lib/dnsperf.ts';
import { withListedProgram } from './lib/listed-program.ts';
import { endpointAddress, serviceName } from './lib/load.ts';
import { startKnot, writeZone } from './lib/peer-servers.ts';
import { readProcess } from './lib/program.ts';

const NAMES = 5_000;
const ADDRESSES = 10;
const ROUNDS = 3;
const SECONDS = 3;
const TTL_SECONDS = 3600;

/** Answers from the forwarder's cache, over UDP and TCP, beside the upstream (Knot) that gave them; a Markdown table. */
export async function benchForwarded(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-forwarded-'));
  const addressesOf = new Map(
    Array.from({ length: NAMES }, (_, n) => [
      `${serviceName(n)}.example`,
      Array.from({ length: ADDRESSES }, (_, m) => endpointAddress(n, m)),
    ]),
  );
  const knot = await startKnot(folder, await writeZone(folder, 'example', addressesOf, TTL_SECONDS));
  if (!knot) return '`knotd` is not installed.';
  try {
    const names = await writeNames(folder, [...addressesOf.keys()]);
    const flags = [`-upstream=127.0.0.1:${knot.port}`, '-claim-hosts=*.claimed.example'];
    return await withListedProgram(
      100,
      async ({ program }) => {
        const servers = [
          { name: 'minilb, from its cache', pid: program.pid, port: program.dnsPort },
          { name: 'Knot, its upstream', pid: knot.pid, port: knot.port },
        ];
        // Fills the cache.
        await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SECONDS });
        const asked = await missesOf(program.healthPort);
        const lines = [
          '| server | CPU per query, UDP (user + kernel) | queries/s | CPU per query, TCP | queries/s | RSS |',
          '|---|---|---|---|---|---|',
        ];
        for (const { name, pid, port } of servers) {
          const cells: string[] = [];
          for (const transport of ['udp', 'tcp'] as const) {
            const costs = [];
            for (let i = 0; i < ROUNDS; i++) costs.push(await driveAndMeasure(pid, { port, names, seconds: SECONDS, transport }));
            const { userUs, kernelUs, perSecond } = leastOf(costs);
            cells.push(
              `${(userUs + kernelUs).toFixed(1)} us (${userUs.toFixed(1)} + ${kernelUs.toFixed(1)})`,
              Math.round(perSecond).toLocaleString('en'),
            );
          }
          lines.push(`| ${name} | ${cells.join(' | ')} | ${readProcess(pid).rssMb.toFixed(1)} MB |`);
        }
        const later = (await missesOf(program.healthPort)) - asked;
        return `${lines.join('\n')}\n\nQueries upstream while that was measured: ${later}.`;
      },
      { flags },
    );
  } finally {
    await knot.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers that upstreams gave so far. */
async function missesOf(healthPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  return [...text.matchAll(/^minilb_forward_upstream_total\{.*result="answer".*\} (\d+)$/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
}

if (import.meta.main) console.log(await benchForwarded());
