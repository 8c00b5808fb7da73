import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { dnsSubdomain, type FieldError, invalidValue, oneOf, required } from '../../src/core/api-server/field-error.ts';
import { type ApiKind, apiKind } from '../../src/core/api-server/kind.ts';
import { asArray, asObject, asString, type RawObject } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';
import { must } from './objects.ts';
import { waitFor } from './wait.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/external/crds');
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** The CustomResourceDefinitions that minilb external comes with. */
export function externalCrds(): readonly RawObject[] {
  return readdirSync(FOLDER).map((file) => parse(readFileSync(join(FOLDER, file), 'utf8')) as RawObject);
}

/** Creates or replaces CRDs on a real API server, and waits until it serves them. */
export async function applyCrds(api: Pick<ApiServer, 'request'>, crds: readonly RawObject[]): Promise<void> {
  for (const crd of crds) {
    const name = asString(asObject(crd['metadata'])?.['name']) ?? '';
    const held = await api.request({ path: `${CRDS}/${name}` });
    if (held.status === 404) await must(api, { method: 'POST', path: CRDS, body: crd });
    else await must(api, { method: 'PATCH', path: `${CRDS}/${name}`, body: { spec: crd['spec'] } });
    await waitFor(`${name} to be served`, async () => {
      const status = asObject((await must(api, { path: `${CRDS}/${name}` }))['status']);
      const established = asArray(status?.['conditions']).some(
        (one) => asObject(one)?.['type'] === 'Established' && asObject(one)?.['status'] === 'True',
      );
      const group = asString(asObject(crd['spec'])?.['group']) ?? '';
      const plural = asString(asObject(asObject(crd['spec'])?.['names'])?.['plural']) ?? '';
      return established && (await api.request({ path: `/apis/${group}/v1alpha1/${plural}` })).status === 200;
    });
  }
}

/** What a CEL rule of these CRDs says; the embedded server reads no CEL. */
const RULES: Readonly<Record<string, (value: RawObject) => boolean>> = {
  'self.low <= self.high': (value) => Number(value['low']) <= Number(value['high']),
};

/** A row for the embedded API server made from a CRD: it prunes, fills in defaults and checks as far as these schemas go. */
export function crdKind(crd: RawObject): ApiKind {
  const spec = asObject(crd['spec']) ?? {};
  const names = asObject(spec['names']) ?? {};
  const version = asObject(asArray(spec['versions'])[0]) ?? {};
  const schema = asObject(asObject(version['schema'])?.['openAPIV3Schema']) ?? {};
  const properties = asObject(schema['properties']) ?? {};
  const filled = (object: RawObject) => {
    const { apiVersion, kind, metadata, ...rest } = object;
    return { apiVersion, kind, metadata, ...(prune({ properties, type: 'object' }, rest) as RawObject) };
  };
  const validate = (object: RawObject) => [
    ...asArray(schema['required']).flatMap((key) => (object[String(key)] === undefined ? [required(String(key))] : [])),
    ...check(asObject(properties['spec']) ?? {}, object['spec'], 'spec'),
    ...check(asObject(properties['status']) ?? {}, object['status'], 'status'),
  ];
  return apiKind({
    group: String(spec['group']),
    version: String(version['name']),
    kind: String(names['kind']),
    plural: String(names['plural']),
    singular: String(names['singular']),
    generation: true,
    updateNeedsVersion: true,
    nameRule: dnsSubdomain,
    shape: { spec: 'any', status: 'any' },
    fill: filled,
    validate,
    validateStatus: validate,
  });
}

/** Drops what the schema does not name, and adds defaults. */
function prune(schema: RawObject, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => prune(asObject(schema['items']) ?? {}, item));
  const object = asObject(value);
  if (!object) return value;
  const properties = asObject(schema['properties']) ?? {};
  const kept: Record<string, unknown> = {};
  for (const [key, sub] of Object.entries(properties)) {
    const given = object[key] === null ? undefined : object[key];
    const filled = given ?? asObject(sub)?.['default'];
    if (filled !== undefined) kept[key] = prune(asObject(sub) ?? {}, filled);
  }
  return kept;
}

function check(schema: RawObject, value: unknown, at: string): readonly FieldError[] {
  if (value === undefined) return [];
  const type = Array.isArray(value) ? 'array' : typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
  if (type !== schema['type'])
    return [{ field: at, reason: 'FieldValueTypeInvalid' as FieldError['reason'], message: `must be of type ${schema['type']}` }];
  if (type === 'array') {
    const items = asArray(value);
    const max = Number(schema['maxItems'] ?? Number.POSITIVE_INFINITY);
    const few = items.length < Number(schema['minItems'] ?? 0) ? [invalidValue(at, items.length, 'too few items')] : [];
    if (items.length > max) return [{ field: at, reason: 'FieldValueTooMany' as FieldError['reason'], message: 'too many' }];
    return [...few, ...items.flatMap((item, i) => check(asObject(schema['items']) ?? {}, item, `${at}[${i}]`))];
  }
  if (type === 'object') return checkObject(schema, asObject(value) ?? {}, at);
  return checkScalar(schema, value, at);
}

function checkObject(schema: RawObject, object: RawObject, at: string): readonly FieldError[] {
  const absent = asArray(schema['required']).flatMap((key) => (object[String(key)] === undefined ? [required(`${at}.${key}`)] : []));
  const properties = Object.entries(asObject(schema['properties']) ?? {});
  const inner = properties.flatMap(([key, sub]) => check(asObject(sub) ?? {}, object[key], `${at}.${key}`));
  const faults = [...absent, ...inner];
  if (faults.length > 0) return faults;
  return asArray(schema['x-kubernetes-validations']).flatMap((raw) => {
    const holds = RULES[String(asObject(raw)?.['rule'])];
    if (!holds) throw new Error(`crd-kind.ts does not know the rule ${String(asObject(raw)?.['rule'])}`);
    return holds(object) ? [] : [invalidValue(at, '', String(asObject(raw)?.['message']))];
  });
}

function checkScalar(schema: RawObject, value: unknown, at: string): readonly FieldError[] {
  const text = typeof value === 'string' ? value : '';
  const pattern = asString(schema['pattern']);
  const supported = asArray(schema['enum']).map(String);
  if (typeof value === 'string' && text.length > Number(schema['maxLength'] ?? Number.POSITIVE_INFINITY))
    return [{ field: at, reason: 'FieldValueTooLong' as FieldError['reason'], message: 'too long' }];
  return [
    ...(supported.length > 0 ? oneOf(at, value, supported) : []),
    ...(pattern !== undefined && !new RegExp(pattern).test(text) ? [invalidValue(at, value, `should match ${pattern}`)] : []),
    ...(Number(value) < Number(schema['minimum'] ?? Number.NEGATIVE_INFINITY) ? [invalidValue(at, value, 'too small')] : []),
    ...(Number(value) > Number(schema['maximum'] ?? Number.POSITIVE_INFINITY) ? [invalidValue(at, value, 'too large')] : []),
    ...(text.length < Number(schema['minLength'] ?? 0) ? [invalidValue(at, value, 'too short')] : []),
  ];
}
