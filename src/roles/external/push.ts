import type { CleanupEntry } from '../../core/object/load-balancer.ts';
import type { UpdaterRef } from '../../core/object/load-balancer-config.ts';
import type { BackendPlan } from '../../core/plan/balancer-calls.ts';
import { type Place, placeKey } from '../../core/plan/balancer-place.ts';
import type { Removal } from '../../core/plan/balancers.ts';
import type { Remark } from '../../core/value/notice.ts';
import { type Clock, isoTime, wallOf } from '../../shell/system/clock.ts';
import type { AccessFailure, UpdaterAccess } from './updater-access.ts';

/** How long a backend's removal is tried, from when it was first wanted. */
const GIVE_UP_MS = 3_600_000;
/** … and at least for so long by this process, which may just have started. */
const GIVE_UP_TRIES_MS = 300_000;

export interface PushOptions {
  readonly access: UpdaterAccess;
  readonly clock: Clock;
  readonly resyncMs: number;
  readonly givenUp: (key: string, removal: Removal) => void;
}

/** What became of one LoadBalancer's calls. */
export interface Pushed {
  readonly removed: readonly Removal[];
  readonly pending: readonly CleanupEntry[];
  /** Backends that are live as planned. */
  readonly live: number;
  readonly failures: readonly AccessFailure[];
  readonly remarks: readonly Remark[];
}

export interface Pusher {
  /**
   * Removes, then writes, in that order. `trusted`: the object says that all was live in its present generation, so that an updater which does
   * not answer is no reason to say otherwise. `since` says from when a removal counts.
   */
  readonly push: (
    key: string,
    removals: readonly Removal[],
    backends: readonly BackendPlan[],
    facts: { readonly updater?: UpdaterRef; readonly trusted: boolean; readonly since: (place: Place) => string },
    signal: AbortSignal,
  ) => Promise<Pushed>;
  readonly forget: (key: string) => void;
}

/** The body that was confirmed, or `absent`; and when. */
interface Confirmed {
  readonly body: string;
  readonly at: number;
}

/** Makes updaters hold what is planned, and remembers what they have confirmed: that is not said again before `-resync`. */
export function createPusher({ access, clock, resyncMs, givenUp }: PushOptions): Pusher {
  const confirmed = new Map<string, Map<string, Confirmed>>();
  const failingSince = new Map<string, number>();

  const isDue = (held: Confirmed | undefined, body: string) => held?.body !== body || clock.now() - held.at >= resyncMs;

  const mayGiveUp = (key: string, place: Place, since: string): boolean => {
    const id = `${key} ${placeKey(place)}`;
    const first = failingSince.get(id) ?? clock.now();
    failingSince.set(id, first);
    return clock.wall() - wallOf(since) >= GIVE_UP_MS && clock.now() - first >= GIVE_UP_TRIES_MS;
  };

  const push: Pusher['push'] = async (key, removals, backends, { updater, trusted, since }, signal) => {
    const held = confirmed.get(key) ?? new Map<string, Confirmed>();
    confirmed.set(key, held);
    const removed: Removal[] = [];
    const pending: CleanupEntry[] = [];
    const failures: AccessFailure[] = [];
    const remarks: Remark[] = [];
    for (const removal of removals) {
      const { place } = removal;
      const result = removal.updater ? await access.remove(removal.updater, place.backendName, signal) : undefined;
      const from = since(place) || isoTime(clock.wall());
      if (result && !result.ok && !mayGiveUp(key, place, from)) {
        pending.push({ ...place, since: from });
        failures.push(result);
        continue;
      }
      if (!result?.ok) givenUp(key, removal);
      failingSince.delete(`${key} ${placeKey(place)}`);
      held.delete(placeKey(place));
      removed.push(removal);
    }

    let live = 0;
    const blocked = new Set(pending.map(placeKey));
    for (const { place, call, needs } of backends) {
      const id = placeKey(place);
      const body = call ? JSON.stringify(call) : 'absent';
      if (!updater || blocked.has(id)) continue;
      if (isDue(held.get(id), body)) {
        const result = await (call
          ? update(updater, { place, call, needs }, remarks, signal)
          : access.remove(updater, place.backendName, signal));
        if (result?.ok) held.set(id, { body, at: clock.now() });
        else if (result) failures.push(result);
        const silent = result && !result.ok && (result.code === 'unreachable' || result.code === 'waiting');
        if (!result?.ok && !silent) held.delete(id);
        if (silent && trusted && !held.has(id) && call) live++;
      }
      if (call && held.get(id)?.body === body) live++;
    }
    for (const id of held.keys()) if (!backends.some(({ place }) => placeKey(place) === id)) held.delete(id);
    return { removed, pending, live, failures, remarks };
  };

  /** `undefined`: refused by us, since the updater would ignore what the Service asks for. */
  const update = async (
    updater: UpdaterRef,
    { place, call, needs }: BackendPlan,
    remarks: Remark[],
    signal: AbortSignal,
  ): Promise<{ readonly ok: true } | AccessFailure | undefined> => {
    if (!call) return undefined;
    if (needs.length > 0) {
      const minilb = await access.isMinilb(updater, signal);
      if (!minilb.ok) return minilb;
      if (!minilb.value) {
        remarks.push([
          'UpdaterTooOld',
          `${place.backendName}: the updater at ${updater.url} does not know ${needs.join(', ')}; the port is not forwarded.`,
        ]);
        return undefined;
      }
    }
    return access.update(updater, call, signal);
  };

  return { push, forget: (key) => void confirmed.delete(key) };
}
