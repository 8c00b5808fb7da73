// npm run build [-- --target=bun-linux-arm64-musl]: dist/minilb, one file that needs nothing else. The same source, Bun version and
// file name give the same bytes. Other targets are downloaded from npm by Bun when first used.
import { mkdirSync } from 'node:fs';

const ROOT = `${import.meta.dirname}/..`;
const target = process.argv.slice(2).find((word) => word.startsWith('--target='));
const unknown = process.argv.slice(2).filter((word) => word !== target);
if (unknown.length > 0) {
  console.error(
    `usage: scripts/build.ts [--target=bun-linux-x64|bun-linux-arm64|bun-linux-x64-musl|bun-linux-arm64-musl], not ${unknown.join(' ')}`,
  );
  process.exit(2);
}
mkdirSync(`${ROOT}/dist`, { recursive: true });
const child = Bun.spawn(
  [
    process.execPath,
    'build',
    '--compile',
    '--minify-syntax',
    '--minify-whitespace',
    ...(target ? [target] : []),
    'src/main.ts',
    '--outfile',
    'dist/minilb',
  ],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exit(await child.exited);
