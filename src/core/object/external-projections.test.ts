import { describe, expect, test } from 'bun:test';
import { toExternalNode } from './external-node.ts';
import { toExternalService } from './external-service.ts';
import { toLoadBalancer } from './load-balancer.ts';
import { toLoadBalancerConfig } from './load-balancer-config.ts';

const metadata = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };

function value<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string }): T {
  if (!result.ok) throw new Error(result.detail);
  return result.value;
}

describe('toLoadBalancerConfig', () => {
  const good = { httpUpdaterURL: 'http://192.168.64.1:3000/api/v1/lb', host: '192.168.64.1', portRange: { low: 8100, high: 8200 } };
  const config = (spec: object, rest: object = {}) => value(toLoadBalancerConfig({ metadata, spec: { ...good, ...spec }, ...rest }));

  test('the original’s fields', () => {
    expect(config({ default: true })).toMatchObject({
      isDefault: true,
      host: '192.168.64.1',
      ip: '192.168.64.1',
      low: 8100,
      high: 8200,
      fault: '',
    });
    expect(config({}).updater).toEqual({ url: good.httpUpdaterURL, backendPrefix: '' });
    expect(config({}).nodeAddressTypes).toEqual(['ExternalIP', 'InternalIP']);
  });

  test('a token’s key is token unless it says otherwise; status.updaters is read the same way', () => {
    const refs = { tokenSecretRef: { name: 's' }, tlsSecretRef: { name: 't' }, backendPrefix: 'west.' };
    const expected = { url: good.httpUpdaterURL, backendPrefix: 'west.', tokenSecret: { name: 's', key: 'token' }, tlsSecret: 't' };
    expect(config(refs).updater).toEqual(expected);
    expect(config({}, { status: { updaters: [{ url: good.httpUpdaterURL, ...refs }] } }).used).toEqual([expected]);
  });

  const faults: readonly [name: string, spec: object, fault: string][] = [
    ['no updater', { httpUpdaterURL: undefined }, 'spec.httpUpdaterURL is missing'],
    [
      'a password in the URL',
      { httpUpdaterURL: 'http://a:b@c/' },
      'spec.httpUpdaterURL "http://a:b@c/" is no http or https URL without user and password',
    ],
    [
      'another scheme',
      { httpUpdaterURL: 'file:///x' },
      'spec.httpUpdaterURL "file:///x" is no http or https URL without user and password',
    ],
    ['no host', { host: '' }, 'spec.host is missing'],
    ['a host in capitals', { host: 'LB.example' }, 'spec.host "LB.example" is neither an address nor a lower-case DNS name'],
    [
      'a host that the C library takes for an address',
      { host: '127.1' },
      'spec.host "127.1" is neither an address nor a lower-case DNS name',
    ],
    ['half a range', { portRange: { low: 1 } }, 'spec.portRange needs low and high from 1 to 65535'],
    ['a range upside down', { portRange: { low: 2, high: 1 } }, 'spec.portRange.low 2 is greater than high 1'],
    ['an odd prefix', { backendPrefix: '../' }, 'spec.backendPrefix is not 1–32 letters, digits, _, . or -'],
    ['a host by name', { host: 'lb.example.com' }, ''],
    ['a host with an IPv6 address', { host: 'fd00::1' }, ''],
  ];
  test.each(faults)('objects from before the schema: %s', (_, spec, fault) => {
    expect(config(spec).fault).toBe(fault);
  });

  test('whatever the API sends, nothing throws', () => {
    for (const raw of [undefined, null, 7, [], {}, { metadata: { name: 'x' } }]) expect(toLoadBalancerConfig(raw).ok).toBe(false);
    for (const raw of [undefined, null, 7, [], 'x']) {
      const odd = { metadata, spec: { portRange: raw, tokenSecretRef: raw, allowedNamespaces: raw, nodeAddressTypes: raw }, status: raw };
      expect(value(toLoadBalancerConfig(odd)).fault).not.toBe('');
    }
  });
});

describe('toLoadBalancer', () => {
  const owner = { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 's1', controller: true };
  const spec = {
    configName: 'c',
    host: '192.168.64.1',
    httpUpdater: { url: 'http://192.168.64.1:3000/api/v1/lb' },
    port: 8100,
    protocol: 'TCP',
    targets: [{ host: '192.168.64.5', port: 30291 }],
  };

  test('as the original wrote it: one port, no list of ports', () => {
    const balancer = value(
      toLoadBalancer({
        metadata: { ...metadata, generation: 2, ownerReferences: [owner] },
        spec,
        status: { phase: 'READY', targetCount: 1 },
      }),
    );
    expect(balancer).toMatchObject({
      ownerUid: 's1',
      configName: 'c',
      port: 8100,
      protocol: 'TCP',
      phase: 'READY',
      targetCount: 1,
      generation: 2,
    });
    expect(balancer.ports).toBeUndefined();
    expect(balancer.cleanup).toEqual([]);
  });

  test('only a Service that controls it owns it', () => {
    const ownerOf = (...owners: readonly object[]) =>
      value(toLoadBalancer({ metadata: { ...metadata, ownerReferences: owners }, spec })).ownerUid;
    expect(ownerOf()).toBe('');
    expect(ownerOf({ ...owner, controller: false })).toBe('');
    expect(ownerOf({ ...owner, kind: 'Pod' })).toBe('');
    expect(ownerOf({ ...owner, apiVersion: 'serving.example/v1' })).toBe('');
    expect(ownerOf({ ...owner, kind: 'Pod' }, owner)).toBe('s1');
  });

  test('entries that do not parse are left out', () => {
    const odd = [null, 7, 'x', [], {}, { port: 0 }];
    const status = { cleanup: odd, conditions: odd, phase: 'BROKEN' };
    const balancer = value(toLoadBalancer({ metadata, spec: { ...spec, port: 70_000, targets: odd, ports: odd }, status }));
    expect(balancer).toMatchObject({ port: 0, targets: [], phase: 'PENDING', cleanup: [], conditions: [] });
    expect(balancer.ports).toBeUndefined();
    for (const raw of [undefined, null, {}, { metadata: { name: 'x' } }]) expect(toLoadBalancer(raw).ok).toBe(false);
  });
});

describe('toExternalService', () => {
  test('node ports, policy, families, affinity, annotations and the status as it stands', () => {
    const annotations = { 'lb.paperlb.com/config-name': ' edge ', 'minilb/proxy-protocol': 'true', other: 'x' };
    const service = value(
      toExternalService({
        metadata: { ...metadata, annotations },
        spec: {
          type: 'LoadBalancer',
          ports: [
            { name: 'a', port: 80, nodePort: 30080 },
            { name: 'b', port: 9, protocol: 'SCTP' },
          ],
          externalTrafficPolicy: 'Local',
          healthCheckNodePort: 31000,
          sessionAffinity: 'ClientIP',
          ipFamilies: ['IPv6', 'IPv4'],
          loadBalancerSourceRanges: ['10.1.2.3/8'],
        },
        status: { loadBalancer: { ingress: [{ ip: '192.168.64.1', ports: [{ port: 8100, protocol: 'TCP' }] }] } },
      }),
    );
    expect(service).toMatchObject({
      localPolicy: true,
      healthCheckNodePort: 31000,
      sticky: true,
      families: [6, 4],
      configName: 'edge',
      ranges: ['10.0.0.0/8'],
    });
    expect(service.nodePorts).toEqual([
      { index: 0, protocol: 'TCP', port: 80, nodePort: 30080 },
      { index: 1, protocol: 'SCTP', port: 9, nodePort: 0 },
    ]);
    expect(service.status).toEqual([{ ip: '192.168.64.1', hostname: '', ipMode: '', ports: [{ port: 8100, protocol: 'TCP', error: '' }] }]);
    expect(service.annotations).toEqual({ 'minilb/proxy-protocol': 'true' });
  });
});

describe('toExternalNode', () => {
  const node = (changes: { labels?: object; spec?: object; conditions?: unknown; addresses?: unknown }) =>
    value(
      toExternalNode({
        metadata: { name: 'a', labels: changes.labels },
        spec: changes.spec,
        status: { conditions: changes.conditions, addresses: changes.addresses },
      }),
    );
  const ready = [{ type: 'Ready', status: 'True' }];

  test('Ready is the condition; without it a Node is not', () => {
    expect(node({ conditions: ready }).ready).toBe(true);
    expect(node({ conditions: [{ type: 'Ready', status: 'Unknown' }] }).ready).toBe(false);
    expect(node({}).ready).toBe(false);
  });

  test('excluded by label or by the autoscaler’s taint; a cordon changes nothing', () => {
    expect(node({ labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } }).excluded).toBe(true);
    expect(node({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } }).excluded).toBe(true);
    expect(node({ spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable' }] } }).excluded).toBe(false);
  });

  test('addresses keep their type; what is no address is left out', () => {
    const addresses = [
      { type: 'Hostname', address: 'a' },
      { type: 'InternalIP', address: '10.0.0.1' },
      null,
      { type: 'ExternalIP', address: 'fd00::1' },
    ];
    expect(node({ addresses }).addresses).toMatchObject([
      { type: 'InternalIP', ip: '10.0.0.1' },
      { type: 'ExternalIP', ip: 'fd00::1' },
    ]);
  });
});
