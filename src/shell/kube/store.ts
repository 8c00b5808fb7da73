import type { Meta } from '../../core/object/raw.ts';

/** Objects of one kind by key (`namespace/name`, or the name alone for cluster-scoped kinds), and by one further value when asked for. */
export interface Store<T extends Meta> {
  readonly get: (key: string) => T | undefined;
  readonly values: () => IterableIterator<T>;
  readonly keys: () => IterableIterator<string>;
  readonly size: () => number;
  /** The objects whose `indexBy` is this, in no particular order; throws for a store that has no `indexBy`. */
  readonly indexed: (indexKey: string) => Iterable<T>;
  /** Returns the object that it replaced. */
  readonly set: (key: string, object: T) => T | undefined;
  /** Returns the object that was there. */
  readonly delete: (key: string) => T | undefined;
}

export interface StoreOptions<T> {
  readonly indexBy?: (object: T) => string;
}

const NOTHING: readonly never[] = [];

export function createStore<T extends Meta>(options: StoreOptions<T> = {}): Store<T> {
  const { indexBy } = options;
  const objects = new Map<string, T>();
  /** Most entries hold one object (a Service has one slice per family): a list only where there are more. */
  const index = new Map<string, T | readonly T[]>();

  const link = (object: T) => {
    if (!indexBy) return;
    const key = indexBy(object);
    const held = index.get(key);
    index.set(key, held === undefined ? object : [...asList(held), object]);
  };
  const unlink = (object: T) => {
    if (!indexBy) return;
    const key = indexBy(object);
    const rest = asList(index.get(key)).filter((held) => held !== object);
    const [only] = rest;
    if (only === undefined) index.delete(key);
    else index.set(key, rest.length === 1 ? only : rest);
  };

  return {
    get: (key) => objects.get(key),
    values: () => objects.values(),
    keys: () => objects.keys(),
    size: () => objects.size,
    indexed: (key) => {
      if (!indexBy) throw new Error('this store was made without indexBy');
      return asList(index.get(key));
    },
    set: (key, object) => {
      const before = objects.get(key);
      if (before) unlink(before);
      objects.set(key, object);
      link(object);
      return before;
    },
    delete: (key) => {
      const before = objects.get(key);
      if (before) unlink(before);
      objects.delete(key);
      return before;
    },
  };
}

function asList<T>(held: T | readonly T[] | undefined): readonly T[] {
  if (held === undefined) return NOTHING;
  return Array.isArray(held) ? (held as readonly T[]) : [held as T];
}
