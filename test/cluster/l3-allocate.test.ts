import { afterAll, beforeAll, expect, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { createService, deleteService, must } from '../support/objects.ts';
import { seededRandom } from '../support/random.ts';
import { requires } from '../support/require.ts';
import { pause, waitFor } from '../support/wait.ts';

const suite = await requires('cluster', clusterMissing);
const SERVICES = 1500;
const KILLS = 6;

suite('two allocators at once on a real API server', () => {
  let cluster: Cluster;
  const running = new Map<string, Minilb>();
  const flags = () => ['-kubeconfig', cluster.kubeconfig, '-prefix', '10.0.96.0/21'];
  const start = (name: string) => running.set(name, startMinilb(['l3', '-allocate', '-health', '127.0.0.1:0', ...flags()]));
  const spec = (over: object = {}) => ({ loadBalancerClass: 'minilb-l3', ...over });

  /** Addresses by Service, from the statuses. */
  const given = async (): Promise<ReadonlyMap<string, string>> => {
    const list = await must(cluster, { path: '/api/v1/services' });
    const pairs = asArray(list['items']).flatMap((item) => {
      const ingress = asArray(asObject(asObject(asObject(item)?.['status'])?.['loadBalancer'])?.['ingress']);
      const ip = asString(asObject(ingress[0])?.['ip']);
      return ip ? [[asString(asObject(asObject(item)?.['metadata'])?.['name']) ?? '', ip] as const] : [];
    });
    return new Map(pairs);
  };

  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
  }, 300_000);
  afterAll(async () => {
    for (const each of running.values()) await each.kill();
    await cluster?.stop();
  }, 60_000);

  test('thousands of Services, random kills: every one gets an address, none is held twice, nothing moves', async () => {
    start('a');
    start('b');
    const random = seededRandom(12);
    const create = async (from: number, to: number) => {
      for (let i = from; i < to; i += 20) {
        const batch = Array.from({ length: Math.min(20, to - i) }, (_, n) => i + n);
        // Every tenth asks for an address, some of them for the same one.
        const request = (n: number) => (n % 10 === 0 ? { loadBalancerIP: `10.0.103.${(n / 10) % 120}` } : {});
        await Promise.all(
          batch.map((n) => createService(cluster, { namespace: 'default', name: `s${n}`, app: '', spec: spec(request(n)) })),
        );
      }
    };
    const first = new Map<string, string>();
    for (let round = 0; round < KILLS; round++) {
      await create((SERVICES / KILLS) * round, (SERVICES / KILLS) * (round + 1));
      for (const [name, ip] of await given()) first.set(name, first.get(name) ?? ip);
      const victim = random() < 0.5 ? 'a' : 'b';
      await running.get(victim)?.kill();
      start(victim);
    }
    const contested = SERVICES / 10 - 120;
    await waitFor('all to have an address', async () => (await given()).size === SERVICES - contested, 90_000, 500);
    const held = await given();
    expect(new Set(held.values()).size).toBe(held.size);
    for (const [name, ip] of first) expect(`${name} ${held.get(name)}`).toBe(`${name} ${ip}`);
  }, 240_000);

  test('a duplicate made behind the allocators’ backs is given up by the younger', async () => {
    const held = await given();
    const ip = held.get('s1') ?? '';
    const stranger = createService(cluster, { namespace: 'default', name: 'young', app: '', spec: spec() });
    await stranger;
    await waitFor('its address', async () => (await given()).get('young'));
    await must(cluster, {
      method: 'PATCH',
      path: '/api/v1/namespaces/default/services/young/status',
      body: { status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } },
    });
    await waitFor('the younger to have another', async () => ![undefined, ip].includes((await given()).get('young')));
    expect((await given()).get('s1')).toBe(ip);
  }, 60_000);

  test('a deleted Service’s address rests; the Service itself gets it back', async () => {
    const before = (await given()).get('s2') ?? '';
    await deleteService(cluster, 'default', 's2');
    await pause(300);
    await createService(cluster, { namespace: 'default', name: 'other', app: '', spec: spec() });
    await waitFor('another’s address', async () => (await given()).get('other'));
    expect((await given()).get('other')).not.toBe(before);
    await createService(cluster, { namespace: 'default', name: 's2', app: '', spec: spec() });
    await waitFor('its address', async () => (await given()).get('s2'));
    expect((await given()).get('s2')).toBe(before);
  }, 60_000);

  test('status -o annotations, run before a restore, brings every Service back to its address', async () => {
    const before = await given();
    const printed = await runMinilb(['l3', 'status', '-o', 'annotations', ...flags()]);
    expect(printed.stdout.trim().split('\n')).toHaveLength(before.size);
    expect(printed.stdout).toContain(`kubectl annotate service --overwrite -n default s1 minilb/address=${before.get('s1')}\n`);
    for (const each of running.values()) await each.kill();
    const cleared = await runMinilb(['l3', '-allocate', 'cleanup', '-yes', ...flags()]);
    expect(cleared.stdout).toContain(`${before.size} of ${before.size} done.`);
    const pinned = ['s1', 's3', 's7'];
    for (const name of pinned) {
      const body = { metadata: { annotations: { 'minilb/address': before.get(name) } } };
      await must(cluster, { method: 'PATCH', path: `/api/v1/namespaces/default/services/${name}`, body });
    }
    start('a');
    await waitFor('all addresses again', async () => (await given()).size >= before.size, 60_000, 500);
    const after = await given();
    for (const name of pinned) expect(after.get(name)).toBe(before.get(name) ?? '');
    expect(new Set(after.values()).size).toBe(after.size);
  }, 120_000);
});
