import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { asArray } from '../../src/core/object/raw.ts';
import { type Child, freePort, run, startChild } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { crunCommand, type ImageConfig, unpackImage, writeBundle } from '../support/container.ts';
import { containerOf, manifestObjects, nameOf, renderManifest } from '../support/manifest.ts';
import { createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

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

  const clustered = clusterMissing() === undefined ? describe : describe.skip;
  clustered('in a cluster, as the manifest starts it', () => {
    let cluster: Cluster;
    let container: Child | undefined;
    beforeAll(async () => {
      cluster = await startCluster();
    }, BUILD_MS_MAX);
    afterAll(async () => {
      await container?.stop();
      await cluster?.stop();
    }, 60_000);

    test('it finds the API server by its ServiceAccount, answers over UDP and TCP, and ends at once when told', async () => {
      const objects = manifestObjects((await renderManifest(['a=192.168.1.30'])).stdout);
      const deployment = objects.find((object) => nameOf(object) === 'Deployment minilb-dns-192-168-1-30') ?? {};
      await cluster.kubectl(['apply', '-f', '-'], (await renderManifest(['a=192.168.1.30'])).stdout);
      const account = join(folder, 'account');
      mkdirSync(account, { mode: 0o755 });
      writeFileSync(join(account, 'ca.crt'), cluster.ca);
      writeFileSync(join(account, 'token'), await cluster.kubectl(['-n', 'minilb', 'create', 'token', 'minilb-dns']));
      await createNode(cluster, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
      await createService(cluster, { namespace: 'default', name: 'web' });
      await createPod(cluster, { namespace: 'default', name: 'web-1', app: 'web', node: 'a', ips: ['10.244.0.5'] });
      await setPodReady(cluster, { namespace: 'default', name: 'web-1', ips: ['10.244.0.5'] }, true);

      const [dns, health] = [await freePort(), await freePort()];
      const args = asArray(containerOf(deployment)['args']).map(String);
      const local = args.map((arg) => arg.replace('-listen=:5353', `-listen=127.0.0.1:${dns}`).replace('=:8080', `=127.0.0.1:${health}`));
      writeBundle(folder, image, {
        args: [...local, '-page=', '-lameduck=0'],
        hostNetwork: true,
        env: [
          'HOST_IPS=192.168.1.30',
          'POD_NAME=minilb-dns-x',
          'KUBERNETES_SERVICE_HOST=127.0.0.1',
          `KUBERNETES_SERVICE_PORT=${new URL(cluster.server).port}`,
        ],
        mounts: [{ source: account, destination: '/var/run/secrets/kubernetes.io/serviceaccount' }],
      });
      const log = join(folder, 'container.log');
      container = startChild({ name: 'container', command: crunCommand(folder, `minilb-dns-${process.pid}`), log });
      const dig = (flag: string) => run(['dig', '@127.0.0.1', '-p', `${dns}`, '+short', flag, 'web.default.minilb', 'A']);
      await waitFor('readiness', async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${readFileSync(log, 'utf8')}`);
      });
      // The controller's EndpointSlice may come after the first sync.
      for (const flag of ['+notcp', '+tcp']) await waitFor('the answer', async () => (await dig(flag)).trim() === '10.244.0.5');
      expect(readFileSync(log, 'utf8')).not.toMatch(/warn|error/i);
      container.signal('SIGTERM');
      expect(await container.exited).toBe(0);
    }, 60_000);
  });
});
