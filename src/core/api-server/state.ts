import { asObject, type RawObject } from '../object/raw.ts';
import { type ApiKind, resourceKey } from './kind.ts';

/** One write: `before` is absent for a creation, `after` for a removal. */
export interface Change {
  readonly version: number;
  readonly resource: string;
  readonly before: RawObject | undefined;
  readonly after: RawObject | undefined;
}

type Objects = ReadonlyMap<string, RawObject>;

/** Everything the API server knows: a value, so that a list can be taken from any version that history still reaches. */
export interface ApiState {
  /** The version of the latest write; the collection's `resourceVersion`. */
  readonly version: number;
  /** Changes up to this version are forgotten: a watch from before it is answered with 410. */
  readonly compacted: number;
  /** `group/plural` → `namespace/name` (or `name`) → object. */
  readonly objects: ReadonlyMap<string, Objects>;
  /** Oldest first, every change after `compacted`. */
  readonly history: readonly Change[];
}

/** How many changes are remembered for watches; the real server keeps 100 to 102,400 per kind. */
export const HISTORY_CHANGES_MAX = 4096;
const FIRST_VERSION = 1;
const NONE: Objects = new Map();

export const EMPTY_STATE: ApiState = { version: FIRST_VERSION, compacted: FIRST_VERSION, objects: new Map(), history: [] };

export function objectsOf(state: ApiState, kind: Pick<ApiKind, 'group' | 'plural'>): Objects {
  return state.objects.get(resourceKey(kind)) ?? NONE;
}

export function storeKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Stores an object with the next version in its `metadata.resourceVersion`, and returns it as stored. */
export function withObject(
  state: ApiState,
  kind: ApiKind,
  key: string,
  object: RawObject,
): { readonly state: ApiState; readonly object: RawObject } {
  const version = state.version + 1;
  const after = versioned(object, version);
  const before = objectsOf(state, kind).get(key);
  return { state: withChange(state, key, { version, resource: resourceKey(kind), before, after }), object: after };
}

/** Removes an object; what is returned carries the removal's version, as a DELETED event does. */
export function withoutObject(state: ApiState, kind: ApiKind, key: string): { readonly state: ApiState; readonly object: RawObject } {
  const version = state.version + 1;
  const held = objectsOf(state, kind).get(key);
  if (!held) throw new Error(`no ${kind.kind} ${key} to remove`);
  const change = { version, resource: resourceKey(kind), before: held, after: undefined };
  return { state: withChange(state, key, change), object: versioned(held, version) };
}

/** Forgets all history: whoever watches from before now must list again (410). */
export function compacted(state: ApiState): ApiState {
  return { ...state, compacted: state.version, history: [] };
}

/** The objects of a kind as they were at `version`; `undefined` when history does not reach back that far. */
export function objectsAt(state: ApiState, kind: ApiKind, version: number): Objects | undefined {
  if (version < state.compacted) return undefined;
  const resource = resourceKey(kind);
  const later = state.history.filter((change) => change.version > version && change.resource === resource);
  if (later.length === 0) return objectsOf(state, kind);
  const objects = new Map(objectsOf(state, kind));
  for (const change of later.toReversed()) {
    const meta = asObject((change.after ?? change.before)?.['metadata']);
    const key = storeKey(String(meta?.['namespace'] ?? ''), String(meta?.['name']));
    if (change.before) objects.set(key, change.before);
    else objects.delete(key);
  }
  return objects;
}

function withChange(state: ApiState, key: string, change: Change): ApiState {
  const resource = new Map(state.objects.get(change.resource));
  if (change.after) resource.set(key, change.after);
  else resource.delete(key);
  const dropped = state.history.length >= HISTORY_CHANGES_MAX ? state.history[0] : undefined;
  return {
    version: change.version,
    compacted: dropped ? dropped.version : state.compacted,
    objects: new Map(state.objects).set(change.resource, resource),
    history: [...(dropped ? state.history.slice(1) : state.history), change],
  };
}

/** The object with this `metadata.resourceVersion`. */
export function versioned(object: RawObject, version: number): RawObject {
  return { ...object, metadata: { ...asObject(object['metadata']), resourceVersion: String(version) } };
}
