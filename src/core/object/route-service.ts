import { type Ip, parseIp } from '../value/ip.ts';
import { ok, type Result } from '../value/result.ts';
import { asArray, asObject, asString, compact, type RawObject } from './raw.ts';
import type { Resource } from './resources.ts';
import { type Service, toService } from './service.ts';

export type AddressSource = 'minilb/address' | 'spec.loadBalancerIP' | 'spec.externalIPs';

/** An address that the Service asks for, as somebody wrote it: the annotation and loadBalancerIP are free text. */
export interface AddressRequest {
  readonly source: AddressSource;
  /** As written, cut to what an Event may quote. */
  readonly text: string;
  /** Absent: it is no address. */
  readonly ip?: Ip;
}

/** A Service as by route needs it: `minilb dns` does without these fields, which cost memory. */
export interface RouteService extends Service {
  /** In the order in which they count. */
  readonly requests: readonly AddressRequest[];
  /** `spec.externalTrafficPolicy: Local`. */
  readonly localPolicy: boolean;
  /** `spec.ipFamilies`; IPv4 where an old API server leaves it empty. */
  readonly families: readonly (4 | 6)[];
  /** `spec.ipFamilyPolicy: RequireDualStack`. */
  readonly requireDualStack: boolean;
  /** `spec.selector` in one spelling; empty when there is none. */
  readonly selector: string;
  /** `metadata.deletionTimestamp` is set. */
  readonly deleting: boolean;
  /** `status.loadBalancer.ingress` is a list of `{ip, ipMode: VIP}` and nothing else: what the allocator writes. */
  readonly statusIsVips: boolean;
}

const REQUESTS_MAX = 16;
const TEXT_LENGTH_MAX = 60;

/** Projects a core/v1 Service for by route. Free text that is no address stays as text, so that its author can be told. */
export function toRouteService(raw: unknown): Result<RouteService, 'malformed'> {
  const service = toService(raw);
  if (!service.ok) return service;
  const meta = asObject(asObject(raw)?.['metadata']);
  const spec = asObject(asObject(raw)?.['spec']) ?? {};
  const status = asObject(asObject(asObject(raw)?.['status'])?.['loadBalancer']);
  return ok({
    ...service.value,
    requests: toRequests(service.value, spec),
    localPolicy: spec['externalTrafficPolicy'] === 'Local',
    families: familiesOf(spec),
    requireDualStack: spec['ipFamilyPolicy'] === 'RequireDualStack',
    selector: selectorText(spec['selector']),
    deleting: asString(meta?.['deletionTimestamp']) !== undefined,
    statusIsVips: asArray(status?.['ingress']).every(isVip),
  });
}

/** `spec.ipFamilies`; IPv4 where an old API server leaves it empty. */
export function familiesOf(spec: RawObject): readonly (4 | 6)[] {
  const families = compact(asArray(spec['ipFamilies']).map((family) => (family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : undefined)));
  return families.length > 0 ? families : [4];
}

/** The collection as by route reads it. */
export const ROUTE_SERVICES: Resource<RouteService> = {
  apiVersion: 'v1',
  kind: 'Service',
  path: '/api/v1/services',
  project: toRouteService,
};

function toRequests(service: Service, spec: RawObject): readonly AddressRequest[] {
  const annotated = (service.annotations['minilb/address'] ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const legacy = asString(spec['loadBalancerIP']) ?? '';
  return [
    ...annotated.map((text) => toRequest('minilb/address', text)),
    ...(legacy === '' ? [] : [toRequest('spec.loadBalancerIP', legacy)]),
    ...asArray(spec['externalIPs']).map((text) => toRequest('spec.externalIPs', asString(text) ?? '')),
  ].slice(0, REQUESTS_MAX);
}

function toRequest(source: AddressSource, text: string): AddressRequest {
  const ip = parseIp(text);
  return { source, text: text.slice(0, TEXT_LENGTH_MAX), ...(ip && { ip }) };
}

function selectorText(raw: unknown): string {
  const pairs = Object.entries(asObject(raw) ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.sort().join(',');
}

/** `ipMode` is absent in what older API servers keep; it means VIP. */
function isVip(raw: unknown): boolean {
  const entry = asObject(raw);
  const plain = entry?.['hostname'] === undefined && asArray(entry?.['ports']).length === 0;
  return plain && parseIp(entry?.['ip']) !== undefined && (entry?.['ipMode'] ?? 'VIP') === 'VIP';
}
