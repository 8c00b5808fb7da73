import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { run } from '../support/child.ts';
import { unpackImage } from '../support/container.ts';
import { programs, requires } from '../support/require.ts';

const ROOT = `${import.meta.dirname}/../..`;
const BUILD_MS_MAX = 300_000;

const suite = await requires('image', async () => {
  const missing = await programs('buildah', 'mmdebstrap', 'tar', 'qemu-aarch64-static')();
  return missing ?? (process.getuid?.() === 0 ? undefined : 'images are made as root here');
});

suite('the image for arm64, built on another architecture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-arm64-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(
    'its program starts with the C library beside it, on an emulated processor',
    async () => {
      await run([process.execPath, 'scripts/image.ts', '--engine=buildah', '--target=bun-linux-arm64'], { cwd: ROOT });
      const image = await unpackImage(`${ROOT}/dist/minilb.oci.tar`, folder);
      expect(image.architecture).toBe('arm64');
      const rootfs = join(folder, 'rootfs');
      const output = await run(['qemu-aarch64-static', '-L', rootfs, `${rootfs}/usr/local/bin/minilb`, 'version']);
      expect(output).toMatch(new RegExp(`^minilb ${manifest.version} \\(Bun .*, linux arm64\\)\\n$`));
    },
    BUILD_MS_MAX,
  );
});
