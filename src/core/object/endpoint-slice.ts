import { type Ip, ipFamily, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { asArray, asBoolean, asInteger, asObject, asString, compact, type Meta, toMeta } from './raw.ts';
import { type Protocol, toProtocol } from './service.ts';

export interface EndpointPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** One entry of `endpoints`; the API's defaults for absent conditions are filled in. */
export interface Endpoint {
  readonly address: Ip;
  /** Absent in the API counts as true. */
  readonly ready: boolean;
  /** Absent in the API counts as true. */
  readonly serving: boolean;
  /** Absent in the API counts as false. */
  readonly terminating: boolean;
  /** Empty when absent. */
  readonly nodeName: string;
  /** Empty when absent. */
  readonly hostname: string;
}

/** A discovery.k8s.io/v1 EndpointSlice that belongs to a Service. */
export interface EndpointSlice extends Meta {
  /** The label `kubernetes.io/service-name`. */
  readonly serviceName: string;
  readonly family: 4 | 6;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/**
 * Projects an EndpointSlice. Only the first address of an endpoint has meaning (API comment on `addresses`); one that does not
 * parse, or is of another family than the slice, is left out and must not cost the others. FQDN slices and slices without the
 * label are `not-ours`: they are valid and ignored.
 */
export function toEndpointSlice(raw: unknown): Result<EndpointSlice, 'malformed' | 'not-ours'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const object = asObject(raw);
  const serviceName = asString(asObject(asObject(object?.['metadata'])?.['labels'])?.['kubernetes.io/service-name']);
  if (!serviceName || object?.['addressType'] === 'FQDN') return err('not-ours');
  if (object?.['addressType'] !== 'IPv4' && object?.['addressType'] !== 'IPv6')
    return err('malformed', 'addressType is neither IPv4, IPv6 nor FQDN');
  const family = object['addressType'] === 'IPv4' ? 4 : 6;
  return ok({
    ...meta,
    serviceName,
    family,
    ports: compact(asArray(object['ports']).map(toPort)),
    endpoints: compact(asArray(object['endpoints']).map((endpoint) => toEndpoint(endpoint, family))),
  });
}

function toEndpoint(raw: unknown, family: 4 | 6): Endpoint | undefined {
  const endpoint = asObject(raw);
  const address = parseIp(asArray(endpoint?.['addresses'])[0]);
  if (!endpoint || !address || ipFamily(address) !== family) return undefined;
  const conditions = asObject(endpoint['conditions']);
  return {
    address,
    ready: asBoolean(conditions?.['ready']) ?? true,
    serving: asBoolean(conditions?.['serving']) ?? true,
    terminating: asBoolean(conditions?.['terminating']) ?? false,
    nodeName: asString(endpoint['nodeName']) ?? '',
    hostname: asString(endpoint['hostname']) ?? '',
  };
}

function toPort(raw: unknown): EndpointPort | undefined {
  const port = asInteger(asObject(raw)?.['port'], 1, 65535);
  const protocol = toProtocol(asObject(raw)?.['protocol']);
  return port === undefined || protocol === undefined ? undefined : { name: asString(asObject(raw)?.['name']) ?? '', protocol, port };
}
