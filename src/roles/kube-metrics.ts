import type { Reflector, ReflectorObserver } from '../shell/kube/reflector.ts';
import type { Clock } from '../shell/system/clock.ts';
import type { Metrics } from '../shell/telemetry/metrics.ts';

/** The kinds that a role watches, each with how many objects of it are known. */
export type WatchedKinds = readonly (readonly [kind: string, reflector: Reflector, objects: number])[];

/** Lets a scrape read what is known of the cluster, and whether it still hears of it. */
export function exposeKinds(metrics: Metrics, kinds: () => WatchedKinds, clock: Clock): void {
  metrics.read('kubeObjects', () => kinds().map(([kind, , objects]) => [{ kind }, objects] as const));
  metrics.read('kubeSynced', () => kinds().map(([kind, reflector]) => [{ kind }, reflector.state().synced ? 1 : 0] as const));
  metrics.read('kubeConnected', () => kinds().map(([kind, reflector]) => [{ kind }, reflector.state().connected ? 1 : 0] as const));
  // A kind that was never heard of has no age: `minilb_kube_synced` says so.
  metrics.read('kubeHeardAge', () =>
    kinds().flatMap(([kind, reflector]) => {
      const { heardAtMs } = reflector.state();
      return heardAtMs === undefined ? [] : [[{ kind }, (clock.now() - heardAtMs) / 1000] as const];
    }),
  );
}

/** Counts what happens to watches, and when something of a kind last arrived. */
export interface WatchObserver extends ReflectorObserver {
  /** Monotonic milliseconds; the time of the call for a kind that has not been heard of. */
  readonly arrivedAtMs: (kind: string) => number;
}

export function watchObserver(metrics: Metrics, clock: Clock): WatchObserver {
  const arrived = new Map<string, number>();
  return {
    restarted: (kind, code) => metrics.inc('kubeWatchFailures', { kind, code }),
    corrected: (kind, count) => metrics.inc('resyncCorrections', { kind }, count),
    skipped: (kind) => metrics.inc('kubeMalformed', { kind }),
    received: (kind, bytes) => {
      arrived.set(kind, clock.now());
      metrics.inc('kubeReceived', { kind }, bytes);
    },
    arrivedAtMs: (kind) => arrived.get(kind) ?? clock.now(),
  };
}
