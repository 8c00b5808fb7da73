import { err, ok, type Result } from '../value/result.ts';
import type { Labels } from './label-selector.ts';
import { asObject, type Meta, toMeta, toStringMap } from './raw.ts';

/** A core/v1 Namespace: its labels, which Gateways select by. */
export interface Namespace extends Meta {
  readonly labels: Labels;
}

export function toNamespace(raw: unknown): Result<Namespace, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta) return err('malformed', 'no metadata.name');
  return ok({ ...meta, labels: toStringMap(asObject(asObject(raw)?.['metadata'])?.['labels'], () => true) });
}
