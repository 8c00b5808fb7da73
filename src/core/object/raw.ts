import type { ObjectRef } from '../value/notice.ts';

/** Reads `unknown` JSON without trusting it: each returns the empty case for anything of another type. */
export type RawObject = Readonly<Record<string, unknown>>;

export function asObject(raw: unknown): RawObject | undefined {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as RawObject) : undefined;
}

export function asArray(raw: unknown): readonly unknown[] {
  return Array.isArray(raw) ? raw : [];
}

export function asString(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined;
}

export function asBoolean(raw: unknown): boolean | undefined {
  return typeof raw === 'boolean' ? raw : undefined;
}

/** A whole number inside [min, max]. */
export function asInteger(raw: unknown, min: number, max: number): number | undefined {
  return typeof raw === 'number' && Number.isInteger(raw) && raw >= min && raw <= max ? raw : undefined;
}

export function compact<T>(items: readonly (T | undefined)[]): readonly T[] {
  return items.filter((item) => item !== undefined);
}

/** What every kind keeps of metadata/v1 ObjectMeta. `created` is RFC 3339 text, which sorts as time. */
export interface Meta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly created: string;
}

/** `undefined` when there is no object or no name. */
export function toMeta(raw: unknown): Meta | undefined {
  const meta = asObject(asObject(raw)?.['metadata']);
  const name = asString(meta?.['name']);
  if (!meta || !name) return undefined;
  return {
    namespace: asString(meta['namespace']) ?? '',
    name,
    uid: asString(meta['uid']) ?? '',
    resourceVersion: asString(meta['resourceVersion']) ?? '',
    created: asString(meta['creationTimestamp']) ?? '',
  };
}

/** True for the label `minilb/ignore: "true"`: such an object takes no part. */
export function isIgnored(raw: unknown): boolean {
  return asObject(asObject(asObject(raw)?.['metadata'])?.['labels'])?.['minilb/ignore'] === 'true';
}

/** The key under which stores hold an object: `namespace/name`, or the name alone for cluster-scoped kinds. */
export function keyOf(meta: { readonly namespace: string; readonly name: string }): string {
  return meta.namespace === '' ? meta.name : `${meta.namespace}/${meta.name}`;
}

export function refOf(apiVersion: string, kind: string, meta: Meta): ObjectRef {
  return { apiVersion, kind, namespace: meta.namespace, name: meta.name, uid: meta.uid };
}

/** Keeps the entries of a string map whose key the predicate wants; other value types are left out. */
export function toStringMap(raw: unknown, wanted: (key: string) => boolean): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(asObject(raw) ?? {})) if (typeof value === 'string' && wanted(key)) kept[key] = value;
  return kept;
}
