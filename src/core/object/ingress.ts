import { err, ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, isIgnored, type Meta, toMeta } from './raw.ts';
import { type IngressPoint, toIngressPoint } from './service.ts';

/** A networking.k8s.io/v1 Ingress: which hosts it has, and where they lead. */
export interface Ingress extends Meta {
  /** Label `minilb/ignore: "true"`. */
  readonly ignored?: true;
  /** `spec.ingressClassName`, or the annotation `kubernetes.io/ingress.class` that came before it; empty when there is neither. */
  readonly ingressClass: string;
  /** `spec.rules[].host` as written, each once. Rules without a host give no name. */
  readonly hosts: readonly string[];
  /** Every entry of `status.loadBalancer.ingress`. */
  readonly points: readonly IngressPoint[];
}

/** Projects an Ingress; rules and status entries that cannot be read are left out. */
export function toIngress(raw: unknown): Result<Ingress, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const object = asObject(raw);
  const spec = asObject(object?.['spec']);
  if (!spec) return err('malformed', 'no spec');
  const hosts = compact(asArray(spec['rules']).map((rule) => asString(asObject(rule)?.['host'])));
  const annotations = asObject(asObject(object?.['metadata'])?.['annotations']);
  const status = asObject(asObject(object?.['status'])?.['loadBalancer']);
  return ok({
    ...meta,
    ...(isIgnored(raw) && { ignored: true }),
    ingressClass: asString(spec['ingressClassName']) ?? asString(annotations?.['kubernetes.io/ingress.class']) ?? '',
    hosts: [...new Set(hosts)].filter((host) => host !== ''),
    points: compact(asArray(status?.['ingress']).map(toIngressPoint)),
  });
}
