import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DoctorReport } from '../../src/core/doctor/report.ts';
import { asset } from '../support/assets.ts';
import { run } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { docBlocks, runBlock } from '../support/doc-blocks.ts';
import { FAULTS } from '../support/doctor-faults.ts';
import { createMinilbPod, removeMinilbPod } from '../support/explain-job.ts';
import { gatewayCrds, gatewayCrdsMissing, installCrds } from '../support/gateway-crds.ts';
import { startKubelets, type TestKubelets } from '../support/kubelet.ts';
import { renderManifest } from '../support/manifest.ts';
import { runMinilb } from '../support/minilb.ts';
import { createNode } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// On a real API server, with the manifest applied: Deployments, rights and admission are real, and what is printed is pasted into a shell.

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const PAGE = 'docs/troubleshooting.md';
const CONTROLLERS =
  'endpointslice-controller,namespace-controller,serviceaccount-controller,deployment-controller,replicaset-controller,garbage-collector-controller';
const blocks = docBlocks(PAGE, readFileSync(`${ROOT}/${PAGE}`, 'utf8')).filter((block) => block.mark === 'installed');

const suite = await requires('cluster', () => clusterMissing() ?? gatewayCrdsMissing());
setDefaultTimeout(120_000);

suite('minilb doctor on a real API server', () => {
  let cluster: Cluster;
  let kubelets: TestKubelets;
  let env: Readonly<Record<string, string>>;

  const doctor = (...args: readonly string[]) => runMinilb(['doctor', '-from-here=false', '-o', 'json', ...args]);
  const look = async (kubeconfig = cluster.kubeconfig) => {
    const { stdout, stderr, exitCode } = await doctor('-kubeconfig', kubeconfig);
    if (stderr !== '') throw new Error(stderr);
    const report = JSON.parse(stdout) as DoctorReport;
    return { ...report, exitCode, told: report.findings.map(({ code, object }) => `${code} ${object}`) };
  };
  const shell = (line: string) => run(['sh', '-ec', line], { env });
  /** Finds it, pastes what is printed, and waits until it is no longer found: Deployments take a moment. */
  const follow = async (code: string, object: string) => {
    let report = await look();
    await waitFor(`${code} ${object}`, async () => {
      report = await look();
      return report.told.includes(`${code} ${object}`);
    });
    expect(report.exitCode).toBe(1);
    const { remedy } = report.findings.find((each) => each.code === code && each.object === object) ?? expect.unreachable(code);
    expect(remedy.paste.length).toBeGreaterThan(0);
    for (const line of remedy.paste) await shell(line);
    await waitFor(`${code} ${object} to go`, async () => !(await look()).told.includes(`${code} ${object}`));
  };
  const rolledOut = (namespace: string, deployment: string) =>
    cluster.kubectl(['-n', namespace, 'rollout', 'status', `deployment/${deployment}`, '--timeout=60s']);

  beforeAll(async () => {
    cluster = await startCluster({ controllerArgs: [`--controllers=${CONTROLLERS}`] });
    await createNode(cluster, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
    kubelets = startKubelets(cluster, { n1: '10.244.0' });
    env = { PATH: `${dirname(await asset('kubectl'))}:${process.env['PATH'] ?? ''}`, KUBECONFIG: cluster.kubeconfig };
  }, 300_000);
  afterAll(async () => {
    await kubelets?.stop();
    await cluster?.stop();
  }, 60_000);

  test('before installation: an administrator may install; somebody without rights gets no report: 2', async () => {
    expect(await look()).toMatchObject({ exitCode: 0, told: ['NotInstalled minilb'], notLooked: [] });
    const nobody = await doctor('-kubeconfig', cluster.kubeconfigFor('nobody', cluster.tokens.nobody));
    expect(nobody).toMatchObject({ exitCode: 2, stdout: '' });
    expect(nobody.stderr).toStartWith('minilb: Services cannot be listed: services is forbidden: User ');
  });

  test('before installation, somebody who may only look: what cannot be installed, and what could not be seen', async () => {
    await cluster.kubectl(['create', 'clusterrole', 'looks', '--verb=list', '--resource=services,endpointslices.discovery.k8s.io']);
    await cluster.kubectl(['create', 'clusterrolebinding', 'looks', '--clusterrole=looks', '--user=nobody']);
    const report = await look(cluster.kubeconfigFor('nobody', cluster.tokens.nobody));
    expect(report.exitCode).toBe(1);
    expect(report.told).toContain('CannotInstall these credentials');
    expect(report.told).toContain('MissingPermission these credentials');
    expect(report.notLooked.map(({ what }) => what)).toContain('Pods of all namespaces');
    expect(report.notLooked.every(({ why }) => why !== '')).toBe(true);
    await cluster.kubectl(['delete', 'clusterrolebinding', 'looks']);
  });

  test('with the manifest, the example and the Gateway API: no findings but the port that its page speaks of', async () => {
    await installCrds(cluster, await gatewayCrds('v1.6.1', 'standard'));
    const { stdout } = await renderManifest(['n1=192.168.1.10']);
    await cluster.kubectl(['apply', '-f', '-'], stdout);
    await cluster.kubectl(['apply', '-f', `${ROOT}/deploy/examples/web.yaml`]);
    await rolledOut('minilb', 'minilb-dns-192-168-1-10');
    await rolledOut('minilb', 'minilb-writer');
    await rolledOut('default', 'web');
    const report = await look();
    expect(report).toMatchObject({ exitCode: 0, told: [], notLooked: [] });
    expect(report.pod).toStartWith('minilb/minilb-dns-192-168-1-10-');
  });

  test('a person with the ClusterRole minilb-user and nothing else sees all of it', async () => {
    await cluster.kubectl(['create', 'clusterrolebinding', 'user', '--clusterrole=minilb-user', '--user=nobody']);
    const report = await look(cluster.kubeconfigFor('nobody', cluster.tokens.nobody));
    expect(report).toMatchObject({ exitCode: 0, told: [], notLooked: [] });
  });

  for (const block of blocks)
    test(`${block.page}:${block.line} ${block.code.split('\n')[0]}`, async () => {
      const result = await runBlock(block, ROOT, env);
      expect(result.exitCode, result.output).toBe(block.exitCode);
      if (block.expected !== undefined) expect(result.output).toMatch(block.expected);
    });

  test('a right taken away from a ServiceAccount', async () => {
    const rule = '{"rules":[{"apiGroups":[""],"resources":["services","nodes","namespaces"],"verbs":["list","watch"]}]}';
    await cluster.kubectl(['patch', 'clusterrole', 'minilb-reader', '--type=merge', '-p', rule]);
    await follow('MissingPermission', 'ServiceAccount minilb/minilb-dns');
    await follow('MissingPermission', 'ServiceAccount minilb/minilb-writer');
    await cluster.kubectl(['apply', '-f', '-'], (await renderManifest(['n1=192.168.1.10'])).stdout);
    expect((await look()).told).toEqual([]);
  });

  test('pods that end at once; source ranges that nobody enforces', async () => {
    await cluster.kubectl([
      'patch',
      'deployment',
      'web',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/template/spec/containers/0/lifecycle"}]',
    ]);
    await cluster.kubectl(['patch', 'service', 'web', '-p', '{"spec":{"loadBalancerSourceRanges":["192.168.1.0/24"]}}']);
    await follow('PodsExitBeforeTtl', 'Deployment default/web');
    await follow('SourceRangesNotEnforced', 'Service default/web');
    expect(await cluster.kubectl(['get', 'networkpolicy', 'web-clients', '-o', 'name'])).toContain('networkpolicy');
  });

  test('hostPort 53 without hostIP; -upstream without -claim-hosts', async () => {
    const deployment = ['-n', 'minilb', 'patch', 'deployment', 'minilb-dns-192-168-1-10', '--type=json', '-p'];
    const port = (i: number) => ({ op: 'remove', path: `/spec/template/spec/containers/0/ports/${i}/hostIP` });
    const upstream = { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '-upstream=192.168.1.1' };
    await cluster.kubectl([...deployment, JSON.stringify([port(0), port(1), upstream])]);
    await follow('HostPort53CapturesNode', 'Deployment minilb/minilb-dns-192-168-1-10');
    await follow('OpenClaims', 'minilb');
    await waitFor('nothing to be left', async () => (await look()).told.length === 0);
  });

  test('a kind of the Gateway API in a version that is not read', async () => {
    const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tlsroutes.gateway.networking.k8s.io';
    const versions = [{ name: 'v9', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
    await cluster.kubectl(['delete', 'crd', 'tlsroutes.gateway.networking.k8s.io']);
    const names = { kind: 'TLSRoute', listKind: 'TLSRouteList', plural: 'tlsroutes', singular: 'tlsroute' };
    const metadata = { name: 'tlsroutes.gateway.networking.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' } };
    const body = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata,
      spec: { group: 'gateway.networking.k8s.io', scope: 'Namespaced', names, versions },
    };
    await installCrds(cluster, [body]);
    await waitFor('the finding', async () => (await look()).told.includes('GatewayApiUnread kind TLSRoute'));
    await cluster.request({ method: 'DELETE', path: crd });
    await waitFor('the finding to go', async () => !(await look()).told.includes('GatewayApiUnread kind TLSRoute'));
  });

  test('the ten faults that the embedded server holds too, here with kubectl', async () => {
    // Those Pods stand in for the manifest's: a Deployment's would be made anew.
    await cluster.kubectl(['delete', 'namespace', 'minilb']);
    await cluster.kubectl(['create', 'namespace', 'minilb']);
    await createMinilbPod(cluster, { name: 'dns-1', args: ['dns'], ip: '10.244.0.9' });
    for (const fault of FAULTS) await fault.plant(cluster);
    const planted = await look();
    expect(planted.told).toEqual(expect.arrayContaining(FAULTS.map(({ code, object }) => `${code} ${object}`)));
    for (const { code, object } of FAULTS) {
      const { remedy } = planted.findings.find((each) => each.code === code && each.object === object) ?? expect.unreachable(code);
      for (const line of remedy.paste) await shell(line);
    }
    const left = (await look()).told.filter((text) => FAULTS.some(({ code, object }) => text === `${code} ${object}`));
    expect(left).toEqual([]);
    await removeMinilbPod(cluster, 'dns-1');
  });
});
