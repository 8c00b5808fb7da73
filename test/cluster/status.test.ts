import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import { type Service, toService } from '../../src/core/object/service.ts';
import { type DnsName, parseDnsName } from '../../src/core/value/dns-name.ts';
import { cleanupStatus } from '../../src/roles/cleanup-status.ts';
import { createStatusController, type StatusOutcome } from '../../src/roles/dns/status-controller.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { createMemoryLog } from '../support/log.ts';
import { createNamespace, createService, deleteService, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';
import { createTestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);

function domain(text: string): DnsName {
  const parsed = parseDnsName(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

suite('the status of Services on a real API server', () => {
  let cluster: Cluster;
  let stop = new AbortController();
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false, audit: 'Request' });
  }, 300_000);
  afterEach(() => {
    stop.abort();
    stop = new AbortController();
  });
  afterAll(() => cluster?.stop(), 60_000);

  const path = (name: string, namespace = 'default') => `/api/v1/namespaces/${namespace}/services/${name}`;
  const get = async (name: string, namespace = 'default'): Promise<Service> => {
    const parsed = toService(await must(cluster, { path: path(name, namespace) }));
    if (!parsed.ok) throw new Error(parsed.detail);
    return parsed.value;
  };
  const ingress = async (name: string) => (await get(name)).ingress.map((point) => point.hostname ?? point.ip);
  const writesOf = (name: string) =>
    cluster.auditEvents().filter((event) => event.verb === 'patch' && event.uri.startsWith(`${path(name)}/`));

  /** A replica whose store holds `seen`. */
  const replica = (seen: Service, zone = 'minilb') => {
    const outcomes: StatusOutcome[] = [];
    const controller = createStatusController(
      {
        client: createTestClient(cluster.server, { ca: cluster.ca, token: cluster.tokens.admin }),
        service: (key) => (key === `${seen.namespace}/${seen.name}` ? seen : undefined),
        clock: systemClock,
        random: Math.random,
        log: createMemoryLog(),
        loadBalancerClass: 'minilb',
        domain: domain(zone),
        notice: () => {},
        observer: (outcome) => outcomes.push(outcome),
      },
      stop.signal,
    );
    return { outcomes, changed: () => controller.changed(`${seen.namespace}/${seen.name}`), idle: () => controller.size() === 0 };
  };

  test('two replicas write it once, and the body is resourceVersion and status alone', async () => {
    await createService(cluster, { namespace: 'default', name: 'web' });
    const seen = await get('web');
    const replicas = [replica(seen), replica(seen)];
    for (const { changed } of replicas) changed();
    await waitFor('both to be done', () => replicas.every(({ outcomes, idle }) => outcomes.length > 0 && idle()));
    expect(replicas.flatMap(({ outcomes }) => outcomes).sort()).toEqual(['conflict', 'written']);
    expect(await ingress('web')).toEqual(['web.default.minilb']);
    await waitFor('the audit log', () => writesOf('web').length === 2);
    expect(writesOf('web').filter((event) => event.code === 200)).toHaveLength(1);
    expect(writesOf('web')[0]?.requestObject).toEqual({
      metadata: { resourceVersion: seen.resourceVersion },
      status: { loadBalancer: { ingress: [{ hostname: 'web.default.minilb' }] } },
    });
  }, 60_000);

  test('a changed -domain rewrites, and a second look writes nothing', async () => {
    const first = replica(await get('web'), 'k8s.example.com');
    first.changed();
    await waitFor('the write', () => first.outcomes.length === 1);
    expect(await ingress('web')).toEqual(['web.default.k8s.example.com']);
    const second = replica(await get('web'), 'k8s.example.com');
    second.changed();
    await waitFor('nothing more', second.idle);
    expect(second.outcomes).toEqual([]);
  }, 60_000);

  test('the longest name that -domain allows is a valid hostname (RFC 1123, 253 characters)', async () => {
    const namespace = 'n'.repeat(63);
    const name = 's'.repeat(63);
    await createNamespace(cluster, namespace);
    await createService(cluster, { namespace, name });
    const { changed, outcomes } = replica(await get(name, namespace), `${'a'.repeat(61)}.${'b'.repeat(63)}`);
    changed();
    await waitFor('the write', () => outcomes.length === 1);
    expect(outcomes).toEqual(['written']);
    expect((await get(name, namespace)).ingress[0]?.hostname).toHaveLength(253);
  }, 60_000);

  test('another type: the API server clears the status itself, and minilb writes nothing', async () => {
    await createService(cluster, { namespace: 'default', name: 'typed' });
    const before = await get('typed');
    const { changed, outcomes } = replica(before);
    changed();
    await waitFor('the write', () => outcomes.length === 1);
    await must(cluster, { method: 'PATCH', path: path('typed'), body: { spec: { type: 'ClusterIP', loadBalancerClass: null } } });
    const after = await get('typed');
    expect([after.ingress, after.loadBalancerClass]).toEqual([[], '']);
    const late = replica(before);
    late.changed();
    await waitFor('the late one', () => late.outcomes.length > 0 && late.idle());
    expect([late.outcomes, await ingress('typed')]).toEqual([['conflict'], []]);
  }, 60_000);

  test('a Service that is gone is dropped; one that came back under its name is written', async () => {
    await createService(cluster, { namespace: 'default', name: 'gone' });
    const seen = await get('gone');
    await deleteService(cluster, 'default', 'gone');
    const first = replica(seen);
    first.changed();
    await waitFor('the outcome', () => first.outcomes.length === 1);
    expect(first.outcomes).toEqual(['gone']);
    await createService(cluster, { namespace: 'default', name: 'gone' });
    const second = replica(seen);
    second.changed();
    await waitFor('the write', () => second.outcomes.includes('written'));
    expect(await ingress('gone')).toEqual(['gone.default.minilb']);
  }, 60_000);

  test('cleanup clears what equals our value and nothing else, and only with -yes', async () => {
    await createService(cluster, { namespace: 'default', name: 'foreign' });
    const body = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } };
    await must(cluster, { method: 'PATCH', path: `${path('foreign')}/status`, body });
    const cleanup = async (yes: boolean) => {
      const out: string[] = [];
      const code = await cleanupStatus(
        createTestClient(cluster.server, { ca: cluster.ca, token: cluster.tokens.admin }),
        { loadBalancerClass: 'minilb', domain: domain('minilb'), yes },
        { stdout: (text) => out.push(text), stderr: (text) => out.push(text), log: createMemoryLog(), signal: stop.signal },
      );
      return { code, out: out.join('') };
    };
    expect((await cleanup(false)).out).toContain('clear  default/gone: gone.default.minilb\n1 to clear.');
    expect(await ingress('gone')).toEqual(['gone.default.minilb']);
    expect(await cleanup(true)).toMatchObject({ code: 0, out: expect.stringContaining('1 of 1 done') });
    expect([await ingress('gone'), await ingress('foreign')]).toEqual([[], ['192.0.2.1']]);
    const list = await must(cluster, { path: '/api/v1/namespaces/default/services/gone' });
    expect(asArray(asObject(asObject(list['status'])?.['loadBalancer'])?.['ingress'])).toEqual([]);
    expect((await cleanup(true)).out).toContain('Nothing to clear.');
  }, 60_000);
});
