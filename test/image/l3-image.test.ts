import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startChild } from '../support/child.ts';
import { writeKubeconfig } from '../support/cluster-files.ts';
import { type ContainerOptions, crunCommand, type ImageConfig, unpackImage, writeBundle } from '../support/container.ts';
import { createImageBuilder, type ImageBuilder } from '../support/debian-image.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const BUILD_MS_MAX = 300_000;
/** deploy/l3/base/agent.yaml: root without any capability but this one. */
const AGENT = { capabilities: ['CAP_NET_ADMIN'] };

const suite = await requires('image', async () => {
  const missing = await programs('buildah', 'mmdebstrap', 'crun', 'unshare', 'tar')();
  return missing ?? (process.getuid?.() === 0 ? undefined : 'containers are made as root here');
});

suite('the images of by route, built without a container engine', () => {
  const home = mkdtempSync(join(tmpdir(), 'minilb-l3-image-'));
  let builder: ImageBuilder;
  const build = async (dockerfile: string, name: string) => {
    const folder = join(home, name);
    const archive = await builder.build(`${ROOT}/${dockerfile}`, ROOT, `localhost/${name}:test`);
    return { folder, image: await unpackImage(archive, folder) };
  };
  const runIn = async (folder: string, image: ImageConfig, options: ContainerOptions) => {
    writeBundle(folder, image, options);
    return run(crunCommand(folder, `minilb-l3-${process.pid}`));
  };

  afterAll(() => {
    rmSync(home, { recursive: true, force: true });
  });

  let agent: { readonly folder: string; readonly image: ImageConfig };
  beforeAll(async () => {
    await run([process.execPath, 'scripts/build.ts', '--outdir=dist/image'], { cwd: ROOT });
    builder = await createImageBuilder(home);
    agent = await build('deploy/l3/Dockerfile', 'minilb-l3');
  }, BUILD_MS_MAX);

  test('the agent’s has ip and nft, and both work with NET_ADMIN alone and a read-only root', async () => {
    const { folder, image } = agent;
    const shell = (script: string) => runIn(folder, image, { ...AGENT, entrypoint: ['/bin/sh', '-ec'], args: [script] });
    const added = await shell(
      'ip link set lo up; echo "address add 10.0.100.1/32 dev lo metric 7710" | ip -force -batch -; ip -j address show lo',
    );
    expect(JSON.parse(added)).toMatchObject([{ addr_info: [{}, { local: '10.0.100.1', metric: 7710 }, {}] }]);
    expect(await shell('nft add table inet minilb_l3; nft list tables')).toContain('table inet minilb_l3');
  }, 60_000);

  test('its program reads the node’s addresses there and waits for the API server', async () => {
    const { folder, image } = agent;
    const kube = join(folder, 'kube');
    mkdirSync(kube);
    writeKubeconfig(join(kube, 'config'), 'http://127.0.0.1:1', '', 'x');
    writeBundle(folder, image, {
      ...AGENT,
      args: ['l3', '-prefix=10.0.100.0/24', '-health=127.0.0.1:0', '-kubeconfig=/kube/config'],
      mounts: [{ source: kube, destination: '/kube' }],
    });
    const log = join(folder, 'agent.log');
    const child = startChild({ name: 'agent', log, command: crunCommand(folder, `minilb-l3-agent-${process.pid}`) });
    try {
      const lines = ['using prefix 10.0.100.0/24', 'using interface lo', 'http://127.0.0.1:1'];
      await waitFor('its first lines', () => lines.every((line) => readFileSync(log, 'utf8').includes(line))).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${readFileSync(log, 'utf8')}`);
      });
    } finally {
      await child.stop();
    }
  }, 60_000);

  test(
    'the one with FRR has the version that the other tests run',
    async () => {
      const { folder, image } = await build('deploy/l3/frr-container/Dockerfile', 'frr');
      expect(await runIn(folder, image, { entrypoint: ['/usr/lib/frr/bgpd'], args: ['--version'] })).toContain('version 8.4');
    },
    BUILD_MS_MAX,
  );
});
