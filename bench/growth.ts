import { type Cost, driveAndMeasure, leastOf } from './lib/dnsperf.ts';
import { ENDPOINTS, withListedProgram } from './lib/listed-program.ts';
import { readProcess } from './lib/program.ts';

const SIZES = [100, 1_000, 10_000, 50_000] as const;
const ROUNDS = 3;
const SECONDS = 2;
const SOAK_QUERIES = 10_000_000;
const SOAK_SECONDS = 20;
const SOAK_NAMES = 5_000;
/** Until the program has given back what load makes it touch. */
const REST_MS = 35_000;

/** What more names cost: a Markdown table. Lists come from a server without TLS that only lists. */
export async function benchGrowth(): Promise<string> {
  const lines = ['| names × addresses | first answer | RSS | CPU per query, UDP (user + kernel) | queries/s |', '|---|---|---|---|---|'];
  for (const services of SIZES) {
    const row = await withListedProgram(services, async ({ program, names, firstAnswerMs }) => {
      const { rssMb } = readProcess(program.pid);
      const costs: Cost[] = [];
      for (let i = 0; i < ROUNDS; i++) costs.push(await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SECONDS }));
      const least = leastOf(costs);
      const cost = `${(least.userUs + least.kernelUs).toFixed(1)} us (${least.userUs.toFixed(1)} + ${least.kernelUs.toFixed(1)})`;
      return `| ${services.toLocaleString('en')} × ${ENDPOINTS} | ${Math.round(firstAnswerMs)} ms | ${rssMb.toFixed(1)} MB | ${cost} | ${Math.round(least.perSecond).toLocaleString('en')} |`;
    });
    lines.push(row);
  }
  return lines.join('\n');
}

/** Ten million queries: a sentence. */
export async function benchSoak(): Promise<string> {
  return withListedProgram(SOAK_NAMES, async ({ program, names }) => {
    // A server in use: what the first queries make it compile is no growth.
    await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SECONDS });
    await Bun.sleep(REST_MS);
    const before = readProcess(program.pid).rssMb;
    let sent = 0;
    let lost = 0;
    while (sent < SOAK_QUERIES) {
      const load = await driveAndMeasure(program.pid, { port: program.dnsPort, names, seconds: SOAK_SECONDS });
      sent += load.sent;
      lost += load.lost;
    }
    const loaded = readProcess(program.pid).rssMb;
    await Bun.sleep(REST_MS);
    const after = readProcess(program.pid).rssMb;
    const change = ((after / before - 1) * 100).toFixed(1);
    return `${sent.toLocaleString('en')} queries, ${lost} lost: RSS ${before.toFixed(1)} → ${loaded.toFixed(1)} under load → ${after.toFixed(1)} MB ${REST_MS / 1000} s later (${change} %).`;
  });
}
