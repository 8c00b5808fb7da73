// Runs the pinned Bun, also where npm blocked install scripts: npm's `bun` is then a stub, but the real program lies in the
// platform's own package. When the script did run, it has moved the program to node_modules/bun/bin/bun.exe.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

function packageFolder(name) {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    console.error(`minilb: ${name} is not installed here: run npm ci first`);
    process.exit(1);
  }
}

export function findBun() {
  const bun = packageFolder('bun');
  const oven = join(dirname(bun), '@oven');
  const platform = existsSync(oven) ? readdirSync(oven).map((name) => join(oven, name, 'bin', 'bun')) : [];
  const found = [...platform, join(bun, 'bin', 'bun.exe')].find((path) => existsSync(path));
  if (!found) throw new Error(`no Bun for ${process.platform}-${process.arch} below ${oven}: run npm ci`);
  return found;
}

/** Starts Bun with these arguments, passes signals on, and ends as it ends. */
export function runBun(args) {
  const child = spawn(findBun(), args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + ({ SIGINT: 2, SIGTERM: 15, SIGKILL: 9, SIGHUP: 1 }[signal] ?? 1) : (code ?? 1);
  });
}

if (import.meta.filename === process.argv[1]) runBun(process.argv.slice(2));
