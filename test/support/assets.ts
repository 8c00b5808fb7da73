import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { assetsFolder, findAsset } from '../../scripts/assets/assets.ts';

/** Why these programs can neither be found nor built here; `undefined` when they can. */
export function assetsMissing(names: readonly string[]): string | undefined {
  const absent = names.filter((name) => !findAsset(name));
  if (absent.length === 0) return undefined;
  const tools = ['go', 'flock'].filter((tool) => !Bun.which(tool));
  return tools.length === 0
    ? undefined
    : `${absent.join(', ')} not in KUBEBUILDER_ASSETS or ${assetsFolder()}, and no ${tools.join(', ')} to build`;
}

/**
 * The path of a Go-built program: from `KUBEBUILDER_ASSETS`, else from the project's cache folder, else built into the latter. Builds take
 * minutes and happen once: a file lock, which dies with its holder, keeps two suites from building at the same time.
 */
export async function asset(name: string): Promise<string> {
  const found = findAsset(name);
  if (found) return found;
  const missing = assetsMissing([name]);
  if (missing) throw new Error(missing);
  mkdirSync(assetsFolder(), { recursive: true });
  const script = join(import.meta.dir, '../../scripts/assets/build.ts');
  const child = Bun.spawn(['flock', join(assetsFolder(), '.lock'), process.execPath, script, name], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await child.exited;
  const built = findAsset(name);
  if (code !== 0 || !built) throw new Error(`${name} could not be built (exit code ${code})`);
  return built;
}
