import type { RouteNode } from '../../src/core/object/route-node.ts';
import { type RouteService, toRouteService } from '../../src/core/object/route-service.ts';
import { type Cidr, type Ip, parseCidr } from '../../src/core/value/ip.ts';
import { ip } from './values.ts';

/** Short ways to write what by route reads; everything not named is the API's default for class minilb-l3. */
export interface RouteServiceSpec {
  readonly class?: string;
  readonly status?: readonly string[];
  readonly statusHostname?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly loadBalancerIP?: string;
  readonly externalIPs?: readonly string[];
  readonly families?: readonly ('IPv4' | 'IPv6')[];
  readonly policy?: 'RequireDualStack' | 'PreferDualStack' | 'SingleStack';
  readonly local?: boolean;
  readonly selector?: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly age?: number;
  readonly type?: string;
  readonly deleting?: boolean;
}

/** Projected as the real ones are. `age` 1 is younger than 2. */
export function routeService(key: string, spec: RouteServiceSpec = {}): RouteService {
  const [namespace = '', name = ''] = key.split('/');
  const ingress = (spec.status ?? []).map((each) => ({ ip: each, ipMode: 'VIP' }));
  const raw = {
    metadata: {
      namespace,
      name,
      uid: `uid-${key}`,
      resourceVersion: '7',
      creationTimestamp: `2026-01-01T00:00:${String(59 - (spec.age ?? 30)).padStart(2, '0')}Z`,
      annotations: spec.annotations ?? {},
      ...(spec.deleting && { deletionTimestamp: '2026-02-01T00:00:00Z' }),
    },
    spec: {
      type: spec.type ?? 'LoadBalancer',
      loadBalancerClass: spec.class ?? 'minilb-l3',
      ports: [{ port: spec.port ?? 80 }],
      ipFamilies: spec.families ?? ['IPv4'],
      ipFamilyPolicy: spec.policy ?? 'SingleStack',
      externalTrafficPolicy: spec.local ? 'Local' : 'Cluster',
      selector: spec.selector ?? { app: name },
      ...(spec.loadBalancerIP !== undefined && { loadBalancerIP: spec.loadBalancerIP }),
      ...(spec.externalIPs && { externalIPs: spec.externalIPs }),
    },
    status: { loadBalancer: { ingress: spec.statusHostname ? [{ hostname: spec.statusHostname }] : ingress } },
  };
  const service = toRouteService(raw);
  if (!service.ok) throw new Error(`the test writes a Service that is none: ${service.detail}`);
  return service.value;
}

export function routeNode(name: string, over: Partial<RouteNode> = {}): RouteNode {
  return {
    namespace: '',
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    created: '2026-01-01T00:00:00Z',
    podCidrs: [],
    addresses: [],
    excluded: false,
    networkUnavailable: false,
    ready: true,
    taints: [],
    ...over,
  };
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`the test names a network that is none: ${text}`);
  return parsed;
}

export function ips(...texts: readonly string[]): ReadonlySet<Ip> {
  return new Set(texts.map(ip));
}
