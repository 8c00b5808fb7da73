import type { Meta } from '../../core/object/raw.ts';
import type { ApiErrorCode } from '../../core/value/api-error.ts';
import type { Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { KubeClient } from './client.ts';
import type { Store } from './store.ts';

/** Why a watch or list was begun again. */
export type RestartReason = ApiErrorCode | 'closed' | 'silent' | 'no-end-mark';
/** Why an object was left out. */
export type SkipReason = 'malformed' | 'too-long' | 'not-json';

/** What telemetry counts. Each is called synchronously and must not throw. */
export interface ReflectorObserver {
  readonly restarted: (kind: string, reason: RestartReason) => void;
  /** A true re-list found `count` objects that the running watch should have shown, and had not. */
  readonly corrected: (kind: string, count: number) => void;
  readonly skipped: (kind: string, reason: SkipReason) => void;
  readonly received: (kind: string, bytes: number) => void;
}

export interface Change<T> {
  readonly key: string;
  /** Absent: it is new. */
  readonly before: T | undefined;
  /** Absent: it is gone. */
  readonly after: T | undefined;
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

/** How `createReflector` is called: it keeps a store equal to a collection of the API server until `signal` aborts. */
export type CreateReflector = <T extends Meta>(options: ReflectorOptions<T>, signal: AbortSignal) => Reflector;
