import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { applyCrds, externalCrds } from '../support/crd-kind.ts';
import { askTcp, askUdp, type EchoServer, openTcp, startEcho } from '../support/echo.ts';
import { CLASS } from '../support/external-values.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, deletePod, deleteService, must, setPodReady } from '../support/objects.ts';
import { createProxyBox, type ProxyBox, proxyMissing, startUpdater, type TestUpdater, TOKEN } from '../support/proxy.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('proxy', async () => (await proxyMissing()) ?? clusterMissing());
const CONFIGS = '/apis/lb.paperlb.com/v1alpha1/namespaces/paperlb-system/loadbalancerconfigs';
const service = (name: string) => `/api/v1/namespaces/default/services/${name}`;
/** Addresses of the Nodes; what listens there stands for kube-proxy. */
const A = '127.0.1.1';
const B = '127.0.1.2';
const LOW = 21_000 + (process.pid % 400) * 20;

suite('minilb external, minilb updater and real proxies on a real API server: a client’s bytes arrive at the node port', () => {
  let cluster: Cluster;
  let operator: Minilb;
  const boxes: ProxyBox[] = [];
  const updaters: Record<string, TestUpdater> = {};
  const echoes: EchoServer[] = [];

  const config = (name: string, low: number, more: object = {}) => ({
    metadata: { name },
    spec: {
      default: name === 'nginx',
      httpUpdaterURL: `${updaters[name]?.url}/api/v1/lb`,
      host: '127.0.0.1',
      portRange: { low, high: low + 9 },
      tokenSecretRef: { name: 'updater' },
      ...more,
    },
  });
  const patch = (path: string, body: object) => must(cluster, { method: 'PATCH', path, body });
  const echo = async (name: string, host: string, port: number) => void echoes.push(await startEcho(name, host, port));
  const create = (name: string, ports: readonly object[], spec: object = {}) =>
    createService(cluster, {
      namespace: 'default',
      name,
      spec: { loadBalancerClass: CLASS, allocateLoadBalancerNodePorts: true, ports, ...spec },
    });
  /** The load balancer's ports as the status gives them, in the Service's order. */
  const given = async (name: string): Promise<readonly number[]> => {
    const status = asObject(asObject((await must(cluster, { path: service(name) }))['status'])?.['loadBalancer']);
    const [entry] = asArray(status?.['ingress']).map(asObject);
    return asArray(entry?.['ports']).map((port) => Number(asObject(port)?.['port']));
  };
  const live = (name: string, count: number) =>
    waitFor(`${name} to have ${count} ports`, async () => {
      const ports = await given(name);
      return ports.length === count ? ports : undefined;
    });
  const answers = (what: string, port: number, expected: string | RegExp, ask = askTcp, host = '127.0.0.1') =>
    waitFor(what, async () => {
      const answer = await ask(port, 'x', host);
      if (!(typeof expected === 'string' ? answer === expected : expected.test(answer))) throw new Error(answer);
      return true;
    });
  const backends = async (name: string) => (await updaters[name]?.list())?.map((each) => each.backendName) ?? [];
  const reasons = async () => {
    const list = await must(cluster, { path: '/apis/events.k8s.io/v1/namespaces/default/events' });
    return asArray(list['items']).map((item) => `${asString(asObject(item)?.['reason'])} ${asString(asObject(item)?.['note'])}`);
  };

  beforeAll(async () => {
    cluster = await startCluster();
    await applyCrds(cluster, externalCrds());
    await createNamespace(cluster, 'paperlb-system');
    const data = { token: Buffer.from(TOKEN).toString('base64') };
    await must(cluster, {
      method: 'POST',
      path: '/api/v1/namespaces/paperlb-system/secrets',
      body: { metadata: { name: 'updater' }, data },
    });
    for (const [i, kind] of (['nginx', 'haproxy'] as const).entries()) {
      const box = createProxyBox(kind);
      boxes.push(box);
      await box.start();
      updaters[kind] = await startUpdater(box, await freePort());
      const body = { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', ...config(kind, LOW + 10 * i) };
      await must(cluster, { method: 'POST', path: CONFIGS, body });
    }
    await createNode(cluster, { name: 'a', internalIps: [A, '::1'] });
    for (const port of [30080, 30443, 30053]) await echo(`a${port}`, A, port);
    await echo('six', '::1', 30080);
    operator = startMinilb([
      'external',
      ...['-kubeconfig', cluster.kubeconfig],
      ...['-health-probe-bind-address', '127.0.0.1:0', '-metrics-bind-address', '0'],
    ]);
  }, 300_000);
  afterAll(async () => {
    await operator?.kill();
    for (const updater of Object.values(updaters)) await updater.stop();
    for (const box of boxes) await box.close();
    for (const each of echoes) await each.close();
    await cluster?.stop();
  }, 60_000);

  test('several ports, TCP and UDP, clients of both families; then changed, moved, deleted, while an open connection elsewhere survives', async () => {
    const tcp = { name: 'http', port: 80, nodePort: 30080 };
    await create('web', [tcp, { name: 'https', port: 443, nodePort: 30443 }, { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }]);
    const [http = 0, https = 0, dns = 0] = await live('web', 3);
    expect([http, https, dns]).toEqual([LOW, LOW + 1, LOW]);
    expect(await askTcp(http, 'x')).toBe('a30080:x');
    expect(await askTcp(http, 'x', '::1')).toBe('a30080:x');
    expect(await askTcp(https, 'x')).toBe('a30443:x');
    expect(await askUdp(dns, 'x')).toBe('a30053:x');
    expect(await askUdp(dns, 'x', '::1')).toBe('a30053:x');

    await create('other', [{ port: 80, nodePort: 30180 }]);
    await echo('other', A, 30180);
    const [there = 0] = await live('other', 1);
    const connection = await openTcp(there);
    expect(await connection.ask('1')).toBe('other:1');

    // Another node port; one port less; another protocol.
    await echo('new', A, 30081);
    await patch(service('web'), {
      spec: {
        ports: [
          { ...tcp, nodePort: 30081 },
          { name: 'dns', port: 53, nodePort: 30053 },
        ],
      },
    });
    await waitFor('two ports', async () => (await given('web')).length === 2);
    await answers('the new node port', http, 'new:x');
    await answers('TCP where UDP was', (await given('web'))[1] ?? 0, 'a30053:x');
    expect(await askUdp(dns, 'x')).toBe('(silence)');
    expect((await backends('nginx')).sort()).toEqual(['default_other', 'default_web', 'default_web_tcp_53']);
    expect(await connection.ask('2')).toBe('other:2');

    // The range moves away under one of the two ports, and keeps the other Service's.
    await patch(`${CONFIGS}/nginx`, { spec: { portRange: { low: there, high: there + 5 } } });
    await waitFor('other numbers', async () => (await given('web')).every((port) => port >= there));
    await answers('what has moved', (await given('web'))[0] ?? 0, 'new:x');
    await answers('the port to be closed', http, '(ECONNREFUSED)');
    expect((await reasons()).filter((text) => text.startsWith('PortOutOfRange')).length).toBeGreaterThan(0);

    const last = await given('web');
    await deleteService(cluster, 'default', 'web');
    await waitFor('it to be gone', async () => (await backends('nginx')).join() === 'default_other');
    for (const port of last) await answers('the port to be closed', port, '(ECONNREFUSED)');
    expect(await connection.ask('3')).toBe('other:3');
    connection.close();
    await patch(`${CONFIGS}/nginx`, { spec: { portRange: { low: LOW, high: LOW + 9 } } });
  }, 120_000);

  test('the config is switched from nginx to HAProxy and back; UDP is refused there in plain words, and the rest is served', async () => {
    await create('move', [
      { name: 'tcp', port: 80, nodePort: 30082 },
      { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30083 },
    ]);
    for (const port of [30082, 30083]) await echo(`m${port}`, A, port);
    const [before = 0] = await live('move', 2);
    await patch(service('move'), { metadata: { annotations: { 'lb.paperlb.com/config-name': 'haproxy' } } });
    await waitFor('HAProxy to have it', async () => (await backends('haproxy')).includes('default_move'));
    await waitFor('nginx to let go', async () => (await backends('nginx')).join() === 'default_other');
    await answers('the port to be closed', before, '(ECONNREFUSED)');
    await answers('through HAProxy', LOW + 10, 'm30082:x');
    await waitFor('an Event', async () =>
      (await reasons()).some((text) => text.includes('HAProxy does not forward UDP: use nginx for this port')),
    );
    await patch(service('move'), { spec: { ports: [{ name: 'tcp', port: 80, nodePort: 30082 }] } });
    await waitFor('the status', async () => (await given('move')).join() === String(LOW + 10));
    await patch(service('move'), { metadata: { annotations: { 'lb.paperlb.com/config-name': null } } });
    await waitFor('HAProxy to let go', async () => (await backends('haproxy')).length === 0);
    await waitFor('the status', async () => ((await given('move'))[0] ?? 0) < LOW + 10);
    await answers('through nginx again', (await given('move'))[0] ?? 0, 'm30082:x');
  }, 120_000);

  test('type and class change: the proxy forgets it', async () => {
    const [port = 0] = await live('move', 1);
    await patch(service('move'), { spec: { type: 'ClusterIP', loadBalancerClass: null, allocateLoadBalancerNodePorts: null } });
    await waitFor('it to be gone', async () => (await backends('nginx')).join() === 'default_other');
    await answers('the port to be closed', port, '(ECONNREFUSED)');
    await patch(service('move'), { spec: { type: 'LoadBalancer', loadBalancerClass: 'minilb' } });
    await create('ours', [{ port: 80, nodePort: 30084 }]);
    await live('ours', 1);
    expect((await backends('nginx')).sort()).toEqual(['default_other', 'default_ours']);
    await deleteService(cluster, 'default', 'ours');
  }, 60_000);

  test('Nodes come, become NotReady, all NotReady, are cordoned and labelled out; policy Local follows the pods', async () => {
    const ready = (name: string, status: string) =>
      patch(`/api/v1/nodes/${name}/status`, { status: { conditions: [{ type: 'Ready', status }] } });
    await createNode(cluster, { name: 'b', internalIps: [B] });
    for (const [name, host] of [
      ['a', A],
      ['b', B],
    ] as const)
      await echo(name, host, 30090);
    await create('nodes', [{ port: 80, nodePort: 30090 }]);
    const [port = 0] = await live('nodes', 1);
    const reached = async () => new Set(await Promise.all(Array.from({ length: 12 }, () => askTcp(port, 'x'))));
    const both = (what: string) => waitFor(what, async () => (await reached()).size === 2);
    const only = (what: string, name: string) => waitFor(what, async () => [...(await reached())].join() === `${name}:x`);
    await both('both Nodes');
    await ready('b', 'False');
    await only('the Ready one', 'a');
    await patch('/api/v1/nodes/a', { spec: { unschedulable: true } });
    await ready('a', 'Unknown');
    await both('all, when none is Ready');
    await waitFor('an Event', async () => (await reasons()).some((text) => text.startsWith('NoReadyNode')));
    await ready('b', 'True');
    await only('the one that is Ready again', 'b');
    await ready('a', 'True');
    await both('both, the cordoned one too');
    await patch('/api/v1/nodes/b', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' } } });
    await only('the one that is not labelled out', 'a');
    await patch('/api/v1/nodes/b', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': null } } });
    await both('both again');

    const pod = (name: string, node: string, ip: string) => ({ namespace: 'default', name, app: 'nodes', node, ips: [ip] });
    const first = pod('p1', 'a', '10.244.0.5');
    await patch(service('nodes'), { spec: { externalTrafficPolicy: 'Local' } });
    await answers('nobody, without a ready pod', port, '(ECONNREFUSED)');
    await createPod(cluster, first);
    await setPodReady(cluster, first, true);
    await only('the pod’s Node', 'a');
    const second = pod('p2', 'b', '10.244.1.5');
    await createPod(cluster, second);
    await setPodReady(cluster, second, true);
    await both('both pods’ Nodes');
    await setPodReady(cluster, first, false);
    await only('the Node of the pod that is ready', 'b');

    // HAProxy asks each Node's healthCheckNodePort by itself, sooner than any endpoint is heard of.
    await setPodReady(cluster, first, true);
    const healthPort = Number(asObject((await must(cluster, { path: service('nodes') }))['spec'])?.['healthCheckNodePort']);
    const health = (status: number) => (hostname: string) =>
      Bun.serve({ hostname, port: healthPort, fetch: () => Response.json({ localEndpoints: status === 200 ? 1 : 0 }, { status }) });
    const checks = [health(200)(A), health(503)(B)];
    await patch(service('nodes'), { metadata: { annotations: { 'lb.paperlb.com/config-name': 'haproxy' } } });
    await waitFor('the status', async () => (await given('nodes')).join() === String(LOW + 10));
    const through = async () => new Set(await Promise.all(Array.from({ length: 6 }, () => askTcp(LOW + 10, 'x'))));
    await waitFor('only the Node that says so', async () => [...(await through())].join() === 'a:x');
    for (const check of checks) await check.stop(true);
    await patch(service('nodes'), { metadata: { annotations: { 'lb.paperlb.com/config-name': null } } });
    await waitFor('HAProxy to let go', async () => (await backends('haproxy')).length === 0);
    await live('nodes', 1);

    await patch(service('nodes'), { spec: { sessionAffinity: 'ClientIP' } });
    const conf = () => Bun.file(`${boxes[0]?.folder}/default_nodes.conf`).text();
    await waitFor('one client to stay with one Node', async () => (await conf()).includes('hash $remote_addr consistent'));
    await waitFor('all its connections to go there', async () => (await reached()).size === 1);
    for (const each of [first, second]) await deletePod(cluster, each, 0);
    await answers('nobody again', port, '(ECONNREFUSED)');
    await deleteService(cluster, 'default', 'nodes');
  }, 120_000);

  test('IPv6 targets for a Service of that family; source ranges, PROXY protocol and time-outs by annotation', async () => {
    await create('six', [{ port: 80, nodePort: 30080 }], { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' });
    const [six = 0] = await live('six', 1);
    expect(await askTcp(six, 'x')).toBe('six:x');
    await deleteService(cluster, 'default', 'six');

    await create('ranges', [{ port: 80, nodePort: 30443 }], { loadBalancerSourceRanges: ['192.0.2.0/24', '::1/128'] });
    const [port = 0] = await live('ranges', 1);
    expect(await askTcp(port, 'x', '::1')).toBe('a30443:x');
    expect(await askTcp(port, 'x')).toMatch(/^\(/);
    await patch(service('ranges'), {
      metadata: { annotations: { 'minilb/proxy-protocol': 'true', 'minilb/proxy-timeout-seconds': '77' } },
    });
    await answers('a PROXY line', port, /^a30443:PROXY TCP6 ::1 ::1 \d+ \d+/, askTcp, '::1');
    const conf = await Bun.file(`${boxes[0]?.folder}/default_ranges.conf`).text();
    expect(conf).toContain('proxy_timeout 77s');
    await deleteService(cluster, 'default', 'ranges');
  }, 60_000);

  test('a load balancer that lost everything heals when the operator starts anew', async () => {
    await updaters['nginx']?.delete('default_other');
    expect(await backends('nginx')).not.toContain('default_other');
    operator.signal('SIGTERM');
    expect(await operator.exited).toBe(0);
    operator = startMinilb(['external', '-kubeconfig', cluster.kubeconfig, '-health-probe-bind-address', '', '-metrics-bind-address', '']);
    await waitFor('it to be there', async () => (await backends('nginx')).includes('default_other'));
    const [port = 0] = await live('other', 1);
    await answers('its bytes', port, 'other:x');
  }, 60_000);
});
