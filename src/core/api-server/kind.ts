import type { RawObject } from '../object/raw.ts';
import type { FieldError, TextRule } from './field-error.ts';
import type { Shape } from './shape.ts';

/** What filling in a new or changed object may look at. */
export interface FillFacts {
  /** All objects of the same kind, in every namespace. */
  readonly others: () => Iterable<RawObject>;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/**
 * One row of the table of kinds: how the API serves it and what it accepts. Objects given to the functions have passed `shape`, so that their
 * fields have the right types, and their metadata is checked elsewhere. `previous` is absent on creation.
 */
export interface ApiKind {
  /** Empty for core/v1. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Fields beside `apiVersion`, `kind` and `metadata`. */
  readonly shape: Readonly<Record<string, Shape>>;
  readonly nameRule: TextRule;
  /** Has `/status`: writes to the object itself then leave the status alone, and the other way round. */
  readonly statusSubresource: boolean;
  /** `metadata.generation` counts changes of anything but metadata and status. */
  readonly generation: boolean;
  /** A PUT needs `metadata.resourceVersion`. */
  readonly updateNeedsVersion: boolean;
  /** A PUT to a name that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Field selectors beside `metadata.name` and `metadata.namespace`: dotted paths. */
  readonly selectableFields: readonly string[];
  /** Seconds of grace a deletion gets when it asks for none; 0 removes at once. */
  readonly graceSeconds: (object: RawObject) => number;
  /** Fills in defaults and allocated values, and drops what the API server itself drops. */
  readonly fill: (object: RawObject, previous: RawObject | undefined, facts: FillFacts) => RawObject;
  readonly validate: (object: RawObject, previous: RawObject | undefined) => readonly FieldError[];
  readonly validateStatus: (object: RawObject, previous: RawObject | undefined) => readonly FieldError[];
}

const PLAIN: Pick<
  ApiKind,
  | 'shortNames'
  | 'namespaced'
  | 'statusSubresource'
  | 'generation'
  | 'updateNeedsVersion'
  | 'createsOnUpdate'
  | 'returnsDeleted'
  | 'selectableFields'
  | 'graceSeconds'
  | 'fill'
  | 'validate'
  | 'validateStatus'
> = {
  shortNames: [],
  namespaced: true,
  statusSubresource: true,
  generation: false,
  updateNeedsVersion: false,
  createsOnUpdate: false,
  returnsDeleted: false,
  selectableFields: [],
  graceSeconds: () => 0,
  fill: (object) => object,
  validate: () => [],
  validateStatus: () => [],
};

type Needed = 'group' | 'version' | 'kind' | 'plural' | 'singular' | 'shape' | 'nameRule';

/** Completes a row: namespaced, with a status, accepting whatever its shape accepts. */
export function apiKind(row: Pick<ApiKind, Needed> & Partial<ApiKind>): ApiKind {
  return { ...PLAIN, ...row };
}

/** `v1`, or `group/version`. */
export function apiVersionOf(kind: Pick<ApiKind, 'group' | 'version'>): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}

/** Under which a kind's objects are stored: `group/plural`. */
export function resourceKey(kind: Pick<ApiKind, 'group' | 'plural'>): string {
  return `${kind.group}/${kind.plural}`;
}
