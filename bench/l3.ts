import { asObject } from '../src/core/object/raw.ts';
import { systemClock } from '../src/shell/system/clock.ts';
import type { Child } from '../test/support/child.ts';
import { type L3Lab, type LabNode, nodeIp, startL3Lab, waitForNextHops } from '../test/support/l3-lab.ts';
import { withTraffic } from '../test/support/l3-traffic.ts';
import { createPod, createService, must, setPodReady } from '../test/support/objects.ts';
import { pause, waitFor } from '../test/support/wait.ts';

const ROUNDS = 50;
/** Several times the 40 ms that two sweeps are apart. */
const ROUND_MS = 300;
const ADDRESS = '10.0.100.1';
const MANY = 500;
/** What follows the start, giving memory back included, is not idling. */
const SETTLE_SECONDS = 10;
const IDLE_SECONDS = 60;
const OUTAGE_SECONDS = 600;

/** By route, on the lab of test/net: from a pod's readiness to the route on the router, a lost node, and one node with 500 addresses. */
export async function benchL3(): Promise<string> {
  const lab = await startL3Lab();
  try {
    const [n1, n2, n3] = lab.nodes;
    const spec = { loadBalancerClass: 'minilb-l3', ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    await createService(lab.cluster, { namespace: 'default', name: 'web', spec });
    await createService(lab.cluster, {
      namespace: 'default',
      name: 'local',
      app: 'web',
      spec: { loadBalancerClass: 'minilb-l3', loadBalancerIP: '10.0.100.2', externalTrafficPolicy: 'Local' },
    });
    for (const node of lab.nodes) {
      await createPod(lab.cluster, podOf(node));
      await setPodReady(lab.cluster, podOf(node), true);
    }
    lab.startAllocator('allocator');
    const agents = lab.nodes.map((node) => lab.startAgent(node));
    await waitForNextHops(lab, ADDRESS, [n1, n2, n3]);
    const rows = [...(await latencies(lab, n1, 'FRR')), ...(await latencies(lab, n3, 'BIRD'))];
    const lost = await lostNode(lab);
    const many = await manyAddresses(lab, agents);
    const head = `| step, ${ROUNDS} rounds | p50 | p99 | max |\n|---|---|---|---|`;
    return [head, ...rows, '', lost, '', many].join('\n');
  } finally {
    await lab.stop();
  }
}

const podOf = (node: LabNode) => ({ namespace: 'default', name: `web-${node.name}`, app: 'web', node: node.name, ips: node.podIps });

/** The API server is away for ten minutes, and one agent is killed and started again meanwhile: nothing is withdrawn, no connection is lost. */
export async function benchL3Outage(): Promise<string> {
  const lab = await startL3Lab();
  try {
    const spec = { loadBalancerClass: 'minilb-l3', loadBalancerIP: ADDRESS };
    await createService(lab.cluster, { namespace: 'default', name: 'web', spec });
    for (const node of lab.nodes) {
      await createPod(lab.cluster, podOf(node));
      await setPodReady(lab.cluster, podOf(node), true);
    }
    lab.startAllocator('allocator');
    const [agent] = lab.nodes.map((node) => lab.startAgent(node));
    await waitForNextHops(lab, ADDRESS, lab.nodes);
    let missing = 0;
    let withdrawn = 0;
    const report = await withTraffic(lab, ADDRESS, async () => {
      await lab.cluster.stopApiServer();
      for (let second = 0; second < OUTAGE_SECONDS; second++) {
        if (second === OUTAGE_SECONDS / 2) {
          agent?.signal('SIGKILL');
          await agent?.exited;
          lab.startAgent(lab.nodes[0], { log: 'again' });
        }
        await pause(1000);
        if ((await lab.nextHops(ADDRESS)).length !== lab.nodes.length) missing++;
        const held = await Promise.all(lab.nodes.map((node) => lab.held(node)));
        if (!held.every((addresses) => addresses.some((one) => one.startsWith(`${ADDRESS}/`)))) withdrawn++;
      }
      await lab.cluster.startApiServer();
      await waitFor('the new agent to have looked', () => lab.logOf('agent-again').includes('first sweep done'), 60_000);
      await waitForNextHops(lab, ADDRESS, lab.nodes);
    });
    return `API server away for ${OUTAGE_SECONDS} s, one agent killed and started again after half of it: in ${withdrawn} of ${OUTAGE_SECONDS} looks a node did not hold the address, in ${missing} the router lacked a route (BFD on a busy machine); ${report.failures.length} of ${report.attempts} new connections failed (longest stall of the driver ${Math.round(report.stallMsMax)} ms).`;
  } finally {
    await lab.stop();
  }
}

/** Times of lines that hold `part` in what a program prints. */
function timesOf(
  ns: string,
  command: readonly string[],
  part: string,
): { readonly next: (word: string) => Promise<number>; readonly stop: () => void } {
  const child = Bun.spawn(['ip', 'netns', 'exec', ns, ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
  const seen: { readonly at: number; readonly line: string }[] = [];
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const at = systemClock.now();
      for (const line of decoder.decode(chunk, { stream: true }).split('\n')) if (line.includes(part)) seen.push({ at, line });
    }
  };
  void read();
  return {
    next: async (word) => {
      const hit = await waitFor(`${part} ${word}`, () => seen.find(({ line }) => word === '' || line.includes(word)), 10_000, 1);
      seen.length = 0;
      return hit.at;
    },
    stop: () => child.kill(),
  };
}

async function latencies(lab: L3Lab, node: LabNode, daemon: string): Promise<readonly string[]> {
  const kernel = timesOf(node.ns.name, ['ip', 'monitor', 'address'], `${ADDRESS}/32`);
  const router = timesOf(lab.router.name, ['ip', '-4', 'monitor', 'route'], ADDRESS);
  const slices = await lab.cluster.watch({ path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices' });
  const samples = { slice: [] as number[], minilb: [] as number[], bgp: [] as number[], all: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const up = round % 2 === 1;
    const before = slices.events.length;
    const t0 = systemClock.now();
    const sliceSeen = waitFor('the slice', () => slices.events.length > before, 10_000, 1).then(() => systemClock.now());
    await setPodReady(lab.cluster, podOf(node), up);
    const [slice, address, route] = await Promise.all([sliceSeen, kernel.next(up ? 'inet' : 'Deleted'), router.next('')]);
    samples.slice.push(slice - t0);
    samples.minilb.push(address - slice);
    samples.bgp.push(route - address);
    samples.all.push(route - t0);
    await pause(ROUND_MS);
  }
  kernel.stop();
  router.stop();
  await slices.close();
  return [
    percentiles('pod status written → EndpointSlice event (Kubernetes)', samples.slice),
    percentiles('EndpointSlice event → address in the kernel (minilb)', samples.minilb),
    percentiles(`address in the kernel → route on the router (${daemon} → FRR)`, samples.bgp),
    percentiles(`pod status written → route on the router (${daemon})`, samples.all),
  ];
}

function percentiles(name: string, samples: readonly number[]): string {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => `${(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)} ms`;
  return `| ${name} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`;
}

async function lostNode(lab: L3Lab): Promise<string> {
  await waitFor('BFD with all nodes', async () => (await bfdUp(lab)) === 6, 60_000, 200);
  const windows: number[] = [];
  for (let round = 0; round < 5; round++) {
    const report = await withTraffic(lab, '10.0.100.2', async () => {
      await lab.router.run(['ip', 'link', 'set', 'port1', 'down']);
      await waitForNextHops(lab, '10.0.100.2', lab.nodes.slice(1));
    });
    await lab.router.run(['ip', 'link', 'set', 'port1', 'up']);
    await waitForNextHops(lab, '10.0.100.2', lab.nodes);
    await waitFor('BFD with all nodes', async () => (await bfdUp(lab)) === 6, 60_000, 200);
    const times = report.failures.map((failure) => failure.atMs);
    windows.push(times.length > 0 ? Math.max(...times) - Math.min(...times) : 0);
  }
  return `A node lost without a sign (bridge port down), BFD 300 ms × 3, a connection every 10 ms: new connections failed for ${windows.join(', ')} ms in five rounds.`;
}

/** Sessions of the router that are up: two for each node. */
async function bfdUp(lab: L3Lab): Promise<number> {
  const peers = await lab.router.run(['vtysh', '--vty_socket', `${lab.folder}/frr-router`, '-c', 'show bfd peers brief']);
  return peers.split('\n').filter((line) => /\bup\s*$/.test(line)).length;
}

async function manyAddresses(lab: L3Lab, agents: readonly Child[]): Promise<string> {
  const [n1] = lab.nodes;
  const spec = { loadBalancerClass: 'minilb-l3', ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] };
  for (let i = 0; i < MANY; i += 25) {
    const batch = Array.from({ length: 25 }, (_, n) => `many-${i + n}`);
    await Promise.all(batch.map((name) => createService(lab.cluster, { namespace: 'default', name, app: 'web', spec })));
  }
  const held = async () => (await lab.held(n1)).length;
  await waitFor('all addresses', async () => (await held()) >= MANY, 120_000, 500);
  // What Kubernetes still writes after so many new Services is not idling.
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?limit=1';
  const slices = async () => Number(asObject((await must(lab.cluster, { path }))['metadata'])?.['remainingItemCount'] ?? 0);
  await waitFor('all EndpointSlices', async () => (await slices()) >= MANY, 120_000, 500);
  await agents[0]?.stop();
  await lab.runL3(n1, ['cleanup', '-yes']);
  const fresh = lab.startAgent(n1, { log: 'many' });
  await waitFor('the first sweep', () => lab.logOf('agent-many').includes('first sweep done'), 60_000);
  const at = (text: string) => wallOf(lab.logOf('agent-many'), text);
  const sweepMs = at('first sweep done') - at('synced');
  await pause(SETTLE_SECONDS * 1000);
  await scrape(n1);
  const before = await scrape(n1);
  await pause(IDLE_SECONDS * 1000);
  const after = await scrape(n1);
  await fresh.stop();
  const millicores = ((after.cpu - before.cpu) / IDLE_SECONDS) * 1000;
  return `${await held()} addresses on one node: synced → first sweep done in ${sweepMs} ms; RSS ${(after.rss / 2 ** 20).toFixed(0)} MiB; idle CPU ${millicores.toFixed(1)} millicores over ${IDLE_SECONDS} s.`;
}

function wallOf(log: string, text: string): number {
  const line = log.split('\n').find((each) => each.includes(text)) ?? '';
  const [, hours, minutes, seconds] = /T(\d+):(\d+):([\d.]+)Z/.exec(line) ?? [];
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000);
}

async function scrape(node: LabNode): Promise<{ readonly cpu: number; readonly rss: number }> {
  const text = await node.ns.run(['curl', '-s', `http://${nodeIp(node)}:7712/metrics`]);
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return { cpu: value('process_cpu_seconds_total'), rss: value('process_resident_memory_bytes') };
}
