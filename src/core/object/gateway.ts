import { parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { conditionReason, isDenied } from './condition.ts';
import { type LabelSelector, toLabelSelector } from './label-selector.ts';
import { asArray, asInteger, asObject, asString, compact, isIgnored, type Meta, toMeta } from './raw.ts';
import type { IngressPoint } from './service.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** Which namespaces may attach something: gateway.networking.k8s.io/v1 RouteNamespaces and ListenerNamespaces. */
export type NamespaceRule =
  | { readonly from: 'All' | 'Same' | 'None' }
  /** An absent or malformed selector selects nothing. */
  | { readonly from: 'Selector'; readonly selector: LabelSelector | undefined };

/** One listener of a Gateway or ListenerSet. */
export interface Listener {
  readonly name: string;
  /** As written; empty: any. */
  readonly hostname: string;
  readonly port: number;
  readonly protocol: string;
  /** Route kinds of the Gateway API in `allowedRoutes.kinds`; absent: those that suit the protocol. */
  readonly kinds?: readonly string[];
  readonly namespaces: NamespaceRule;
  /** Why its controller has not accepted it; absent while nobody has said so. Names stay: the route's own verdict decides about these. */
  readonly refusal?: string;
}

/** A gateway.networking.k8s.io Gateway. */
export interface Gateway extends Meta {
  /** Label `minilb/ignore: "true"`. */
  readonly ignored?: true;
  readonly gatewayClass: string;
  readonly listeners: readonly Listener[];
  /** Which namespaces' ListenerSets it takes: `spec.allowedListeners`, None when absent. */
  readonly listenerSets: NamespaceRule;
  /** `status.addresses` of type IPAddress (the default) and Hostname. */
  readonly points: readonly IngressPoint[];
}

/** Projects a Gateway of any served version; listeners and addresses that cannot be read are left out. */
export function toGateway(raw: unknown): Result<Gateway, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const spec = asObject(asObject(raw)?.['spec']);
  if (!spec) return err('malformed', 'no spec');
  const allowed = asObject(spec['allowedListeners']);
  const status = asObject(asObject(raw)?.['status']);
  return ok({
    ...meta,
    ...(isIgnored(raw) && { ignored: true }),
    gatewayClass: asString(spec['gatewayClassName']) ?? '',
    listeners: toListeners(spec['listeners'], status?.['listeners']),
    listenerSets: toNamespaceRule(allowed?.['namespaces'], 'None'),
    points: compact(asArray(status?.['addresses']).map(toGatewayPoint)),
  });
}

/** Listeners as the spec has them, with what the status says against them. */
export function toListeners(raw: unknown, status: unknown): readonly Listener[] {
  const refusals = toRefusals(status);
  return compact(asArray(raw).map((each) => toListener(each, refusals)));
}

/** Listener → reason. */
function toRefusals(status: unknown): ReadonlyMap<string, string> {
  const refusals = new Map<string, string>();
  for (const entry of asArray(status).map(asObject)) {
    const name = asString(entry?.['name']);
    const conditions = entry?.['conditions'];
    if (name && isDenied(conditions, 'Accepted')) refusals.set(name, conditionReason(conditions, 'Accepted') || 'no reason given');
  }
  return refusals;
}

function toListener(raw: unknown, refusals: ReadonlyMap<string, string>): Listener | undefined {
  const listener = asObject(raw);
  const name = asString(listener?.['name']);
  const protocol = asString(listener?.['protocol']);
  if (!listener || !name || !protocol) return undefined;
  const allowed = asObject(listener['allowedRoutes']);
  const kinds = asArray(allowed?.['kinds']);
  const refusal = refusals.get(name);
  return {
    name,
    hostname: asString(listener['hostname']) ?? '',
    // Early ListenerSets could leave the port to the implementation: 0 then.
    port: asInteger(listener['port'], 1, 65535) ?? 0,
    protocol,
    ...(kinds.length > 0 && { kinds: compact(kinds.map(toKind)) }),
    namespaces: toNamespaceRule(allowed?.['namespaces'], 'Same'),
    ...(refusal !== undefined && { refusal }),
  };
}

/** A kind of another group is none that we know. */
function toKind(raw: unknown): string | undefined {
  const kind = asObject(raw);
  return (asString(kind?.['group']) ?? GATEWAY_GROUP) === GATEWAY_GROUP ? asString(kind?.['kind']) : undefined;
}

/** An unknown `from` allows nothing: it may mean something narrower than we know. */
function toNamespaceRule(raw: unknown, absent: 'Same' | 'None'): NamespaceRule {
  const rule = asObject(raw);
  const from = asString(rule?.['from']) ?? absent;
  if (from === 'Selector') return { from, selector: toLabelSelector(rule?.['selector']) };
  return { from: from === 'All' || from === 'Same' ? from : 'None' };
}

function toGatewayPoint(raw: unknown): IngressPoint | undefined {
  const address = asObject(raw);
  const type = asString(address?.['type']) ?? 'IPAddress';
  const value = asString(address?.['value']);
  if (type === 'Hostname') return value ? { hostname: value } : undefined;
  const ip = type === 'IPAddress' ? parseIp(value) : undefined;
  return ip && { ip };
}
