import { type Cidr, parseCidr } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, compact, type Meta, toMeta } from './raw.ts';
import type { Resource } from './resources.ts';

/** A networking.k8s.io/v1 ServiceCIDR: where ClusterIPs come from. */
export interface ServiceCidr extends Meta {
  readonly cidrs: readonly Cidr[];
}

/** Projects a ServiceCIDR. */
export function toServiceCidr(raw: unknown): Result<ServiceCidr, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  return ok({ ...meta, cidrs: compact(asArray(asObject(asObject(raw)?.['spec'])?.['cidrs']).map(parseCidr)) });
}

/** Served since Kubernetes 1.33. */
export const SERVICE_CIDRS: Resource<ServiceCidr> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  path: '/apis/networking.k8s.io/v1/servicecidrs',
  project: toServiceCidr,
};
