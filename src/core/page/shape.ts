/** What a JSON value looks like: declared once, as the type of the code that makes it, the documentation and the test of both. */
export type Shape = TextShape | NumberShape | FlagShape | ChoiceShape | ListShape | ObjectShape;

interface Meaning {
  readonly means: string;
}
interface TextShape extends Meaning {
  readonly kind: 'text' | 'time';
}
interface NumberShape extends Meaning {
  readonly kind: 'number';
}
interface FlagShape extends Meaning {
  readonly kind: 'flag';
}
interface ChoiceShape extends Meaning {
  readonly kind: 'choice';
  readonly values: readonly string[];
}
interface ListShape extends Meaning {
  readonly kind: 'list';
  readonly of: Shape;
}
interface ObjectShape extends Meaning {
  readonly kind: 'object';
  readonly fields: Readonly<Record<string, Shape>>;
}

/** The TypeScript type of a shape. */
export type ValueOf<S> = S extends { readonly kind: 'text' | 'time' }
  ? string
  : S extends { readonly kind: 'number' }
    ? number
    : S extends { readonly kind: 'flag' }
      ? boolean
      : S extends { readonly kind: 'choice'; readonly values: readonly (infer V)[] }
        ? V
        : S extends { readonly kind: 'list'; readonly of: infer O }
          ? readonly ValueOf<O>[]
          : S extends { readonly kind: 'object'; readonly fields: infer F }
            ? { readonly [K in keyof F]: ValueOf<F[K]> }
            : never;

export function text(means: string) {
  return { kind: 'text', means } as const;
}

/** RFC 3339 in UTC; empty for never. */
export function time(means: string) {
  return { kind: 'time', means } as const;
}

export function number(means: string) {
  return { kind: 'number', means } as const;
}

export function flag(means: string) {
  return { kind: 'flag', means } as const;
}

export function choice<const V extends readonly string[]>(values: V, means: string) {
  return { kind: 'choice', values, means } as const;
}

export function list<const S extends Shape>(of: S, means: string) {
  return { kind: 'list', of, means } as const;
}

export function object<const F extends Readonly<Record<string, Shape>>>(fields: F, means = '') {
  return { kind: 'object', fields, means } as const;
}

/** One line for each field, with its path: `kinds[].objects`. */
export function describeShape(shape: Shape, path = ''): readonly (readonly [path: string, kind: string, means: string])[] {
  const own = path === '' ? [] : [[path, kindText(shape), shape.means] as const];
  if (shape.kind === 'list') return [...own, ...describeShape(shape.of, `${path}[]`).filter(([at]) => at !== `${path}[]`)];
  if (shape.kind !== 'object') return own;
  const inside = Object.entries(shape.fields).flatMap(([name, field]) => describeShape(field, path === '' ? name : `${path}.${name}`));
  return [...own, ...inside];
}

function kindText(shape: Shape): string {
  switch (shape.kind) {
    case 'list':
      return `list of ${shape.of.kind === 'object' ? 'objects' : `${kindText(shape.of)}s`}`;
    case 'choice':
      return shape.values.map((value) => `\`${value}\``).join(', ');
    default:
      return shape.kind;
  }
}

/** Where a value is not of its shape: missing, other and undeclared fields, a line each. */
export function faultsOf(shape: Shape, value: unknown, path = '$'): readonly string[] {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? [] : [`${path} is no text`];
    case 'time':
      return typeof value === 'string' && /^$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) ? [] : [`${path} is no time`];
    case 'number':
      return typeof value === 'number' ? [] : [`${path} is no number`];
    case 'flag':
      return typeof value === 'boolean' ? [] : [`${path} is neither true nor false`];
    case 'choice':
      return shape.values.some((known) => known === value) ? [] : [`${path} is none of ${shape.values.join(', ')}`];
    case 'list':
      return Array.isArray(value) ? value.flatMap((item, i) => faultsOf(shape.of, item, `${path}[${i}]`)) : [`${path} is no list`];
    case 'object':
      return objectFaults(shape, value, path);
  }
}

function objectFaults({ fields }: ObjectShape, value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  const given = value as Readonly<Record<string, unknown>>;
  const undeclared = Object.keys(given).filter((name) => !(name in fields));
  return [
    ...undeclared.map((name) => `${path}.${name} is not declared`),
    ...Object.entries(fields).flatMap(([name, shape]) => faultsOf(shape, given[name], `${path}.${name}`)),
  ];
}
