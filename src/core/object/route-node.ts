import { type Cidr, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, type Meta, type RawObject, toMeta } from './raw.ts';
import type { Resource } from './resources.ts';

/** A core/v1 Node as by route needs it: may it announce, and which addresses are its own. */
export interface RouteNode extends Meta {
  readonly podCidrs: readonly Cidr[];
  /** All of `status.addresses` that are addresses. */
  readonly addresses: readonly Ip[];
  /** The label `node.kubernetes.io/exclude-from-external-load-balancers` is there, with any value. */
  readonly excluded: boolean;
  /** Condition NetworkUnavailable is True. */
  readonly networkUnavailable: boolean;
  /** Condition Ready is True; one without the condition counts as ready. */
  readonly ready: boolean;
  /** Keys of `spec.taints`. */
  readonly taints: readonly string[];
}

const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Projects a core/v1 Node for by route. What does not parse is left out: a kubelet may write anything into its own Node. */
export function toRouteNode(raw: unknown): Result<RouteNode, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  const object = asObject(raw);
  const spec = asObject(object?.['spec']);
  const status = asObject(object?.['status']);
  const conditions = conditionsOf(object);
  return ok({
    ...meta,
    podCidrs: compact([...asArray(spec?.['podCIDRs']), spec?.['podCIDR']].map(parseCidr)),
    addresses: compact(asArray(status?.['addresses']).map((one) => parseIp(asObject(one)?.['address']))),
    excluded: isExcluded(object),
    networkUnavailable: conditions.get('NetworkUnavailable') === 'True',
    ready: (conditions.get('Ready') ?? 'True') === 'True',
    taints: taintsOf(object),
  });
}

/** `status.conditions`: type → status. */
export function conditionsOf(object: RawObject | undefined): ReadonlyMap<string | undefined, string | undefined> {
  const conditions = asArray(asObject(object?.['status'])?.['conditions']).map(asObject);
  return new Map(conditions.map((one) => [asString(one?.['type']), asString(one?.['status'])]));
}

/** Whether a Node bears the label that keeps it out of load balancers; any value counts. */
export function isExcluded(object: RawObject | undefined): boolean {
  return asObject(asObject(object?.['metadata'])?.['labels'])?.[EXCLUDE_LABEL] !== undefined;
}

/** Keys of `spec.taints`. */
export function taintsOf(object: RawObject | undefined): readonly string[] {
  return compact(asArray(asObject(object?.['spec'])?.['taints']).map((taint) => asString(asObject(taint)?.['key'])));
}

/** The collection as by route reads it. */
export const ROUTE_NODES: Resource<RouteNode> = { apiVersion: 'v1', kind: 'Node', path: '/api/v1/nodes', project: toRouteNode };
