import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { asObject, asString } from '../../src/core/object/raw.ts';
import { run } from './child.ts';

/** Why files of a Go module (`path@version`, in lower case) cannot be had here; a probe for `requires`. */
export function goModuleMissing(module: string): string | undefined {
  const cached = join(process.env['GOMODCACHE'] ?? join(homedir(), 'go/pkg/mod'), module);
  return Bun.which('go') || existsSync(cached) ? undefined : `no go on this machine to fetch ${module} with`;
}

/** The folder that a Go module is unpacked in, from the module cache or the proxy. */
export async function goModuleFolder(module: string): Promise<string> {
  const reply = await run(['go', 'mod', 'download', '-json', module]);
  return asString(asObject(JSON.parse(reply))?.['Dir']) ?? '';
}
