import { ok, type Result } from '../value/result.ts';
import { type Ingress, toIngress } from './ingress.ts';
import { externalDnsAnnotations } from './inspected-service.ts';
import type { Resource } from './resources.ts';

/** A networking.k8s.io/v1 Ingress with what only `doctor` looks at. */
export interface InspectedIngress extends Ingress {
  /** Annotations that external-dns reads. */
  readonly externalDns: Readonly<Record<string, string>>;
}

/** The collection as `doctor` reads it. */
export const INSPECTED_INGRESSES: Resource<InspectedIngress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  path: '/apis/networking.k8s.io/v1/ingresses',
  project: toInspectedIngress,
};

function toInspectedIngress(raw: unknown): Result<InspectedIngress, 'malformed'> {
  const ingress = toIngress(raw);
  return ingress.ok ? ok({ ...ingress.value, externalDns: externalDnsAnnotations(raw) }) : ingress;
}
