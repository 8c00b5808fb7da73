import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePort, run, startChild } from '../support/child.ts';
import { crunCommand, type ImageConfig, unpackImage, writeBundle } from '../support/container.ts';
import { createImageBuilder } from '../support/debian-image.ts';
import { askTcp, type EchoServer, startEcho } from '../support/echo.ts';
import { TOKEN } from '../support/proxy.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = `${import.meta.dirname}/../..`;
/** Half a minute of it is Debian's packages, which come over the network. */
const BUILD_MS_MAX = 600_000;

const suite = await requires('image', async () => {
  const missing = await programs('buildah', 'mmdebstrap', 'crun', 'unshare', 'tar')();
  return missing ?? (process.getuid?.() === 0 ? undefined : 'containers are made as root here');
});

suite('the container with nginx and the updater', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-updater-image-'));
  const [streams, secrets] = [join(folder, 'streams'), join(folder, 'secrets')];
  let image: ImageConfig;
  let echo: EchoServer;
  let container: Child | undefined;
  let runs = 0;

  beforeAll(async () => {
    await run([process.execPath, 'scripts/build.ts', '--outdir=dist/image'], { cwd: ROOT });
    const builder = await createImageBuilder(folder);
    image = await unpackImage(await builder.build('deploy/updater/Dockerfile', '.', 'localhost/minilb-updater:test'), folder);
    for (const path of [streams, secrets]) mkdirSync(path);
    writeFileSync(join(secrets, 'tokens'), `tests ${TOKEN}\n`, { mode: 0o600 });
    await run(['chown', '-R', '65532:65532', streams, secrets]);
    chmodSync(folder, 0o755);
    echo = await startEcho('a');
  }, BUILD_MS_MAX);
  afterEach(async () => {
    await container?.stop();
    container = undefined;
  });
  afterAll(async () => {
    await echo?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As docs/updater.md starts it: nobody in particular, no capability, read-only but for the folder and /tmp. */
  async function begin(): Promise<{ readonly url: string; readonly container: Child }> {
    const port = await freePort();
    writeBundle(folder, image, {
      args: ['-api-host=127.0.0.1', `-api-port=${port}`, '-token-file=/etc/minilb/tokens'],
      hostNetwork: true,
      tmpfs: ['/tmp'],
      mounts: [
        { source: streams, destination: '/etc/nginx/streams.d', writable: true },
        { source: secrets, destination: '/etc/minilb' },
      ],
    });
    const log = join(folder, `container-${++runs}.log`);
    const started = startChild({ name: 'container', command: crunCommand(folder, `minilb-updater-${process.pid}-${runs}`), log });
    container = started;
    const url = `http://127.0.0.1:${port}`;
    await waitFor('health', async () => (await fetch(`${url}/healthz`)).ok).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(log, 'utf8')}`);
    });
    return { url, container: started };
  }

  async function post(url: string, backendName: string, lbPort: number): Promise<readonly [number, string]> {
    const body = JSON.stringify({ backendName, lbPort, upstreamServers: [{ host: '127.0.0.1', port: echo.port }] });
    const response = await fetch(`${url}/api/v1/lb`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body });
    return [response.status, await response.text()];
  }

  test('a call is live in it; it ends when told, and what it held is live again when it is started again', async () => {
    const port = await freePort();
    const first = await begin();
    expect(await post(first.url, 'default_web', port)).toEqual([200, '{}\n']);
    expect(await askTcp(port, 'x')).toBe('a:x');
    first.container.signal('SIGTERM');
    expect(await first.container.exited).toBe(0);
    expect(await askTcp(port, 'x')).toBe('(ECONNREFUSED)');
    await begin();
    expect(await askTcp(port, 'x')).toBe('a:x');
  }, 60_000);

  test('when nginx dies, the container ends, so that it is started again', async () => {
    const { container } = await begin();
    const nginx = await waitFor('nginx', () => descendantsOf(container.pid).find((pid) => comm(pid) === 'nginx'));
    process.kill(nginx, 'SIGKILL');
    expect(await container.exited).toBe(1);
  }, 60_000);
});

function comm(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

/** Parents before their children. */
function descendantsOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(descendantsOf)];
}
