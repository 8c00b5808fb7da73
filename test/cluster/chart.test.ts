import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { asset } from '../support/assets.ts';
import { run } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { goModuleFolder, goModuleMissing } from '../support/go-module.ts';
import { helmMissing, lintChart, renderChart, withoutChartMarks } from '../support/helm.ts';
import { containerOf, type ManifestObject, manifestObjects, nameOf, podSpecOf, renderManifest } from '../support/manifest.ts';
import { createNamespace, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';

const ROOT = realpathSync(`${import.meta.dirname}/../..`);
const OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0';
const suite = await requires('cluster', () => clusterMissing() ?? helmMissing() ?? goModuleMissing(OPERATOR));

const SERVERS = [
  { node: 'pi1', address: '192.168.1.30' },
  { node: 'pi2', address: '192.168.1.31' },
  { node: 'pi2', address: 'fd00::31' },
];
const PREFIXES = ['10.0.100.0/24', 'fd00:100::/64'];
const BY_ROUTE = { dns: { mode: 'none' }, writer: { enabled: false }, l3: { enabled: true, prefixes: PREFIXES } };
const BY_PROXY = { dns: { mode: 'none' }, writer: { enabled: false }, external: { enabled: true } };
/** Every mode, and in the first one every value that adds something. */
const WAYS: readonly [name: string, values: object][] = [
  [
    'hostPort with everything on',
    {
      domain: 'k8s.example.com',
      image: { digest: `sha256:${'a'.repeat(64)}` },
      imagePullSecrets: [{ name: 'registry' }],
      dns: {
        servers: SERVERS,
        claimHosts: ['*.example.com', 'team-a=*.a.example.com'],
        ingressClasses: ['traefik'],
        gatewayClasses: ['eg'],
        nameservers: ['ns1.example.com=192.168.1.30'],
        upstream: ['192.168.1.1', '[fd00::1]:53'],
        extraArgs: ['-ttl=10'],
        priorityClassName: 'system-cluster-critical',
      },
      l3: { enabled: true, prefixes: PREFIXES, agentArgs: ['-guard'], allocatorArgs: ['-reserve=10.0.100.0/28'], nodeSelector: { a: 'b' } },
      networkPolicy: { metricsFrom: { 'kubernetes.io/metadata.name': 'monitoring' } },
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    },
  ],
  ['hostPort', { dns: { servers: SERVERS } }],
  ['hostNetwork', { dns: { mode: 'hostNetwork', servers: SERVERS } }],
  ['nodePort', { dns: { mode: 'nodePort', upstream: ['1.1.1.1'], nodeSelector: { a: 'b' }, tolerations: [{ operator: 'Exists' }] } }],
  ['loadBalancer', { dns: { mode: 'loadBalancer', service: { loadBalancerClass: 'minilb-l3', annotations: { a: 'b' } } } }],
  ['none', { dns: { mode: 'none' } }],
  ['by route alone', BY_ROUTE],
  ['by proxy alone', BY_PROXY],
];

const namespaceOf = (values: object) => (values === BY_PROXY ? 'paperlb-system' : 'minilb');
const byName = (objects: readonly ManifestObject[]) => Object.fromEntries(objects.map((object) => [nameOf(object), object]));
const without = (objects: readonly ManifestObject[], ...names: readonly string[]) =>
  byName(objects.filter((object) => !names.includes(nameOf(object))));

suite('the chart', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
    const crds = join(await goModuleFolder(OPERATOR), 'example/prometheus-operator-crd');
    const monitors = readFileSync(join(crds, 'monitoring.coreos.com_servicemonitors.yaml'), 'utf8');
    await cluster.kubectl(['create', '-f', '-'], monitors);
    await cluster.kubectl(['wait', '--for=condition=Established', 'crd/servicemonitors.monitoring.coreos.com']);
    await createNamespace(cluster, 'minilb', { 'pod-security.kubernetes.io/enforce': 'privileged' });
    await createNamespace(cluster, 'paperlb-system');
    await createNamespace(cluster, 'restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  }, 300_000);
  afterAll(() => cluster?.stop(), 60_000);

  test.each(WAYS)('lints strictly, and the API server takes every object strictly: %s', async (_, values) => {
    await lintChart(values);
    await cluster.kubectl(
      ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
      await renderChart(values, namespaceOf(values)),
    );
  });

  const refused: readonly [name: string, values: object, message: string][] = [
    ['no server', {}, 'no server listed, so nothing would answer'],
    ['an unknown value', { domian: 'x' }, "additional properties 'domian' not allowed"],
    ['an unknown value inside', { dns: { servers: SERVERS, ttl: 5 } }, "additional properties 'ttl' not allowed"],
    ['a domain that is none', { domain: 'a..b', dns: { servers: SERVERS } }, '/domain'],
    ['what is no address', { dns: { servers: [{ node: 'a', address: '192.168.1' }] } }, 'is not valid ipv4'],
    ['every address', { dns: { servers: [{ node: 'a', address: '0.0.0.0' }] } }, '/dns/servers/0/address'],
    ['loopback', { dns: { servers: [{ node: 'a', address: '127.0.0.53' }] } }, '/dns/servers/0/address'],
    ['a server without its node', { dns: { servers: [{ address: '192.168.1.30' }] } }, "missing property 'node'"],
    ['an address twice', { dns: { servers: [SERVERS[0], { node: 'b', address: '192.168.1.30' }] } }, 'lists 192.168.1.30 twice'],
    [
      'a name twice',
      {
        dns: {
          servers: [
            { ...SERVERS[0], name: 'a' },
            { ...SERVERS[1], name: 'a' },
          ],
        },
      },
      'two of dns.servers are called a: give one another name',
    ],
    ['a lameduck beyond what -lameduck takes', { dns: { servers: SERVERS, staggerSeconds: 150 } }, 'lower dns.staggerSeconds'],
    [
      '-upstream where every client looks like a node',
      { dns: { mode: 'nodePort', upstream: ['1.1.1.1'], service: { externalTrafficPolicy: 'Cluster' } } },
      'needs dns.service.externalTrafficPolicy Local',
    ],
    ['a flag that has a value', { dns: { servers: SERVERS, extraArgs: ['--listen=:53'] } }, 'must not hold --listen=:53'],
    ['by route without prefixes', { ...BY_ROUTE, l3: { enabled: true } }, 'l3.prefixes is empty'],
    ['by proxy in another namespace', BY_PROXY, 'needs --namespace paperlb-system'],
    ['nothing at all', { dns: { mode: 'none' }, writer: { enabled: false } }, 'nothing is enabled'],
  ];
  test.each(refused)('refuses %s', async (_, values, message) => {
    await expect(renderChart(values)).rejects.toThrow(message);
  });

  describe('says the same as the other ways to install', () => {
    test('as deploy/render.sh, object by object', async () => {
      const pairs = SERVERS.map((server) => `${server.node}=${server.address}`);
      const plain = manifestObjects((await renderManifest(['-domain', 'k8s.example.com', ...pairs])).stdout);
      const chart = withoutChartMarks(await renderChart({ domain: 'k8s.example.com', dns: { servers: SERVERS } }));
      expect(byName(chart)).toEqual(without(plain, 'Namespace minilb'));
    });

    test('as deploy/render.sh -outside', async () => {
      const plain = manifestObjects((await renderManifest(['-outside'])).stdout);
      expect(byName(withoutChartMarks(await renderChart({ dns: { mode: 'none' } })))).toEqual(without(plain, 'Namespace minilb'));
    });

    const kustomize = async (folder: string) =>
      manifestObjects(await run([await asset('kubectl'), 'kustomize', `${ROOT}/deploy/${folder}`]));

    test('deploy/kustomize/overlay as deploy/render.sh', async () => {
      const plain = await renderManifest(['-domain', 'k8s.example.com', 'pi1=192.168.1.30', 'pi2=192.168.1.31']);
      expect(byName(await kustomize('kustomize/overlay'))).toEqual(byName(manifestObjects(plain.stdout)));
    });

    test('by route as deploy/l3/overlay', async () => {
      const chart = withoutChartMarks(await renderChart(BY_ROUTE, 'minilb-l3'));
      expect(byName(chart)).toEqual(without(await kustomize('l3/overlay'), 'Namespace minilb-l3'));
    });

    test('by proxy as deploy/external', async () => {
      const chart = withoutChartMarks(await renderChart(BY_PROXY, 'paperlb-system'));
      expect(byName(chart)).toEqual(without(await kustomize('external'), 'Namespace paperlb-system'));
    });

    test('version and image are those of package.json', () => {
      const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');
      const { version } = JSON.parse(read('package.json')) as { readonly version: string };
      expect(parse(read('deploy/helm/minilb/Chart.yaml'))).toMatchObject({ version, appVersion: version });
      for (const overlay of ['deploy/kustomize/overlay', 'deploy/l3/overlay']) {
        expect(read(`${overlay}/kustomization.yaml`)).toContain(`newTag: ${version}\n`);
      }
    });
  });

  describe('rolling updates cannot deadlock', () => {
    test.each(WAYS)('%s', async (_, values) => {
      for (const object of manifestObjects(await renderChart(values, namespaceOf(values))).filter(
        (each) => each['kind'] === 'Deployment',
      )) {
        const strategy = asObject(asObject(object['spec'])?.['strategy']);
        const holdsPorts = JSON.stringify(podSpecOf(object)).includes('"hostPort"');
        const shape = holdsPorts ? { type: 'Recreate' } : (strategy ?? { type: 'RollingUpdate' });
        expect(strategy ?? { type: 'RollingUpdate' }).toEqual(shape);
        expect(asObject(strategy?.['rollingUpdate'])?.['maxSurge']).not.toBe(0);
      }
    });

    test.each(WAYS)('and nobody is killed in lameduck: %s', async (_, values) => {
      for (const object of manifestObjects(await renderChart(values, namespaceOf(values))).filter(
        (each) => each['kind'] === 'Deployment',
      )) {
        const lameduck = asArray(containerOf(object)['args']).map((arg) => /^-lameduck=(\d+)$/.exec(String(arg))?.[1]);
        const seconds = Number(lameduck.find((each) => each !== undefined) ?? 0);
        expect(Number(podSpecOf(object)['terminationGracePeriodSeconds'])).toBeGreaterThan(seconds + 2);
      }
    });
  });

  test('behind a Service, the Pods keep to the level "restricted"', async () => {
    for (const mode of ['nodePort', 'loadBalancer', 'none']) {
      for (const object of manifestObjects(await renderChart({ dns: { mode } })).filter((each) => each['kind'] === 'Deployment')) {
        const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: podSpecOf(object) };
        const reply = await cluster.request({ method: 'POST', path: '/api/v1/namespaces/restricted/pods', query: { dryRun: 'All' }, body });
        expect([reply.status, asString(asObject(reply.body)?.['message'])]).toEqual([201, undefined]);
      }
    }
  });

  test('a Service in front of the servers has the ports that they have', async () => {
    await cluster.kubectl(['apply', '-f', '-'], await renderChart({ dns: { mode: 'nodePort' } }));
    const service = await must(cluster, { path: '/api/v1/namespaces/minilb/services/minilb-dns' });
    const ports = asArray(asObject(service['spec'])?.['ports']).map((port) => asObject(port));
    expect(ports.map((port) => [port?.['protocol'], port?.['port'], port?.['nodePort'], port?.['targetPort']])).toEqual([
      ['UDP', 53, 30053, 'dns-udp'],
      ['TCP', 53, 30053, 'dns-tcp'],
    ]);
  });
});
