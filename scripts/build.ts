// npm run build [-- --target=bun-linux-arm64-musl] [--outdir=DIR]: dist/minilb, one file that needs nothing else. The same source, Bun
// version and file name give the same bytes. Other targets are downloaded from npm by Bun when first used.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = `${import.meta.dirname}/..`;
/** Baseline: for processors without AVX2, as in many small boxes. */
const LINUX = ['x64', 'x64-baseline', 'x64-musl', 'arm64', 'arm64-musl'].map((name) => `bun-linux-${name}`);
/** For the commands that people run; nothing here runs what is built for macOS. */
const TARGETS = [...LINUX, 'bun-darwin-x64', 'bun-darwin-arm64'];
const given = new Map(process.argv.slice(2).map((word) => [word.split('=')[0], word.slice(word.indexOf('=') + 1)]));
const target = given.get('--target');
const unknown = [...given.keys()].filter((name) => name !== '--target' && name !== '--outdir');
if (unknown.length > 0 || (target !== undefined && !TARGETS.includes(target))) {
  console.error(`usage: npm run build -- [--target=${TARGETS.join('|')}] [--outdir=DIR]`);
  process.exit(2);
}

const outdir = resolve(given.get('--outdir') ?? `${ROOT}/dist`);
mkdirSync(outdir, { recursive: true });
/** A program that serves must not read `.env` or `bunfig.toml` from the folder it happens to be started in. */
const BLIND = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
const child = Bun.spawn(
  [
    process.execPath,
    'build',
    '--compile',
    '--minify-syntax',
    '--minify-whitespace',
    ...BLIND,
    ...(target ? [`--target=${target}`] : []),
    'src/main.ts',
    `--outfile=${outdir}/minilb`,
  ],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exit(await child.exited);
