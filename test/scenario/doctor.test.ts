import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { DoctorReport } from '../../src/core/doctor/report.ts';
import { FAULTS } from '../support/doctor-faults.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { createMinilbPod, removeMinilbPod } from '../support/explain-job.ts';
import { runMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createService, must, setPodReady, slicesOf } from '../support/objects.ts';
import { pasteKubectl } from '../support/paste.ts';
import { waitFor } from '../support/wait.ts';

setDefaultTimeout(60_000);

/** A pod of `web` that has nothing wrong with it: it sleeps before it ends. */
async function createSleepyPod(api: EmbeddedApi): Promise<void> {
  const lifecycle = { preStop: { sleep: { seconds: 10 } } };
  const container = { name: 'c', image: 'none', ports: [{ name: 'http', containerPort: 8080 }], lifecycle };
  await must(api, {
    method: 'POST',
    path: '/api/v1/namespaces/default/pods',
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-1', namespace: 'default', labels: { app: 'web' } },
      spec: { nodeName: 'n1', containers: [container] },
    },
  });
  await setPodReady(api, { namespace: 'default', name: 'web-1', ips: ['10.244.0.1'] }, true);
}

describe('minilb doctor before the embedded API server', () => {
  let api: EmbeddedApi;
  const doctor = (...args: readonly string[]) => runMinilb(['doctor', '-kubeconfig', api.kubeconfig, '-from-here=false', ...args]);
  const look = async () => {
    const { stdout, exitCode, stderr } = await doctor('-o', 'json');
    expect(stderr).toBe('');
    return { exitCode, ...(JSON.parse(stdout) as DoctorReport) };
  };

  beforeAll(async () => {
    api = await startEmbedded();
    await createNode(api, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    await createNamespace(api, 'minilb');
    await createService(api, { namespace: 'default', name: 'web', spec: { ports: [{ name: 'http', port: 8080, targetPort: 'http' }] } });
    await createSleepyPod(api);
    await waitFor('the pod in a slice', async () => JSON.stringify(await slicesOf(api, 'default', 'web')).includes('"ready":true'));
  });
  afterAll(() => api?.stop());

  test('before installation: says so, and nothing else is wrong: 0', async () => {
    const { stdout, exitCode } = await doctor();
    expect(stdout).toContain('note NotInstalled minilb\n  No Pod with the label app.kubernetes.io/name=minilb runs minilb dns.\n');
    expect(stdout).toEndWith('\nNo findings; 1 note.\n');
    expect(exitCode).toBe(0);
  });

  test('a healthy cluster has no findings: 0, and the settings are those of the Pod that runs', async () => {
    await createMinilbPod(api, { name: 'dns-1', args: ['dns'], ip: '10.244.0.9' });
    const report = await look();
    expect(report).toMatchObject({ exitCode: 0, findings: [], pod: 'minilb/dns-1', settings: [] });
  });

  test('what could not be looked at is listed: this server reviews no rights', async () => {
    expect((await look()).notLooked.map(({ what }) => what)).toEqual(['the rights of minilb/default']);
  });

  test('ten planted faults: each is found; the remedy that is printed makes it go, and no other appears', async () => {
    for (const fault of FAULTS) await fault.plant(api);
    const planted = await look();
    const found = planted.findings.map(({ code, object }) => `${code} ${object}`);
    expect(found).toEqual(expect.arrayContaining(FAULTS.map(({ code, object }) => `${code} ${object}`)));
    expect(planted.exitCode).toBe(1);
    for (const { name, says } of FAULTS.flatMap(({ explain }) => explain ?? []))
      expect((await runMinilb(['explain', '-kubeconfig', api.kubeconfig, name])).stdout).toContain(`  ! ${says}`);
    for (const fault of FAULTS) {
      const before = (await look()).findings;
      const finding = before.find(({ code, object }) => code === fault.code && object === fault.object) ?? expect.unreachable(fault.code);
      for (const line of finding.remedy.paste) await pasteKubectl(api, line);
      const left = (await look()).findings.map(({ code, object }) => `${code} ${object}`);
      expect(left).not.toContain(`${fault.code} ${fault.object}`);
      expect(left.length).toBe(before.length - 1);
    }
    expect(await look()).toMatchObject({ findings: [], exitCode: 0 });
    await removeMinilbPod(api, 'dns-1');
  });

  test('-o annotations belongs to another command: 2', async () => {
    expect(await doctor('-o', 'annotations')).toMatchObject({
      exitCode: 2,
      stderr: 'minilb: -o "annotations" belongs to "minilb l3 status"; here it is text or json\n',
    });
  });

  test('an API server that is away: 2, and one line', async () => {
    await api.stopApiServer();
    const { exitCode, stdout, stderr } = await doctor();
    await api.startApiServer();
    expect(stderr).toStartWith(`minilb: Services cannot be listed: ${api.server}: `);
    expect({ exitCode, stdout, lines: stderr.trim().split('\n').length }).toEqual({ exitCode: 2, stdout: '', lines: 1 });
  });
});
