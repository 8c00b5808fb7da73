import { createHealthServer, type HealthServer } from '../../shell/telemetry/health-server.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import { exposeKinds } from '../kube-metrics.ts';
import type { RoleContext } from '../role.ts';
import type { L3Feed } from './l3-feed.ts';

export interface L3HealthOptions {
  readonly context: RoleContext<'l3'>;
  readonly metrics: Metrics;
  /** Undefined while this process does not lead. */
  readonly feed: () => L3Feed | undefined;
  /** What is still missing, a line each. */
  readonly waiting: () => readonly string[];
  /** A latch. */
  readonly done: () => boolean;
}

/** Serves health and metrics on `-health`; where that names no address, on the node's first one (`-host-ips`), not on all. */
export function serveHealth(options: L3HealthOptions, signal: AbortSignal): HealthServer {
  const { context, metrics, feed, waiting } = options;
  const { settings } = context;
  const [hostIp] = settings.hostIps;
  const listen = settings.health.ip === undefined && hostIp ? { ...settings.health, ip: hostIp } : settings.health;
  exposeKinds(metrics, () => feed()?.kinds() ?? [], context.clock);
  metrics.read('ready', () => [[{}, waiting().length === 0 && !context.signal.aborted ? 1 : 0]]);
  const readiness = () => {
    const reasons = context.signal.aborted ? ['shutting down'] : waiting();
    return { ready: reasons.length === 0, reasons };
  };
  return createHealthServer({ listen, readiness, synced: options.done, metrics }, signal);
}
