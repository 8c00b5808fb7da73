import { type Cidr, cidrContains, cidrsOverlap, cidrText, type Ip, ipFamily, parseCidr, parseIp } from '../value/ip.ts';
import type { RouteFault, RouteFaultCode, RouteInputs, RoutePlan } from './routes.ts';

/** A route without a fault. */
export interface SoundRoute {
  readonly cidr: Cidr;
  readonly via: Ip;
}

/** A route that bears minilb's mark, as it is found. */
export interface HeldRoute {
  readonly cidr: Cidr;
  readonly via?: Ip;
  readonly device?: string;
}

export interface HeldPlan {
  readonly add: readonly SoundRoute[];
  readonly remove: readonly HeldRoute[];
  /** What is held afterwards. */
  readonly held: readonly SoundRoute[];
  /** Held although the plan finds fault with it: see `planHeldRoutes`. */
  readonly kept: readonly { readonly route: SoundRoute; readonly fault: RouteFault }[];
}

/** What a Node, or a pod on it, can bring about for another Node's route by what it says of itself. */
const BY_OTHERS: readonly RouteFaultCode[] = [
  'PodCidrOverlapsNode',
  'PodCidrHoldsNodeAddress',
  'EndpointsOutsidePodCidrs',
  'NoNextHop',
  'OddNextHop',
];

/**
 * Decides how the held routes become those of the plan. A route that is held is withdrawn when no Node has its podCIDR any more, or when it
 * breaks a limit of this machine; a Node that appears and claims the same network makes both doubtful, and changes nothing.
 *
 * | held | planned | result |
 * |------|---------|--------|
 * | no | sound | add |
 * | no | with a fault | – |
 * | yes | sound, same next hop | – |
 * | yes | sound, other next hop | remove, add |
 * | yes | with a fault that others can cause | kept |
 * | yes | with another fault, or outside the limits | remove |
 * | yes | no | remove |
 */
export function planHeldRoutes(
  held: readonly HeldRoute[],
  plan: RoutePlan,
  limits: Pick<RouteInputs, 'via' | 'cidrs' | 'reserved'>,
): HeldPlan {
  const sound = new Map(soundRoutes(plan).map((route) => [cidrText(route.cidr), route]));
  const faults = new Map<string, RouteFault>();
  for (const { cidr, fault } of plan.routes) if (cidr && fault && BY_OTHERS.includes(fault.code)) faults.set(cidrText(cidr), fault);
  const kept = new Map<string, { readonly route: SoundRoute; readonly fault: RouteFault }>();
  const there = new Set<string>();
  const remove = held.filter((one) => {
    const key = cidrText(one.cidr);
    const wanted = sound.get(key);
    const fault = faults.get(key);
    if (there.has(key)) return true;
    if (wanted ? wanted.via !== one.via : !fault || !isAllowed(one, limits)) return true;
    there.add(key);
    if (!wanted && fault && one.via) kept.set(key, { route: { cidr: one.cidr, via: one.via }, fault });
    return false;
  });
  return {
    add: [...sound].flatMap(([key, route]) => (there.has(key) ? [] : [route])),
    remove,
    held: [...sound.values(), ...[...kept.values()].map(({ route }) => route)],
    kept: [...kept.values()],
  };
}

/** The routes of a plan that have no fault. */
export function soundRoutes(plan: RoutePlan): readonly SoundRoute[] {
  return plan.routes.flatMap(({ cidr, via, fault }) => (cidr && via && !fault ? [{ cidr, via }] : []));
}

function isAllowed({ cidr, via }: HeldRoute, limits: Pick<RouteInputs, 'via' | 'cidrs' | 'reserved'>): boolean {
  if (via === undefined) return false;
  const inside = limits.cidrs.some((net) => net.bits <= cidr.bits && cidrContains(net, cidr.address));
  return inside && limits.via.some((net) => cidrContains(net, via)) && !limits.reserved.some((net) => cidrsOverlap(net, cidr));
}

/**
 * Lines for `ip -force -batch -`, removals first, since the kernel takes one route to a network. Each names the mark, so that none can
 * touch a route without it; `add` fails where somebody else has one.
 */
export function heldRouteBatch({ add, remove }: Pick<HeldPlan, 'add' | 'remove'>, protocol: number): readonly string[] {
  return [
    ...remove.map(({ cidr, via, device }) => {
      const where = [...(via ? ['via', via] : []), ...(device === undefined ? [] : ['dev', device])];
      return ['route', 'del', cidrText(cidr), ...where, 'proto', protocol].join(' ');
    }),
    ...add.map(({ cidr, via }) => `route add ${cidrText(cidr)} via ${via} proto ${protocol}`),
  ];
}

/** Says in comments of a file what it holds, so that the next process knows. */
export function heldComments(held: readonly SoundRoute[], sign: string): string {
  return held.map(({ cidr, via }) => `${sign} minilb holds ${cidrText(cidr)} via ${via}\n`).join('');
}

/** Reads `heldComments` again; other lines mean nothing. */
export function parseHeldComments(text: string): readonly SoundRoute[] {
  return [...text.matchAll(/^\S+ minilb holds (\S+) via (\S+)$/gm)].flatMap(([, network, hop]) => {
    const cidr = parseCidr(network);
    const via = parseIp(hop);
    return cidr && via && ipFamily(cidr.address) === ipFamily(via) ? [{ cidr, via }] : [];
  });
}
