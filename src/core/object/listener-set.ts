import { err, ok, type Result } from '../value/result.ts';
import { hasCondition } from './condition.ts';
import { GATEWAY_GROUP, type Listener, toListeners } from './gateway.ts';
import { asObject, asString, isIgnored, type Meta, toMeta } from './raw.ts';

/** A ListenerSet (gateway.networking.k8s.io), or an XListenerSet of the experimental group it came from: listeners added to a Gateway. */
export interface ListenerSet extends Meta {
  /** Label `minilb/ignore: "true"`. */
  readonly ignored?: true;
  /** `namespace/name` of the Gateway; empty when `spec.parentRef` names something else. */
  readonly gateway: string;
  readonly listeners: readonly Listener[];
  /** Condition Accepted in `status.conditions`. */
  readonly accepted: boolean;
}

export function toListenerSet(raw: unknown): Result<ListenerSet, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const spec = asObject(asObject(raw)?.['spec']);
  if (!spec) return err('malformed', 'no spec');
  const ref = asObject(spec['parentRef']);
  const status = asObject(asObject(raw)?.['status']);
  const name = asString(ref?.['name']);
  const isGateway = (asString(ref?.['group']) ?? GATEWAY_GROUP) === GATEWAY_GROUP && (asString(ref?.['kind']) ?? 'Gateway') === 'Gateway';
  return ok({
    ...meta,
    ...(isIgnored(raw) && { ignored: true }),
    gateway: isGateway && name ? `${asString(ref?.['namespace']) ?? meta.namespace}/${name}` : '',
    listeners: toListeners(spec['listeners'], status?.['listeners']),
    accepted: hasCondition(status?.['conditions'], 'Accepted'),
  });
}
