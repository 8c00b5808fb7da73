import { err, ok, type Result } from '../value/result.ts';
import { conditionReason, hasCondition } from './condition.ts';
import { GATEWAY_GROUP } from './gateway.ts';
import { asArray, asInteger, asObject, asString, compact, isIgnored, type Meta, toMeta } from './raw.ts';

/** Kinds of routes that have hostnames. */
export const ROUTE_KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** What a route may attach to. */
export type ParentKind = 'Gateway' | 'ListenerSet' | 'XListenerSet';

/** The group that ListenerSet was experimental in, under the name XListenerSet. */
export const EXPERIMENTAL_GROUP = 'gateway.networking.x-k8s.io';

/** One entry of `spec.parentRefs` with what `status.parents` says of it. */
export interface ParentRef {
  readonly kind: ParentKind;
  readonly namespace: string;
  readonly name: string;
  /** Empty: all listeners. */
  readonly sectionName: string;
  /** 0: any. */
  readonly port: number;
  readonly accepted: boolean;
  /** The reason for which it is not accepted, as its controller gives it; absent when accepted or not judged yet. */
  readonly reason?: string;
}

/** An HTTPRoute, GRPCRoute or TLSRoute: the three have the same fields as far as names go. */
export interface Route extends Meta {
  readonly kind: RouteKind;
  /** Label `minilb/ignore: "true"`. */
  readonly ignored?: true;
  /** `spec.hostnames` as written; empty: what the listeners say. */
  readonly hostnames: readonly string[];
  /** Parents that are Gateways or ListenerSets; Services (GAMMA) and other kinds are left out. */
  readonly parents: readonly ParentRef[];
}

/** Returns the projection for one kind; all served versions have the same fields. */
export function toRoute(kind: RouteKind): (raw: unknown) => Result<Route, 'malformed'> {
  return (raw) => {
    const meta = toMeta(raw);
    if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
    const spec = asObject(asObject(raw)?.['spec']);
    if (!spec) return err('malformed', 'no spec');
    const verdicts = toVerdicts(asObject(asObject(raw)?.['status'])?.['parents'], meta.namespace);
    return ok({
      ...meta,
      kind,
      ...(isIgnored(raw) && { ignored: true }),
      hostnames: compact(asArray(spec['hostnames']).map(asString)),
      parents: compact(asArray(spec['parentRefs']).map((ref) => toParent(ref, meta.namespace, verdicts))),
    });
  };
}

interface Verdict {
  readonly accepted: boolean;
  readonly reason: string;
}

type ParentRefFields = Omit<ParentRef, 'accepted' | 'reason'>;

function toParent(raw: unknown, namespace: string, verdicts: ReadonlyMap<string, Verdict>): ParentRef | undefined {
  const ref = toParentRef(raw, namespace);
  if (!ref) return undefined;
  const verdict = verdicts.get(refKey(ref));
  const reason = verdict && !verdict.accepted ? verdict.reason : '';
  return { ...ref, accepted: verdict?.accepted ?? false, ...(reason && { reason }) };
}

/** Several controllers may judge one parent; one that accepts is enough. */
function toVerdicts(raw: unknown, namespace: string): ReadonlyMap<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const entry of asArray(raw).map(asObject)) {
    const ref = toParentRef(entry?.['parentRef'], namespace);
    if (!ref || verdicts.get(refKey(ref))?.accepted) continue;
    const conditions = entry?.['conditions'];
    verdicts.set(refKey(ref), { accepted: hasCondition(conditions, 'Accepted'), reason: conditionReason(conditions, 'Accepted') });
  }
  return verdicts;
}

/** ParentReference: group and kind default to Gateway, the namespace to the route's. */
function toParentRef(raw: unknown, namespace: string): ParentRefFields | undefined {
  const ref = asObject(raw);
  const name = asString(ref?.['name']);
  const kind = toParentKind(asString(ref?.['group']) ?? GATEWAY_GROUP, asString(ref?.['kind']) ?? 'Gateway');
  if (!ref || !name || !kind) return undefined;
  return {
    kind,
    namespace: asString(ref['namespace']) ?? namespace,
    name,
    sectionName: asString(ref['sectionName']) ?? '',
    port: asInteger(ref['port'], 1, 65535) ?? 0,
  };
}

function toParentKind(group: string, kind: string): ParentKind | undefined {
  if (group === GATEWAY_GROUP && (kind === 'Gateway' || kind === 'ListenerSet')) return kind;
  return group === EXPERIMENTAL_GROUP && kind === 'XListenerSet' ? kind : undefined;
}

function refKey(ref: ParentRefFields): string {
  return `${ref.kind} ${ref.namespace}/${ref.name} ${ref.port} ${ref.sectionName}`;
}
