import { join } from 'node:path';
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { gatewayCrds, installCrds } from '../test/support/gateway-crds.ts';
import { changeEndpoints, createServices, endpointAddress, jsonKubeconfig, must, serviceName } from './lib/load.ts';
import { createProbe, type Probe, percentiles } from './lib/probe.ts';
import { type Program, readProcess, startProgram } from './lib/program.ts';

const INGRESSES = 5000;
const HOSTS = 3;
const ROUTES = 2000;
const GATEWAYS = 20;
/** Services behind the Ingresses; those behind the Gateways come after them. */
const CONTROLLERS = 50;
const ENDPOINTS = 2;
const ROUNDS = 200;
const SETTLE_MS = 20_000;
const PARALLEL = 32;
const ANSWER_MS_MAX = 60_000;
const NAMES = INGRESSES * HOSTS + ROUTES;
const GROUP = 'gateway.networking.k8s.io';

/** Claimed names in bulk: what they cost, and what a change behind them touches. A Markdown table. */
export async function benchClaims(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  try {
    await installCrds(cluster, await gatewayCrds('v1.6.1', 'standard'));
    await must(cluster, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    await createServices(cluster, 0, CONTROLLERS + GATEWAYS, ENDPOINTS);
    const before = await measure(cluster, serviceHost(0), async (program) => readProcess(program.pid).rssMb);
    await createClaims(cluster);
    return await measure(cluster, ingressHost(INGRESSES - 1, 0), async (program, probe) =>
      render(before, await run(cluster, program, probe)),
    );
  } finally {
    await cluster.stop();
  }
}

interface Figures {
  readonly firstAnswerMs: number;
  readonly rssMb: number;
  readonly peakMb: number;
  readonly rows: readonly (readonly [what: string, ms: readonly number[], touched: number, cpuMs: number])[];
}

async function run(cluster: Cluster, program: Program, probe: Probe): Promise<Figures> {
  const firstAnswerMs = performance.now() - program.startedAt - SETTLE_MS;
  const { rssMb, peakMb } = readProcess(program.pid);
  const endpoints = (n: number, round: number) => changeEndpoints(cluster, n, ENDPOINTS, round);
  const behindIngress = async (round: number) => {
    const n = round % CONTROLLERS;
    const untouched = await probe.addresses(ingressHost(n + 1, 0));
    await endpoints(n, round);
    const ms = await untilAnswer(probe, ingressHost(n, 1), endpointAddress(n, ENDPOINTS - 1, round));
    if (`${await probe.addresses(ingressHost(n + 1, 0))}` !== `${untouched}`) throw new Error('a name of another Service changed');
    return ms;
  };
  const behindGateway = async (round: number) => {
    const n = CONTROLLERS + (round % GATEWAYS);
    await endpoints(n, round);
    return untilAnswer(probe, routeHost(round % GATEWAYS), endpointAddress(n, ENDPOINTS - 1, round));
  };
  const gatewayAddress = async (round: number) => {
    const g = round % GATEWAYS;
    const value = `192.0.2.${1 + (round % 250)}`;
    const body = { status: { addresses: [{ type: 'IPAddress', value }] } };
    await must(cluster, 'PATCH', `/apis/${GROUP}/v1/namespaces/bench/gateways/gw-${g}/status`, body);
    return untilAnswer(probe, routeHost(g + GATEWAYS), value);
  };
  const rows = [
    ['an endpoint behind 100 Ingresses (300 hosts)', ...(await repeat(program, behindIngress))],
    ['an endpoint behind a Gateway with 100 routes', ...(await repeat(program, behindGateway))],
    ['the address of a Gateway with 100 routes', ...(await repeat(program, gatewayAddress))],
  ] as const;
  return { firstAnswerMs, rssMb, peakMb, rows };
}

/** Runs a change ROUNDS times: milliseconds each, and what the program did for one in the middle. */
async function repeat(
  program: Program,
  change: (round: number) => Promise<number>,
): Promise<readonly [ms: readonly number[], touched: number, cpuMs: number]> {
  const begin = { changes: await zoneChanges(program), cpu: cpuMs(program) };
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) times.push(await change(round));
  return [times, ((await zoneChanges(program)) - begin.changes) / ROUNDS, (cpuMs(program) - begin.cpu) / ROUNDS];
}

function cpuMs({ pid }: Program): number {
  const { userMs, kernelMs } = readProcess(pid);
  return userMs + kernelMs;
}

async function zoneChanges({ healthPort }: Program): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  return Number(/^minilb_zone_changes_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function measure<T>(cluster: Cluster, lastHost: string, work: (program: Program, probe: Probe) => Promise<T>): Promise<T> {
  const program = await startProgram(jsonKubeconfig(cluster), join(cluster.folder, 'minilb.log'), ['-controller=false']);
  const probe = createProbe(program.dnsPort);
  try {
    const deadline = performance.now() + ANSWER_MS_MAX;
    while (!(await probe.addresses(lastHost))?.length) if (performance.now() > deadline) throw new Error(`${lastHost} was not answered`);
    await Bun.sleep(SETTLE_MS);
    return await work(program, probe);
  } finally {
    probe.close();
    await program.stop();
  }
}

/** Milliseconds until the name has the address. */
async function untilAnswer(probe: Probe, name: string, address: string): Promise<number> {
  const acknowledged = performance.now();
  while (performance.now() < acknowledged + ANSWER_MS_MAX)
    if ((await probe.addresses(name))?.includes(address)) return performance.now() - acknowledged;
  throw new Error(`${name} was not answered with ${address}`);
}

const serviceHost = (n: number) => `${serviceName(n)}.bench.minilb`;
const ingressHost = (n: number, h: number) => `h${h}-${n}.web.example.com`;
const routeHost = (n: number) => `r${n}.api.example.com`;

async function createClaims(cluster: Cluster): Promise<void> {
  await inParallel(GATEWAYS, (g) => createGateway(cluster, g));
  await inParallel(INGRESSES, (n) => createIngress(cluster, n));
  await inParallel(ROUTES, (n) => createRoute(cluster, n));
}

async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function createIngress(cluster: Cluster, n: number): Promise<void> {
  const path = '/apis/networking.k8s.io/v1/namespaces/bench/ingresses';
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const rules = Array.from({ length: HOSTS }, (_, h) => ({
    host: ingressHost(n, h),
    http: { paths: [{ path: '/', pathType: 'Prefix', backend }] },
  }));
  await must(cluster, 'POST', path, { metadata: { name: `i-${n}` }, spec: { ingressClassName: 'nginx', rules } });
  const status = { loadBalancer: { ingress: [{ hostname: serviceHost(n % CONTROLLERS) }] } };
  await must(cluster, 'PATCH', `${path}/i-${n}/status`, { status });
}

async function createGateway(cluster: Cluster, g: number): Promise<void> {
  const path = `/apis/${GROUP}/v1/namespaces/bench/gateways`;
  const listeners = [{ name: 'web', port: 80, protocol: 'HTTP', hostname: '*.api.example.com' }];
  const type = { apiVersion: `${GROUP}/v1`, kind: 'Gateway' };
  await must(cluster, 'POST', path, { ...type, metadata: { name: `gw-${g}` }, spec: { gatewayClassName: 'bench', listeners } });
  const addresses = [{ type: 'Hostname', value: serviceHost(CONTROLLERS + g) }];
  await must(cluster, 'PATCH', `${path}/gw-${g}/status`, { status: { addresses } });
}

async function createRoute(cluster: Cluster, n: number): Promise<void> {
  const path = `/apis/${GROUP}/v1/namespaces/bench/httproutes`;
  const parentRef = { name: `gw-${n % GATEWAYS}` };
  const spec = { parentRefs: [parentRef], hostnames: [routeHost(n)] };
  await must(cluster, 'POST', path, { apiVersion: `${GROUP}/v1`, kind: 'HTTPRoute', metadata: { name: `r-${n}` }, spec });
  const accepted = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const parents = [{ parentRef, controllerName: 'example.com/bench', conditions: [accepted] }];
  await must(cluster, 'PATCH', `${path}/r-${n}/status`, { status: { parents } });
}

function render(servicesOnlyMb: number, { firstAnswerMs, rssMb, peakMb, rows }: Figures): string {
  const bytes = ((rssMb - servicesOnlyMb) * 1e6) / NAMES;
  const changes = rows.map(([what, ms, touched, cpu]) => {
    const { p50, p99, max } = percentiles(ms);
    return `| ${what} | ${p50.toFixed(2)} / ${p99.toFixed(2)} / ${max.toFixed(2)} ms | ${touched.toFixed(0)} | ${cpu.toFixed(1)} ms |`;
  });
  return [
    '| names | first answer | RSS without claims | RSS | peak | a name |',
    '|---|---|---|---|---|---|',
    `| ${NAMES.toLocaleString('en')} | ${firstAnswerMs.toFixed(0)} ms | ${servicesOnlyMb.toFixed(1)} MB | ${rssMb.toFixed(1)} MB | ${peakMb.toFixed(1)} MB | ${bytes.toFixed(0)} bytes |`,
    '',
    '| change of | acknowledged → answered p50 / p99 / max | entries of the zone changed | CPU |',
    '|---|---|---|---|',
    ...changes,
  ].join('\n');
}
