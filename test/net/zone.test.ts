import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/child.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { runMinilb } from '../support/minilb.ts';
import { createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';

const suite = await requires('net', programs('named-checkzone', 'kzonecheck'));

suite('minilb zone: a master file that BIND and Knot accept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-zone-'));
  let api: EmbeddedApi;
  beforeAll(async () => {
    api = await startEmbedded();
    await createNode(api, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
    await createService(api, { namespace: 'default', name: 'web' });
    await createService(api, { namespace: 'default', name: 'idle' });
    const pod = { namespace: 'default', name: 'web-1', app: 'web', node: 'a', ips: ['10.244.0.1'] };
    await createPod(api, pod);
    await setPodReady(api, pod, true);
  });
  afterAll(async () => {
    await api.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('SOA, NS with its address, Services; a Service without ready pods is a comment', async () => {
    const printed = await runMinilb(['zone', `-kubeconfig=${api.kubeconfig}`, '-domain=k8s.example.com', '-host-ips=192.168.1.30']);
    expect(printed.exitCode).toBe(0);
    expect(printed.stdout).toContain('web.default.k8s.example.com. IN A 10.244.0.1\n');
    expect(printed.stdout).toContain('; idle.default.k8s.example.com. has no data\n');
    const file = join(folder, 'zone');
    await Bun.write(file, printed.stdout);
    expect(await run(['named-checkzone', '-i', 'full', 'k8s.example.com', file])).toContain('OK');
    expect(await run(['kzonecheck', '-v', '-o', 'k8s.example.com', file])).toContain('No semantic error found');
  }, 30_000);
});
