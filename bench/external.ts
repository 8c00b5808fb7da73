import { asArray, asObject } from '../src/core/object/raw.ts';
import { systemClock } from '../src/shell/system/clock.ts';
import { freePort, startChild } from '../test/support/child.ts';
import { startCluster } from '../test/support/cluster.ts';
import { applyCrds, externalCrds } from '../test/support/crd-kind.ts';
import { CLASS } from '../test/support/external-values.ts';
import { createNamespace, createNode, createService, must } from '../test/support/objects.ts';
import { createProxyBox, TOKEN, updaterArgs } from '../test/support/proxy.ts';
import { pause, waitFor } from '../test/support/wait.ts';
import { BINARY, readProcess } from './lib/program.ts';

const SERVICES = 300;
const NODES = 20;
const PORT_FIRST = 10_000;
const IDLE_MS = 15_000;
const WAIT_MS_MAX = 120_000;

/** By proxy, both halves: Services of a real API server through `minilb external` and `minilb updater` to a real nginx. */
export async function benchExternal(): Promise<string> {
  const cluster = await startCluster({ controllers: false });
  const box = createProxyBox('nginx');
  const port = await freePort();
  const metricsPort = await freePort();
  await box.start();
  const args = updaterArgs(box, port).map((word) => (word === 'debug' ? 'info' : word));
  const updater = startChild({ name: 'updater', command: [BINARY, ...args], log: `${box.root}/updater.log` });
  let operator: ReturnType<typeof startChild> | undefined;
  try {
    await applyCrds(cluster, externalCrds());
    await createNamespace(cluster, 'paperlb-system');
    const data = { token: Buffer.from(TOKEN).toString('base64') };
    await must(cluster, {
      method: 'POST',
      path: '/api/v1/namespaces/paperlb-system/secrets',
      body: { metadata: { name: 'updater' }, data },
    });
    const spec = {
      default: true,
      httpUpdaterURL: `http://127.0.0.1:${port}/api/v1/lb`,
      host: '127.0.0.1',
      portRange: { low: PORT_FIRST, high: PORT_FIRST + SERVICES },
      tokenSecretRef: { name: 'updater' },
    };
    const config = { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', metadata: { name: 'main' }, spec };
    await must(cluster, {
      method: 'POST',
      path: '/apis/lb.paperlb.com/v1alpha1/namespaces/paperlb-system/loadbalancerconfigs',
      body: config,
    });
    for (let i = 0; i < NODES; i++) await createNode(cluster, { name: `n${i}`, internalIps: [`127.0.1.${i + 1}`] });
    for (let i = 0; i < SERVICES; i++)
      await createService(cluster, {
        namespace: 'default',
        name: `web-${i}`,
        app: '',
        spec: { loadBalancerClass: CLASS, allocateLoadBalancerNodePorts: true },
      });
    const reloads = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(/^minilb_updater_changes_total\{result="ok"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const balancers = async () =>
      asArray((await must(cluster, { path: '/apis/lb.paperlb.com/v1alpha1/loadbalancers' }))['items']).map(asObject);
    const settled = (targets: number) =>
      waitFor(
        `${targets} targets everywhere`,
        async () => {
          const all = await balancers();
          const done = all.filter((each) => {
            const status = asObject(each?.['status']);
            const current = status?.['observedGeneration'] === asObject(each?.['metadata'])?.['generation'];
            return current && status?.['phase'] === 'READY' && status['targetCount'] === targets;
          });
          return done.length === SERVICES;
        },
        WAIT_MS_MAX,
        100,
      );
    const figures = () => readProcess(operator?.pid ?? 0);
    const rows: string[] = [];
    const measure = async (name: string, targets: number, change: () => Promise<unknown>) => {
      const before = await reloads();
      const started = systemClock.now();
      await change();
      await settled(targets);
      const ms = systemClock.now() - started;
      rows.push(`| ${name} | ${ms.toFixed(0)} ms | ${(await reloads()) - before} | ${figures().peakMb.toFixed(1)} MB |`);
    };
    await waitFor('the updater', async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok);
    const flags = [
      '-kubeconfig',
      cluster.kubeconfig,
      '-health-probe-bind-address',
      '0',
      '-metrics-bind-address',
      `127.0.0.1:${metricsPort}`,
    ];
    await measure(`the operator starts with ${SERVICES} Services, ${NODES} nodes`, NODES, async () => {
      operator = startChild({ name: 'external', command: [BINARY, 'external', ...flags], log: `${box.root}/external.log` });
    });
    const ready = (status: string) => ({ status: { conditions: [{ type: 'Ready', status }] } });
    const node = (status: string) => must(cluster, { method: 'PATCH', path: '/api/v1/nodes/n7/status', body: ready(status) });
    await measure('a node is not Ready', NODES - 1, () => node('False'));
    await measure('it is again', NODES, () => node('True'));
    await pause(IDLE_MS);
    const head = 'nginx; until every LoadBalancer is READY with its new targets, the Lease included';
    const columns = '| | all READY | reloads | RSS of the operator, peak so far |';
    const last = `RSS of the operator ${IDLE_MS / 1000} s later: ${figures().rssMb.toFixed(1)} MB, of the updater: ${readProcess(updater.pid).rssMb.toFixed(1)} MB.`;
    return [head, '', columns, '|---|---|---|---|', ...rows, '', last].join('\n');
  } finally {
    await operator?.stop();
    await updater.stop();
    await box.close();
    await cluster.stop();
  }
}

if (import.meta.main) console.log(await benchExternal());
