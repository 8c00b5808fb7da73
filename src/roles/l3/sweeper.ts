import type { NodeView } from '../../core/page/address-rows.ts';
import { type AnnouncementPlan, planAnnouncements, type Seen } from '../../core/plan/announcements.ts';
import { renderGuard } from '../../core/plan/guard.ts';
import { type NodeAddressPlan, planAddresses } from '../../core/plan/node-addresses.ts';
import type { Ip } from '../../core/value/ip.ts';
import type { Notice } from '../../core/value/notice.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { Guard } from '../../shell/node/guard.ts';
import type { NodeAddresses, NodeState } from '../../shell/node/ip-addresses.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import type { RoleContext } from '../role.ts';
import type { L3Feed } from './l3-feed.ts';
import { createRepairLimit } from './repair-limit.ts';

export interface SweeperOptions {
  readonly context: RoleContext<'l3'>;
  readonly node: string;
  readonly feed: L3Feed;
  readonly addresses: NodeAddresses;
  /** Absent without `-guard`. */
  readonly guard?: Guard;
  readonly metrics: Metrics;
  readonly notices: (notices: readonly Notice[]) => void;
  /** Whether addresses may be added yet. */
  readonly mayAdd: () => boolean;
}

export interface Sweep {
  /** Something of what was to be changed was not: try again soon. */
  readonly unfinished: boolean;
  /** When to look again though nothing has changed. */
  readonly againMs: number | undefined;
}

export interface Sweeper {
  /**
   * Makes one comparison of what the node holds with what it is to hold, and applies the difference. Level-triggered: run again, it changes
   * nothing. A failure says in one line which step did not work.
   */
  readonly sweep: (startedAt: number, signal: AbortSignal) => Promise<Result<Sweep>>;
  /** The node's addresses may have changed: the next sweep reads them anew. Starting `ip` costs more than all the rest of a sweep. */
  readonly forget: () => void;
  /** What the last sweep saw and decided; undefined before the first. */
  readonly view: () => NodeView | undefined;
}

/** Compares one node with the cluster. */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { context, feed, addresses, metrics, node } = options;
  const { settings, clock, log } = context;
  const repairs = createRepairLimit(clock);
  let seen: ReadonlyMap<string, Seen> = new Map();
  let announced: ReadonlySet<string> = new Set();
  /** What the kernel had when it was last read, as long as nothing says that it has changed. */
  let known: NodeState | undefined;
  let forgotten = 0;
  let view: NodeView | undefined;

  const read = async (signal: AbortSignal): Promise<Result<NodeState>> => {
    if (known) return ok(known);
    const before = forgotten;
    const state = await addresses.read(signal);
    if (state.ok && before === forgotten) known = state.value;
    return state;
  };

  const decide = (): AnnouncementPlan => {
    const plan = planAnnouncements({
      loadBalancerClass: settings.loadBalancerClass,
      prefixes: settings.prefixes,
      node,
      services: feed.services.values(),
      slicesOf: (key) => feed.slices.indexed(key),
      nodeOf: (name) => feed.nodes.get(name),
      drainSeconds: settings.drainSeconds,
      drainTaint: settings.drainTaint,
      holdSeconds: settings.holdSeconds,
      nowMs: clock.now(),
      seen,
    });
    seen = plan.seen;
    return plan;
  };

  const compare = async (state: NodeState, plan: AnnouncementPlan, signal: AbortSignal): Promise<NodeAddressPlan> => {
    const mayAdd = options.mayAdd();
    const gateways = settings.allowOnlink ? await addresses.gateways(signal) : ok([]);
    const own = feed.nodes.get(node)?.addresses ?? [];
    return planAddresses({
      held: state.addresses,
      desired: mayAdd ? plan.desired : new Set(),
      keep: mayAdd ? plan.keep : new Set([...plan.keep, ...plan.desired]),
      managed: plan.managed,
      prefixes: settings.prefixes,
      interface: settings.interface,
      untouchable: new Set([...own, ...(gateways.ok ? gateways.value : [])]),
    });
  };

  const sayPods = (plan: AnnouncementPlan) => {
    const now = new Set(plan.reports.flatMap(({ ip, pod }) => (pod ? [`${pod} found on local node matching loadbalancer ${ip}`] : [])));
    for (const text of now) if (!announced.has(text)) log.info(`POD ${text}`);
    announced = now;
  };

  const applyGuard = async (plan: NodeAddressPlan, state: NodeState, signal: AbortSignal): Promise<Result<void>> => {
    if (!options.guard) return ok(undefined);
    const held: readonly Ip[] = [...plan.hold, ...plan.adopt, ...plan.add, ...plan.remove].sort();
    const ipvs = state.interfaces.includes('kube-ipvs0');
    const script = renderGuard(held, ipvs ? ipvsPorts(feed, new Set(held)) : []);
    return options.guard.apply(script, signal);
  };

  const sweep = async (startedAt: number, signal: AbortSignal): Promise<Result<Sweep>> => {
    const state = await read(signal);
    if (!state.ok) return failed('read', state.detail);
    const plan = decide();
    const full = await compare(state.value, plan, signal);
    view = { plan, held: state.value.addresses, interface: settings.interface, notices: full.notices };
    sayPods(plan);
    options.notices([...plan.notices, ...full.notices.map((notice) => ({ ...notice, object: nodeRef(feed, node) }))]);
    metrics.set('l3Foreign', {}, full.notices.filter((notice) => notice.code !== 'AddressOfNode').length);
    const limited = repairs.limit(full);
    const guarded = await applyGuard(limited, state.value, signal);
    // An address without the guard that was asked for would be open.
    if (!guarded.ok) return failed('guard', guarded.detail);
    const again = plan.againMs ?? (limited.add.length < full.add.length ? repairs.windowMs : undefined);
    if (limited.add.length + limited.adopt.length + limited.remove.length === 0) {
      metrics.set('l3Addresses', {}, limited.hold.length);
      return ok({ unfinished: false, againMs: again });
    }
    return apply(limited, startedAt, again, signal);
  };
  const forget = () => {
    forgotten++;
    known = undefined;
  };

  async function apply(plan: NodeAddressPlan, startedAt: number, againMs: number | undefined, signal: AbortSignal): Promise<Result<Sweep>> {
    for (const ip of plan.add) log.info(`assuming address ${ip}`);
    for (const ip of plan.adopt) log.info(`adopting address ${ip}`);
    for (const ip of plan.remove) log.info(`forfeiting address ${ip}`);
    forget();
    const outcome = await addresses.apply(plan, signal);
    if (!outcome.ok) return failed('batch', outcome.detail);
    const repaired = repairs.note(plan);
    metrics.observe('l3EventSeconds', {}, (clock.now() - startedAt) / 1000);
    metrics.inc('l3Changes', { action: 'added' }, plan.add.length - repaired);
    metrics.inc('l3Changes', { action: 'repaired' }, repaired);
    metrics.inc('l3Changes', { action: 'adopted' }, plan.adopt.length);
    metrics.inc('l3Changes', { action: 'removed' }, plan.remove.length);
    metrics.set('l3Addresses', {}, plan.hold.length + plan.adopt.length + plan.add.length);
    if (outcome.value.failed > 0) {
      metrics.inc('l3Failures', { step: 'batch' }, outcome.value.failed);
      log.warn('the kernel refused some addresses; trying again', { failed: outcome.value.failed, detail: outcome.value.detail });
    }
    return ok({ unfinished: outcome.value.failed > 0 || plan.adopt.length > 0, againMs });
  }

  return { sweep, forget, view: () => view };

  function failed(step: 'read' | 'batch' | 'guard', detail: string) {
    forget();
    metrics.inc('l3Failures', { step });
    return err(step, detail);
  }
}

/** In IPVS mode the traffic of Services comes to the input hook. */
function ipvsPorts(feed: L3Feed, held: ReadonlySet<Ip>) {
  return [...feed.services.values()].flatMap((service) =>
    service.ingress.flatMap(({ ip }) => (ip && held.has(ip) ? service.ports.map(({ protocol, port }) => ({ ip, protocol, port })) : [])),
  );
}

function nodeRef(feed: L3Feed, name: string) {
  return { apiVersion: 'v1', kind: 'Node', namespace: '', name, uid: feed.nodes.get(name)?.uid ?? '' };
}
