import { asObject, type RawObject } from '../object/raw.ts';

/** RFC 7396 JSON merge patch: null removes a member, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  const changes = asObject(patch);
  if (!changes) return patch;
  const merged: Record<string, unknown> = { ...asObject(target) };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Deep equality of JSON values; a member that is `undefined` counts as absent, and the order of members does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  const left = asObject(a);
  const right = asObject(b);
  if (!left || !right) return false;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => jsonEqual(left[key], right[key]));
}

/** Parses JSON text; `undefined` when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The object without members that are `undefined`. */
export function withoutUndefined(object: RawObject): RawObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
