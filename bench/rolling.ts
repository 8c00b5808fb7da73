import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { relayApi } from '../test/support/api-inside.ts';
import type { Child } from '../test/support/child.ts';
import { startEmbedded } from '../test/support/embedded.ts';
import { createTestNetwork, type Netns } from '../test/support/netns.ts';
import { createNode, createPod, createService, deletePod, setPodReady, type TestPod } from '../test/support/objects.ts';
import { waitFor } from '../test/support/wait.ts';
import { BINARY } from './lib/program.ts';

const REPLICAS = 3;
const PRE_STOP_SECONDS = 10;
const NAME = 'web.default.k8s.example.com';
const QUIET_MS = 2_000;
/** What a container takes to begin listening, and a readiness probe to see it. */
const START_MS = 500;
const SUPPORT = join(import.meta.dirname, '../test/support');

interface Setup {
  readonly name: string;
  readonly preStopSeconds: number;
  /** dnsmasq caches what minilb's TTL allows; `undefined` leaves its stale cache off, Pi-hole v6 ships 3600. */
  readonly staleSeconds?: number;
}

const SETUPS: readonly Setup[] = [
  { name: 'no `preStop`', preStopSeconds: 0 },
  { name: `\`preStop\`: sleep ${PRE_STOP_SECONDS}`, preStopSeconds: PRE_STOP_SECONDS },
  { name: `\`preStop\`: sleep ${PRE_STOP_SECONDS}, stale cache of Pi-hole v6`, preStopSeconds: PRE_STOP_SECONDS, staleSeconds: 3600 },
];

/** A client behind dnsmasq resolves and connects every 10 ms while a Deployment of three is restarted, one pod after another; a Markdown table. */
export async function benchRolling(): Promise<string> {
  if (!Bun.which('dnsmasq')) return '`dnsmasq` is not installed.';
  const lines = [
    `| restart of ${REPLICAS} pods, TTL 5 s | connections | failed | of these: no name / refused / no answer | failing between |`,
    '|---|---|---|---|---|',
  ];
  for (const setup of SETUPS) lines.push(await restart(setup));
  return lines.join('\n');
}

async function restart(setup: Setup): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-rolling-'));
  const network = await createTestNetwork();
  const api = await startEmbedded();
  const box = await network.namespace('box');
  const inside = await relayApi(api, box, folder);
  try {
    await createNode(api, { name: 'n1', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.30'] });
    await createService(api, { namespace: 'default', name: 'web' });
    const pods: RunningPod[] = [];
    for (let i = 1; i <= REPLICAS; i++) pods.push(await startPod(i, box, folder, api));
    const flags = [
      `-kubeconfig=${inside.kubeconfig}`,
      '-domain=k8s.example.com',
      '-listen=127.0.0.1:5353',
      '-health=127.0.0.1:0',
      '-controller=false',
    ];
    box.start({ name: 'minilb', log: join(folder, 'minilb.log'), command: [BINARY, 'dns', ...flags] });
    box.start({ name: 'dnsmasq', log: join(folder, 'dnsmasq.log'), command: dnsmasq(setup, folder) });
    await waitFor('a name through dnsmasq', async () => (await ask(box)).length === REPLICAS);
    const log = join(folder, 'client.json');
    const client = box.start({
      name: 'client',
      log,
      command: [process.execPath, join(SUPPORT, 'connect-loop.ts'), NAME, '8080', '127.0.0.1'],
    });
    await Bun.sleep(QUIET_MS);
    for (const [i, old] of pods.entries()) {
      await startPod(REPLICAS + 1 + i, box, folder, api);
      await stopPod(old, api, setup.preStopSeconds);
    }
    await Bun.sleep(setup.preStopSeconds * 1000 + QUIET_MS + 6_000);
    await client.stop();
    return render(setup, JSON.parse(await Bun.file(log).text()) as Report);
  } finally {
    await network.close();
    inside.stop();
    await api.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Report {
  readonly attempts: number;
  readonly failures: readonly { readonly atMs: number; readonly why: string }[];
}

interface RunningPod {
  readonly pod: TestPod;
  readonly child: Child;
}

type Api = Awaited<ReturnType<typeof startEmbedded>>;

async function startPod(n: number, box: Netns, folder: string, api: Api): Promise<RunningPod> {
  const pod = { namespace: 'default', name: `web-${n}`, app: 'web', node: 'n1', ips: [`10.244.1.${n}`] };
  await box.run(['ip', 'address', 'add', `${pod.ips[0]}/32`, 'dev', 'lo']);
  await createPod(api, pod);
  const server = `Bun.serve({ hostname: '${pod.ips[0]}', port: 8080, fetch: () => new Response('ok', { headers: { connection: 'close' } }) })`;
  const child = box.start({ name: pod.name, log: join(folder, 'pods.log'), command: [process.execPath, '-e', server] });
  await Bun.sleep(START_MS);
  await setPodReady(api, pod, true);
  return { pod, child };
}

/** As a kubelet does: `preStop` first, the signal next, then the Pod is gone. Resolves when that has begun; a Deployment does not wait either. */
async function stopPod({ pod, child }: RunningPod, api: Api, preStopSeconds: number): Promise<void> {
  await deletePod(api, pod, 30);
  const end = async () => {
    await Bun.sleep(preStopSeconds * 1000);
    await child.stop();
    await deletePod(api, pod, 0);
  };
  if (preStopSeconds === 0) await end();
  else void end();
}

function dnsmasq({ staleSeconds }: Setup, folder: string): readonly string[] {
  const stale = staleSeconds === undefined ? [] : [`--use-stale-cache=${staleSeconds}`];
  const own = ['--keep-in-foreground', '--no-resolv', '--no-hosts', '--user=root', '--bind-interfaces', '--listen-address=127.0.0.1'];
  return [
    'dnsmasq',
    '--conf-file=/dev/null',
    ...own,
    `--pid-file=${folder}/dnsmasq.pid`,
    '--server=/k8s.example.com/127.0.0.1#5353',
    ...stale,
  ];
}

async function ask(box: Netns): Promise<readonly string[]> {
  const text = await box.run(['dig', '@127.0.0.1', '+short', '+time=1', '+tries=1', NAME]).catch(() => '');
  return text.split('\n').filter((line) => /^[\d.]+$/.test(line));
}

function render(setup: Setup, { attempts, failures }: Report): string {
  const count = (pattern: RegExp) => failures.filter(({ why }) => pattern.test(why)).length;
  const [names, refused, silent] = [count(/name/), count(/REFUSED|refused/i), count(/no answer/)];
  const times = failures.map(({ atMs }) => atMs);
  const span = times.length > 0 ? `${((Math.max(...times) - Math.min(...times)) / 1000).toFixed(1)} s` : '–';
  return `| ${setup.name} | ${attempts} | ${failures.length} | ${names} / ${refused} / ${silent} | ${span} |`;
}

if (import.meta.main) console.log(await benchRolling());
