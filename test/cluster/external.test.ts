import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { freePort } from '../support/child.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { applyCrds, externalCrds } from '../support/crd-kind.ts';
import { CLASS } from '../support/external-values.ts';
import { createGoUpdater, type GoUpdater } from '../support/go-updater.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createService, deleteService, must } from '../support/objects.ts';
import { pageFaults, pagePaths } from '../support/page-answers.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);
const GROUP = '/apis/lb.paperlb.com/v1alpha1';
const CONFIGS = `${GROUP}/namespaces/paperlb-system/loadbalancerconfigs`;
const service = (name: string, namespace = 'default') => `/api/v1/namespaces/${namespace}/services/${name}`;
const SERVICES = 60;

suite('minilb external on a real API server, with a stand-in for the original’s updater', () => {
  let cluster: Cluster;
  let updater: GoUpdater;
  let server: Bun.Server<undefined>;
  let away = false;
  const running = new Map<string, Minilb>();

  const pages: Record<string, number> = {};
  const start = (name: string) => {
    const args = ['-kubeconfig', cluster.kubeconfig, '-health-probe-bind-address', '', '-metrics-bind-address', '', '-resync', '20'];
    running.set(name, startMinilb(['external', ...args, '-page', `127.0.0.1:${pages[name]}`]));
  };
  const url = () => `http://127.0.0.1:${server.port}/api/v1/lb`;
  const patch = (path: string, body: object) => must(cluster, { method: 'PATCH', path, body });
  const create = (name: string, spec: object = {}, namespace = 'default') =>
    createService(cluster, { namespace, name, app: '', spec: { loadBalancerClass: CLASS, allocateLoadBalancerNodePorts: true, ...spec } });
  const balancers = async () => asArray((await must(cluster, { path: `${GROUP}/loadbalancers` }))['items']).map(asObject);
  const ingress = async (name: string) =>
    asArray(asObject(asObject((await must(cluster, { path: service(name) }))['status'])?.['loadBalancer'])?.['ingress']).map(asObject);
  const portOf = async (name: string) => Number(asObject(asArray((await ingress(name))[0]?.['ports'])[0])?.['port'] ?? 0);
  const reasons = async (namespace: string) => {
    const list = await must(cluster, { path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events` });
    return asArray(list['items']).map((item) => asString(asObject(item)?.['reason']) ?? '');
  };

  beforeAll(async () => {
    cluster = await startCluster();
    for (const name of ['one', 'two']) pages[name] = await freePort();
    await applyCrds(cluster, externalCrds());
    await createNamespace(cluster, 'paperlb-system');
    await createNode(cluster, { name: 'a', internalIps: ['10.0.0.1'] });
    updater = createGoUpdater();
    const fetch = (request: Request) => (away ? new Response('<html>gone fishing</html>', { status: 502 }) : updater.handle(request));
    server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch });
    for (const [name, host, low] of [
      ['main', '192.168.64.1', 8100],
      ['named', 'lb.example.com', 9100],
    ] as const) {
      const spec = { default: name === 'main', httpUpdaterURL: url(), host, portRange: { low, high: low + 99 } };
      await must(cluster, {
        method: 'POST',
        path: CONFIGS,
        body: { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', metadata: { name }, spec },
      });
    }
    start('one');
    start('two');
  }, 300_000);
  beforeEach(() => {
    away = false;
  });
  afterAll(async () => {
    for (const each of running.values()) await each.kill();
    await server?.stop(true);
    await cluster?.stop();
  }, 60_000);

  test('two operators: one leads, and when it is killed the other goes on; every Service has one port, no port two Services', async () => {
    await Promise.all(Array.from({ length: SERVICES / 2 }, (_, i) => create(`s${i}`)));
    await waitFor('half of them', async () => {
      const ports = await Promise.all(Array.from({ length: SERVICES / 2 }, (_, i) => portOf(`s${i}`)));
      return ports.every((port) => port > 0);
    });
    const leaders = [...running.values()].filter((each) => each.stderr().includes('leading lease='));
    expect(leaders).toHaveLength(1);
    const first = await portOf('s0');
    await Promise.all(Array.from({ length: SERVICES / 2 }, (_, i) => create(`s${SERVICES / 2 + i}`)));
    await leaders[0]?.kill();
    const ready = async () => (await balancers()).filter((each) => asObject(each?.['status'])?.['phase'] === 'READY').length;
    await waitFor('all to be live', async () => (await ready()) === SERVICES, 60_000, 200);
    const ports = (await balancers()).map((each) => asObject(each?.['spec'])?.['port']);
    expect(new Set(ports).size).toBe(SERVICES);
    expect(await portOf('s0')).toBe(first);
    expect(Object.keys(updater.backends())).toHaveLength(SERVICES);
    for (const [name, each] of running) if (each === leaders[0]) start(name);
  }, 120_000);

  test('its page shows what it holds while it leads, as docs/api.md says', async () => {
    const get = async (name: string, path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${pages[name]}${path}`)).json();
    const rows = async (name: string) =>
      ((await get(name, '/api/v1/balancers?limit=100')) as { items: { state: string; service: string }[] }).items;
    const leader = await waitFor('who leads', async () =>
      (await rows('one')).length > 0 ? 'one' : (await rows('two')).length > 0 ? 'two' : undefined,
    );
    await waitFor('all to be ready', async () => (await rows(leader)).filter(({ state }) => state === 'ready').length === SERVICES);
    expect((await rows(leader))[0]).toMatchObject({
      service: 'default/s0',
      state: 'ready',
      host: '192.168.64.1',
      config: 'main',
      targets: 1,
    });
    await waitFor('the other to show none', async () => (await rows(leader === 'one' ? 'two' : 'one')).length === 0);
    for (const path of pagePaths('external')) expect(pageFaults(path, await get(leader, path))).toEqual([]);
  }, 60_000);

  test('a duplicate made behind its back is given up by the younger', async () => {
    const held = await portOf('s0');
    await create('young');
    await waitFor('its port', () => portOf('young'));
    await patch(`${GROUP}/namespaces/default/loadbalancers/young`, { spec: { port: held, ports: null } });
    await waitFor('the younger to have another', async () => (await reasons('default')).includes('PortDuplicate'));
    await waitFor('that to be live', async () => ![0, held].includes(await portOf('young')));
    expect(await portOf('s0')).toBe(held);
    expect(Object.values(updater.backends()).filter((text) => text.startsWith(`${held}/`))).toHaveLength(1);
  }, 60_000);

  test('what the API takes as status: an address with ipMode Proxy, a name with ports, a port that is not served with an error', async () => {
    expect(await ingress('s0')).toEqual([{ ip: '192.168.64.1', ipMode: 'Proxy', ports: [{ port: await portOf('s0'), protocol: 'TCP' }] }]);
    await create('mixed', {
      ports: [
        { name: 's', port: 9, protocol: 'SCTP' },
        { name: 't', port: 80 },
        { name: 'u', port: 80, protocol: 'UDP' },
      ],
    });
    await patch(service('mixed'), { metadata: { annotations: { 'lb.paperlb.com/config-name': 'named' } } });
    await waitFor('a name', async () => (await ingress('mixed'))[0]?.['hostname'] === 'lb.example.com');
    expect(await ingress('mixed')).toEqual([
      {
        hostname: 'lb.example.com',
        ports: [
          { port: 9, protocol: 'SCTP', error: 'minilb/NotServed' },
          { port: 9100, protocol: 'TCP' },
          { port: 9100, protocol: 'UDP' },
        ],
      },
    ]);
    await waitFor('an Event', async () => (await reasons('default')).includes('PortNotServed'));

    // minilb dns answers with the load balancer: its address or its name, and SRV with its port.
    const zone = await runMinilb(['zone', '-kubeconfig', cluster.kubeconfig]);
    const records = zone.stdout.split('\n').map((line) => line.replace(/\s+/g, ' '));
    expect(records.filter((line) => /^s0\.default\.minilb\. |^mixed\.default\.minilb\. /.test(line))).toEqual([
      expect.stringMatching(/^mixed.* CNAME lb\.example\.com\.$/),
      expect.stringMatching(/^s0.* A 192\.168\.64\.1$/),
    ]);
  }, 60_000);

  test('fields that somebody changes are overwritten, an object that somebody deletes comes again', async () => {
    const path = `${GROUP}/namespaces/default/loadbalancers/s1`;
    const port = await portOf('s1');
    await patch(path, { spec: { host: '203.0.113.9', httpUpdater: { url: 'http://203.0.113.9/' }, configName: 'nothing' } });
    await waitFor('it to be ours again', async () => {
      const spec = asObject((await must(cluster, { path }))['spec']);
      return spec?.['host'] === '192.168.64.1' && spec['configName'] === 'main';
    });
    const uid = asObject((await must(cluster, { path }))['metadata'])?.['uid'];
    await must(cluster, { method: 'DELETE', path });
    await waitFor('another', async () => {
      const now = asObject((await cluster.request({ path })).body);
      const phase = asObject(now?.['status'])?.['phase'];
      return asObject(now?.['metadata'])?.['uid'] !== uid && phase === 'READY';
    });
    expect(updater.backends()['default_s1']).toStartWith(`${await portOf('s1')}/TCP`);
    expect(port).toBeGreaterThan(0);
  }, 60_000);

  test('a Namespace is deleted: its backends go, and it is not held up', async () => {
    await createNamespace(cluster, 'short');
    await create('web', {}, 'short');
    await waitFor('it to be live', () => updater.backends()['short_web']);
    await must(cluster, { method: 'DELETE', path: '/api/v1/namespaces/short' });
    await waitFor('it to be gone', async () => (await cluster.request({ path: '/api/v1/namespaces/short' })).status === 404, 60_000, 100);
    expect(updater.backends()['short_web']).toBeUndefined();
  }, 90_000);

  test('an updater that answers 502 with HTML: the Event has it in one line, and the next answer heals it', async () => {
    away = true;
    await create('later');
    const condition = async () => {
      const one = (await balancers()).find((each) => asObject(each?.['metadata'])?.['name'] === 'later');
      return asObject(asArray(asObject(one?.['status'])?.['conditions'])[0]);
    };
    await waitFor('a condition', async () => (await condition())?.['reason'] === 'UpdaterFailed');
    expect((await condition())?.['message']).toBe(`${url()} answered 502: gone fishing`);
    away = false;
    await waitFor('it to be live', () => portOf('later'));
    expect((await condition())?.['reason']).toBe('Live');
  }, 60_000);

  test('cleanup prints its plan, and with -yes leaves nothing of it behind but configs and Secrets', async () => {
    for (const each of running.values()) {
      each.signal('SIGTERM');
      expect(await each.exited).toBe(0);
    }
    const flags = ['-kubeconfig', cluster.kubeconfig];
    const planned = await runMinilb(['external', 'cleanup', ...flags]);
    expect([planned.exitCode, planned.stdout.includes('remove LoadBalancer default/s0')]).toEqual([0, true]);
    expect(Object.keys(updater.backends()).length).toBeGreaterThan(SERVICES);
    away = true;
    const failed = await runMinilb(['external', 'cleanup', '-yes', ...flags]);
    expect([failed.exitCode, failed.stderr.includes('-abandon leaves it there')]).toEqual([1, true]);
    away = false;
    const done = await runMinilb(['external', 'cleanup', '-yes', ...flags]);
    expect([done.exitCode, done.stderr]).toEqual([0, '']);
    expect([await balancers(), updater.backends(), await ingress('s0'), await ingress('mixed')]).toEqual([[], {}, [], []]);
    const configs = asArray((await must(cluster, { path: CONFIGS }))['items']).map((item) => asObject(asObject(item)?.['metadata']));
    expect(configs.map((meta) => [meta?.['name'], meta?.['finalizers']])).toEqual([
      ['main', undefined],
      ['named', undefined],
    ]);
    await deleteService(cluster, 'default', 's0');
    expect((await cluster.request({ path: service('s0') })).status).toBe(404);
  }, 120_000);
});
