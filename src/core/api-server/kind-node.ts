import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { check, cidr, dnsLabel, dnsSubdomain, duplicate, type FieldError, forbiddenField, invalidValue } from './field-error.ts';
import { jsonEqual, withoutUndefined } from './json.ts';
import { apiKind } from './kind.ts';
import { repeated } from './service-rules.ts';
import { fields, list, map } from './shape.ts';

const CONDITIONS = list(
  fields({
    lastHeartbeatTime: 'time',
    lastProbeTime: 'time',
    lastTransitionTime: 'time',
    lastUpdateTime: 'time',
    message: 'string',
    observedGeneration: 'integer',
    reason: 'string',
    status: 'string',
    type: 'string',
  }),
);

/** core/v1 Node. */
export const NODE = apiKind({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  nameRule: dnsSubdomain,
  selectableFields: ['spec.unschedulable'],
  shape: {
    spec: fields({
      podCIDR: 'string',
      podCIDRs: list('string'),
      providerID: 'string',
      taints: 'any',
      unschedulable: 'boolean',
    }),
    status: fields({
      addresses: list(fields({ type: 'string', address: 'text' })),
      allocatable: map('any'),
      capacity: map('any'),
      conditions: CONDITIONS,
      daemonEndpoints: 'any',
      images: 'any',
      nodeInfo: 'any',
      phase: 'string',
    }),
  },
  fill: (node) => ({ ...node, spec: fillCidrs(asObject(node['spec']) ?? {}), status: asObject(node['status']) ?? {} }),
  validate: (node, previous) => cidrErrors(asObject(node['spec']) ?? {}, asObject(previous?.['spec'])),
  validateStatus: (node) => addressErrors(asObject(node['status']) ?? {}),
});

/** `podCIDR` is the first of `podCIDRs`; either may be given. */
function fillCidrs(spec: RawObject): RawObject {
  const podCidrs = asArray(spec['podCIDRs']);
  const first = asString(spec['podCIDR']);
  if (podCidrs.length > 0) return { ...spec, podCIDR: first ?? podCidrs[0] };
  return withoutUndefined({ ...spec, podCIDRs: first === undefined ? undefined : [first] });
}

function cidrErrors(spec: RawObject, before: RawObject | undefined): readonly FieldError[] {
  const cidrs = asArray(spec['podCIDRs']);
  const old = asArray(before?.['podCIDRs']);
  if (old.length > 0 && !jsonEqual(old, cidrs))
    return [forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')];
  const malformed = cidrs.flatMap((text, i) => check(`spec.podCIDRs[${i}]`, text, cidr));
  if (malformed.length > 0) return malformed;
  const families = cidrs.map((text) => (String(text).includes(':') ? '6' : '4'));
  return cidrs.length > 2 || repeated(families).length > 0
    ? [invalidValue('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family')]
    : [];
}

function addressErrors(status: RawObject): readonly FieldError[] {
  const addresses = asArray(status['addresses']);
  return repeated(addresses.map((address) => JSON.stringify(address))).map((i) => duplicate(`status.addresses[${i}]`, addresses[i]));
}

/** core/v1 Namespace; the contents of a deleted one are removed by `deleteNamespace`. */
export const NAMESPACE = apiKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  returnsDeleted: true,
  nameRule: (name) => (name.includes('.') ? 'must not contain dots' : dnsLabel(name)),
  selectableFields: ['status.phase'],
  shape: { spec: fields({ finalizers: list('string') }), status: fields({ conditions: CONDITIONS, phase: 'string' }) },
  fill: (namespace) => ({
    ...namespace,
    metadata: withNameLabel(asObject(namespace['metadata']) ?? {}),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active', ...asObject(namespace['status']) },
  }),
});

function withNameLabel(metadata: RawObject): RawObject {
  return { ...metadata, labels: { ...asObject(metadata['labels']), 'kubernetes.io/metadata.name': metadata['name'] } };
}
