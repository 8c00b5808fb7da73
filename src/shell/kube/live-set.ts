import type { LineHead } from '../../core/informer/line-head.ts';
import { asObject, asString, keyOf, type Meta, type RawObject } from '../../core/object/raw.ts';
import type { Result } from '../../core/value/result.ts';
import { yieldTurn } from '../system/yield-turn.ts';
import type { Store } from './store.ts';

/** Changes that a swap makes before other work has its turn. */
const SWAP_CHANGES_A_TURN = 256;

export interface Change<T> {
  readonly key: string;
  /** Absent: it is new. */
  readonly before: T | undefined;
  /** Absent: it is gone. */
  readonly after: T | undefined;
}

export interface LiveSetOptions<T extends Meta> {
  readonly store: Store<T>;
  readonly project: (raw: unknown) => Result<T, 'malformed' | 'not-ours'>;
  readonly onChange: (change: Change<T>) => void;
  readonly onMalformed: (key: string, version: string, detail: string) => void;
}

/** The store, and the set that a list fills beside it. */
export interface LiveSet {
  /** Puts the object that is live already, if it is this one: same key, uid and version. */
  readonly keep: (into: 'live' | 'fresh', head: LineHead) => boolean;
  readonly put: (into: 'live' | 'fresh', raw: RawObject) => void;
  readonly remove: (into: 'live' | 'fresh', raw: RawObject) => void;
  /** The old watch has shown this object after all. */
  readonly witness: (raw: RawObject) => void;
  /**
   * Makes the store equal to the fresh set, some changes a turn; what comes meanwhile waits its turn. Resolves when that is done.
   * `witnessed`: the watch that was to show the differences still runs, so each of them is a suspect.
   */
  readonly swap: (witnessed: boolean) => Promise<void>;
  readonly discard: () => void;
  /** Of the differences that the last swap found, those that `witness` has not explained. */
  readonly suspects: () => number;
  readonly forgetSuspects: () => void;
}

export function createLiveSet<T extends Meta>(options: LiveSetOptions<T>): LiveSet {
  const { store, onChange } = options;
  let fresh = new Map<string, T>();
  /** While a swap is under way: the keys that may differ, and the set that is being made live. */
  let pending: string[] | undefined;
  let next = 0;
  let coming = new Map<string, T>();
  let suspects = new Set<string>();

  const project = (key: string, raw: RawObject): T | undefined => {
    const result = options.project(raw);
    if (result.ok) return result.value;
    if (result.code === 'malformed') options.onMalformed(key, metaOf(raw).resourceVersion, result.detail);
    return undefined;
  };
  /** What is known already is not projected again: a re-list holds each unchanged object once. */
  const read = (key: string, raw: RawObject): T | undefined => {
    const known = store.get(key);
    const meta = metaOf(raw);
    const same = known && known.uid === meta.uid && known.resourceVersion === meta.resourceVersion && meta.resourceVersion !== '';
    return same ? known : project(key, raw);
  };
  const apply = (key: string, after: T | undefined) => {
    const before = store.get(key);
    if (before === after) return;
    if (after) store.set(key, after);
    else store.delete(key);
    onChange({ key, before, after });
  };
  const write = (into: 'live' | 'fresh', key: string, object: T | undefined) => {
    if (into === 'live' && !pending) return apply(key, object);
    const set = into === 'live' ? coming : fresh;
    if (object) set.set(key, object);
    else set.delete(key);
    if (into === 'live') pending?.push(key);
  };
  const differences = (): string[] => {
    const keys: string[] = [];
    for (const [key, object] of coming) if (store.get(key) !== object) keys.push(key);
    for (const key of store.keys()) if (!coming.has(key)) keys.push(key);
    return keys;
  };

  /** False when there is nothing left. */
  const applyNext = (): boolean => {
    const key = pending?.[next++];
    if (key !== undefined) apply(key, coming.get(key));
    return key !== undefined;
  };
  const finish = () => {
    while (applyNext());
    pending = undefined;
    next = 0;
    coming = new Map();
  };

  return {
    keep: (into, head) => {
      const key = keyOf(head);
      const known = store.get(key);
      if (known?.uid !== head.uid || known.resourceVersion !== head.version) return false;
      write(into, key, known);
      return true;
    },
    put: (into, raw) => {
      const key = keyOf(metaOf(raw));
      if (key === '') return options.onMalformed('', '', 'no metadata.name');
      write(into, key, read(key, raw));
    },
    remove: (into, raw) => write(into, keyOf(metaOf(raw)), undefined),
    witness: (raw) => {
      suspects.delete(keyOf(metaOf(raw)));
    },
    swap: async (witnessed) => {
      finish();
      coming = fresh;
      fresh = new Map();
      const mine = differences();
      pending = mine;
      suspects = new Set(witnessed ? mine : []);
      for (let done = 1; pending === mine; done++) {
        if (!applyNext()) finish();
        else if (done % SWAP_CHANGES_A_TURN === 0) await yieldTurn();
      }
    },
    discard: () => {
      fresh = new Map();
    },
    suspects: () => suspects.size,
    forgetSuspects: () => {
      suspects = new Set();
    },
  };
}

function metaOf(raw: RawObject): {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
} {
  const meta = asObject(raw['metadata']);
  return {
    namespace: asString(meta?.['namespace']) ?? '',
    name: asString(meta?.['name']) ?? '',
    uid: asString(meta?.['uid']) ?? '',
    resourceVersion: asString(meta?.['resourceVersion']) ?? '',
  };
}
