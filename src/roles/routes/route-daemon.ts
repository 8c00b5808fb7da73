import type { RouteInputs, RoutePlan } from '../../core/plan/routes.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createMemoryKeeper } from '../../shell/system/memory.ts';
import { createHealthServer, type Readiness } from '../../shell/telemetry/health-server.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import { addProcessMetrics, createMetrics, type Metrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { exposeKinds, watchObserver } from '../kube-metrics.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createRoutePlanner } from '../route-planner.ts';
import { createRouteFeed } from './route-feed.ts';

/** What is done with the plans of a daemon. */
export interface RouteSink {
  /** After the first sync, each time Nodes or endpoints have changed. */
  readonly planned: (plan: RoutePlan, inputs: RouteInputs) => void;
  /** What it has not done yet, a line each. */
  readonly waiting: () => readonly string[];
  readonly closed: Promise<unknown>;
}

export interface SinkTools {
  readonly metrics: Metrics;
  /** All notices that are true now; each is said once for as long as it stays so. */
  readonly tell: (notices: readonly Notice[]) => void;
}

/** Watches the cluster and hands each plan to the sink, until `context.signal` aborts. An API server that is away changes nothing. */
export async function runRouteDaemon(
  context: RoleContext<'routes'>,
  client: KubeClient,
  createSink: (tools: SinkTools, signal: AbortSignal) => RouteSink,
): Promise<ExitCode> {
  const { settings, clock, log, random, signal } = context;
  const stop = new AbortController();
  const metrics = createMetrics();
  addProcessMetrics(metrics, context.version, clock.wall());
  const sink = createSink({ metrics, tell: createTeller(log, metrics) }, stop.signal);
  const feed = createRouteFeed(
    {
      client,
      clock,
      random,
      log,
      resyncSeconds: settings.resyncSeconds,
      observer: watchObserver(metrics, clock),
      changed: (what) => planner.changed(what),
      synced: () => {
        log.info('synced', Object.fromEntries(feed.kinds().map(([kind, , objects]) => [kind, objects])));
        createMemoryKeeper(clock, stop.signal).started();
        planner.changed('nodes');
      },
    },
    stop.signal,
  );
  const { via, cidrs } = settings;
  const planner = createRoutePlanner(
    {
      nodes: feed.nodes.values,
      slices: feed.slices.values,
      ciliumNodes: feed.ciliumNodes.values,
      via,
      cidrs,
      clock,
      planned: sink.planned,
    },
    stop.signal,
  );
  const readiness = (): Readiness => {
    const reasons = signal.aborted ? ['shutting down'] : [...feed.waiting(), ...sink.waiting()];
    return { ready: reasons.length === 0, reasons };
  };
  let ready = false;
  exposeKinds(metrics, feed.kinds, clock);
  metrics.read('ready', () => [[{}, readiness().ready ? 1 : 0]]);
  const synced = () => {
    ready ||= readiness().ready;
    return ready;
  };
  const health = createHealthServer({ listen: settings.health, readiness, synced, metrics }, stop.signal);
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    const closed = await closeAll([health.closed, feed.closed, planner.closed, sink.closed], clock);
    if (!closed) log.warn('not everything had closed in time');
    return code;
  };
  const listening = await health.ready;
  if (!listening.ok) return end(giveUp(context, listening.detail));
  await aborted(signal);
  return end(0);
}

function createTeller(log: Log, metrics: Metrics): SinkTools['tell'] {
  let said: ReadonlySet<string> = new Set();
  return (notices) => {
    const keyOf = ({ object, code, text }: Notice) => `${object.uid} ${code} ${text}`;
    for (const notice of notices) {
      if (said.has(keyOf(notice))) continue;
      metrics.inc('notices', { code: notice.code });
      log.warn(notice.text, { code: notice.code, object: `${notice.object.kind} ${notice.object.name}` });
    }
    said = new Set(notices.map(keyOf));
  };
}
