import { asObject, type RawObject } from '../object/raw.ts';

/**
 * The types of a kind's fields, as far as the embedded server knows them. `text` is a Go pointer to a string (empty is kept), `string` a
 * plain one (empty is absent). `any` is kept as it is.
 */
export type Shape =
  | 'string'
  | 'text'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'micro-time'
  | 'integer-or-string'
  | 'any'
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'fields'; readonly of: Readonly<Record<string, Shape>> };

export const list = (of: Shape): Shape => ({ kind: 'list', of });
export const map = (of: Shape): Shape => ({ kind: 'map', of });
export const fields = (of: Readonly<Record<string, Shape>>): Shape => ({ kind: 'fields', of });

/** What decoding gave: the value without unknown fields, their paths, and the first field of a wrong type. */
export interface Decoded {
  readonly value: unknown;
  readonly unknown: readonly string[];
  readonly fault: string | undefined;
}

const INT32_MAX = 2 ** 31 - 1;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** meta/v1 MicroTime is parsed by Go's layout `.000000`: exactly six digits. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/** Reads JSON as Go's decoder does: null is absent, unknown fields are dropped and named, a wrong type is a fault. */
export function decode(shape: Shape, raw: unknown): Decoded {
  const unknown: string[] = [];
  const faults: string[] = [];
  const value = read(shape, raw, '', unknown, faults);
  return { value, unknown, fault: faults[0] };
}

function read(shape: Shape, raw: unknown, path: string, unknown: string[], faults: string[]): unknown {
  if (raw === null || raw === undefined) return undefined;
  if (typeof shape === 'string') return readScalar(shape, raw, path, faults);
  if (shape.kind === 'list') return readList(shape.of, raw, path, unknown, faults);
  const object = asObject(raw);
  if (!object) return fault(`json: cannot unmarshal ${typeName(raw)} into Go struct field ${path} of type object`, faults);
  return shape.kind === 'map' ? readMap(shape.of, object, path, unknown, faults) : readFields(shape.of, object, path, unknown, faults);
}

function readFields(of: Readonly<Record<string, Shape>>, object: RawObject, path: string, unknown: string[], faults: string[]): RawObject {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const at = path ? `${path}.${key}` : key;
    const shape = Object.hasOwn(of, key) ? of[key] : undefined;
    if (shape === undefined) unknown.push(at);
    else setPresent(kept, key, read(shape, value, at, unknown, faults));
  }
  return kept;
}

function readMap(of: Shape, object: RawObject, path: string, unknown: string[], faults: string[]): RawObject | undefined {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const item = read(of, value, `${path}.${key}`, unknown, faults);
    // In a map of strings, null and absent are the empty string.
    setPresent(kept, key, item ?? (of === 'text' ? '' : undefined));
  }
  return Object.keys(kept).length > 0 ? kept : undefined;
}

function readList(of: Shape, raw: unknown, path: string, unknown: string[], faults: string[]): unknown {
  if (!Array.isArray(raw)) return fault(`json: cannot unmarshal ${typeName(raw)} into Go struct field ${path} of type list`, faults);
  const items = raw.map((item, i) => read(of, item, `${path}[${i}]`, unknown, faults) ?? (typeof of === 'string' ? '' : {}));
  return items.length > 0 ? items : undefined;
}

function readScalar(shape: Extract<Shape, string>, raw: unknown, path: string, faults: string[]): unknown {
  if (shape === 'any') return raw;
  if (shape === 'boolean' && typeof raw === 'boolean') return raw;
  if ((shape === 'integer' || shape === 'integer-or-string') && isInt32(raw)) return raw;
  if (typeof raw !== 'string' || shape === 'boolean' || shape === 'integer')
    return fault(`json: cannot unmarshal ${typeName(raw)} into Go struct field ${path} of type ${shape}`, faults);
  if ((shape === 'time' && !TIME.test(raw)) || (shape === 'micro-time' && !MICRO_TIME.test(raw))) {
    return fault(
      `parsing time ${JSON.stringify(raw)} in ${path}: not ${shape === 'time' ? 'RFC 3339' : 'RFC 3339 with six decimals'}`,
      faults,
    );
  }
  return raw === '' && shape === 'string' ? undefined : raw;
}

function isInt32(raw: unknown): boolean {
  return typeof raw === 'number' && Number.isInteger(raw) && Math.abs(raw) <= INT32_MAX;
}

function setPresent(target: Record<string, unknown>, key: string, value: unknown): void {
  if (value !== undefined) target[key] = value;
}

function fault(text: string, faults: string[]): undefined {
  faults.push(text);
  return undefined;
}

function typeName(raw: unknown): string {
  if (Array.isArray(raw)) return 'array';
  return typeof raw === 'boolean' ? 'bool' : typeof raw;
}
