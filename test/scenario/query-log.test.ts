import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freePort } from '../support/child.ts';
import { ask } from '../support/dns-client.ts';
import { type FakeApi, kubeconfigText, startFakeApi } from '../support/fake-api.ts';
import { startMinilb } from '../support/minilb.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
let folder = '';
let api: FakeApi;
let args: readonly string[] = [];
let port = 0;
let health = 0;

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/minilb-query-log-`);
  api = startFakeApi();
  [port, health] = [await freePort(), await freePort()];
  writeFileSync(`${folder}/config`, kubeconfigText({ server: api.url }));
  args = ['dns', '-kubeconfig', `${folder}/config`, '-listen', `127.0.0.1:${port}`, '-health', `127.0.0.1:${health}`, '-lameduck', '0'];
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

const dns = (name: string) => ask(port, name, 'A', 'udp');
const ready = () => waitFor('minilb to be ready', async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok);

test('-log-queries: a line for each query, whatever -log-level says', async () => {
  const minilb = startMinilb([...args, '-log-queries', '-log-level', 'error', '-log-format', 'json']);
  try {
    await ready();
    expect((await dns('nothing.default.minilb')).rcode).toBe('NXDOMAIN');
    const line = JSON.parse(await minilb.logged(/NXDOMAIN/));
    expect(line).toMatchObject({ message: 'query', client: '127.0.0.1', name: 'nothing.default.minilb', type: 'A', transport: 'udp' });
    expect(minilb.stderr()).not.toContain('"level":"info","message":"synced"');
  } finally {
    minilb.signal('SIGTERM');
    expect(await minilb.exited).toBe(0);
  }
});

test('without it no query is logged, and /metrics tells them by transport, family, type and rcode', async () => {
  const minilb = startMinilb(args);
  try {
    await ready();
    for (let i = 0; i < 64; i++) await dns('nothing.default.minilb');
    const text = await (await fetch(`http://127.0.0.1:${health}/metrics`)).text();
    expect(text).toContain('minilb_dns_queries_total{transport="udp",family="ipv4",type="A",rcode="NXDOMAIN"} 64\n');
    expect(text).toContain('minilb_dns_received_total{transport="udp"} 64\n');
    expect(text).toContain('minilb_dns_answer_seconds_count 1\n');
    expect(text).toMatch(/minilb_kube_heard_age_seconds\{kind="Service"\} [\d.]+\n/);
    expect(text).toMatch(/minilb_zone_names [1-9]/);
    expect(minilb.stderr()).not.toContain('nothing.default');
  } finally {
    await minilb.kill();
  }
});

test('a reader that does not read costs lines, counted, and no answer', async () => {
  const command = `exec "$@" 2>&1 >/dev/null | (exec sleep 60)`;
  const minilb = [process.execPath, `${ROOT}/src/main.ts`, ...args, '-log-queries'];
  const shell = Bun.spawn(['setsid', 'sh', '-c', command, 'sh', ...minilb], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  try {
    await ready();
    const label = 'x'.repeat(60);
    for (let round = 0; round < 100; round++)
      await Promise.all(Array.from({ length: 100 }, () => dns(`${label}.${label}.${label}.default.minilb`)));
    const text = await (await fetch(`http://127.0.0.1:${health}/metrics`)).text();
    expect(Number(/^minilb_query_log_dropped_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(500);
    expect((await dns('nothing.default.minilb')).rcode).toBe('NXDOMAIN');
  } finally {
    process.kill(-shell.pid, 'SIGKILL');
    await shell.exited;
  }
}, 30_000);
