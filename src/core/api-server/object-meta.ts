import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { check, type FieldError, forbiddenField, invalidValue, labelValue, qualifiedName, required, type TextRule } from './field-error.ts';
import { fields, list, map, type Shape } from './shape.ts';

/** The fields of meta/v1 ObjectMeta that are read; `managedFields` and `selfLink` are accepted and forgotten. */
export const OBJECT_META: Shape = fields({
  annotations: map('text'),
  creationTimestamp: 'time',
  deletionGracePeriodSeconds: 'integer',
  deletionTimestamp: 'time',
  finalizers: list('string'),
  generateName: 'string',
  generation: 'integer',
  labels: map('text'),
  managedFields: 'any',
  name: 'string',
  namespace: 'string',
  ownerReferences: list(
    fields({ apiVersion: 'string', blockOwnerDeletion: 'boolean', controller: 'boolean', kind: 'string', name: 'string', uid: 'string' }),
  ),
  resourceVersion: 'string',
  selfLink: 'string',
  uid: 'string',
});

const ANNOTATIONS_LENGTH_MAX = 256 * 1024;
const GENERATED_BASE_LENGTH_MAX = 58;
/** apimachinery's alphabet for generated names: no vowels, so that no words come about. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** The object's metadata; empty when there is none. */
export function metaOf(object: RawObject): RawObject {
  return asObject(object['metadata']) ?? {};
}

/** A name of `generateName` and five random letters. */
export function generatedName(base: string, random: () => number): string {
  const letters = Array.from({ length: 5 }, () => SUFFIX_LETTERS[Math.floor(random() * SUFFIX_LETTERS.length)]);
  return base.slice(0, GENERATED_BASE_LENGTH_MAX) + letters.join('');
}

/** A random (version 4) UUID. */
export function randomUid(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16));
  hex[12] = '4';
  hex[16] = '89ab'[Math.floor(random() * 4)] ?? '8';
  const text = hex.join('');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}

/** What the API server demands of names, labels, annotations and finalizers. */
export function validateMeta(meta: RawObject, previous: RawObject | undefined, nameRule: TextRule): readonly FieldError[] {
  const name = asString(meta['name']);
  const labels = Object.entries(asObject(meta['labels']) ?? {});
  const annotations = Object.entries(asObject(meta['annotations']) ?? {});
  const size = annotations.reduce((sum, [key, value]) => sum + key.length + String(value).length, 0);
  return [
    ...(name === undefined ? [required('metadata.name', 'name or generateName is required')] : check('metadata.name', name, nameRule)),
    ...labels.flatMap(([key, value]) => [...check('metadata.labels', key, qualifiedName), ...check('metadata.labels', value, labelValue)]),
    ...annotations.flatMap(([key]) => check('metadata.annotations', key.toLowerCase(), qualifiedName)),
    ...(size > ANNOTATIONS_LENGTH_MAX ? [invalidValue('metadata.annotations', size, 'may not be more than 262144 bytes')] : []),
    ...asArray(meta['finalizers']).flatMap((finalizer, i) => check(`metadata.finalizers[${i}]`, finalizer, finalizerRule)),
    ...(previous ? immutableErrors(meta, previous) : []),
  ];
}

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];
const finalizerRule: TextRule = (text) =>
  qualifiedName(text) ||
  (text.includes('/') || STANDARD_FINALIZERS.includes(text) ? '' : 'name is neither a standard finalizer name nor is it fully qualified');

function immutableErrors(meta: RawObject, previous: RawObject): readonly FieldError[] {
  const uid = meta['uid'] ?? previous['uid'];
  const held = asArray(previous['finalizers']);
  const added = asArray(meta['finalizers']).filter((finalizer) => !held.includes(finalizer));
  return [
    ...(uid === previous['uid'] ? [] : [invalidValue('metadata.uid', uid, 'field is immutable')]),
    ...(previous['deletionTimestamp'] !== undefined && added.length > 0
      ? [forbiddenField('metadata.finalizers', 'no new finalizers can be added if the object is being deleted')]
      : []),
  ];
}
