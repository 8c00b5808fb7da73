import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import manifest from '../../package.json' with { type: 'json' };
import { run } from '../support/child.ts';

const ROOT = `${import.meta.dirname}/../..`;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/minilb-build-`);
  for (const outdir of ['one', 'two']) await run([process.execPath, 'scripts/build.ts', `--outdir=${folder}/${outdir}`], { cwd: ROOT });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('npm run build: one file', () => {
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

  test('the same source gives the same bytes', () => {
    expect(hash(`${folder}/one/minilb`)).toBe(hash(`${folder}/two/minilb`));
  });

  test('it runs without the checkout and without node_modules', async () => {
    expect(await run([`${folder}/one/minilb`, 'version'], { cwd: '/' })).toStartWith(`minilb ${manifest.version} (Bun `);
  });

  test('it does not read .env or bunfig.toml where it is started', async () => {
    writeFileSync(`${folder}/.env`, 'MINILB_NO_SUCH_FLAG=1\n');
    writeFileSync(`${folder}/bunfig.toml`, 'preload = ["./preload.ts"]\n');
    writeFileSync(`${folder}/preload.ts`, 'console.log("preloaded");\n');
    const child = Bun.spawn([`${folder}/one/minilb`, 'version'], { cwd: folder, env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await child.stdout.text()).toStartWith('minilb ');
    expect(await child.stderr.text()).toBe('');
  });

  test('a target that does not exist is a usage error', async () => {
    const child = Bun.spawn([process.execPath, 'scripts/build.ts', '--target=bun-linux-z80'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    expect(await child.stderr.text()).toStartWith('usage: npm run build -- ');
    expect(await child.exited).toBe(2);
  });
});
