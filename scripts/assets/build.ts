// Builds those of the named programs (default: all that tests need) that are not there yet. Run it under flock, as test/support/assets.ts does:
// whoever waited for the lock then finds them built.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ASSETS, assetsFolder, findAsset } from './assets.ts';

function build(names: readonly string[]): void {
  const folder = assetsFolder();
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const asset = ASSETS.find((known) => known.name === name);
    if (!asset) throw new Error(`${name} is none of ${ASSETS.map((known) => known.name).join(', ')}`);
    if (findAsset(name)) continue;
    console.error(`building ${name} (minutes, unless Go's own cache has it)`);
    const temporary = mkdtempSync(join(folder, '.build-'));
    try {
      const output = join(temporary, name);
      const done = Bun.spawnSync(['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', output, asset.package], {
        cwd: join(import.meta.dir, asset.module),
        stdout: 'inherit',
        stderr: 'inherit',
      });
      if (done.exitCode !== 0) throw new Error(`go build ${asset.package} failed`);
      renameSync(output, join(folder, name));
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
}

const named = process.argv.slice(2);
build(named.length > 0 ? named : ASSETS.filter((asset) => !asset.benchOnly).map((asset) => asset.name));
