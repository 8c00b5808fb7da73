import { type Cidr, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asInteger, asObject, asString, compact, isIgnored, type Meta, toMeta, toStringMap } from './raw.ts';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface ServicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** One entry of `status.loadBalancer.ingress`. */
export interface IngressPoint {
  readonly ip?: Ip;
  readonly hostname?: string;
  /** core/v1 PortStatus: a load balancer's own numbers, in the order of `spec.ports`; absent when there are none. */
  readonly ports?: readonly PointPort[];
}

export interface PointPort {
  readonly port: number;
  readonly protocol: string;
  /** It has an error, so that nothing is served there. */
  readonly failed: boolean;
}

/** A core/v1 Service, as far as any role needs it. */
export interface Service extends Meta {
  /** Label `minilb/ignore: "true"`. */
  readonly ignored?: true;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly headless: boolean;
  /** `spec.loadBalancerClass`; empty when absent. */
  readonly loadBalancerClass: string;
  /** `spec.externalName`, as written; empty for other types. */
  readonly externalName: string;
  readonly ports: readonly ServicePort[];
  readonly ingress: readonly IngressPoint[];
  /** Only annotations whose key begins with `minilb/`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Addresses in `spec.loadBalancerIP` and `spec.externalIPs`; absent when there are none. */
  readonly requestedIps?: readonly Ip[];
  /** `spec.loadBalancerSourceRanges`; absent when there are none. */
  readonly sourceRanges?: readonly Cidr[];
}

const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;

/** Projects a core/v1 Service. An absent type is ClusterIP, the API's default. */
export function toService(raw: unknown): Result<Service, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const spec = asObject(asObject(raw)?.['spec']);
  if (!spec) return err('malformed', 'no spec');
  const type = TYPES.find((known) => known === (spec['type'] ?? 'ClusterIP'));
  if (!type) return err('malformed', `spec.type ${JSON.stringify(spec['type'])?.slice(0, 80)} is not known`);
  const status = asObject(asObject(asObject(raw)?.['status'])?.['loadBalancer']);
  const requestedIps = compact([spec['loadBalancerIP'], ...asArray(spec['externalIPs'])].map(parseIp));
  const sourceRanges = compact(asArray(spec['loadBalancerSourceRanges']).map(parseCidr));
  return ok({
    ...meta,
    ...(isIgnored(raw) && { ignored: true }),
    type,
    headless: spec['clusterIP'] === 'None',
    loadBalancerClass: asString(spec['loadBalancerClass']) ?? '',
    externalName: type === 'ExternalName' ? (asString(spec['externalName']) ?? '') : '',
    ports: compact(asArray(spec['ports']).map(toPort)),
    ingress: compact(asArray(status?.['ingress']).map(toIngressPoint)),
    annotations: toStringMap(asObject(asObject(raw)?.['metadata'])?.['annotations'], (key) => key.startsWith('minilb/')),
    ...(requestedIps.length > 0 && { requestedIps }),
    ...(sourceRanges.length > 0 && { sourceRanges }),
  });
}

/** `TCP` when absent, the API's default; `undefined` for anything unknown. */
export function toProtocol(raw: unknown): Protocol | undefined {
  const protocol = raw ?? 'TCP';
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' ? protocol : undefined;
}

function toPort(raw: unknown): ServicePort | undefined {
  const port = asInteger(asObject(raw)?.['port'], 1, 65535);
  const protocol = toProtocol(asObject(raw)?.['protocol']);
  return port === undefined || protocol === undefined ? undefined : { name: asString(asObject(raw)?.['name']) ?? '', protocol, port };
}

/** An entry with neither address nor host name is none. */
export function toIngressPoint(raw: unknown): IngressPoint | undefined {
  const ip = parseIp(asObject(raw)?.['ip']);
  const hostname = asString(asObject(raw)?.['hostname']);
  if (!ip && !hostname) return undefined;
  const ports = compact(asArray(asObject(raw)?.['ports']).map(toPointPort));
  return { ...(ip && { ip }), ...(hostname && { hostname }), ...(ports.length > 0 && { ports }) };
}

function toPointPort(raw: unknown): PointPort | undefined {
  const entry = asObject(raw);
  const port = asInteger(entry?.['port'], 1, 65535);
  return port === undefined
    ? undefined
    : { port, protocol: asString(entry?.['protocol']) ?? '', failed: asString(entry?.['error']) !== undefined };
}
