import { writeFileSync } from 'node:fs';
import { systemClock } from '../src/shell/system/clock.ts';
import { freePort, startChild } from '../test/support/child.ts';
import { askTcp, startEcho } from '../test/support/echo.ts';
import { createProxyBox, TOKEN, updaterArgs } from '../test/support/proxy.ts';
import { pause, waitFor } from '../test/support/wait.ts';
import { BINARY, readProcess } from './lib/program.ts';

const SERVICES = 300;
const NODES = 20;
const PORT_FIRST = 10_000;
const SETTLE_MS = 8_000;

interface Burst {
  readonly name: string;
  readonly answeredMs: number;
  readonly liveMs: number;
  readonly reloads: number;
  readonly peakMb: number;
  readonly afterMb: number;
  readonly laterMb: number;
}

/** By proxy: bursts of calls as an operator makes them when it starts and when a node goes, on a real nginx and a real HAProxy. */
export async function benchUpdater(): Promise<string> {
  const tables: string[] = [];
  for (const kind of ['nginx', 'haproxy'] as const) tables.push(await measure(kind));
  return tables.join('\n\n');
}

async function measure(kind: 'nginx' | 'haproxy'): Promise<string> {
  const box = createProxyBox(kind);
  const echo = await startEcho('a', '0.0.0.0');
  const port = await freePort();
  const args = updaterArgs(box, port).map((word) => (word === 'debug' ? 'info' : word));
  await box.start();
  const updater = startChild({ name: 'updater', command: [BINARY, ...args], log: `${box.root}/updater.log` });
  try {
    const url = `http://127.0.0.1:${port}`;
    await waitFor('the updater', async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.ok, 10_000, 20);
    await pause(SETTLE_MS);
    const idleMb = readProcess(updater.pid).rssMb;
    const burst = (name: string, nodes: number) => measureBurst(name, nodes, { url, pid: updater.pid, echoPort: echo.port });
    const bursts = [
      await burst(`${SERVICES} new, ${NODES} nodes`, NODES),
      await burst('the same again: nothing to change', NODES),
      await burst('a node goes', NODES - 1),
      await burst('it comes back', NODES),
    ];
    const rows = bursts.map((each) => {
      const times = `${each.answeredMs.toFixed(0)} ms | ${each.liveMs.toFixed(0)} ms | ${each.reloads}`;
      return `| ${each.name} | ${times} | ${each.peakMb.toFixed(1)} MB | ${each.afterMb.toFixed(1)} MB | ${each.laterMb.toFixed(1)} MB |`;
    });
    const head = `${kind}, ${SERVICES} calls at once with ${NODES} upstreams each; RSS of the updater when idle before ${idleMb.toFixed(1)} MB`;
    const columns = `| calls | all answered | all carry bytes | reloads | peak RSS | RSS right after | RSS ${SETTLE_MS / 1000} s later |`;
    return [head, '', columns, '|---|---|---|---|---|---|---|', ...rows].join('\n');
  } finally {
    await updater.stop();
    await box.close();
    await echo.close();
  }
}

interface Target {
  readonly url: string;
  readonly pid: number;
  readonly echoPort: number;
}

async function measureBurst(name: string, nodes: number, { url, pid, echoPort }: Target): Promise<Burst> {
  // The kernel forgets the highest RSS so far (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const reloadsBefore = await reloads(url);
  const started = systemClock.now();
  await Promise.all(Array.from({ length: SERVICES }, (_, i) => post(url, i, nodes, echoPort)));
  const answeredMs = systemClock.now() - started;
  const { rssMb: afterMb, peakMb } = readProcess(pid);
  const echoes = await Promise.all(Array.from({ length: SERVICES }, (_, i) => askTcp(PORT_FIRST + i, 'x')));
  const liveMs = systemClock.now() - started;
  const silent = echoes.filter((answer) => answer !== 'a:x').length;
  if (silent > 0) throw new Error(`${silent} ports carry no bytes`);
  const made = (await reloads(url)) - reloadsBefore;
  await pause(SETTLE_MS);
  return { name, answeredMs, liveMs, reloads: made, peakMb, afterMb, laterMb: readProcess(pid).rssMb };
}

async function post(url: string, i: number, nodes: number, echoPort: number): Promise<void> {
  const body = JSON.stringify({
    backendName: `team-${i % 7}_web-${i}`,
    lbPort: PORT_FIRST + i,
    lbProtocol: 'TCP',
    upstreamServers: Array.from({ length: nodes }, (_, node) => ({ host: `127.0.0.${node + 1}`, port: echoPort })),
    proxyTimeoutSeconds: 0,
    proxyConnectTimeoutSeconds: 0,
  });
  const response = await fetch(`${url}/api/v1/lb`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function reloads(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^minilb_updater_changes_total\{result="ok"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

if (import.meta.main) console.log(await benchUpdater());
