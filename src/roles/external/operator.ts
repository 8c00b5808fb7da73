import type { ExternalService } from '../../core/object/external-service.ts';
import { keyOf, refOf } from '../../core/object/raw.ts';
import { type ConfigChange, planConfigRelease } from '../../core/plan/balancer-configs.ts';
import { type BalancerPlan, planBalancers, type Removal } from '../../core/plan/balancers.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { EventRecorder } from '../../shell/kube/events.ts';
import { createWorkQueue, type WorkOutcome } from '../../shell/kube/work-queue.ts';
import { createUpdaterClient, type Send } from '../../shell/proxy/updater-client.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import { watchObserver } from '../kube-metrics.ts';
import { createLoop } from '../loop.ts';
import { createNoticeBoard } from '../notices.ts';
import type { RoleContext } from '../role.ts';
import { createWrittenStore } from './balancer-store.ts';
import { createBalancerWriter } from './balancer-writer.ts';
import { createEmptySince } from './empty-since.ts';
import { createExternalFeed, type ExternalFeed } from './external-feed.ts';
import { createPusher } from './push.ts';
import { createReconciler, givenUpNotice, namespaceRef } from './reconcile.ts';
import { createUpdaterAccess } from './updater-access.ts';

export type OperatorContext = Pick<RoleContext<'external'>, 'settings' | 'clock' | 'random' | 'log' | 'version'>;

export interface OperatorOptions {
  readonly context: OperatorContext;
  readonly client: KubeClient;
  readonly metrics: Metrics;
  readonly events: EventRecorder;
  readonly send?: Send;
  /** Called when a piece of work is done: it comes in bursts. */
  readonly worked?: () => void;
}

export interface Operator {
  readonly feed: ExternalFeed;
  readonly closed: Promise<unknown>;
}

const GAP_MS = 50;
const PERIOD_MS = 30_000;
/** Calls to updaters take up to 10 s, and an updater makes one reload of all that come together. */
const WORKERS = 128;
const CONFIG_KEY = 'config ';

/**
 * Serves the cluster's Services for as long as this process leads: plans whenever something has changed, and carries out what is new in each
 * plan. Everything it knows is read after it was elected.
 */
export function createOperator(options: OperatorOptions, tenure: AbortSignal): Operator {
  const { context, client, metrics, events } = options;
  const { settings, clock, random, log } = context;
  const { resyncSeconds } = settings;
  const resyncMs = resyncSeconds * 1000;
  const observer = watchObserver(metrics, clock);
  let changed = () => {};
  const feed = createExternalFeed({ client, clock, random, log, resyncSeconds, observer, changed: () => changed() }, tenure);
  const balancers = createWrittenStore(feed.balancers, () => changed());
  const configs = createWrittenStore(feed.configs, () => changed());
  const board = createNoticeBoard(log, metrics, events);
  const emptySince = createEmptySince(clock);
  const said = new Map<string, readonly Notice[]>();
  let plans: ReadonlyMap<string, BalancerPlan> = new Map();
  let configChanges: ReadonlyMap<string, ConfigChange> = new Map();
  const fingerprints = new Map<string, string>();

  const givenUp = (key: string, removal: Removal) => {
    const service = feed.services.get(key);
    const notice = givenUpNotice(removal, service ? refOf('v1', 'Service', service) : namespaceRef(key.split('/')[0] ?? ''));
    metrics.inc('externalGivenUp', {});
    metrics.inc('notices', { code: notice.code });
    log.error(notice.text, { code: notice.code, service: key });
    events.emit(notice);
  };
  const updaters = createUpdaterClient({
    clock,
    userAgent: `minilb/${context.version} (external)`,
    ...(options.send && { send: options.send }),
  });
  const access = createUpdaterAccess({ client, updaters, clock, random, metrics });
  const pusher = createPusher({ access, clock, resyncMs, givenUp });
  const reconciler = createReconciler({
    writer: createBalancerWriter(client, balancers, configs),
    pusher,
    configs,
    clock,
    random,
    log,
    metrics,
    resyncMs,
    say: (key, notices) => {
      const before = said.get(key) ?? [];
      if (JSON.stringify(before) === JSON.stringify(notices)) return;
      said.set(key, notices);
      changed();
    },
  });

  const handle = async (key: string, signal: AbortSignal): Promise<WorkOutcome> => {
    options.worked?.();
    if (key.startsWith(CONFIG_KEY)) {
      const change = configChanges.get(key);
      return change ? reconciler.changeConfig(change, signal) : 'done';
    }
    const plan = plans.get(key);
    if (!plan) return 'done';
    return plan.kind === 'serve' ? reconciler.serve(plan, signal) : reconciler.finish(plan, signal);
  };
  const queue = createWorkQueue({ name: 'load balancer', handle, clock, random, log, workers: WORKERS }, tenure);

  /** A key is handed on when its plan says something new: what failed is tried again in its own time, whatever else changes. */
  const handOn = (key: string, fingerprint: string) => {
    if (fingerprints.get(key) === fingerprint) return;
    fingerprints.set(key, fingerprint);
    queue.add(key);
  };

  const run = async (): Promise<number | undefined> => {
    emptySince.look(feed.services.values());
    const planned = planBalancers({
      services: feed.services.values(),
      balancers: balancers.present(),
      configs: configs.present(),
      nodes: feed.nodes.values(),
      slicesOf: feed.slices.indexed,
      loadBalancerClass: settings.loadBalancerClass,
      classless: settings.classless,
      prefixes: settings.prefixes,
      emptySecondsOf: emptySince.seconds,
    });
    plans = planned.plans;
    for (const key of said.keys()) if (!plans.has(key)) said.delete(key);
    board([...planned.notices, ...[...said.values()].flat()]);
    const releases = configs.present().flatMap((config) => planConfigRelease(config, balancers.present()) ?? []);
    configChanges = new Map(releases.map((change) => [`${CONFIG_KEY}${change.config.name}`, change]));
    for (const [key, plan] of plans) handOn(key, fingerprintOf(plan));
    for (const [key, change] of configChanges) handOn(key, `${change.config.resourceVersion} ${JSON.stringify(change.used)}`);
    for (const key of fingerprints.keys()) if (!plans.has(key) && !configChanges.has(key)) fingerprints.delete(key);
    return planned.againMs;
  };

  metrics.read('externalBalancers', () => {
    const phases = Map.groupBy(balancers.present(), (balancer) => balancer.phase);
    return (['READY', 'PENDING'] as const).map((phase) => [{ phase }, phases.get(phase)?.length ?? 0] as const);
  });

  const work = async () => {
    await Promise.race([feed.synced, new Promise((resolve) => tenure.addEventListener('abort', resolve, { once: true }))]);
    if (!tenure.aborted) {
      log.info('synced', Object.fromEntries(feed.kinds().map(([kind, , objects]) => [kind, objects])));
      const loop = createLoop({ clock, gapMs: GAP_MS, periodMs: PERIOD_MS, run }, tenure);
      changed = loop.changed;
      await loop.closed;
    }
    await Promise.all([queue.closed, feed.closed]);
  };
  return { feed, closed: work() };
}

/** Everything of a plan that carrying it out depends on. */
function fingerprintOf(plan: BalancerPlan): string {
  const { kind, balancer } = plan;
  const object = `${balancer?.uid}@${balancer?.generation} ${balancer?.phase} ${balancer?.deletedAt} ${balancer?.finalizers}`;
  const removals = plan.removals.map(({ place, updater }) => [place, updater]);
  if (kind === 'finish') return JSON.stringify([kind, object, removals, statusOf(plan.service)]);
  const { spec, backends, complete, ingress, service, config } = plan;
  const calls = backends.map(({ place, call, needs }) => [place, call, needs]);
  return JSON.stringify([kind, object, removals, spec, calls, complete, ingress, statusOf(service), config.updater, keyOf(service)]);
}

function statusOf(service: ExternalService | undefined): unknown {
  return service && [service.uid, service.status];
}
