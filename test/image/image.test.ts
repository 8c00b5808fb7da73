import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { run } from '../support/child.ts';
import { crunCommand, type ImageConfig, unpackImage, writeBundle } from '../support/container.ts';
import { containerOf, manifestObjects, nameOf, renderManifest } from '../support/manifest.ts';
import { programs, requires } from '../support/require.ts';

const ROOT = `${import.meta.dirname}/../..`;
const BUILD_MS_MAX = 300_000;

const suite = await requires('image', async () => {
  const missing = await programs('buildah', 'mmdebstrap', 'crun', 'unshare', 'tar')();
  return missing ?? (process.getuid?.() === 0 ? undefined : 'containers are made as root here');
});

suite('the image, built without a container engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-image-test-'));
  let image: ImageConfig;

  beforeAll(async () => {
    await run([process.execPath, 'scripts/image.ts', '--engine=buildah'], { cwd: ROOT });
    image = await unpackImage(`${ROOT}/dist/minilb.oci.tar`, folder);
  }, BUILD_MS_MAX);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('it bears the name that the manifest asks for', async () => {
    const objects = manifestObjects((await renderManifest(['pi1=192.168.1.30'])).stdout);
    const images = objects.filter((object) => nameOf(object).startsWith('Deployment ')).map((object) => containerOf(object)['image']);
    expect(new Set(images)).toEqual(new Set([image.name]));
  });

  test('it holds the program and its C library, and runs as nobody in particular', () => {
    const files = readdirSync(join(folder, 'rootfs'), { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    expect(files.map((file) => file.name.replace(/^ld-linux.*/, 'ld-linux')).sort()).toEqual([
      'ld-linux',
      'ld-linux',
      'libc.so.6',
      'libdl.so.2',
      'libm.so.6',
      'libpthread.so.0',
      'minilb',
    ]);
    expect(image.user).toBe('65532:65532');
  });

  test('it starts non-root, without capabilities, with a read-only root', async () => {
    writeBundle(folder, image, { args: ['version'] });
    const output = await run(crunCommand(folder, `minilb-version-${process.pid}`));
    expect(output).toStartWith(`minilb ${manifest.version} `);
  });
});
