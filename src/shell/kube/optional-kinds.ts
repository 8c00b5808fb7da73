import type { Meta } from '../../core/object/raw.ts';
import type { OptionalResource } from '../../core/object/resources.ts';
import { discoverKinds, kindId, type ServedPaths, type WantedKind } from './discovery.ts';
import { type Change, createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import type { Store } from './store.ts';

type WatchOptions = Pick<ReflectorOptions<Meta>, 'client' | 'clock' | 'random' | 'log' | 'observer' | 'resyncSeconds'>;

/** A kind that is watched while the API serves it. */
export interface OptionalKind extends WantedKind {
  /** Watched only while this kind is served too: what it is there for. */
  readonly needs?: WantedKind;
  readonly watch: (path: string, options: WatchOptions, signal: AbortSignal) => Reflector;
  /** Forgets all objects. */
  readonly clear: () => void;
  readonly size: () => number;
}

/** Ties a kind to the store that holds it. */
export function optionalKind<T extends Meta>(
  { group, kind, versions, project }: OptionalResource<T>,
  store: Store<T>,
  onChange: (change: Change<T>) => void,
  needs?: WantedKind,
): OptionalKind {
  return {
    group,
    kind,
    versions,
    ...(needs && { needs }),
    size: store.size,
    watch: (path, options, signal) => createReflector<T>({ ...options, path, kind, project, store, onChange }, signal),
    clear: () => {
      for (const key of [...store.keys()]) onChange({ key, before: store.delete(key), after: undefined });
    },
  };
}

export interface OptionalKindsOptions extends WatchOptions {
  readonly kinds: readonly OptionalKind[];
  /** Something may have settled: a kind was listed, refused, or found missing. */
  readonly changed: () => void;
}

export interface OptionalKinds {
  /** What the first sync may still wait for, a line each: kinds that are served and neither listed nor refused yet. */
  readonly waiting: () => readonly string[];
  /** Kinds that are watched now. */
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
  /** Kinds that the API does not serve, as far as is known. */
  readonly missing: () => readonly string[];
  readonly closed: Promise<void>;
}

/** How often the API is asked what it serves. */
const DISCOVERY_MS = 30_000;
/** When the last look failed, or showed something to be gone. */
const LOOK_AGAIN_MS = 5_000;
/** A kind that was there is let go when so many looks in a row do not find it: an API server that starts does not know its CRDs at once. */
const LOOKS_UNTIL_GONE = 2;

interface Watched {
  readonly path: string;
  readonly reflector: Reflector;
  readonly end: AbortController;
}

interface KindState {
  readonly kind: OptionalKind;
  watched: Watched | undefined;
  /** Looks in a row that did not find it. */
  absences: number;
}

/**
 * Watches kinds that may be missing: each in the version that is served, from when it appears until it is gone. A kind that may not be read
 * stays in its reflector's care; nothing here holds back anything else.
 */
export function createOptionalKinds(options: OptionalKindsOptions, signal: AbortSignal): OptionalKinds {
  const { client, clock, log } = options;
  const states = options.kinds.map((kind): KindState => ({ kind, watched: undefined, absences: 0 }));
  const ended = new Set<Promise<void>>();
  let looked = false;
  let said = '';
  let wake = new AbortController();

  const observer = {
    ...options.observer,
    restarted: (kind: string, reason: Parameters<WatchOptions['observer']['restarted']>[1]) => {
      options.observer.restarted(kind, reason);
      if (reason === 'not-found') wake.abort();
      // The reflector's state shows it after this call.
      queueMicrotask(options.changed);
    },
  };

  function apply(paths: ServedPaths): void {
    for (const state of states) {
      const { kind, watched } = state;
      const path = kind.needs && !paths.has(kindId(kind.needs)) ? undefined : paths.get(kindId(kind));
      state.absences = path === undefined ? state.absences + 1 : 0;
      if (path !== undefined && path !== watched?.path) start(state, path);
      else if (watched && state.absences >= LOOKS_UNTIL_GONE) letGo(state);
    }
  }

  /** Another version takes over with the store as it is: its list shows what differs. */
  function start(state: KindState, path: string): void {
    stop(state);
    const end = new AbortController();
    const reflector = state.kind.watch(path, { ...options, observer }, AbortSignal.any([signal, end.signal]));
    state.watched = { path, reflector, end };
    void reflector.ready.then(options.changed);
    log.info('watching', { kind: state.kind.kind, path });
  }

  function stop({ watched }: KindState): void {
    if (!watched) return;
    watched.end.abort();
    ended.add(watched.reflector.closed);
    void watched.reflector.closed.then(() => ended.delete(watched.reflector.closed));
  }

  function letGo(state: KindState): void {
    stop(state);
    state.watched = undefined;
    const objects = state.kind.size();
    state.kind.clear();
    log.info('no longer served', { kind: state.kind.kind, objects });
  }

  async function look(): Promise<number> {
    const wanted = states.flatMap(({ kind }) => (kind.needs ? [kind, kind.needs] : [kind]));
    const paths = await discoverKinds(client, wanted, signal);
    if (signal.aborted) return 0;
    if (!paths.ok) {
      if (said !== paths.detail) log.warn('cannot ask which kinds are served', { code: paths.code, detail: paths.detail });
      said = paths.detail;
      return LOOK_AGAIN_MS;
    }
    said = '';
    looked = true;
    apply(paths.value);
    options.changed();
    return states.some(({ watched, absences }) => watched && absences > 0) ? LOOK_AGAIN_MS : DISCOVERY_MS;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController();
      const waitMs = await look();
      // A watch that finds its collection gone cuts a long wait short, not one that was short already.
      const woken = waitMs === DISCOVERY_MS ? AbortSignal.any([signal, wake.signal]) : signal;
      await clock.after(waitMs, woken);
    }
    await Promise.all([...ended, ...states.flatMap(({ watched }) => watched?.reflector.closed ?? [])]);
  }

  const watchedNow = () => states.flatMap(({ kind, watched }) => (watched ? [[kind.kind, watched.reflector, kind.size()] as const] : []));
  return {
    waiting: () => {
      if (!looked) return ['which kinds are served is not known yet'];
      const open = watchedNow().filter(([, { state }]) => !state().synced && !isRefused(state().code));
      return open.map(([kind, { state }]) => `${kind} not listed yet: ${state().error ?? 'in progress'}`);
    },
    kinds: watchedNow,
    missing: () => (looked ? states.filter(({ watched }) => !watched).map(({ kind }) => kind.kind) : []),
    closed: run(),
  };
}

/** Waiting longer would not help. */
function isRefused(code: string | undefined): boolean {
  return code === 'forbidden' || code === 'not-found';
}
