import { isNewer } from '../../core/informer/version.ts';
import { keyOf, type Meta } from '../../core/object/raw.ts';
import type { Store } from '../../shell/kube/store.ts';

/** A store together with what our own writes made of its objects until the watch has shown it too. */
export interface WrittenStore<T extends Meta> {
  /** Objects as they are, as far as is known. */
  readonly present: () => readonly T[];
  readonly get: (key: string) => T | undefined;
  readonly wrote: (object: T) => void;
  /** A write has removed it. */
  readonly removed: (object: T) => void;
}

/** `changed` is called when a write has made something new of an object. */
export function createWrittenStore<T extends Meta>(store: Store<T>, changed: () => void): WrittenStore<T> {
  const written = new Map<string, T>();
  const gone = new Set<string>();

  const forget = () => {
    for (const [key, own] of written) {
      const seen = store.get(key);
      if (seen && (seen.uid !== own.uid || !isNewer(own.resourceVersion, seen.resourceVersion))) written.delete(key);
    }
    if (gone.size > 0) {
      const uids = new Set([...store.values()].map((object) => object.uid));
      for (const uid of gone) if (!uids.has(uid)) gone.delete(uid);
    }
  };
  const isThere = (object: T | undefined): object is T => object !== undefined && !gone.has(object.uid);

  return {
    present: () => {
      forget();
      const keys = new Set([...store.keys(), ...written.keys()]);
      return [...keys].map((key) => written.get(key) ?? store.get(key)).filter(isThere);
    },
    get: (key) => {
      forget();
      const object = written.get(key) ?? store.get(key);
      return isThere(object) ? object : undefined;
    },
    wrote: (object) => {
      written.set(keyOf(object), object);
      changed();
    },
    removed: (object) => {
      written.delete(keyOf(object));
      gone.add(object.uid);
      changed();
    },
  };
}
