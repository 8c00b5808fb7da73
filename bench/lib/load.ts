import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Cluster } from '../../test/support/cluster.ts';
import type { Probe } from './probe.ts';

const PARALLEL = 32;

export function serviceName(n: number): string {
  return `svc-${n}`;
}

/** The address of endpoint `m` of Service `n`, different in each round. */
export function endpointAddress(n: number, m: number, round = 0): string {
  return `10.${64 + (round % 64)}.${((n * 16 + m) >> 8) & 255}.${(n * 16 + m) & 255}`;
}

/** Creates `count` Services in namespace `bench`, each with one EndpointSlice of `endpoints` ready addresses. */
export async function createServices(cluster: Cluster, from: number, to: number, endpoints: number): Promise<void> {
  let next = from;
  const worker = async () => {
    while (next < to) await createOne(cluster, next++, endpoints);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function createOne(cluster: Cluster, n: number, endpoints: number): Promise<void> {
  await must(cluster, 'POST', '/api/v1/namespaces/bench/services', serviceBody(n));
  await must(cluster, 'POST', '/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices', sliceBody(n, endpoints));
}

export function serviceBody(n: number) {
  const spec = { ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: serviceName(n) }, spec };
}

export function sliceBody(n: number, endpoints: number) {
  const name = serviceName(n);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpointList(n, endpoints, 0),
  };
}

/** Gives every endpoint of Service `n` a new address; resolves when the API server has acknowledged. */
export async function changeEndpoints(cluster: Cluster, n: number, endpoints: number, round: number): Promise<void> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices/${serviceName(n)}-1`;
  await must(cluster, 'PATCH', path, { endpoints: endpointList(n, endpoints, round) });
}

function endpointList(n: number, endpoints: number, round: number): readonly object[] {
  return Array.from({ length: endpoints }, (_, m) => ({
    addresses: [endpointAddress(n, m, round)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${m % 4}`,
    targetRef: { kind: 'Pod', name: `${serviceName(n)}-${m}`, namespace: 'bench' },
  }));
}

export async function must(cluster: Cluster, method: 'POST' | 'PATCH', path: string, body: unknown): Promise<void> {
  const reply = await cluster.request({ method, path, body });
  if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
}

/** JSON, as a Pod's service account needs no YAML library either: that costs 6 MB. */
export function jsonKubeconfig(cluster: Cluster): string {
  const path = join(cluster.folder, 'admin.json');
  writeFileSync(path, JSON.stringify(parse(readFileSync(cluster.kubeconfig, 'utf8'))));
  return path;
}

/** Asks again at once until the answer holds an address of this round. */
export async function untilAnswered(probe: Probe, n: number, endpoints: number, round: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  const wanted = endpointAddress(n, endpoints - 1, round);
  while (performance.now() < deadline) {
    const got = await probe.addresses(`${serviceName(n)}.bench.minilb`);
    if (got?.includes(wanted)) return;
  }
  throw new Error(`${serviceName(n)} was not answered with ${wanted} within 30 s`);
}
