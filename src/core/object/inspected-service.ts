import { ok, type Result } from '../value/result.ts';
import { asObject, asString, toStringMap } from './raw.ts';
import type { Resource } from './resources.ts';
import { type Service, toService } from './service.ts';

/** A core/v1 Service with what only `doctor` looks at. */
export interface InspectedService extends Service {
  readonly selector: Readonly<Record<string, string>>;
  /** `spec.externalTrafficPolicy`; `Cluster` when absent. */
  readonly externalTrafficPolicy: string;
  /** Annotations that external-dns reads. */
  readonly externalDns: Readonly<Record<string, string>>;
}

/** The collection as `doctor` reads it. */
export const INSPECTED_SERVICES: Resource<InspectedService> = {
  apiVersion: 'v1',
  kind: 'Service',
  path: '/api/v1/services',
  project: toInspectedService,
};

/** Projects a core/v1 Service. */
export function toInspectedService(raw: unknown): Result<InspectedService, 'malformed'> {
  const service = toService(raw);
  if (!service.ok) return service;
  const spec = asObject(asObject(raw)?.['spec']);
  return ok({
    ...service.value,
    selector: toStringMap(spec?.['selector'], () => true),
    externalTrafficPolicy: asString(spec?.['externalTrafficPolicy']) ?? 'Cluster',
    externalDns: externalDnsAnnotations(raw),
  });
}

/** What external-dns reads of an object's metadata. */
export function externalDnsAnnotations(raw: unknown): Readonly<Record<string, string>> {
  return toStringMap(asObject(asObject(raw)?.['metadata'])?.['annotations'], (key) => key.startsWith('external-dns.alpha.kubernetes.io/'));
}
