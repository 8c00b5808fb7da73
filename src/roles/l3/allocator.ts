import { hostname } from 'node:os';
import { prefixFaults } from '../../core/plan/route-prefixes.ts';
import { cidrText } from '../../core/value/ip.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createEventRecorder } from '../../shell/kube/events.ts';
import { createLease } from '../../shell/kube/lease.ts';
import { addProcessMetrics, createMetrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { watchObserver } from '../kube-metrics.ts';
import { createLoop } from '../loop.ts';
import { createNoticeBoard } from '../notices.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createAllocation } from './allocation.ts';
import { createL3Feed, type L3Feed } from './l3-feed.ts';
import { serveHealth } from './l3-health.ts';
import { clusterPrefixFaults } from './prefix-check.ts';

export const LEASE_NAME = 'minilb-l3-allocator';

const GAP_MS = 50;
const PERIOD_MS = 30_000;

/**
 * Gives out addresses for the whole cluster while it holds the Lease. Watching begins anew with each leadership, so that it decides from
 * lists made after winning; what it knew before is forgotten.
 */
export async function runAllocator(context: RoleContext<'l3'>, client: KubeClient): Promise<ExitCode> {
  const { settings, clock, log, random, signal } = context;
  const faults = prefixFaults(settings.prefixes);
  if (faults.length > 0) return giveUp(context, faults.join('; '));
  log.info(`using prefix ${settings.prefixes.map(cidrText).join(',')}`);
  const stop = new AbortController();
  const metrics = createMetrics();
  addProcessMetrics(metrics, context.version, clock.wall());
  const instance = hostname();
  const events = createEventRecorder({ client, role: 'l3-allocator', instance, clock, log }, stop.signal);
  const notices = createNoticeBoard(log, metrics, events);
  let feed: L3Feed | undefined;
  let fault: string | undefined;
  const failed = new AbortController();

  const identity = `${instance}_${Math.floor(random() * 2 ** 52).toString(36)}`;
  const lease = createLease({ client, namespace: client.namespace, name: LEASE_NAME, identity, clock, random, log }, stop.signal);
  let known = false;
  void lease.ready.then(() => {
    known = true;
  });
  metrics.read('leading', () => [[{}, lease.leadership() ? 1 : 0]]);
  const waiting = () => (known ? (lease.leadership() ? (feed?.waiting() ?? []) : []) : ['the Lease was not read yet']);
  const health = serveHealth({ context, metrics, feed: () => feed, waiting, done: () => known }, stop.signal);

  lease.runWhileLeader(async (tenure) => {
    let changed = () => {};
    const { resyncSeconds } = settings;
    const observer = watchObserver(metrics, clock);
    const own = createL3Feed({ client, clock, random, log, resyncSeconds, observer, endpoints: false, changed: () => changed() }, tenure);
    feed = own;
    await Promise.race([own.synced, aborted(tenure)]);
    const overlap = tenure.aborted ? [] : await clusterPrefixFaults(settings.prefixes, own, client, log, tenure);
    if (overlap.length > 0) {
      fault = overlap.join('; ');
      failed.abort();
    } else if (!tenure.aborted) {
      const run = createAllocation({ context, client, feed: own, metrics, notices, changed: () => changed() });
      const loop = createLoop({ clock, gapMs: GAP_MS, periodMs: PERIOD_MS, run }, tenure);
      changed = loop.changed;
      await loop.closed;
    }
    await own.closed;
    feed = undefined;
  });

  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    if (!(await closeAll([events.closed, health.closed, lease.closed], clock))) log.warn('not everything had closed in time');
    return code;
  };
  const listening = await health.ready;
  if (!listening.ok) return end(giveUp(context, listening.detail));
  await Promise.race([aborted(signal), aborted(failed.signal)]);
  return fault === undefined ? end(0) : end(giveUp(context, fault));
}
