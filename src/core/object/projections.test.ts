import { describe, expect, test } from 'bun:test';
import { toEndpointSlice } from './endpoint-slice.ts';
import { toNode } from './node.ts';
import { toService } from './service.ts';

const meta = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };
const slice = (over: object) => ({
  metadata: { ...meta, labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [],
  ports: [],
  ...over,
});

describe('Service', () => {
  test('keeps what roles use and nothing else', () => {
    const raw = {
      metadata: {
        ...meta,
        annotations: { 'minilb/host': 'a.example', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
        managedFields: [{}],
      },
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: 'minilb',
        clusterIP: '10.96.0.1',
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
      status: { loadBalancer: { ingress: [{ hostname: 'web.default.minilb' }, { ip: '192.0.2.1' }, {}] } },
    };
    expect(toService(raw)).toEqual({
      ok: true,
      value: {
        namespace: 'default',
        name: 'web',
        uid: 'u1',
        resourceVersion: '7',
        created: '2026-01-01T00:00:00Z',
        type: 'LoadBalancer',
        headless: false,
        loadBalancerClass: 'minilb',
        externalName: '',
        ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
        ingress: [{ hostname: 'web.default.minilb' }, { ip: '192.0.2.1' as never }],
        annotations: { 'minilb/host': 'a.example' },
      },
    });
  });

  const malformed: readonly [name: string, raw: unknown, detail: string][] = [
    ['null', null, 'no metadata.name'],
    ['a text', 'Service', 'no metadata.name'],
    ['no namespace', { metadata: { name: 'web' }, spec: {} }, 'metadata.namespace'],
    ['a name that is a number', { metadata: { name: 5, namespace: 'default' }, spec: {} }, 'no metadata.name'],
    ['no spec', { metadata: meta }, 'no spec'],
    ['an unknown type', { metadata: meta, spec: { type: 'Anycast' } }, '"Anycast"'],
  ];
  test.each(malformed)('is malformed with a reason: %s', (_, raw, detail) => {
    const service = toService(raw);
    expect(service.ok ? '' : service.detail).toContain(detail);
  });

  test('requested addresses and source ranges are kept where there are any', () => {
    const spec = { loadBalancerIP: '192.0.2.7', externalIPs: ['x', 'fd00::7'], loadBalancerSourceRanges: ['192.168.1.5/24', ''] };
    const service = toService({ metadata: meta, spec });
    expect(service.ok && service.value.requestedIps?.map(String)).toEqual(['192.0.2.7', 'fd00::7']);
    expect(service.ok && service.value.sourceRanges).toEqual([{ address: '192.168.1.0' as never, bits: 24 }]);
  });

  test('odd ports are left out and do not cost the others', () => {
    const service = toService({
      metadata: meta,
      spec: { ports: [{ port: 0 }, { port: '80' }, null, { port: 81, protocol: 'QUIC' }, { port: 82 }] },
    });
    expect(service.ok && service.value.ports).toEqual([{ name: '', protocol: 'TCP', port: 82 }]);
  });
});

describe('EndpointSlice', () => {
  test('absent conditions take the API defaults: ready, serving, not terminating', () => {
    const parsed = toEndpointSlice(slice({ endpoints: [{ addresses: ['10.244.0.5'] }] }));
    expect(parsed.ok && parsed.value.endpoints).toEqual([
      { address: '10.244.0.5' as never, ready: true, serving: true, terminating: false, nodeName: '', hostname: '' },
    ]);
  });

  test('only the first address of an endpoint has meaning (discovery/v1 Endpoint.addresses)', () => {
    const parsed = toEndpointSlice(slice({ endpoints: [{ addresses: ['10.244.0.5', '10.244.0.6'] }] }));
    expect(parsed.ok && parsed.value.endpoints.map((endpoint) => endpoint.address as string)).toEqual(['10.244.0.5']);
  });

  test('an address of another family or none costs only itself', () => {
    const endpoints = [{ addresses: ['fd00::1'] }, { addresses: [] }, {}, null, { addresses: ['10.244.0.7'] }];
    const parsed = toEndpointSlice(slice({ endpoints }));
    expect(parsed.ok && parsed.value.endpoints.map((endpoint) => endpoint.address as string)).toEqual(['10.244.0.7']);
  });

  const outcomes: readonly [name: string, raw: unknown, code: string][] = [
    ['FQDN slices are ignored', slice({ addressType: 'FQDN' }), 'not-ours'],
    ['a slice without the service label is ignored', { ...slice({}), metadata: meta }, 'not-ours'],
    ['an unknown address type is malformed', slice({ addressType: 'IPX' }), 'malformed'],
    ['no metadata is malformed', { addressType: 'IPv4' }, 'malformed'],
  ];
  test.each(outcomes)('%s', (_, raw, code) => {
    const parsed = toEndpointSlice(raw);
    expect(parsed.ok ? 'ok' : parsed.code).toBe(code);
  });
});

describe('Node', () => {
  const node = (spec: object, status: object = {}) => toNode({ metadata: { ...meta, namespace: undefined, name: 'n1' }, spec, status });

  test('odd CIDRs and addresses cost only themselves: a kubelet may write anything', () => {
    const addresses = [
      { type: 'Hostname', address: 'n1' },
      { type: 'InternalIP', address: '$(reboot)' },
      { type: 'InternalIP', address: '192.168.1.30' },
    ];
    const parsed = node({ podCIDRs: ['10.244.0.0/24', 'x', 5, 'fd00::/64'] }, { addresses });
    expect(parsed.ok && parsed.value.podCidrs).toEqual([
      { address: '10.244.0.0' as never, bits: 24 },
      { address: 'fd00::' as never, bits: 64 },
    ]);
    expect(parsed.ok && parsed.value.internalIps.map(String)).toEqual(['192.168.1.30']);
  });

  test('podCIDR counts where podCIDRs is absent', () => {
    const parsed = node({ podCIDR: '10.244.3.0/24' });
    expect(parsed.ok && parsed.value.podCidrs.length).toBe(1);
  });
});
