import type { CleanupEntry, LoadBalancer } from '../../core/object/load-balancer.ts';
import { LB_FINALIZER, type LoadBalancerConfig } from '../../core/object/load-balancer-config.ts';
import { keyOf, refOf } from '../../core/object/raw.ts';
import { type ConfigChange, planConfigUse } from '../../core/plan/balancer-configs.ts';
import { type Place, placeKey } from '../../core/plan/balancer-place.ts';
import { isOurIngress, type Standing, sameIngress, statusPatch } from '../../core/plan/balancer-status.ts';
import type { BalancerPlan, Removal } from '../../core/plan/balancers.ts';
import type { Notice, ObjectRef, Remark } from '../../core/value/notice.ts';
import type { ApiFailure } from '../../shell/kube/client.ts';
import type { WorkOutcome } from '../../shell/kube/work-queue.ts';
import { type Clock, isoTime } from '../../shell/system/clock.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import { createRewritePace } from '../rewrite-pace.ts';
import type { WrittenStore } from './balancer-store.ts';
import type { BalancerWriter } from './balancer-writer.ts';
import type { Pushed, Pusher } from './push.ts';

type ServePlan = Extract<BalancerPlan, { kind: 'serve' }>;
type FinishPlan = Extract<BalancerPlan, { kind: 'finish' }>;

export interface ReconcilerOptions {
  readonly writer: BalancerWriter;
  readonly pusher: Pusher;
  readonly configs: WrittenStore<LoadBalancerConfig>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly resyncMs: number;
  /** What is to be said about a Service for as long as it stays true; none takes back what was said. */
  readonly say: (key: string, notices: readonly Notice[]) => void;
}

export interface Reconciler {
  readonly serve: (plan: ServePlan, signal: AbortSignal) => Promise<WorkOutcome>;
  readonly finish: (plan: FinishPlan, signal: AbortSignal) => Promise<WorkOutcome>;
  readonly changeConfig: (change: ConfigChange, signal: AbortSignal) => Promise<WorkOutcome>;
}

const CONFLICT_MS = 200;
const RESYNC_JITTER = 0.1;

/** Carries out plans, one step after the other; whatever does not work is tried again, from the plan of then. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { writer, pusher, configs, clock, random, log, metrics, resyncMs } = options;
  const pace = createRewritePace(clock);
  const preparing = new Map<string, Promise<{ readonly ok: true } | ApiFailure>>();
  let failing = false;

  const failed = (what: string, key: string, failure: ApiFailure): WorkOutcome => {
    if (failure.code === 'not-found') return 'done';
    if (failure.code === 'conflict') return { retryAfterMs: CONFLICT_MS * (1 + random()) };
    if (failure.code === 'invalid') {
      log.warn(`the API server refuses ${what}`, { object: key, detail: failure.detail });
      return 'retry';
    }
    // One line for an outage, not one for each object and try.
    if (!failing) log.warn(`${what} was not written; trying again`, { object: key, detail: failure.detail });
    failing = true;
    return failure.retryAfterSeconds ? { retryAfterMs: failure.retryAfterSeconds * 1000 * (1 + random() / 2) } : 'retry';
  };

  /** Notes down what may be at an updater before that is changed, and brings the object to the plan. */
  const bring = async (plan: ServePlan, signal: AbortSignal) => {
    const { balancer, removals, spec } = plan;
    if (!balancer) return writer.create(plan, signal);
    if (!plan.specDiffers && balancer.finalizers.includes(LB_FINALIZER)) return { ok: true as const, value: balancer };
    const since = sinceOf(balancer);
    const now = isoTime(clock.wall());
    const cleanup = removals.flatMap(({ place, updater }) => (updater ? [{ ...place, since: since(place) || now }] : []));
    const noted = cleanup.every((entry) => since(entry) !== '');
    const held = noted ? { ok: true as const, value: balancer } : await writer.setStatus(balancer, { cleanup }, signal);
    return held.ok ? writer.setSpec(held.value, spec, signal) : held;
  };

  /** Many Services find one config not ready for use: the first one writes, and the others wait for it. */
  const prepare = (config: LoadBalancerConfig, signal: AbortSignal): Promise<{ readonly ok: true } | ApiFailure> => {
    const { name } = config;
    const use = planConfigUse(configs.get(keyOf(config)) ?? config);
    const under = preparing.get(name);
    if (under || !use) return under ?? Promise.resolve({ ok: true });
    const work = writer.setConfig(use, signal).finally(() => preparing.delete(name));
    preparing.set(name, work);
    return work;
  };

  const serve = async (plan: ServePlan, signal: AbortSignal): Promise<WorkOutcome> => {
    const { key, service, config, backends } = plan;
    const used = await prepare(config, signal);
    if (!used.ok) return failed('a LoadBalancerConfig', config.name, used);
    const brought = await bring(plan, signal);
    if (!brought.ok) return failed('a LoadBalancer', key, brought);
    const balancer = brought.value;
    failing = false;
    const trusted = balancer.phase === 'READY' && balancer.observedGeneration === balancer.generation;
    const facts = { updater: config.updater, trusted, since: sinceOf(balancer) };
    const pushed = await pusher.push(key, plan.removals, backends, facts, signal);
    if (signal.aborted) return 'retry';
    const standing = standingOf(plan, pushed);
    say(key, refOf('v1', 'Service', service), pushed);
    const status = statusPatch(balancer, standing, isoTime(clock.wall()));
    const written = status ? await writer.setStatus(balancer, status, signal) : { ok: true as const };
    if (!written.ok) return failed('the status of a LoadBalancer', key, written);
    if (standing.ready && !balancer.conditions.some(({ type, status: held }) => type === 'Ready' && held === 'True'))
      log.info('live', {
        service: key,
        config: config.name,
        ports: backends.map(({ place }) => `${place.port}/${place.protocol}`).join(','),
      });
    const waitMs = standing.ready ? await writeIngress(plan, signal) : 0;
    if (typeof waitMs !== 'number') return waitMs;
    return outcomeOf(pushed, waitMs);
  };

  /** Milliseconds until it may be written again, or how a failed write goes on. */
  const writeIngress = async ({ key, service, ingress }: ServePlan, signal: AbortSignal): Promise<number | WorkOutcome> => {
    if (sameIngress(service.status, ingress)) return 0;
    const value = `${service.uid} ${JSON.stringify(ingress)}`;
    const waitMs = pace.waitMs(key, value);
    if (waitMs > 0) return waitMs;
    const result = await writer.setIngress(service, ingress, signal);
    metrics.inc('statusWrites', { result: result.ok ? 'ok' : result.code });
    if (!result.ok) return failed('the status of a Service', key, result);
    pace.wrote(key, value);
    return 0;
  };

  const outcomeOf = ({ failures }: Pushed, waitMs: number): WorkOutcome => {
    if (failures.length === 0) return { retryAfterMs: waitMs || resyncMs * (1 + RESYNC_JITTER * random()) };
    const waits = failures.map((failure) => failure.retryAfterMs);
    const known = waits.filter((each) => each !== undefined);
    // A failure of its own grows its delay; one that waits for an updater comes back when that is tried.
    return known.length === failures.length ? { retryAfterMs: Math.min(...known) } : 'retry';
  };

  const say = (key: string, object: ObjectRef, { failures, remarks }: Pushed) => {
    const own = failures.filter((failure) => failure.code !== 'waiting');
    const told: readonly Remark[] = [...remarks, ...own.map(({ detail }): Remark => ['UpdaterFailed', `${detail}.`])];
    // While it waits, what was said last stays true.
    if (own.length > 0 || failures.length === 0)
      options.say(
        key,
        told.map(([code, text]) => ({ object, code, text })),
      );
  };

  const finish = async (plan: FinishPlan, signal: AbortSignal): Promise<WorkOutcome> => {
    const { key, service } = plan;
    let { balancer } = plan;
    const has = balancer.finalizers.includes(LB_FINALIZER);
    if (service && isOurIngress(service.status, new Set([balancer.host])) && service.type === 'LoadBalancer') {
      const cleared = await writer.setIngress(service, [], signal);
      metrics.inc('statusWrites', { result: cleared.ok ? 'ok' : cleared.code });
      if (!cleared.ok && cleared.code !== 'not-found') return failed('the status of a Service', key, cleared);
    }
    if (balancer.deletedAt === '') {
      if (!has && plan.removals.length > 0) {
        const marked = await writer.setSpec(balancer, undefined, signal);
        if (!marked.ok) return failed('a LoadBalancer', key, marked);
        balancer = marked.value;
      }
      const gone = await writer.remove(balancer, signal);
      if (!gone.ok) return failed('a LoadBalancer', key, gone);
      // The plan of the object that is being deleted goes on from here.
      return 'done';
    }
    const since = sinceOf(balancer);
    const pushed = await pusher.push(
      key,
      plan.removals,
      [],
      { trusted: false, since: (place) => since(place) || balancer.deletedAt },
      signal,
    );
    if (signal.aborted) return 'retry';
    const about = service ? refOf('v1', 'Service', service) : namespaceRef(balancer.namespace);
    say(key, about, pushed);
    if (pushed.pending.length > 0) return outcomeOf(pushed, 0);
    const released = await writer.release(balancer, signal);
    if (!released.ok) return failed('the finalizer of a LoadBalancer', key, released);
    pusher.forget(key);
    pace.forget(key);
    log.info('removed', { loadBalancer: key });
    return 'done';
  };

  const changeConfig = async (change: ConfigChange, signal: AbortSignal): Promise<WorkOutcome> => {
    const result = await writer.setConfig(change, signal);
    return result.ok ? 'done' : failed('a LoadBalancerConfig', change.config.name, result);
  };

  return { serve, finish, changeConfig };
}

function standingOf({ backends, complete }: ServePlan, { live, pending, failures, remarks }: Pushed): Standing {
  const wanted = backends.filter(({ call }) => call).length;
  const ready = complete && wanted > 0 && live === backends.length;
  const targetCount = Math.max(0, ...backends.map(({ call }) => call?.upstreamServers.length ?? 0));
  const base = { ready, targetCount, cleanup: pending };
  if (ready) return { ...base, reason: 'Live', message: 'Every port is live.' };
  if (wanted === 0) return { ...base, reason: 'NoTargets', message: 'There is no Node to send traffic to.' };
  if (live === backends.length)
    return { ...base, reason: 'PortsMissing', message: 'A port of the Service has no port of the load balancer.' };
  const told = new Set([...remarks.map(([, text]) => text), ...failures.map(({ detail }) => detail)]);
  return { ...base, reason: remarks.length > 0 ? 'UpdaterTooOld' : 'UpdaterFailed', message: [...told].join(' ') };
}

/** From when a removal counts: what the object's list says. */
function sinceOf({ cleanup }: LoadBalancer): (place: Place | CleanupEntry) => string {
  const known = new Map(cleanup.map((entry) => [placeKey(entry), entry.since]));
  return (place) => known.get(placeKey(place)) ?? '';
}

/** What is given up is said about the Service, or where that is gone about its Namespace: in the Namespace itself it might not be written. */
export function givenUpNotice({ place, updater }: Removal, object: ObjectRef): Notice {
  const why = updater ? 'could not be removed for an hour' : 'is no longer reachable through any LoadBalancerConfig';
  return {
    object,
    code: 'CleanupGivenUp',
    text: `Backend ${place.backendName} (port ${place.port}/${place.protocol}) at ${place.url} ${why}: it is left there.`,
  };
}

export function namespaceRef(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Namespace', namespace: '', name, uid: '' };
}
