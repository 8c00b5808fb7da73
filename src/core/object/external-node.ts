import { type Ip, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, type Meta, toMeta } from './raw.ts';
import type { Resource } from './resources.ts';
import { conditionsOf, isExcluded, taintsOf } from './route-node.ts';

/** A core/v1 Node as by proxy needs it: may traffic be sent to it, and where. Cordoning (`spec.unschedulable`) plays no part. */
export interface ExternalNode extends Meta {
  /** Condition Ready is True. */
  readonly ready: boolean;
  /** Has the label `node.kubernetes.io/exclude-from-external-load-balancers`, or the cluster autoscaler is about to delete it. */
  readonly excluded: boolean;
  readonly addresses: readonly { readonly type: string; readonly ip: Ip }[];
}

const DELETION_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** Projects a core/v1 Node for by proxy. */
export function toExternalNode(raw: unknown): Result<ExternalNode, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  const object = asObject(raw);
  return ok({
    ...meta,
    ready: conditionsOf(object).get('Ready') === 'True',
    excluded: isExcluded(object) || taintsOf(object).includes(DELETION_TAINT),
    addresses: compact(asArray(asObject(object?.['status'])?.['addresses']).map(toAddress)),
  });
}

/** The collection as by proxy reads it. */
export const EXTERNAL_NODES: Resource<ExternalNode> = { apiVersion: 'v1', kind: 'Node', path: '/api/v1/nodes', project: toExternalNode };

function toAddress(raw: unknown): ExternalNode['addresses'][number] | undefined {
  const ip = parseIp(asObject(raw)?.['address']);
  return ip && { type: asString(asObject(raw)?.['type']) ?? '', ip };
}
