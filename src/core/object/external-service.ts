import { cidrText } from '../value/ip.ts';
import { ok, type Result } from '../value/result.ts';
import { asArray, asInteger, asObject, asString, compact } from './raw.ts';
import type { Resource } from './resources.ts';
import { familiesOf } from './route-service.ts';
import { type Protocol, type Service, toProtocol, toService } from './service.ts';

export interface NodePortedPort {
  /** Its place in `spec.ports`, for messages. */
  readonly index: number;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0: none was allocated. */
  readonly nodePort: number;
}

/** One entry of `status.loadBalancer.ingress` as it stands there. */
export interface StatusEntry {
  readonly ip: string;
  readonly hostname: string;
  /** Empty when absent: an API server from before 1.29 knows no such field. */
  readonly ipMode: string;
  readonly ports: readonly { readonly port: number; readonly protocol: string; readonly error: string }[];
}

/** A Service as by proxy needs it. */
export interface ExternalService extends Service {
  readonly nodePorts: readonly NodePortedPort[];
  /** `spec.externalTrafficPolicy: Local`. */
  readonly localPolicy: boolean;
  /** 0: none. */
  readonly healthCheckNodePort: number;
  /** `spec.sessionAffinity: ClientIP`. */
  readonly sticky: boolean;
  readonly families: readonly (4 | 6)[];
  /** `metadata.deletionTimestamp` is set. */
  readonly deleting: boolean;
  /** Annotation `lb.paperlb.com/config-name`; empty when absent. */
  readonly configName: string;
  readonly status: readonly StatusEntry[];
  /** `sourceRanges` as text, in order. */
  readonly ranges: readonly string[];
}

/** Projects a core/v1 Service for by proxy. */
export function toExternalService(raw: unknown): Result<ExternalService, 'malformed'> {
  const service = toService(raw);
  if (!service.ok) return service;
  const object = asObject(raw);
  const meta = asObject(object?.['metadata']);
  const spec = asObject(object?.['spec']) ?? {};
  const status = asObject(asObject(object?.['status'])?.['loadBalancer']);
  return ok({
    ...service.value,
    nodePorts: compact(asArray(spec['ports']).map(toPort)),
    localPolicy: spec['externalTrafficPolicy'] === 'Local',
    healthCheckNodePort: asInteger(spec['healthCheckNodePort'], 1, 65535) ?? 0,
    sticky: spec['sessionAffinity'] === 'ClientIP',
    families: familiesOf(spec),
    deleting: asString(meta?.['deletionTimestamp']) !== undefined,
    configName: (asString(asObject(meta?.['annotations'])?.[CONFIG_ANNOTATION]) ?? '').trim(),
    status: asArray(status?.['ingress']).map(toStatusEntry),
    ranges: (service.value.sourceRanges ?? []).map(cidrText),
  });
}

export const CONFIG_ANNOTATION = 'lb.paperlb.com/config-name';

/** The collection as by proxy reads it. */
export const EXTERNAL_SERVICES: Resource<ExternalService> = {
  apiVersion: 'v1',
  kind: 'Service',
  path: '/api/v1/services',
  project: toExternalService,
};

function toPort(raw: unknown, index: number): NodePortedPort | undefined {
  const entry = asObject(raw);
  const port = asInteger(entry?.['port'], 1, 65535);
  const protocol = toProtocol(entry?.['protocol']);
  if (port === undefined || protocol === undefined) return undefined;
  return { index, protocol, port, nodePort: asInteger(entry?.['nodePort'], 1, 65535) ?? 0 };
}

function toStatusEntry(raw: unknown): StatusEntry {
  const entry = asObject(raw);
  return {
    ip: asString(entry?.['ip']) ?? '',
    hostname: asString(entry?.['hostname']) ?? '',
    ipMode: asString(entry?.['ipMode']) ?? '',
    ports: asArray(entry?.['ports']).map((port) => ({
      port: asInteger(asObject(port)?.['port'], 1, 65535) ?? 0,
      protocol: asString(asObject(port)?.['protocol']) ?? '',
      error: asString(asObject(port)?.['error']) ?? '',
    })),
  };
}
