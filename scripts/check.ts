// npm run check: everything that can be said about the code without running it. All steps run, so that one run shows all faults.
const ROOT = `${import.meta.dirname}/..`;
const bin = (name: string) => `${ROOT}/node_modules/.bin/${name}`;

const STEPS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['format and lint', [bin('biome'), 'ci', '.']],
  ['types', [bin('tsc'), '-p', '.']],
  ['types of core: no console, timers, fetch, Bun, node:*', [bin('tsc'), '-p', 'src/core']],
  ['types of the page: a browser’s', [bin('tsc'), '-p', 'src/shell/page/browser']],
  ['architecture', [process.execPath, 'test', './test/architecture.test.ts', '--only-failures']],
  ['generated pages', [process.execPath, 'scripts/docs.ts', '--check']],
];

let failed = 0;
for (const [name, command] of STEPS) {
  const child = Bun.spawn([...command], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const good = (await child.exited) === 0;
  if (!good) failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`);
}
process.exit(failed === 0 ? 0 : 1);
