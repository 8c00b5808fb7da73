import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import type { ExplainReport, NameReport } from '../../src/core/value/report.ts';
import type { ApiServer } from './api.ts';
import { freePort } from './child.ts';
import { type Minilb, runMinilb, startMinilb } from './minilb.ts';
import { createNamespace, createNode, createPod, createService, deletePod, must, setPodReady, slicesOf } from './objects.ts';
import { waitFor } from './wait.ts';

export interface ExplainJobOptions {
  readonly start: () => Promise<ApiServer & { readonly stop: () => Promise<void> }>;
}

export interface ExplainJob {
  readonly api: () => ApiServer;
  /** Without kubectl. */
  readonly explain: (...args: readonly string[]) => ReturnType<typeof runMinilb>;
}

export interface MinilbPodOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly ip?: string;
  readonly component?: string;
}

/** A Pod with the labels of the manifest that runs nowhere; with an address it is ready. */
export async function createMinilbPod(api: ApiServer, pod: MinilbPodOptions): Promise<void> {
  const { name, args, ip, component = 'dns' } = pod;
  const labels = { 'app.kubernetes.io/name': 'minilb', 'app.kubernetes.io/component': component };
  const spec = { nodeName: 'n1', containers: [{ name: 'minilb', image: 'none', args }] };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'minilb', labels }, spec };
  await must(api, { method: 'POST', path: '/api/v1/namespaces/minilb/pods', body });
  if (ip !== undefined) await setPodReady(api, { namespace: 'minilb', name, ips: [ip] }, true);
}

export const removeMinilbPod = (api: ApiServer, name: string) => deletePod(api, { namespace: 'minilb', name }, 0);

/** `minilb explain` as a user runs it on a laptop: the same suite before both API servers. */
export function explainJob(options: ExplainJobOptions): ExplainJob {
  setDefaultTimeout(60_000);
  let started: (ApiServer & { readonly stop: () => Promise<void> }) | undefined;
  let dns: Minilb | undefined;
  let page = 0;
  const api = () => started ?? expect.unreachable();
  const explain = (...args: readonly string[]) =>
    runMinilb(['explain', '-kubeconfig', api().kubeconfig, ...args], { env: { PATH: '/nonexistent' } });
  const json = async (...args: readonly string[]) => JSON.parse((await explain(...args, '-o', 'json')).stdout) as ExplainReport;

  beforeAll(async () => {
    started = await options.start();
    await createNode(api(), { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    await createNamespace(api(), 'minilb');
    await createService(api(), { namespace: 'default', name: 'web', spec: { loadBalancerSourceRanges: ['192.0.2.0/24'] } });
    for (const [name, ip] of [['web-1', '10.244.0.1'] as const, ['web-2', '10.244.0.2'] as const]) {
      await createPod(api(), { namespace: 'default', name, app: 'web', node: 'n1', ips: [ip] });
      await setPodReady(api(), { namespace: 'default', name, ips: [ip] }, name === 'web-1');
    }
    await waitFor('both pods in a slice', async () => {
      const slices = JSON.stringify(await slicesOf(api(), 'default', 'web'));
      return slices.includes('"ready":true') && slices.includes('"ready":false');
    });
    page = await freePort();
    const args = ['-listen', `127.0.0.1:${await freePort()}`, '-health', '127.0.0.1:0', '-page', `127.0.0.1:${page}`, '-controller=false'];
    dns = startMinilb(['dns', '-kubeconfig', api().kubeconfig, ...args]);
    await dns.logged('synced');
  }, 300_000);
  afterAll(async () => {
    await dns?.kill();
    await started?.stop();
  }, 60_000);

  test('without a running pod it is worked out with what the flags say', async () => {
    const { exitCode, stdout, stderr } = await explain('-domain', 'k8s.example.com', 'web.default.k8s.example.com');
    expect(stderr).toBe('');
    expect(stdout).toStartWith(
      'web.default.k8s.example.com has 1 address.\n\nWhat a client gets:\n  A     10.244.0.1\n  AAAA  nothing (NODATA)\n',
    );
    expect(stdout).toContain('\n  - 1 of the 2 endpoints of Service default/web is ready.\n');
    expect(stdout).toContain('\n  ! 10.244.0.2 on node n1 is left out: its pod is not ready');
    expect(stdout).toContain('\n  ! Clients must use port 8080, not 80 (http)/TCP');
    expect(stdout).toContain('\n  ! loadBalancerSourceRanges is not enforced');
    expect(stdout).toEndWith(
      'with these settings: -domain=k8s.example.com -class=minilb. No running pod was asked: no Pod with the label app.kubernetes.io/name=minilb runs minilb dns.\n',
    );
    expect(exitCode).toBe(0);
  });

  test('a name that does not exist: 1, and what there is', async () => {
    const { exitCode, stdout } = await explain('wbe.default.minilb');
    expect(stdout).toStartWith('wbe.default.minilb does not exist (NXDOMAIN).\n');
    expect(stdout).toContain('\n  - There is web.default.minilb.\n');
    expect(exitCode).toBe(1);
  });

  test('a server says on -page what is worked out without it', async () => {
    for (const name of [
      'web.default.minilb',
      'minilb',
      'default.minilb',
      'nobody.default.minilb',
      'www.example.com',
      '_http._tcp.web.default.minilb',
    ]) {
      const { source: _, ...worked } = await json(name);
      const reply = await fetch(`http://127.0.0.1:${page}/api/v1/names/${name}`);
      const { answers, ...said } = (await reply.json()) as NameReport;
      expect(said).toEqual({ domain: worked.domain, name, found: worked.found, notes: worked.notes, summary: worked.summary });
      // The serial of the zone moves.
      if (name !== 'minilb') expect(answers).toEqual(worked.answers);
    }
  });

  test('with a running pod it uses that one’s settings and names it; a -page on its loopback cannot be asked without kubectl', async () => {
    await createMinilbPod(api(), { name: 'writer', args: ['dns', '-domain=other.example'], ip: '10.244.0.8', component: 'writer' });
    await createMinilbPod(api(), { name: 'dns-1', args: ['dns', '-domain=k8s.example.com'], ip: '10.244.0.9' });
    const { source, ...report } = await json('web.default.k8s.example.com');
    expect(report).toMatchObject({ found: true, domain: 'k8s.example.com' });
    expect(source).toMatchObject({
      kind: 'computed',
      pod: 'minilb/dns-1',
      settings: ['-domain=k8s.example.com'],
      reason: 'pod minilb/dns-1 could not be asked on its loopback interface: there is no kubectl in PATH',
    });
    await removeMinilbPod(api(), 'writer');
    await removeMinilbPod(api(), 'dns-1');
  });

  test.each([
    [[], 'minilb explain: which name? For example: minilb explain web.default.k8s.example.com\n'],
    [['a..b'], 'minilb explain: "a..b" has the label "", which is not 1–63 letters, digits, - or _\n'],
    [['web', '-o', 'annotations'], 'minilb explain: -o "annotations" belongs to "minilb l3 status"; here it is text or json\n'],
  ])('%j is a usage error: 2', async (args, message) => {
    const { exitCode, stderr } = await explain(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: message });
  });

  return { api, explain };
}
