import { type ExternalNode, toExternalNode } from '../../src/core/object/external-node.ts';
import { type ExternalService, toExternalService } from '../../src/core/object/external-service.ts';
import { type LoadBalancer, toLoadBalancer } from '../../src/core/object/load-balancer.ts';
import { type LoadBalancerConfig, toLoadBalancerConfig } from '../../src/core/object/load-balancer-config.ts';
import type { BalancerInputs, BalancerPlan } from '../../src/core/plan/balancers.ts';

/** Objects as the API has them, through the projections of `minilb external`. */

export const CLASS = 'lb.paperlb.com/paperlb-class';
export const UPDATER = 'http://192.168.64.1:3000/api/v1/lb';

function value<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string }): T {
  if (!result.ok) throw new Error(result.detail);
  return result.value;
}

export interface ServiceChanges {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly created?: string;
  readonly annotations?: object;
  readonly spec?: object;
  readonly ingress?: readonly object[];
  readonly deleting?: boolean;
}

/** A Service of PaperLB's class with port 80 at node port 30080. */
export function service(changes: ServiceChanges = {}): ExternalService {
  const { name = 'web', namespace = 'default', annotations = {} } = changes;
  const metadata = {
    name,
    namespace,
    uid: changes.uid ?? `uid-${namespace}-${name}`,
    resourceVersion: '7',
    creationTimestamp: changes.created ?? '2026-01-01T00:00:00Z',
    annotations,
    ...(changes.deleting && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
  };
  const spec = {
    type: 'LoadBalancer',
    loadBalancerClass: CLASS,
    ipFamilies: ['IPv4'],
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    ...changes.spec,
  };
  return value(toExternalService({ metadata, spec, status: { loadBalancer: { ingress: changes.ingress ?? [] } } }));
}

export function config(
  spec: object = {},
  rest: { name?: string; created?: string; deleting?: boolean; status?: object } = {},
): LoadBalancerConfig {
  const metadata = {
    name: rest.name ?? 'main',
    namespace: 'paperlb-system',
    uid: `uid-${rest.name ?? 'main'}`,
    creationTimestamp: rest.created ?? '2026-01-01T00:00:00Z',
    ...(rest.deleting && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
  };
  const filled = { default: true, httpUpdaterURL: UPDATER, host: '192.168.64.1', portRange: { low: 8100, high: 8103 }, ...spec };
  return value(toLoadBalancerConfig({ metadata, spec: filled, status: rest.status }));
}

export interface BalancerChanges {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly created?: string;
  /** Empty: no Service controls it. */
  readonly owner?: string;
  readonly spec?: object;
  readonly status?: object;
  readonly deletedAt?: string;
}

/** What the plan for `service()` under `config()` leads to. */
export function balancer(changes: BalancerChanges = {}): LoadBalancer {
  const { name = 'web', namespace = 'default' } = changes;
  const owner = changes.owner ?? `uid-${namespace}-${name}`;
  const metadata = {
    name,
    namespace,
    uid: changes.uid ?? `lb-${namespace}-${name}`,
    resourceVersion: '9',
    generation: 1,
    creationTimestamp: changes.created ?? '2026-01-01T00:00:01Z',
    finalizers: ['lb.paperlb.com/lb-finalizer'],
    ...(owner !== '' && { ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid: owner, controller: true }] }),
    ...(changes.deletedAt && { deletionTimestamp: changes.deletedAt }),
  };
  const spec = {
    configName: 'main',
    host: '192.168.64.1',
    httpUpdater: { url: UPDATER },
    port: 8100,
    protocol: 'TCP',
    targets: [{ host: '10.0.0.1', port: 30080 }],
    ports: [{ protocol: 'TCP', servicePort: 80, port: 8100, nodePort: 30080 }],
    ...changes.spec,
  };
  return value(toLoadBalancer({ metadata, spec, status: changes.status }));
}

export interface NodeChanges {
  readonly ready?: boolean;
  readonly labels?: object;
  readonly spec?: object;
  readonly addresses?: readonly object[];
}

export function node(name: string, ip: string, changes: NodeChanges = {}): ExternalNode {
  const addresses = changes.addresses ?? [{ type: 'InternalIP', address: ip }];
  const conditions = [{ type: 'Ready', status: (changes.ready ?? true) ? 'True' : 'False' }];
  return value(toExternalNode({ metadata: { name, labels: changes.labels }, spec: changes.spec, status: { addresses, conditions } }));
}

export function inputs(changes: Partial<BalancerInputs> = {}): BalancerInputs {
  return {
    services: [service()],
    balancers: [],
    configs: [config()],
    nodes: [node('a', '10.0.0.1')],
    slicesOf: () => [],
    loadBalancerClass: CLASS,
    classless: true,
    prefixes: [],
    emptySecondsOf: () => 0,
    ...changes,
  };
}

/** One line for a plan: what becomes of the object, and the calls in the order in which they are made. */
export function describePlan(plan: BalancerPlan | undefined): string {
  if (!plan) return 'nothing';
  const removed = plan.removals.map(({ place, updater }) => `${updater ? 'DELETE' : 'give up'} ${place.backendName} ${hostOf(place.url)}`);
  if (plan.kind === 'finish') return ['finish', ...removed, ...(plan.service ? ['clear the status'] : [])].join(', ');
  const object = plan.balancer ? (plan.specDiffers ? 'change' : 'keep') : 'create';
  const backends = plan.backends.map(({ place, call }) => {
    const at = `${place.backendName} ${place.port}/${place.protocol} ${hostOf(place.url)}`;
    return call ? `POST ${at} → ${call.upstreamServers.map(({ host, port }) => `${host}:${port}`).join(' ')}` : `DELETE ${at}`;
  });
  return [object, ...removed, ...backends].join(', ');
}

function hostOf(url: string): string {
  return url === UPDATER ? 'main' : (/^https?:\/\/([^/:]+)/.exec(url)?.[1] ?? url);
}
