import { asArray, asObject, asString, compact } from './raw.ts';

export type Labels = Readonly<Record<string, string>>;

/** One demand of a meta/v1 LabelSelector; `matchLabels` are turned into `In` with one value. */
interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** A meta/v1 LabelSelector: all requirements must hold, and an empty one selects everything. */
export type LabelSelector = readonly Requirement[];

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** `undefined` for anything that is not a whole selector: half of one would select more than its author meant. */
export function toLabelSelector(raw: unknown): LabelSelector | undefined {
  const selector = asObject(raw);
  if (!selector) return undefined;
  const labels = Object.entries(asObject(selector['matchLabels']) ?? {});
  const expressions = asArray(selector['matchExpressions']);
  const equal = labels.map(([key, value]): Requirement | undefined =>
    typeof value === 'string' ? { key, operator: 'In', values: [value] } : undefined,
  );
  const requirements = compact([...equal, ...expressions.map(toRequirement)]);
  return requirements.length === labels.length + expressions.length ? requirements : undefined;
}

/** True when an object with these labels is selected. As in the API, `NotIn` selects an object that lacks the key. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return selector.every((requirement) => holds(requirement, labels));
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function toRequirement(raw: unknown): Requirement | undefined {
  const expression = asObject(raw);
  const key = asString(expression?.['key']);
  const operator = OPERATORS.find((known) => known === expression?.['operator']);
  return key && operator ? { key, operator, values: compact(asArray(expression?.['values']).map(asString)) } : undefined;
}
