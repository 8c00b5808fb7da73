import type { CiliumNode } from '../object/cilium-node.ts';
import type { Node } from '../object/node.ts';
import { compact, refOf } from '../object/raw.ts';
import { type CidrIndex, createCidrIndex } from '../value/cidr-index.ts';
import { type Cidr, cidrContains, cidrsOverlap, cidrText, type Ip, ipFamily, parseCidr, parseIp } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import type { RouteEvidence } from './route-evidence.ts';

export interface RouteInputs {
  readonly nodes: readonly Node[];
  /** Preferred over the Nodes' own podCIDRs where they have any; empty without Cilium. */
  readonly ciliumNodes: readonly CiliumNode[];
  readonly evidence: RouteEvidence;
  /** `-via`: networks to choose next hops from. */
  readonly via: readonly Cidr[];
  /** `-cidrs`: networks that podCIDRs must lie in; empty: anywhere. */
  readonly cidrs: readonly Cidr[];
  /** Connected networks and default gateways of the machine that will hold the routes, where that is known. */
  readonly reserved: readonly Cidr[];
}

/** Also the `reason` of the Event. */
export type RouteFaultCode =
  | 'NodeWithoutPodCidrs'
  | 'PodCidrTooWide'
  | 'PodCidrTooNarrow'
  | 'PodCidrSpecialPurpose'
  | 'PodCidrOutsideCidrs'
  | 'PodCidrOverlapsNetwork'
  | 'PodCidrHoldsNodeAddress'
  | 'PodCidrOverlapsNode'
  | 'EndpointsOutsidePodCidrs'
  | 'NoNextHop'
  | 'OddNextHop';

export interface RouteFault {
  readonly code: RouteFaultCode;
  /** One sentence; holds only characters that cannot end a comment line. */
  readonly text: string;
}

/** One podCIDR of a Node. With a fault it is printed as a comment and never applied. */
export interface PlannedRoute {
  readonly node: string;
  /** Absent for a Node without podCIDRs. */
  readonly cidr?: Cidr;
  readonly via?: Ip;
  readonly fault?: RouteFault;
}

export interface RoutePlan {
  /** By the Nodes' names. */
  readonly routes: readonly PlannedRoute[];
  readonly notices: readonly Notice[];
}

/** Shorter prefixes than these take traffic that is not the pods'. */
const BITS_MIN = { 4: 8, 6: 32 } as const;
/** Longer ones are no network: a route to one host is how its traffic would be taken. */
const BITS_MAX = { 4: 30, 6: 126 } as const;

/** Loopback, link-local, multicast, reserved: no pod and no next hop is there. */
const SPECIAL = compact(
  ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/127', 'fe80::/10', 'ff00::/8'].map(parseCidr),
);

/**
 * Decides which routes lead to the pods. A kubelet may write its own Node, so nothing there is believed that could take other traffic.
 *
 * | podCIDR | result |
 * |---------|--------|
 * | none at all | fault NodeWithoutPodCidrs |
 * | shorter than /8 or /32 (IPv6) | fault PodCidrTooWide |
 * | longer than /30 or /126 | fault PodCidrTooNarrow |
 * | in loopback, link-local, multicast or reserved space | fault PodCidrSpecialPurpose |
 * | outside `-cidrs` | fault PodCidrOutsideCidrs |
 * | overlaps a connected network or gateway | fault PodCidrOverlapsNetwork |
 * | holds a Node's own address | fault PodCidrHoldsNodeAddress |
 * | overlaps another Node's (that has none of the faults above) | fault PodCidrOverlapsNode |
 * | ready pods of its family on the Node lie outside all its podCIDRs | fault EndpointsOutsidePodCidrs |
 * | no `minilb/route-via` and no InternalIP of its family (inside `-via`) | fault NoNextHop |
 * | next hop unreadable, special, outside `-via`, this machine or its gateway, inside a podCIDR, or two Nodes' InternalIP | fault OddNextHop |
 * | else | route |
 */
export function planRoutes(inputs: RouteInputs): RoutePlan {
  const cidrsOf = podCidrsOf(inputs.ciliumNodes);
  const nodes = [...inputs.nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const claims = nodes.map((node) => cidrsOf(node).map((cidr): Claim => ({ node, cidr })));
  const facts = gatherFacts(claims.flat(), inputs);
  const routes = nodes.flatMap((node, i): readonly { node: Node; route: PlannedRoute }[] => {
    const own = claims[i] ?? [];
    if (own.length === 0) return [{ node, route: { node: node.name, fault: noPodCidrs(inputs.ciliumNodes.length > 0) } }];
    return own.map((claim) => ({ node, route: toRoute(claim, facts, inputs) }));
  });
  return {
    routes: routes.map(({ route }) => route),
    notices: routes.flatMap(({ node, route }) => (route.fault ? [toNotice(node, route.fault)] : [])),
  };
}

/** What is routed to a Node: its CiliumNode's podCIDRs where it has any, else its own. */
export function podCidrsOf(ciliumNodes: readonly CiliumNode[]): (node: Node) => readonly Cidr[] {
  const cilium = new Map(ciliumNodes.filter((node) => node.podCidrs.length > 0).map((node) => [node.name, node.podCidrs]));
  return (node) => cilium.get(node.name) ?? node.podCidrs;
}

interface Claim {
  readonly node: Node;
  readonly cidr: Cidr;
}

/** What must be known of all Nodes to judge one, gathered in one pass each: there may be thousands. */
interface Facts {
  readonly faults: ReadonlyMap<Claim, RouteFault>;
  readonly sound: CidrIndex<Claim>;
  /** Another Node's claim that overlaps this one. */
  readonly overlaps: ReadonlyMap<Claim, Claim>;
  /** By InternalIP. */
  readonly hosts: ReadonlyMap<Ip, readonly Node[]>;
}

function gatherFacts(claims: readonly Claim[], inputs: RouteInputs): Facts {
  const index = createCidrIndex(claims, (claim) => claim.cidr);
  const hosts = new Map<Ip, Node[]>();
  const holds = new Map<Claim, Node>();
  for (const node of inputs.nodes) {
    for (const ip of node.internalIps) {
      hosts.set(ip, [...(hosts.get(ip) ?? []), node]);
      for (const claim of index.holding(ip)) if (!holds.has(claim)) holds.set(claim, node);
    }
  }
  const faults = new Map<Claim, RouteFault>();
  for (const claim of claims) {
    const fault = cidrFault(claim.cidr, holds.get(claim), inputs);
    if (fault) faults.set(claim, fault);
  }
  const soundClaims = claims.filter((claim) => !faults.has(claim));
  const sound = createCidrIndex(soundClaims, (claim) => claim.cidr);
  const overlaps = new Map<Claim, Claim>();
  for (const claim of soundClaims) {
    const wider = sound.holding(claim.cidr.address, claim.cidr.bits).find((other) => other.node !== claim.node);
    if (!wider) continue;
    overlaps.set(claim, wider);
    if (!overlaps.has(wider)) overlaps.set(wider, claim);
  }
  return { faults, sound, overlaps, hosts };
}

function toRoute(claim: Claim, facts: Facts, inputs: RouteInputs): PlannedRoute {
  const { node, cidr } = claim;
  const hop = nextHop(node, cidr, inputs);
  const via = typeof hop === 'string' ? hop : undefined;
  const fault =
    facts.faults.get(claim) ??
    overlapFault(claim, facts) ??
    evidenceFault(node, cidr, inputs.evidence) ??
    (typeof hop === 'string' ? hopFault(node, hop, facts, inputs) : hop);
  return { node: node.name, cidr, ...(via && { via }), ...(fault && { fault }) };
}

/** What is wrong with a podCIDR by itself. */
function cidrFault(cidr: Cidr, host: Node | undefined, { cidrs, reserved }: RouteInputs): RouteFault | undefined {
  const text = cidrText(cidr);
  const min = BITS_MIN[ipFamily(cidr.address)];
  if (cidr.bits < min) return { code: 'PodCidrTooWide', text: `the podCIDR ${text} is shorter than /${min}` };
  const max = BITS_MAX[ipFamily(cidr.address)];
  if (cidr.bits > max) return { code: 'PodCidrTooNarrow', text: `the podCIDR ${text} is longer than /${max}` };
  if (SPECIAL.some((net) => cidrsOverlap(net, cidr)))
    return { code: 'PodCidrSpecialPurpose', text: `the podCIDR ${text} is loopback, link-local, multicast or reserved` };
  if (cidrs.length > 0 && !cidrs.some((net) => net.bits <= cidr.bits && cidrContains(net, cidr.address)))
    return { code: 'PodCidrOutsideCidrs', text: `the podCIDR ${text} is outside -cidrs` };
  const connected = reserved.find((net) => cidrsOverlap(net, cidr));
  if (connected) return { code: 'PodCidrOverlapsNetwork', text: `the podCIDR ${text} overlaps the network ${cidrText(connected)}` };
  if (host) return { code: 'PodCidrHoldsNodeAddress', text: `the podCIDR ${text} holds the address of the Node ${host.name}` };
  return undefined;
}

function overlapFault(claim: Claim, { overlaps }: Facts): RouteFault | undefined {
  const other = overlaps.get(claim);
  if (!other) return undefined;
  const text = `the podCIDR ${cidrText(claim.cidr)} overlaps ${cidrText(other.cidr)} of the Node ${other.node.name}`;
  return { code: 'PodCidrOverlapsNode', text };
}

function evidenceFault(node: Node, cidr: Cidr, evidence: RouteEvidence): RouteFault | undefined {
  const family = ipFamily(cidr.address);
  const samples = (evidence.get(node.name) ?? []).filter((ip) => ipFamily(ip) === family);
  if (samples.length === 0) return undefined;
  const text = `ready pods on the Node have addresses outside its podCIDRs (${samples.join(', ')}): the CNI assigns others`;
  return { code: 'EndpointsOutsidePodCidrs', text };
}

function nextHop(node: Node, cidr: Cidr, { via }: RouteInputs): Ip | RouteFault {
  const family = ipFamily(cidr.address);
  for (const text of (node.annotations['minilb/route-via'] ?? '').split(',').filter((part) => part.trim() !== '')) {
    const ip = parseIp(text.trim());
    if (!ip) return { code: 'OddNextHop', text: 'the annotation minilb/route-via of the Node holds something that is no address' };
    if (ipFamily(ip) === family) return ip;
  }
  const own = node.internalIps.filter((ip) => ipFamily(ip) === family);
  const networks = via.filter((net) => ipFamily(net.address) === family);
  const chosen = networks.length === 0 ? own[0] : own.find((ip) => networks.some((net) => cidrContains(net, ip)));
  if (chosen) return chosen;
  const inside = networks.length > 0 && own.length > 0 ? ' inside -via' : '';
  return { code: 'NoNextHop', text: `the Node has no IPv${family} InternalIP${inside} and no annotation minilb/route-via` };
}

function hopFault(node: Node, hop: Ip, { sound, hosts }: Facts, { via, reserved }: RouteInputs): RouteFault | undefined {
  const odd = (why: string): RouteFault => ({ code: 'OddNextHop', text: `the next hop ${hop} ${why}` });
  if (SPECIAL.some((net) => cidrContains(net, hop))) return odd('is loopback, link-local, multicast or reserved');
  if (via.length > 0 && !via.some((net) => cidrContains(net, hop))) return odd('is outside -via');
  const family = ipFamily(hop);
  if (reserved.some((net) => net.address === hop && net.bits === (family === 4 ? 32 : 128))) return odd('is this machine, or its gateway');
  const [pods] = sound.holding(hop);
  if (pods) return odd(`lies inside the podCIDR ${cidrText(pods.cidr)}`);
  const annotated = node.annotations['minilb/route-via'] !== undefined;
  const twin = annotated ? undefined : hosts.get(hop)?.find((other) => other !== node);
  return twin ? odd(`is an InternalIP of the Node ${twin.name} too`) : undefined;
}

function noPodCidrs(cilium: boolean): RouteFault {
  const kinds = cilium ? 'neither its Node nor its CiliumNode has podCIDRs' : 'the Node has no podCIDRs';
  return { code: 'NodeWithoutPodCidrs', text: `${kinds}: the CNI assigns addresses in a way of its own` };
}

function toNotice(node: Node, fault: RouteFault): Notice {
  return { object: refOf('v1', 'Node', node), code: fault.code, text: `No route: ${fault.text}.` };
}
