import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../test/support/child.ts';
import { drive, SERVER_CORE } from './lib/dnsperf.ts';
import { type JitSymbols, readJitDump } from './lib/jit-symbols.ts';
import { withListedProgram } from './lib/listed-program.ts';

const SERVICES = 5_000;
const WARM_SECONDS = 3;
const SECONDS = 8;
const SHOWN = 24;

/** Where the time of a UDP query goes, by function, from `perf` and JavaScriptCore's list of what it compiled; a Markdown table. */
export async function benchProfile(): Promise<string> {
  if (!Bun.which('perf')) return '`perf` is not installed.';
  return withListedProgram(
    SERVICES,
    async ({ program: { pid, dnsPort: port }, names, folder }) => {
      await drive({ port, names, seconds: WARM_SECONDS });
      const data = join(folder, 'perf.data');
      const load = drive({ port, names, seconds: SECONDS });
      await run(['perf', 'record', '-q', '-e', 'cpu-clock', '-F', '1999', '-o', data, '-p', `${pid}`, '--', 'sleep', `${SECONDS - 1}`]);
      await load;
      const text = await run(['perf', 'script', '-i', data, '-F', 'ip,sym,dso']);
      const jit = readdirSync(folder).find((name) => name.endsWith(`-${pid}.dump`));
      if (jit === undefined) throw new Error('JavaScriptCore wrote no list of what it compiled');
      return render(text, readJitDump(join(folder, jit)));
    },
    { before: (folder) => [...SERVER_CORE, 'env', 'BUN_JSC_useJITDump=1', `BUN_JSC_jitDumpDirectory=${folder}`] },
  );
}

function render(script: string, jit: JitSymbols): string {
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const line of script.split('\n')) {
    const [, address = '', symbol = '', object = ''] = /^\s*([0-9a-f]+) (.*) \((.*)\)$/.exec(line) ?? [];
    if (address === '') continue;
    const place = placeOf(object);
    const name = place === OURS ? (jit.nameAt(Number.parseInt(address, 16)) ?? 'stubs without a name') : symbol.replace(/\+0x.*/, '');
    places.set(place, (places.get(place) ?? 0) + 1);
    if (place === OURS || place === LIBC) functions.set(`${place}: ${name}`, (functions.get(`${place}: ${name}`) ?? 0) + 1);
    total++;
  }
  const share = (count: number) => `${((count / total) * 100).toFixed(1)} %`;
  const table = (title: string, counts: ReadonlyMap<string, number>) =>
    [
      `| ${title} | share of ${total.toLocaleString('en')} samples |`,
      '|---|---|',
      ...[...counts]
        .sort((a, b) => b[1] - a[1])
        .slice(0, SHOWN)
        .map(([name, count]) => `| ${name} | ${share(count)} |`),
    ].join('\n');
  return `${table('where', places)}\n\n${table('function', functions)}`;
}

const OURS = 'JavaScript';
const LIBC = 'libc, called by Bun';

function placeOf(object: string): string {
  if (object.includes('kernel') || object === '[vdso]') return 'kernel';
  if (object.includes('libc') || object.includes('ld-linux')) return LIBC;
  return object.endsWith('/minilb') ? 'Bun (C++, Zig; without symbols)' : OURS;
}
