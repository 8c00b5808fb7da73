import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { ipFamily, parseIp } from '../value/ip.ts';
import {
  check,
  dnsLabel,
  dnsSubdomain,
  duplicate,
  type FieldError,
  invalidValue,
  ipAddress,
  notSpecialIp,
  oneOf,
  required,
} from './field-error.ts';
import { apiKind } from './kind.ts';
import { repeated } from './service-rules.ts';
import { fields, list, map } from './shape.ts';

/** discovery.k8s.io/v1 EndpointSlice. */
export const ENDPOINT_SLICE = apiKind({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  statusSubresource: false,
  generation: true,
  nameRule: dnsSubdomain,
  shape: {
    addressType: 'string',
    endpoints: list(
      fields({
        addresses: list('text'),
        conditions: fields({ ready: 'boolean', serving: 'boolean', terminating: 'boolean' }),
        deprecatedTopology: map('text'),
        hints: 'any',
        hostname: 'text',
        nodeName: 'text',
        targetRef: 'any',
        zone: 'text',
      }),
    ),
    ports: list(fields({ appProtocol: 'text', name: 'text', port: 'integer', protocol: 'text' })),
  },
  fill: (slice) => ({
    ...slice,
    endpoints: asArray(slice['endpoints']).length > 0 ? asArray(slice['endpoints']).map(fillEndpoint) : null,
    ports: asArray(slice['ports']).length > 0 ? asArray(slice['ports']).map(fillPort) : null,
  }),
  validate: (slice, previous) => [
    ...typeErrors(slice, previous),
    ...asArray(slice['endpoints']).flatMap((endpoint, i) =>
      endpointErrors(`endpoints[${i}]`, asObject(endpoint) ?? {}, slice['addressType']),
    ),
    ...portErrors(asArray(slice['ports'])),
  ],
});

/**
 * The same for a cluster whose pods are programs on this machine: endpoints may be in 127.0.0.0/8, which the real API refuses. For the
 * demo alone.
 */
export const LOOPBACK_ENDPOINT_SLICE: typeof ENDPOINT_SLICE = {
  ...ENDPOINT_SLICE,
  validate: (slice, previous) => ENDPOINT_SLICE.validate(slice, previous).filter((error) => !error.message.includes('loopback range')),
};

function fillEndpoint(raw: unknown): RawObject {
  const endpoint = asObject(raw) ?? {};
  return { ...endpoint, conditions: asObject(endpoint['conditions']) ?? {} };
}

function fillPort(raw: unknown): RawObject {
  const port = asObject(raw) ?? {};
  return { ...port, name: port['name'] ?? '', protocol: port['protocol'] ?? 'TCP' };
}

function typeErrors(slice: RawObject, previous: RawObject | undefined): readonly FieldError[] {
  const type = slice['addressType'];
  if (type === undefined) return [required('addressType')];
  if (previous && previous['addressType'] !== type) return [invalidValue('addressType', type, 'field is immutable')];
  return oneOf('addressType', type, ['FQDN', 'IPv4', 'IPv6']);
}

function endpointErrors(at: string, endpoint: RawObject, type: unknown): readonly FieldError[] {
  const addresses = asArray(endpoint['addresses']);
  return [
    ...(addresses.length === 0 ? [required(`${at}.addresses`, 'must contain at least 1 address')] : []),
    ...addresses.flatMap((address, i) => addressErrors(`${at}.addresses`, i, String(address), type)),
    ...(endpoint['nodeName'] === undefined ? [] : check(`${at}.nodeName`, endpoint['nodeName'], dnsSubdomain)),
    ...(endpoint['hostname'] === undefined ? [] : check(`${at}.hostname`, endpoint['hostname'], dnsLabel)),
  ];
}

function addressErrors(at: string, i: number, address: string, type: unknown): readonly FieldError[] {
  if (type === 'FQDN') return check(`${at}[${i}]`, address, dnsSubdomain);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const ip = parseIp(address);
  const wrongFamily = ip !== undefined && (ipFamily(ip) === 4) !== (type === 'IPv4');
  return [
    ...(wrongFamily ? [invalidValue(at, address, `must be an ${type} address`)] : []),
    ...check(`${at}[${i}]`, address, ipAddress, notSpecialIp),
  ];
}

function portErrors(ports: readonly unknown[]): readonly FieldError[] {
  const names = ports.map((port) => asString(asObject(port)?.['name']) ?? '');
  return [
    ...ports.flatMap((port, i) => [
      ...(names[i] ? check(`ports[${i}].name`, names[i], dnsLabel) : []),
      ...oneOf(`ports[${i}].protocol`, asObject(port)?.['protocol'], ['SCTP', 'TCP', 'UDP']),
    ]),
    ...repeated(names).map((i) => duplicate(`ports[${i}].name`, names[i])),
  ];
}
