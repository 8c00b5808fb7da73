import type { Endpoint, EndpointSlice } from '../../src/core/object/endpoint-slice.ts';
import type { Service } from '../../src/core/object/service.ts';
import { type Ip, ipFamily, parseIp } from '../../src/core/value/ip.ts';
import type { ClusterView } from '../../src/core/zone/zone.ts';
import { type TestClaims, testClaims } from './claim-values.ts';

/** Short ways to write projected objects in tests; everything not named is the API's default. */
export function service(key: string, over: Partial<Service> = {}): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    namespace,
    name,
    uid: `uid-${key}`,
    resourceVersion: '1',
    created: '2026-01-01T00:00:00Z',
    type: 'ClusterIP',
    headless: false,
    loadBalancerClass: '',
    externalName: '',
    ports: [{ name: '', protocol: 'TCP', port: 80 }],
    ingress: [],
    annotations: {},
    ...over,
  };
}

export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (!parsed) throw new Error(`the test names an address that is none: ${text}`);
  return parsed;
}

export type EndpointState = 'ready' | 'not ready' | 'serving terminating' | 'terminating';

export function endpoint(address: string, state: EndpointState = 'ready', over: Partial<Endpoint> = {}): Endpoint {
  return {
    address: ip(address),
    ready: state === 'ready',
    serving: state === 'ready' || state === 'serving terminating',
    terminating: state === 'serving terminating' || state === 'terminating',
    nodeName: '',
    hostname: '',
    ...over,
  };
}

/** A slice of the Service `serviceKey`; `name` tells several apart. Its family is that of its first endpoint. */
export function slice(serviceKey: string, name: string, endpoints: readonly Endpoint[], over: Partial<EndpointSlice> = {}): EndpointSlice {
  const [namespace = '', serviceName = ''] = serviceKey.split('/');
  const first = endpoints[0];
  return {
    namespace,
    name,
    uid: `uid-${namespace}/${name}`,
    resourceVersion: '1',
    created: '2026-01-01T00:00:00Z',
    serviceName,
    family: first ? ipFamily(first.address) : 4,
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints,
    ...over,
  };
}

/** A cluster that a test may change at will. */
export interface TestCluster extends ClusterView, TestClaims {
  readonly services: Map<string, Service>;
  readonly sliceLists: Map<string, EndpointSlice[]>;
}

export function testCluster(): TestCluster {
  const services = new Map<string, Service>();
  const sliceLists = new Map<string, EndpointSlice[]>();
  return { ...testClaims(services), sliceLists, slices: (key) => sliceLists.get(key) ?? [] };
}
