import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';
import { keyOf } from '../object/raw.ts';
import type { RouteNode } from '../object/route-node.ts';
import type { RouteService } from '../object/route-service.ts';
import { type Ip, ipFamily } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import { type AnnounceReason, judgeAnnouncement, judgeNode, type NodeEligibility } from './announce.ts';
import { isByRoute, type RouteClass, resolveHolders, serviceNotice } from './route-services.ts';

export interface AnnouncementInputs extends RouteClass {
  readonly node: string;
  readonly services: Iterable<RouteService>;
  readonly slicesOf: (serviceKey: string) => Iterable<EndpointSlice>;
  readonly nodeOf: (name: string) => RouteNode | undefined;
  readonly drainSeconds: number;
  readonly drainTaint: string;
  readonly holdSeconds: number;
  /** Monotonic. */
  readonly nowMs: number;
  /** What the plan before this one returned as `seen`; empty at first. */
  readonly seen: ReadonlyMap<string, Seen>;
}

/** When a Service's endpoints of one family were last ready on this node, and usable anywhere. */
export interface Seen {
  readonly readyHereMs: number;
  readonly usableMs: number;
}

/** What this node does with one address of one Service, and why. */
export interface AnnouncementReport {
  readonly service: string;
  readonly ip: Ip;
  readonly kind: 'announce' | 'withdraw' | 'keep';
  readonly reason: AnnounceReason | 'held-by-older-service';
  /** A ready pod on this node, where that is the reason. */
  readonly pod?: Ip;
}

export interface AnnouncementPlan {
  readonly desired: ReadonlySet<Ip>;
  readonly keep: ReadonlySet<Ip>;
  readonly managed: ReadonlySet<Ip>;
  readonly eligibility: NodeEligibility;
  readonly reports: readonly AnnouncementReport[];
  readonly notices: readonly Notice[];
  readonly seen: ReadonlyMap<string, Seen>;
  /** When to plan again though nothing has changed. */
  readonly againMs: number | undefined;
}

/** Decides which addresses this node is to hold, from what the statuses of the Services by route say and where their endpoints are. */
export function planAnnouncements(inputs: AnnouncementInputs): AnnouncementPlan {
  const services = [...inputs.services].filter((service) => isByRoute(service, inputs));
  const { holders, losers } = resolveHolders(services, inputs.prefixes);
  const eligibility = judgeNode(inputs.nodeOf(inputs.node), inputs.drainTaint);
  const seen = new Map<string, Seen>();
  const reports: AnnouncementReport[] = [];
  const notices: Notice[] = [];
  const waits: number[] = [];
  const byService = Map.groupBy(
    [...holders].flatMap(([ip, owners]) => owners.map((owner) => ({ ip, owner }))),
    (one) => one.owner,
  );
  for (const [service, held] of byService) {
    for (const [family, ips] of Map.groupBy(held, (one) => ipFamily(one.ip))) {
      const endpoints = endpointsOf(service, family, inputs);
      const judged = judgeFamily(service, family, endpoints, eligibility, inputs, seen);
      if (judged.kind === 'keep') waits.push(judged.seconds * 1000);
      if (judged.reason === 'local-without-node') notices.push(localWithoutNode(service));
      const pod = judged.reason === 'ready-here' ? endpoints.find((one) => one.ready && one.nodeName === inputs.node)?.address : undefined;
      for (const { ip } of ips)
        reports.push({ service: keyOf(service), ip, kind: judged.kind, reason: judged.reason, ...(pod && { pod }) });
    }
  }
  for (const [service, lost] of losers) {
    for (const ip of lost) reports.push({ service: keyOf(service), ip, kind: 'withdraw', reason: 'held-by-older-service' });
  }
  const of = (kind: AnnouncementReport['kind']) => new Set(reports.filter((report) => report.kind === kind).map((report) => report.ip));
  const againMs = waits.length > 0 ? Math.min(...waits) : undefined;
  return { desired: of('announce'), keep: of('keep'), managed: new Set(holders.keys()), eligibility, reports, notices, seen, againMs };
}

/** Addresses that Nodes other than `node` announce, for those who take this node's away. */
export function announcedElsewhere(inputs: AnnouncementInputs, nodes: Iterable<RouteNode>): ReadonlySet<Ip> {
  const others = [...nodes].filter((node) => node.name !== inputs.node);
  return new Set(others.flatMap((node) => [...planAnnouncements({ ...inputs, node: node.name }).desired]));
}

function judgeFamily(
  service: RouteService,
  family: 4 | 6,
  endpoints: readonly Endpoint[],
  eligibility: NodeEligibility,
  inputs: AnnouncementInputs,
  seen: Map<string, Seen>,
) {
  const { node, nowMs, drainSeconds, holdSeconds } = inputs;
  const key = `${service.uid}/${family}`;
  // What is seen for the first time counts from now: after a restart of the agent nothing is withdrawn in haste.
  const before = inputs.seen.get(key) ?? { readyHereMs: nowMs, usableMs: nowMs };
  const readyHere = endpoints.some((one) => one.ready && one.nodeName === node);
  const usable = endpoints.some((one) => one.ready || (one.serving && one.terminating));
  const now: Seen = { readyHereMs: readyHere ? nowMs : before.readyHereMs, usableMs: usable ? nowMs : before.usableMs };
  seen.set(key, now);
  return judgeAnnouncement({
    node,
    eligibility,
    endpoints,
    localPolicy: service.localPolicy,
    nodeDown: (name) => inputs.nodeOf(name)?.ready === false,
    notReadyHereSeconds: (nowMs - now.readyHereMs) / 1000,
    unusableSeconds: (nowMs - now.usableMs) / 1000,
    drainSeconds,
    holdSeconds,
  });
}

function endpointsOf(service: RouteService, family: 4 | 6, inputs: AnnouncementInputs): readonly Endpoint[] {
  return [...inputs.slicesOf(keyOf(service))].flatMap((slice) => (slice.family === family ? slice.endpoints : []));
}

function localWithoutNode(service: RouteService): Notice {
  const text =
    'No endpoint has a nodeName, and with externalTrafficPolicy Local a node without an endpoint of its own would drop the traffic: no node announces it.';
  return serviceNotice(service, 'LocalWithoutNode', text);
}
