import { type Cidr, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, type Meta, toMeta, toStringMap } from './raw.ts';

/** A core/v1 Node, as far as routes need it. */
export interface Node extends Meta {
  /** `spec.podCIDRs`, or `spec.podCIDR` alone where an old API server leaves the list empty. */
  readonly podCidrs: readonly Cidr[];
  /** Addresses of type InternalIP, in the API's order. */
  readonly internalIps: readonly Ip[];
  /** Only annotations whose key begins with `minilb/`. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Projects a core/v1 Node. CIDRs and addresses that do not parse are left out: a kubelet may write anything there, and one odd
 * entry must not cost the others.
 */
export function toNode(raw: unknown): Result<Node, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  const spec = asObject(asObject(raw)?.['spec']);
  const cidrs = asArray(spec?.['podCIDRs']);
  const addresses = asArray(asObject(asObject(raw)?.['status'])?.['addresses']);
  return ok({
    ...meta,
    podCidrs: compact((cidrs.length > 0 ? cidrs : [spec?.['podCIDR']]).map(parseCidr)),
    internalIps: compact(addresses.map(toInternalIp)),
    annotations: toStringMap(asObject(asObject(raw)?.['metadata'])?.['annotations'], (key) => key.startsWith('minilb/')),
  });
}

function toInternalIp(raw: unknown): Ip | undefined {
  const address = asObject(raw);
  return asString(address?.['type']) === 'InternalIP' ? parseIp(address?.['address']) : undefined;
}
