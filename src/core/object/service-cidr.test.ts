import { expect, test } from 'bun:test';
import { cidrText } from '../value/ip.ts';
import { toServiceCidr } from './service-cidr.ts';

const cidrsOf = (spec: unknown) => {
  const projected = toServiceCidr({ metadata: { name: 'kubernetes' }, spec });
  return projected.ok ? projected.value.cidrs.map(cidrText) : projected.code;
};

test('networking.k8s.io/v1 ServiceCIDR: both families of spec.cidrs', () => {
  expect(cidrsOf({ cidrs: ['10.96.0.0/16', 'fd00:96::/112'] })).toEqual(['10.96.0.0/16', 'fd00:96::/112']);
});

test('one odd entry does not cost the others', () => {
  expect(cidrsOf({ cidrs: ['10.96.0.0', 7, 'fd00:96::/112'] })).toEqual(['fd00:96::/112']);
});

test('a ServiceCIDR without a name is malformed', () => {
  expect(toServiceCidr({ spec: {} })).toMatchObject({ ok: false, code: 'malformed' });
});
