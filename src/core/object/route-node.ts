import { type Cidr, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, type Meta, toMeta } from './raw.ts';
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
  const conditions = new Map(
    asArray(status?.['conditions']).map((one) => [asString(asObject(one)?.['type']), asString(asObject(one)?.['status'])]),
  );
  return ok({
    ...meta,
    podCidrs: compact([...asArray(spec?.['podCIDRs']), spec?.['podCIDR']].map(parseCidr)),
    addresses: compact(asArray(status?.['addresses']).map((one) => parseIp(asObject(one)?.['address']))),
    excluded: asObject(asObject(object?.['metadata'])?.['labels'])?.[EXCLUDE_LABEL] !== undefined,
    networkUnavailable: conditions.get('NetworkUnavailable') === 'True',
    ready: (conditions.get('Ready') ?? 'True') === 'True',
    taints: compact(asArray(spec?.['taints']).map((taint) => asString(asObject(taint)?.['key']))),
  });
}

/** The collection as by route reads it. */
export const ROUTE_NODES: Resource<RouteNode> = { apiVersion: 'v1', kind: 'Node', path: '/api/v1/nodes', project: toRouteNode };
