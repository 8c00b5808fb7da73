import { err, ok, type Result } from '../value/result.ts';
import { PAPERLB_GROUP } from './load-balancer-config.ts';
import { asArray, asInteger, asObject, asString, compact, type Meta, toMeta } from './raw.ts';
import type { Resource } from './resources.ts';

export type ProxyProtocol = 'TCP' | 'UDP';

/** One port of a Service on the load balancer. Its identity is protocol and servicePort, never its place in a list. */
export interface BalancerPort {
  readonly protocol: ProxyProtocol;
  readonly servicePort: number;
  /** The load balancer's. */
  readonly port: number;
  readonly nodePort: number;
}

/** A backend that is to go from an updater. */
export interface CleanupEntry {
  readonly configName: string;
  readonly url: string;
  readonly backendName: string;
  /** What it held, for messages; 0 and TCP when unknown. */
  readonly port: number;
  readonly protocol: ProxyProtocol;
  /** RFC 3339. */
  readonly since: string;
}

/** A meta/v1 Condition. */
export interface BalancerCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

export interface BalancerTarget {
  readonly host: string;
  readonly port: number;
}

/** A lb.paperlb.com/v1alpha1 LoadBalancer. Anybody with a namespace may write one: nothing in it is believed before it is checked. */
export interface LoadBalancer extends Meta {
  readonly generation: number;
  /** `metadata.deletionTimestamp`; empty when it is not being deleted. */
  readonly deletedAt: string;
  readonly finalizers: readonly string[];
  /** The uid of the Service that controls it; empty when none does. */
  readonly ownerUid: string;
  readonly configName: string;
  readonly url: string;
  /** What the names of its backends begin with; only the config's word makes that true. */
  readonly backendPrefix: string;
  readonly host: string;
  /** Of the first port served; 0 when there is none. */
  readonly port: number;
  readonly protocol: ProxyProtocol;
  readonly targets: readonly BalancerTarget[];
  /** Absent in objects of the original, which served one port. */
  readonly ports?: readonly BalancerPort[];
  readonly phase: 'PENDING' | 'READY';
  readonly targetCount: number;
  readonly observedGeneration: number;
  readonly conditions: readonly BalancerCondition[];
  readonly cleanup: readonly CleanupEntry[];
}

const ENTRIES_MAX = 1000;

/** Projects a LoadBalancer; parts that do not parse are left out. */
export function toLoadBalancer(raw: unknown): Result<LoadBalancer, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const object = asObject(raw);
  const metadata = asObject(object?.['metadata']);
  const spec = asObject(object?.['spec']);
  const status = asObject(object?.['status']);
  const ports = compact(asArray(spec?.['ports']).slice(0, ENTRIES_MAX).map(toPort));
  return ok({
    ...meta,
    generation: asInteger(metadata?.['generation'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    deletedAt: asString(metadata?.['deletionTimestamp']) ?? '',
    finalizers: compact(asArray(metadata?.['finalizers']).map(asString)),
    ownerUid: compact(asArray(metadata?.['ownerReferences']).map(toServiceOwner))[0] ?? '',
    configName: asString(spec?.['configName']) ?? '',
    url: asString(asObject(spec?.['httpUpdater'])?.['url']) ?? '',
    backendPrefix: asString(asObject(spec?.['httpUpdater'])?.['backendPrefix']) ?? '',
    host: asString(spec?.['host']) ?? '',
    port: asInteger(spec?.['port'], 1, 65535) ?? 0,
    protocol: toProxyProtocol(spec?.['protocol']),
    targets: compact(asArray(spec?.['targets']).slice(0, ENTRIES_MAX).map(toTarget)),
    ...(ports.length > 0 && { ports }),
    phase: status?.['phase'] === 'READY' ? 'READY' : 'PENDING',
    targetCount: asInteger(status?.['targetCount'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    observedGeneration: asInteger(status?.['observedGeneration'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    conditions: compact(asArray(status?.['conditions']).map(toCondition)),
    cleanup: compact(asArray(status?.['cleanup']).slice(0, ENTRIES_MAX).map(toCleanup)),
  });
}

export const LOAD_BALANCERS: Resource<LoadBalancer> = {
  apiVersion: PAPERLB_GROUP,
  kind: 'LoadBalancer',
  path: `/apis/${PAPERLB_GROUP}/loadbalancers`,
  project: toLoadBalancer,
};

/** `/apis/…/namespaces/<ns>/loadbalancers/<name>`. */
export function loadBalancerPath({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `/apis/${PAPERLB_GROUP}/namespaces/${namespace}/loadbalancers/${name}`;
}

/** The original writes what the Service says; anything but UDP was served as TCP. */
function toProxyProtocol(raw: unknown): ProxyProtocol {
  return raw === 'UDP' ? 'UDP' : 'TCP';
}

function toServiceOwner(raw: unknown): string | undefined {
  const owner = asObject(raw);
  return owner?.['controller'] === true && owner['kind'] === 'Service' && owner['apiVersion'] === 'v1' ? asString(owner['uid']) : undefined;
}

function toPort(raw: unknown): BalancerPort | undefined {
  const entry = asObject(raw);
  const servicePort = asInteger(entry?.['servicePort'], 1, 65535);
  const port = asInteger(entry?.['port'], 1, 65535);
  const nodePort = asInteger(entry?.['nodePort'], 1, 65535);
  if (servicePort === undefined || port === undefined || nodePort === undefined) return undefined;
  return { protocol: toProxyProtocol(entry?.['protocol']), servicePort, port, nodePort };
}

function toTarget(raw: unknown): BalancerTarget | undefined {
  const host = asString(asObject(raw)?.['host']);
  const port = asInteger(asObject(raw)?.['port'], 1, 65535);
  return host && port !== undefined ? { host, port } : undefined;
}

function toCleanup(raw: unknown): CleanupEntry | undefined {
  const entry = asObject(raw);
  const url = asString(entry?.['url']);
  const backendName = asString(entry?.['backendName']);
  if (!url || !backendName) return undefined;
  return {
    configName: asString(entry?.['configName']) ?? '',
    url,
    backendName,
    port: asInteger(entry?.['port'], 1, 65535) ?? 0,
    protocol: toProxyProtocol(entry?.['protocol']),
    since: asString(entry?.['since']) ?? '',
  };
}

function toCondition(raw: unknown): BalancerCondition | undefined {
  const entry = asObject(raw);
  const type = asString(entry?.['type']);
  const status = entry?.['status'];
  if (!type || (status !== 'True' && status !== 'False' && status !== 'Unknown')) return undefined;
  return {
    type,
    status,
    reason: asString(entry?.['reason']) ?? '',
    message: asString(entry?.['message']) ?? '',
    observedGeneration: asInteger(entry?.['observedGeneration'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    lastTransitionTime: asString(entry?.['lastTransitionTime']) ?? '',
  };
}
