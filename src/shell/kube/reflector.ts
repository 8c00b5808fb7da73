import { initialState, step, wakeAt } from '../../core/informer/informer.ts';
import type { LineHead } from '../../core/informer/line-head.ts';
import type { InformerEffect, InformerEvent, Problem, RestartReason } from '../../core/informer/state.ts';
import type { Meta, RawObject } from '../../core/object/raw.ts';
import type { Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { KubeClient } from './client.ts';
import { runLane, type SkipReason } from './lane.ts';
import { type Change, createLiveSet } from './live-set.ts';
import { createSeen, nameIn } from './skipped.ts';
import type { Store } from './store.ts';

export type { RestartReason } from '../../core/informer/state.ts';
export type { SkipReason } from './lane.ts';
export type { Change } from './live-set.ts';

/** What telemetry counts. Each is called synchronously and must not throw. */
export interface ReflectorObserver {
  readonly restarted: (kind: string, reason: RestartReason) => void;
  /** A true re-list found `count` objects that the running watch should have shown, and had not. */
  readonly corrected: (kind: string, count: number) => void;
  readonly skipped: (kind: string, reason: SkipReason) => void;
  readonly received: (kind: string, bytes: number) => void;
}

export interface ReflectorOptions<T extends Meta> {
  readonly client: KubeClient;
  /** The collection, for example `/api/v1/services`. */
  readonly path: string;
  /** Further query parameters, for example a labelSelector. */
  readonly query?: Readonly<Record<string, string>>;
  /** For messages and metrics, for example `Service`. */
  readonly kind: string;
  /** `malformed` is logged and counted, `not-ours` is passed over; neither is in the store. */
  readonly project: (raw: unknown) => Result<T, 'malformed' | 'not-ours'>;
  /** The reflector is its only writer. */
  readonly store: Store<T>;
  /** Called synchronously, after the store has changed. */
  readonly onChange: (change: Change<T>) => void;
  readonly observer: ReflectorObserver;
  readonly clock: Clock;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
  /** Seconds between true re-lists. */
  readonly resyncSeconds: number;
  readonly log: Log;
}

export interface ReflectorState {
  /** The store has once been complete: a latch, later outages do not undo it. */
  readonly synced: boolean;
  /** Monotonic time (`clock.now()`) of the first sync. */
  readonly syncedAtMs: number | undefined;
  /** Monotonic time when the server was last heard on the running watch or list (bookmarks come every minute). */
  readonly heardAtMs: number | undefined;
  /** A watch is open now; otherwise the store holds what was known when it broke. */
  readonly connected: boolean;
  /** Why it is not connected, and the code that goes with it. */
  readonly error: string | undefined;
  readonly code: RestartReason | undefined;
}

export interface Reflector {
  /** Resolves at the first sync. Never rejects; stays open when the signal aborts before. */
  readonly ready: Promise<void>;
  /** Resolves when the signal has aborted and everything has ended. */
  readonly closed: Promise<void>;
  readonly state: () => ReflectorState;
}

/** A request that is under way. Where its objects go changes when its list becomes the truth. */
interface OpenLane {
  readonly abort: AbortController;
  into: 'live' | 'fresh' | 'witness';
}

/**
 * Keeps a store equal to a collection of the API server until `signal` aborts: the shell of `core/informer`. On any error what is known
 * stays in the store.
 */
export function createReflector<T extends Meta>(options: ReflectorOptions<T>, signal: AbortSignal): Reflector {
  const { clock, random, kind, log, observer } = options;
  const lanes = new Map<number, OpenLane>();
  const running = new Set<Promise<unknown>>();
  const first = Promise.withResolvers<void>();
  let state = initialState(options.resyncSeconds * 1000);
  let syncedAtMs: number | undefined;
  let heardAtMs: number | undefined;
  let alarm: { readonly at: number; readonly cancel: AbortController } | undefined;
  let said = '';
  const malformed = createSeen();

  const set = createLiveSet<T>({
    store: options.store,
    project: options.project,
    onChange: options.onChange,
    onMalformed: (key, version, detail) => {
      observer.skipped(kind, 'malformed');
      if (malformed.isNew(key, version)) log.warn('an object is left out: it cannot be read', { kind, object: key, detail });
    },
  });

  const dispatch = (event: InformerEvent): void => {
    if (signal.aborted) return;
    if (event.kind === 'heard') heardAtMs = clock.now();
    const next = step(state, event, clock.now(), random());
    state = next.state;
    for (const effect of next.effects) perform(effect);
    setAlarm();
  };

  const perform = (effect: InformerEffect): void => {
    switch (effect.kind) {
      case 'open':
        open(effect);
        break;
      case 'close':
        lanes.get(effect.lane)?.abort.abort();
        lanes.delete(effect.lane);
        break;
      case 'swap':
        track(swap(effect.lane, effect.witness));
        break;
      case 'discard':
        set.discard();
        break;
      case 'settle':
        settle(effect.counted);
        break;
      case 'restarted':
        observer.restarted(kind, effect.problem.reason);
        if (effect.into === 'fresh' && effect.afterMs === 0) log.info('the server has no streaming lists: it is listed in pages', { kind });
        else say(effect.problem, effect.afterMs);
        break;
    }
  };

  const settle = (counted: boolean): void => {
    const objects = set.suspects();
    set.forgetSuspects();
    if (!counted || objects === 0) return;
    observer.corrected(kind, objects);
    log.warn('a re-list found what the watch had not shown', { kind, objects });
  };

  const open = ({ lane: id, mode, into, query }: Extract<InformerEffect, { kind: 'open' }>): void => {
    const lane: OpenLane = { abort: new AbortController(), into };
    lanes.set(id, lane);
    const mayKeep = () => lane.into === 'fresh' && options.store.size() > 0;
    const keep = (head: LineHead) => set.keep('fresh', head);
    const put = (object: RawObject) => (lane.into === 'witness' ? set.witness(object) : set.put(lane.into, object));
    const remove = (object: RawObject) => (lane.into === 'witness' ? set.witness(object) : set.remove(lane.into, object));
    const skipped = (reason: SkipReason, start: string) => {
      observer.skipped(kind, reason);
      log.warn('an object is left out', { kind, reason, object: nameIn(start), start: start.slice(0, SHOWN_LENGTH_MAX) });
    };
    const request = { client: options.client, path: options.path, query: { ...options.query, ...query }, id, mode };
    const received = (bytes: number) => observer.received(kind, bytes);
    const until = AbortSignal.any([signal, lane.abort.signal]);
    const ended = () => {
      // Also lets go of a connection that the server would keep open after its own ERROR event.
      lane.abort.abort();
      lanes.delete(id);
    };
    track(runLane({ ...request, mayKeep, keep, put, remove, skipped, received, report: dispatch }, until).finally(ended));
  };

  const swap = async (to: number | undefined, witness: number | undefined): Promise<void> => {
    const lane = to === undefined ? undefined : lanes.get(to);
    if (lane) lane.into = 'live';
    const before = witness === undefined ? undefined : lanes.get(witness);
    if (before) before.into = 'witness';
    await set.swap(before !== undefined);
    if (signal.aborted) return;
    syncedAtMs ??= clock.now();
    first.resolve();
    if (before) dispatch({ kind: 'suspects', count: set.suspects() });
    else set.forgetSuspects();
  };

  /** One line when something goes wrong and when it changes; repeats are for those who debug. */
  const say = (problem: Problem, afterMs: number): void => {
    const text = `${problem.reason}: ${problem.detail}`;
    const level = problem.reason === 'closed' || text === said ? 'debug' : 'warn';
    log[level]('the watch has to begin again; what is known is kept', {
      kind,
      reason: problem.reason,
      detail: problem.detail,
      afterMs: Math.round(afterMs),
    });
    if (problem.reason !== 'closed') said = text;
  };

  const setAlarm = (): void => {
    if (said !== '' && state.live?.opened && !state.problem) {
      said = '';
      log.info('watching again', { kind });
    }
    const at = wakeAt(state);
    if (alarm && alarm.at <= at) return;
    alarm?.cancel.abort();
    const cancel = new AbortController();
    alarm = { at, cancel };
    void clock.after(Math.max(0, at - clock.now()), AbortSignal.any([signal, cancel.signal])).then(() => {
      if (cancel.signal.aborted) return;
      alarm = undefined;
      dispatch({ kind: 'tick' });
    });
  };

  const track = (work: Promise<unknown>): void => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  dispatch({ kind: 'tick' });
  return {
    ready: first.promise,
    closed: whenAborted(signal).then(async () => {
      while (running.size > 0) await Promise.all(running);
    }),
    state: () => ({
      synced: syncedAtMs !== undefined,
      syncedAtMs,
      heardAtMs,
      connected: state.live?.opened ?? false,
      error: state.problem?.detail,
      code: state.problem?.reason,
    }),
  };
}

/** How much of an object that is left out is logged. */
const SHOWN_LENGTH_MAX = 200;

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
