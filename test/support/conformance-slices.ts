import { beforeAll, expect, test } from 'bun:test';
import { asArray, asObject, asString, type RawObject } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { createNamespace, createNode, createPod, createService, deletePod, deleteService, must, setPodReady, slicesOf } from './objects.ts';
import { waitFor } from './wait.ts';

const NAMESPACE = 'slices';

const labelsOf = (object: unknown) => asObject(asObject(asObject(object)?.['metadata'])?.['labels']) ?? {};
const pod = (name: string, app: string, ip: string, change: object = {}) => ({
  namespace: NAMESPACE,
  name,
  app,
  node: 'sn1',
  ips: [ip],
  ...change,
});

/** What the endpoint slice controller makes of Services and Pods. */
export function sliceConformance(api: () => ApiServer): void {
  const slices = (service: string) => slicesOf(api(), NAMESPACE, service);
  const endpoints = async (service: string): Promise<readonly RawObject[]> =>
    (await slices(service)).flatMap((slice) => asArray(slice['endpoints'])).map((endpoint) => asObject(endpoint) ?? {});
  /** `10.0.0.1 ready serving`, sorted. */
  const told = async (service: string) =>
    (await endpoints(service))
      .map((endpoint) => {
        const conditions = asObject(endpoint['conditions']) ?? {};
        const set = ['ready', 'serving', 'terminating'].filter((condition) => conditions[condition] === true);
        return [asArray(endpoint['addresses'])[0], ...set].join(' ');
      })
      .sort();
  const becomes = (service: string, wanted: readonly string[]) =>
    waitFor(`${service}: ${JSON.stringify(wanted)}`, async () => JSON.stringify(await told(service)) === JSON.stringify(wanted));

  beforeAll(async () => {
    await createNamespace(api(), NAMESPACE);
    await createNode(api(), { name: 'sn1', podCidrs: ['10.244.0.0/24'] });
    await createNode(api(), { name: 'sn2', podCidrs: ['10.244.1.0/24'] });
  });

  test('a Service without Pods has one empty slice with its labels and owner', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'empty' });
    await waitFor('the slice', async () => (await slices('empty')).length === 1);
    const [slice] = await slices('empty');
    expect(labelsOf(slice)).toMatchObject({
      'kubernetes.io/service-name': 'empty',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    });
    expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: null, ports: null });
    expect(slice?.['metadata']).toMatchObject({
      generateName: 'empty-',
      ownerReferences: [{ kind: 'Service', name: 'empty', controller: true }],
    });
  });

  test('a Pod is listed when it has an address, ready when it says so, and drains when deleted with grace', async () => {
    const one = pod('one', 'life', '10.244.0.1');
    await createService(api(), { namespace: NAMESPACE, name: 'life' });
    await createPod(api(), one);
    await becomes('life', ['10.244.0.1']);
    await setPodReady(api(), one, true);
    await becomes('life', ['10.244.0.1 ready serving']);
    const [slice] = await slices('life');
    expect(slice?.['ports']).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
    expect((await endpoints('life'))[0]).toMatchObject({ nodeName: 'sn1', targetRef: { kind: 'Pod', name: 'one', namespace: NAMESPACE } });
    await setPodReady(api(), one, false);
    await becomes('life', ['10.244.0.1']);
    await setPodReady(api(), one, true);
    await becomes('life', ['10.244.0.1 ready serving']);
    await deletePod(api(), one, 60);
    await becomes('life', ['10.244.0.1 serving terminating']);
    await deletePod(api(), one, 0);
    await becomes('life', []);
  });

  test('publishNotReadyAddresses makes every endpoint ready', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'all', spec: { publishNotReadyAddresses: true } });
    await createPod(api(), pod('all-1', 'all', '10.244.0.2'));
    await becomes('all', ['10.244.0.2 ready']);
    await deletePod(api(), pod('all-1', 'all', ''), 60);
    await becomes('all', ['10.244.0.2 ready terminating']);
  });

  test('finished Pods, Pods without address and Pods on unknown nodes are not listed', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'odd' });
    const lost = pod('odd-lost', 'odd', '10.244.0.3', { node: 'nowhere' });
    await createPod(api(), lost);
    await setPodReady(api(), lost, true);
    const done = pod('odd-done', 'odd', '10.244.0.4');
    await createPod(api(), done);
    await must(api(), {
      method: 'PATCH',
      path: `/api/v1/namespaces/${NAMESPACE}/pods/odd-done/status`,
      body: { status: { phase: 'Succeeded' } },
    });
    const fine = pod('odd-fine', 'odd', '10.244.0.5');
    await createPod(api(), fine);
    await setPodReady(api(), fine, true);
    await becomes('odd', ['10.244.0.5 ready serving']);
  });

  test('several Pods share a slice; another container port gets its own', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'many' });
    for (const [name, ip, port] of [
      ['many-1', '10.244.0.11', 8080],
      ['many-2', '10.244.0.12', 8080],
      ['many-3', '10.244.0.13', 9090],
    ] as const) {
      await createPod(api(), pod(name, 'many', ip, { port }));
      await setPodReady(api(), pod(name, 'many', ip), true);
    }
    await becomes('many', ['10.244.0.11 ready serving', '10.244.0.12 ready serving', '10.244.0.13 ready serving']);
    await waitFor('two slices', async () => (await slices('many')).length === 2);
    const shapes = (await slices('many')).map(
      (slice) => `${asObject(asArray(slice['ports'])[0])?.['port']}: ${asArray(slice['endpoints']).length}`,
    );
    expect(shapes.sort()).toEqual(['8080: 2', '9090: 1']);
  });

  test('hostname and subdomain of a Pod name its endpoint in a headless Service', async () => {
    await createService(api(), {
      namespace: NAMESPACE,
      name: 'db',
      spec: { type: 'ClusterIP', loadBalancerClass: undefined, allocateLoadBalancerNodePorts: undefined, clusterIP: 'None' },
    });
    await createPod(api(), pod('db-0', 'db', '10.244.0.21', { hostname: 'db-0', subdomain: 'db' }));
    await setPodReady(api(), pod('db-0', 'db', '10.244.0.21'), true);
    await becomes('db', ['10.244.0.21 ready serving']);
    expect(asString((await endpoints('db'))[0]?.['hostname'])).toBe('db-0');
    expect(labelsOf((await slices('db'))[0])['service.kubernetes.io/headless']).toBe('');
  });

  test('a dual-stack Service has slices of both families', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'dual', spec: { ipFamilyPolicy: 'RequireDualStack' } });
    const both = pod('dual-1', 'dual', '', { ips: ['10.244.0.31', 'fd00:244::31'] });
    await createPod(api(), both);
    await setPodReady(api(), both, true);
    await becomes('dual', ['10.244.0.31 ready serving', 'fd00:244::31 ready serving']);
    expect((await slices('dual')).map((slice) => slice['addressType']).sort()).toEqual(['IPv4', 'IPv6']);
  });

  test('a changed selector changes the endpoints', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'switch', app: 'many' });
    await becomes('switch', ['10.244.0.11 ready serving', '10.244.0.12 ready serving', '10.244.0.13 ready serving']);
    const path = `/api/v1/namespaces/${NAMESPACE}/services/switch`;
    await must(api(), { method: 'PATCH', path, body: { spec: { selector: { app: 'dual' } } } });
    await becomes('switch', ['10.244.0.31 ready serving']);
  });

  test('a Service without selector gets none; a deleted one leaves none', async () => {
    await createService(api(), { namespace: NAMESPACE, name: 'manual', app: '' });
    await deleteService(api(), NAMESPACE, 'switch');
    await waitFor('no slices', async () => (await slices('switch')).length === 0);
    expect(await slices('manual')).toEqual([]);
  });
}
