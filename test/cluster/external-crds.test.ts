import { afterAll, beforeAll, expect, test } from 'bun:test';
import { toLoadBalancer } from '../../src/core/object/load-balancer.ts';
import { toLoadBalancerConfig } from '../../src/core/object/load-balancer-config.ts';
import { asObject, type RawObject } from '../../src/core/object/raw.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { applyCrds, externalCrds } from '../support/crd-kind.ts';
import { BALANCERS, CONFIGS, externalKindRows } from '../support/external-rows.ts';
import { createNamespace, must } from '../support/objects.ts';
import { requires } from '../support/require.ts';

const suite = await requires('cluster', clusterMissing);

/** The schemas of the original: nothing is required, and its first release had no configName. */
function looseCrds(): readonly RawObject[] {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return externalCrds().map((crd) => {
    const spec = asObject(crd['spec']) ?? {};
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } };
    const versions = [{ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} }, schema }];
    return { ...crd, spec: { ...spec, versions } };
  });
}

suite('the CRDs of minilb external on a real API server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
  }, 300_000);
  afterAll(() => cluster?.stop(), 60_000);

  const object = (kind: string, name: string, namespace: string, spec: object) => ({
    apiVersion: 'lb.paperlb.com/v1alpha1',
    kind,
    metadata: { name, namespace, finalizers: ['lb.paperlb.com/lb-finalizer'] },
    spec,
  });

  test('objects stored before, whatever they hold, are read, take a status, and go', async () => {
    await applyCrds(cluster, looseCrds());
    await createNamespace(cluster, 'old');
    const configs = CONFIGS.replace('paperlb-system', 'old');
    const balancers = BALANCERS.replace('default', 'old');
    await must(cluster, { method: 'POST', path: configs, body: object('LoadBalancerConfig', 'half', 'old', { host: 'LB.Example' }) });
    const first = { host: '192.168.64.1', port: 8100, protocol: 'TCP', httpUpdater: { url: 'http://192.168.64.1:3000/api/v1/lb' } };
    await must(cluster, { method: 'POST', path: balancers, body: object('LoadBalancer', 'first', 'old', first) });
    await applyCrds(cluster, externalCrds());

    const config = toLoadBalancerConfig(await must(cluster, { path: `${configs}/half` }));
    expect(config.ok && config.value.fault).toBe('spec.httpUpdaterURL is missing');
    const balancer = toLoadBalancer(await must(cluster, { path: `${balancers}/first` }));
    expect(balancer.ok && [balancer.value.port, balancer.value.configName, balancer.value.phase]).toEqual([8100, '', 'PENDING']);
    const patch = (path: string, body: object) => must(cluster, { method: 'PATCH', path, body });
    await patch(`${balancers}/first/status`, { status: { phase: 'READY', targetCount: 2 } });
    await patch(`${configs}/half/status`, { status: { updaters: [{ url: 'http://192.168.64.1:3000/api/v1/lb' }] } });
    for (const path of [`${balancers}/first`, `${configs}/half`]) {
      await must(cluster, { method: 'DELETE', path });
      await patch(path, { metadata: { finalizers: null } });
      expect((await cluster.request({ path })).status).toBe(404);
    }
  }, 60_000);

  externalKindRows(() => cluster);

  test('kubectl get shows the original’s columns', async () => {
    const spec = {
      configName: 'c',
      host: '192.168.64.1',
      httpUpdater: { url: 'http://192.168.64.1:3000/api/v1/lb' },
      port: 8100,
      protocol: 'TCP',
      targets: [{ host: '192.168.64.5', port: 30291 }],
    };
    await must(cluster, { method: 'POST', path: BALANCERS, body: { ...object('LoadBalancer', 'web', 'default', spec) } });
    await must(cluster, { method: 'PATCH', path: `${BALANCERS}/web/status`, body: { status: { phase: 'READY', targetCount: 1 } } });
    const [header, row] = (await cluster.kubectl(['get', 'loadbalancer', 'web'])).split('\n');
    expect(header?.split(/\s+/)).toEqual(['NAME', 'HOST', 'PORT', 'PROTOCOL', 'TARGETCOUNT', 'STATUS']);
    expect(row?.split(/\s+/)).toEqual(['web', '192.168.64.1', '8100', 'TCP', '1', 'READY']);
  });
});
