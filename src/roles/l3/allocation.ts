import { isNewer } from '../../core/informer/version.ts';
import { keyOf } from '../../core/object/raw.ts';
import { type RouteService, toRouteService } from '../../core/object/route-service.ts';
import { type AllocationWrite, planAllocation } from '../../core/plan/allocate.ts';
import type { Ip } from '../../core/value/ip.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import type { RoleContext } from '../role.ts';
import type { L3Feed } from './l3-feed.ts';

export interface AllocationOptions {
  readonly context: RoleContext<'l3'>;
  readonly client: KubeClient;
  readonly feed: L3Feed;
  readonly metrics: Metrics;
  readonly notices: (notices: readonly Notice[]) => void;
  /** Asks for another run. */
  readonly changed: () => void;
}

/** How long a freed address is given to no other Service: clients and routers may still know it as the old one's. */
const REST_MS = 600_000;
const CONFLICT_MS = 200;
const RETRY_MS = 2000;
const WRITERS = 4;
const REFUSED_MAX = 10_000;

/** Returns a run of the allocator: plan, write what differs, remember what was freed. */
export function createAllocation(options: AllocationOptions): (startedAt: number, signal: AbortSignal) => Promise<number | undefined> {
  const { context, client, feed, metrics, notices } = options;
  const { settings, clock, log } = context;
  /** What our own writes made of a Service, until the watch has shown it too. */
  const written = new Map<string, RouteService>();
  /** Versions of Services whose status the API server would not take. */
  const refused = new Set<string>();
  const resting = new Map<Ip, { readonly key: string; readonly untilMs: number }>();
  let held: ReadonlyMap<Ip, string> = new Map();
  let failing = false;

  const present = (): readonly RouteService[] => {
    for (const [key, own] of written) {
      const seen = feed.services.get(key);
      if (!seen || seen.uid !== own.uid || !isNewer(own.resourceVersion, seen.resourceVersion)) written.delete(key);
    }
    return [...feed.services.values()].map((service) => written.get(keyOf(service)) ?? service);
  };

  const rest = (now: ReadonlyMap<Ip, string>) => {
    for (const [ip, key] of held) if (!now.has(ip)) resting.set(ip, { key, untilMs: clock.now() + REST_MS });
    for (const [ip, { untilMs }] of resting) if (now.has(ip) || untilMs <= clock.now()) resting.delete(ip);
    held = now;
  };

  const plan = () => {
    const services = present();
    const inputs = {
      services,
      loadBalancerClass: settings.loadBalancerClass,
      prefixes: settings.prefixes,
      reserve: settings.reserve,
      nodeIps: new Set([...feed.nodes.values()].flatMap((node) => node.addresses)),
    };
    const withRest = () => planAllocation({ ...inputs, resting: new Map([...resting].map(([ip, { key }]) => [ip, key])) });
    const first = withRest();
    const before = resting.size;
    rest(first.held);
    return resting.size === before ? first : withRest();
  };

  /** Milliseconds until it is worth trying again; 0 when it is done. */
  const write = async (one: AllocationWrite, signal: AbortSignal): Promise<number> => {
    const result = await client.request({ method: 'PATCH', path: one.path, body: one.body }, signal);
    metrics.inc('statusWrites', { result: result.ok ? 'ok' : result.code });
    if (result.ok) {
      const fresh = toRouteService(result.value);
      if (fresh.ok) written.set(keyOf(fresh.value), fresh.value);
      log.info('address given', { service: keyOf(one.service), ips: one.ips.join(',') || 'none' });
      failing = false;
      return 0;
    }
    if (result.code === 'not-found') return 0;
    if (result.code === 'conflict') return CONFLICT_MS;
    if (result.code === 'invalid') {
      if (refused.size >= REFUSED_MAX) refused.clear();
      refused.add(versionOf(one.service));
      log.warn('the API server refuses the status of a Service', { service: keyOf(one.service), detail: result.detail });
      return 0;
    }
    if (!failing && !signal.aborted)
      log.warn('an address was not written; trying again', { service: keyOf(one.service), detail: result.detail });
    failing = true;
    return Math.max(RETRY_MS, (result.retryAfterSeconds ?? 0) * 1000);
  };

  return async (_, signal) => {
    const { writes, held: now, notices: said } = plan();
    notices(said);
    metrics.set('l3Allocated', {}, now.size);
    const waits: number[] = [];
    const queue = writes.filter((one) => !refused.has(versionOf(one.service))).values();
    const worker = async () => {
      for (const one of queue) {
        if (signal.aborted) return;
        const waitMs = await write(one, signal);
        if (waitMs > 0) waits.push(waitMs);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, worker));
    // After writing, all holders are compared again: a Lease is no fence.
    if (writes.length > 0 && waits.length === 0) options.changed();
    const ends = [...resting.values()].map(({ untilMs }) => untilMs - clock.now());
    return waits.length > 0 || ends.length > 0 ? Math.max(CONFLICT_MS, Math.min(...waits, ...ends)) : undefined;
  };
}

function versionOf(service: RouteService): string {
  return `${service.uid}@${service.resourceVersion}`;
}
