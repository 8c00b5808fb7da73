import { type Cidr, parseCidr } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, compact, type Meta, toMeta } from './raw.ts';

/** A cilium.io/v2 CiliumNode, which bears its Node's name. */
export interface CiliumNode extends Meta {
  /** `spec.ipam.podCIDRs`: what Cilium's cluster-pool gives pods there, whatever `Node.spec.podCIDRs` says. Empty in other modes. */
  readonly podCidrs: readonly Cidr[];
}

/** Projects a CiliumNode; CIDRs that do not parse are left out. */
export function toCiliumNode(raw: unknown): Result<CiliumNode, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  const ipam = asObject(asObject(asObject(raw)?.['spec'])?.['ipam']);
  return ok({ ...meta, podCidrs: compact(asArray(ipam?.['podCIDRs']).map(parseCidr)) });
}
