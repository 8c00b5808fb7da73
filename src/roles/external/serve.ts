import { hostname } from 'node:os';
import { CONFIG_NAMESPACE } from '../../core/object/load-balancer-config.ts';
import type { SocketAddress } from '../../core/settings/kinds.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createEventRecorder } from '../../shell/kube/events.ts';
import { createLease } from '../../shell/kube/lease.ts';
import { createBurstKeeper } from '../../shell/system/memory.ts';
import { createHealthServer } from '../../shell/telemetry/health-server.ts';
import { addProcessMetrics, createMetrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { exposeKinds } from '../kube-metrics.ts';
import { servePage } from '../page.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import type { ExternalFeed } from './external-feed.ts';
import { createOperator } from './operator.ts';

/** The original's, so that ours and it never work at once. */
export const LEASE_NAME = 'ccd53c55.paperlb.com';

/** Serves the cluster's Services by proxy while it holds the Lease, until `context.signal` aborts. */
export async function serveExternal(context: RoleContext<'external'>, client: KubeClient): Promise<ExitCode> {
  const { settings, clock, log, random, signal } = context;
  if (!settings.leaderElect) log.warn('-leader-elect=false is ignored: two at once would undo each other’s work');
  const stop = new AbortController();
  const metrics = createMetrics();
  addProcessMetrics(metrics, context.version, clock.wall());
  const instance = hostname();
  const events = createEventRecorder({ client, role: 'external', instance, clock, log }, stop.signal);
  const identity = `${instance}_${Math.floor(random() * 2 ** 52).toString(36)}`;
  const lease = createLease({ client, namespace: CONFIG_NAMESPACE, name: LEASE_NAME, identity, clock, random, log }, stop.signal);
  let feed: ExternalFeed | undefined;
  const startedAtMs = clock.now();
  let syncedAtMs: number | undefined;
  let known = false;
  void lease.ready.then(() => {
    known = true;
    syncedAtMs = clock.now();
  });
  metrics.read('leading', () => [[{}, lease.leadership() ? 1 : 0]]);
  exposeKinds(metrics, () => feed?.kinds() ?? [], clock);

  const readiness = () => {
    const waiting = known ? (lease.leadership() ? (feed?.waiting() ?? []) : []) : ['the Lease was not read yet'];
    const reasons = signal.aborted ? ['shutting down'] : waiting;
    return { ready: reasons.length === 0, reasons };
  };
  metrics.read('ready', () => [[{}, readiness().ready ? 1 : 0]]);
  const { healthProbe, metricsBind } = settings;
  const shared = healthProbe?.ip === metricsBind?.ip && healthProbe?.port === metricsBind?.port && healthProbe?.port !== 0;
  const serve = (listen: SocketAddress | undefined, flag: string) =>
    listen ? [createHealthServer({ listen, flag, readiness, synced: () => known, metrics }, stop.signal)] : [];
  const servers = [...serve(healthProbe, 'health-probe-bind-address'), ...(shared ? [] : serve(metricsBind, 'metrics-bind-address'))];

  let page: Promise<void> | undefined;
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    if (!(await closeAll([page, events.closed, lease.closed, ...servers.map((server) => server.closed)], clock)))
      log.warn('not everything had closed in time');
    return code;
  };
  for (const server of servers) {
    const listening = await server.ready;
    if (!listening.ok) return end(giveUp(context, listening.detail));
  }
  log.info('serving', { class: settings.loadBalancerClass, cluster: client.server, context: client.context });
  lease.runWhileLeader(async (tenure) => {
    const operator = createOperator({ context, client, metrics, events, worked: createBurstKeeper(clock, tenure) }, tenure);
    feed = operator.feed;
    await operator.closed;
    feed = undefined;
  });
  const waiting = () => readiness().reasons;
  const leads = () => lease.leadership() !== undefined;
  const facts = { context, client, instance, feed: () => feed, leads, startedAtMs, syncedAtMs: () => syncedAtMs, waiting };
  page = servePage(context, async () => (await import('./page.ts')).externalPage(facts), stop.signal);
  await aborted(signal);
  log.info('stopping');
  return end(0);
}
