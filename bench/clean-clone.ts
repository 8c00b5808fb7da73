import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../src/shell/system/clock.ts';
import { asset } from '../test/support/assets.ts';
import { freePort, run, startChild } from '../test/support/child.ts';
import { startCluster } from '../test/support/cluster.ts';
import { createNode, createPod, createService, setPodReady } from '../test/support/objects.ts';
import { waitFor } from '../test/support/wait.ts';

const ROOT = resolve(`${import.meta.dirname}/..`);
const STEP_MS_MAX = 600_000;
const MANIFEST = 'deploy/render.sh -domain k8s.example.com pi1=192.168.1.30 pi2=192.168.1.31';

/** What the README promises, timed in a clone of the last commit: its two commands, and the five minutes to a first answer. Needs a network. */
export async function benchCleanClone(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-clone-'));
  const clone = join(folder, 'minilb');
  const rows: string[] = [];
  const timed = async (step: string, work: () => Promise<unknown>) => {
    const started = systemClock.now();
    await work();
    rows.push(`| ${step} | ${((systemClock.now() - started) / 1000).toFixed(1)} s |`);
  };
  const sh = (script: string, env: Readonly<Record<string, string>> = {}) => run(['sh', '-ec', script], { cwd: clone, env });
  try {
    await timed('git clone', () => run(['git', 'clone', '--quiet', '--no-local', ROOT, clone]));
    await timed('`npm ci`', () => sh('npm ci --silent'));
    await timed('`npm start`, until it says what to try', () => startDemo(clone, folder));
    await timed('`npm cit`: installed again, and every test that needs no more', () => sh('npm cit --silent'));
    // Debian's packages come over the network; the program itself is built before.
    const image = (error: unknown) => rows.push(`| \`npm run image\` | not here: ${String(error).trim().split('\n').at(-1)} |`);
    await timed('`npm run image`', () => sh('npm run image --silent')).catch(image);
    await benchInstall(timed, sh, folder);
    return `| step | time |\n|---|---|\n${rows.join('\n')}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startDemo(clone: string, folder: string): Promise<void> {
  const log = join(folder, 'demo.log');
  const demo = startChild({ name: 'demo', command: ['node', 'scripts/bun.mjs', 'src/main.ts', 'demo'], log, cwd: clone });
  await waitFor('the demo', async () => (await Bun.file(log).text()).includes('dig '), STEP_MS_MAX);
  await demo.stop();
}

/** From the manifest to the first answer, without the time that scp and kubelets take. */
async function benchInstall(
  timed: (step: string, work: () => Promise<unknown>) => Promise<void>,
  sh: (script: string, env?: Readonly<Record<string, string>>) => Promise<string>,
  folder: string,
): Promise<void> {
  const cluster = await startCluster();
  try {
    for (const [i, name] of ['pi1', 'pi2'].entries()) {
      await createNode(cluster, { name, podCidrs: [`10.244.${i}.0/24`], internalIps: [`192.168.1.3${i}`] });
    }
    const path = `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`;
    await timed('manifest rendered and applied', () =>
      sh(`${MANIFEST} | kubectl apply -f -`, { PATH: path, KUBECONFIG: cluster.kubeconfig }),
    );
    const token = (await cluster.kubectl(['-n', 'minilb', 'create', 'token', 'minilb-dns'])).trim();
    const kubeconfig = cluster.kubeconfigFor('minilb-dns', token);
    const port = await freePort();
    await timed('server started → first answer of a Service made meanwhile', async () => {
      const flags = [`-listen=127.0.0.1:${port}`, '-health=127.0.0.1:0', '-domain=k8s.example.com', '-controller=false'];
      const command = [join(folder, 'minilb/dist/image/minilb'), 'dns', `-kubeconfig=${kubeconfig}`, ...flags];
      const server = startChild({ name: 'minilb', command, log: join(folder, 'minilb.log') });
      const pod = { namespace: 'default', name: 'web-1', app: 'web', node: 'pi1', ips: ['10.244.0.5'] };
      await createService(cluster, { namespace: 'default', name: 'web' });
      await createPod(cluster, pod);
      await setPodReady(cluster, pod, true);
      const ask = () => run(['dig', '@127.0.0.1', '-p', `${port}`, '+short', '+time=1', '+tries=1', 'web.default.k8s.example.com']);
      await waitFor('the answer', async () => (await ask().catch(() => '')).trim() === '10.244.0.5', STEP_MS_MAX, 50);
      await server.stop();
    });
  } finally {
    await cluster.stop();
  }
}
