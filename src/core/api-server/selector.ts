import { asObject, asString, type RawObject } from '../object/raw.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ApiKind } from './kind.ts';

export type Selects = (object: RawObject) => boolean;

const KEY = '[A-Za-z0-9./_-]+';
const VALUE = '[A-Za-z0-9._-]*';
const EQUALITY = new RegExp(String.raw`^(${KEY})\s*(=|==|!=)\s*(${VALUE})$`);
const SET = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s*\(([^()]*)\)$`);
const EXISTS = new RegExp(String.raw`^(!?)\s*(${KEY})$`);

/** Parses `labelSelector` (equality and set based); an empty one selects everything. */
export function parseLabelSelector(text: string): Result<Selects, 'bad-selector'> {
  const parts = splitOutsideParentheses(text);
  const rules: Selects[] = [];
  for (const part of parts) {
    const rule = labelRule(part);
    if (!rule) return err('bad-selector', `unable to parse requirement: found ${JSON.stringify(part)}`);
    rules.push(rule);
  }
  return ok((object) => rules.every((rule) => rule(object)));
}

/** True when the labels have all of the selector's: how a Service selects Pods. */
export function hasLabels(object: RawObject, wanted: RawObject): boolean {
  const labels = labelsOf(object);
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function labelRule(part: string): Selects | undefined {
  const equality = EQUALITY.exec(part);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return operator === '!=' ? (object) => labelsOf(object)[key] !== value : (object) => labelsOf(object)[key] === value;
  }
  const set = SET.exec(part);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    const inside = (object: RawObject) => values.includes(asString(labelsOf(object)[key]) ?? '\0');
    return operator === 'in' ? inside : (object) => !inside(object);
  }
  const exists = EXISTS.exec(part);
  if (!exists) return undefined;
  const [, not, key = ''] = exists;
  return (object) => (labelsOf(object)[key] === undefined) === (not === '!');
}

/** Parses `fieldSelector`: `metadata.name`, `metadata.namespace` and what the kind names. */
export function parseFieldSelector(text: string, kind: ApiKind): Result<Selects, 'bad-selector'> {
  const rules: Selects[] = [];
  for (const part of text.split(',').filter((piece) => piece !== '')) {
    const match = /^([^=!]+)(=|==|!=)([^=]*)$/.exec(part);
    const path = match?.[1] ?? '';
    if (!match) return err('bad-selector', `invalid selector: ${JSON.stringify(part)}; can't understand ${JSON.stringify(part)}`);
    if (path !== 'metadata.name' && path !== 'metadata.namespace' && !kind.selectableFields.includes(path))
      return err('bad-selector', `field label not supported: ${path}`);
    rules.push((object) => (fieldText(object, path) === match[3]) === (match[2] !== '!='));
  }
  return ok((object) => rules.every((rule) => rule(object)));
}

function fieldText(object: RawObject, path: string): string {
  let value: unknown = object;
  for (const key of path.split('.')) value = asObject(value)?.[key];
  return value === undefined || value === null ? '' : String(value);
}

function labelsOf(object: RawObject): RawObject {
  return asObject(asObject(object['metadata'])?.['labels']) ?? {};
}

/** Commas separate requirements, except inside `in (a, b)`. An empty requirement stays in, to be refused. */
function splitOutsideParentheses(text: string): readonly string[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}
