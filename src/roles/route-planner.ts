import type { CiliumNode } from '../core/object/cilium-node.ts';
import type { EndpointSlice } from '../core/object/endpoint-slice.ts';
import type { Node } from '../core/object/node.ts';
import { findOutsideEndpoints, type RouteEvidence } from '../core/plan/route-evidence.ts';
import { planRoutes, podCidrsOf, type RouteInputs, type RoutePlan } from '../core/plan/routes.ts';
import { type Cidr, cidrText, type Ip, ipFamily } from '../core/value/ip.ts';
import type { Notice } from '../core/value/notice.ts';
import type { Clock } from '../shell/system/clock.ts';

export interface RoutePlannerOptions {
  readonly nodes: () => Iterable<Node>;
  readonly slices: () => Iterable<EndpointSlice>;
  /** Nothing where Cilium is not. */
  readonly ciliumNodes?: () => Iterable<CiliumNode>;
  /** `-via` and `-cidrs`. */
  readonly via: readonly Cidr[];
  readonly cidrs: readonly Cidr[];
  readonly clock: Clock;
  /** At every look, whether or not something differs. */
  readonly planned: (plan: RoutePlan, inputs: RouteInputs) => void;
  /** A fault that was not there at the last look. */
  readonly notice?: (notice: Notice) => void;
}

export interface RoutePlanner {
  /** Call from the first sync on. Many calls are one look: a second after Nodes or CiliumNodes changed, ten after endpoints did. */
  readonly changed: (what: 'nodes' | 'endpoints') => void;
  /** The last plan; undefined before the first. */
  readonly plan: () => RoutePlan | undefined;
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
}

/** Endpoints change all the time; what they prove about podCIDRs hardly ever does. */
const LOOK_AFTER_MS = { nodes: 1000, endpoints: 10_000 } as const;

/** Plans the routes at the first call of `changed`, and again when Nodes or endpoints have changed. */
export function createRoutePlanner(options: RoutePlannerOptions, signal: AbortSignal): RoutePlanner {
  const { clock } = options;
  const proven = createProven();
  let running: Promise<void> | undefined;
  let dueAt: number | undefined;
  let sooner = new AbortController();
  let faults = new Set<string>();
  let plan: RoutePlan | undefined;

  const look = () => {
    const nodes = [...options.nodes()];
    const ciliumNodes = [...(options.ciliumNodes?.() ?? [])];
    const cidrsOf = podCidrsOf(ciliumNodes);
    const evidence = proven(nodes, cidrsOf, findOutsideEndpoints(nodes, cidrsOf, options.slices()));
    const inputs = { nodes, ciliumNodes, evidence, via: options.via, cidrs: options.cidrs, reserved: [] };
    plan = planRoutes(inputs);
    options.planned(plan, inputs);
    const key = (notice: Notice) => `${notice.object.uid} ${notice.code} ${notice.text}`;
    for (const notice of plan.notices) if (!faults.has(key(notice))) options.notice?.(notice);
    faults = new Set(plan.notices.map(key));
  };

  const run = async () => {
    while (dueAt !== undefined && !signal.aborted) {
      sooner = new AbortController();
      await clock.after(dueAt - clock.now(), AbortSignal.any([signal, sooner.signal]));
      if (signal.aborted || clock.now() < dueAt) continue;
      dueAt = undefined;
      look();
    }
    running = undefined;
  };

  const changed = (what: 'nodes' | 'endpoints') => {
    const at = clock.now() + LOOK_AFTER_MS[what];
    if (signal.aborted || (dueAt !== undefined && dueAt <= at)) return;
    dueAt = at;
    if (running) sooner.abort();
    else running = run();
  };

  const closed = new Promise<void>((resolve) => {
    const stop = () => resolve(running);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return {
    changed,
    plan: () => plan,
    ready: Promise.resolve(),
    closed,
  };
}

/** A pod that proved a Node's podCIDRs wrong has done so for good, until they change: routes must not come and go with pods. */
function createProven() {
  let before = new Map<string, { readonly cidrs: string; readonly samples: readonly Ip[] }>();
  return (nodes: readonly Node[], cidrsOf: (node: Node) => readonly Cidr[], found: RouteEvidence): RouteEvidence => {
    const now: typeof before = new Map();
    for (const node of nodes) {
      const cidrs = cidrsOf(node).map(cidrText).join(' ');
      const old = before.get(node.name);
      const kept = old?.cidrs === cidrs ? old.samples : [];
      const fresh = (found.get(node.name) ?? []).filter((ip) => !kept.some((seen) => ipFamily(seen) === ipFamily(ip)));
      const samples = [...kept, ...fresh];
      if (samples.length > 0) now.set(node.name, { cidrs, samples });
    }
    before = now;
    return new Map([...now].map(([name, { samples }]) => [name, samples]));
  };
}

/** Hands a text on when it is another than the last one. */
export function whenChanged(print: (text: string) => void): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) print(text);
    last = text;
  };
}
