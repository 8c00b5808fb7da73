import { asObject, type RawObject } from '../object/raw.ts';
import { dnsSubdomain, type FieldError, invalidValue } from './field-error.ts';
import { apiKind } from './kind.ts';
import { fields } from './shape.ts';

/** coordination.k8s.io/v1 Lease. */
export const LEASE = apiKind({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  statusSubresource: false,
  updateNeedsVersion: true,
  createsOnUpdate: true,
  nameRule: dnsSubdomain,
  shape: {
    spec: fields({
      acquireTime: 'micro-time',
      holderIdentity: 'text',
      leaseDurationSeconds: 'integer',
      leaseTransitions: 'integer',
      preferredHolder: 'text',
      renewTime: 'micro-time',
      strategy: 'text',
    }),
  },
  fill: (lease) => ({ ...lease, spec: asObject(lease['spec']) ?? {} }),
  validate: (lease) => specErrors(asObject(lease['spec']) ?? {}),
});

function specErrors(spec: RawObject): readonly FieldError[] {
  const duration = spec['leaseDurationSeconds'];
  const transitions = spec['leaseTransitions'];
  return [
    ...(typeof duration === 'number' && duration <= 0
      ? [invalidValue('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...(typeof transitions === 'number' && transitions < 0
      ? [invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')]
      : []),
  ];
}
