import type { Node } from '../object/node.ts';
import { findOutsideEndpoints } from '../plan/route-evidence.ts';
import { type PlannedRoute, planRoutes, podCidrsOf, type RouteFaultCode, type RoutePlan } from '../plan/routes.ts';
import { type Cidr, cidrsOverlap, cidrText, type Ip, ipBytes, ipFamily, ipFromBytes } from '../value/ip.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding } from './finding.ts';

/** The routes that lead to the pods, as `minilb routes` plans them. */
export function routePlanOf({ nodes, ciliumNodes, slices, settings }: Omit<ClusterFacts, 'zone' | 'view'>): RoutePlan {
  const evidence = findOutsideEndpoints(nodes, podCidrsOf(ciliumNodes), slices);
  return planRoutes({ nodes, ciliumNodes, evidence, via: settings.via, cidrs: settings.cidrs, reserved: [] });
}

/** Nodes whose pods no route can lead to. */
export function routeFindings(facts: ClusterFacts): readonly Finding[] {
  const plan = routePlanOf(facts);
  return plan.routes.flatMap((route) => (route.fault ? [toFinding(route, route.fault, facts)] : []));
}

function toFinding(route: PlannedRoute, fault: { readonly code: RouteFaultCode; readonly text: string }, facts: ClusterFacts): Finding {
  const { text, paste } = remedyOf(route, fault.code, facts);
  return finding(fault.code, `Node ${route.node}`, `No route: ${fault.text}.`, text, paste);
}

function remedyOf({ node, cidr }: PlannedRoute, code: RouteFaultCode, facts: ClusterFacts): { text: string; paste: readonly string[] } {
  switch (code) {
    case 'NodeWithoutPodCidrs':
      return withoutCidrs(node, facts);
    case 'PodCidrOutsideCidrs':
      return {
        text: `If that range is right, run minilb with it: -cidrs=${[...facts.settings.cidrs.map(cidrText), cidr ? cidrText(cidr) : ''].join()}`,
        paste: [],
      };
    case 'NoNextHop':
    case 'OddNextHop':
      return hopRemedy(node, facts);
    case 'EndpointsOutsidePodCidrs':
      return {
        text:
          'Let the CNI take addresses from Node.spec.podCIDRs (Cilium: ipam.mode=kubernetes; Calico: the host-local IPAM with usePodCidr), or let ' +
          'names lead to nodes (annotation minilb/answer: nodes on the Services), or use minilb l3.',
        paste: [],
      };
    case 'PodCidrTooWide':
    case 'PodCidrTooNarrow':
    case 'PodCidrHoldsNodeAddress':
    case 'PodCidrSpecialPurpose':
    case 'PodCidrOverlapsNetwork':
    case 'PodCidrOverlapsNode':
      return {
        text: 'A podCIDR cannot be changed: take the Node out and let it join again (restart its kubelet), so that it gets a range of its own.',
        paste: [`kubectl drain ${node} --ignore-daemonsets --delete-emptydir-data`, `kubectl delete node ${node}`],
      };
  }
}

function hopRemedy(name: string, { nodes }: ClusterFacts): { text: string; paste: readonly string[] } {
  const node = nodes.find((one) => one.name === name);
  const annotated = node?.annotations['minilb/route-via'] !== undefined;
  if (annotated && node.internalIps.length > 0)
    return { text: 'Take the annotation away, so that the InternalIP counts:', paste: [`kubectl annotate node ${name} minilb/route-via-`] };
  return {
    text: 'Say which address of the Node leads to its pods, in place of 192.0.2.1:',
    paste: [`kubectl annotate node ${name} --overwrite minilb/route-via=192.0.2.1`],
  };
}

function withoutCidrs(node: string, { nodes }: ClusterFacts): { text: string; paste: readonly string[] } {
  const free = freeCidr(nodes);
  const text =
    'Let the controller manager give ranges (--allocate-node-cidrs with --cluster-cidr; k3s does). If the CNI assigns addresses in a way of its ' +
    'own, let names lead to nodes (minilb/answer: nodes) or use minilb l3.';
  if (!free) return { text, paste: [] };
  const range = cidrText(free);
  return {
    text: `${text} If it takes them from the Node, and ${range} is free, as it seems:`,
    paste: [`kubectl patch node ${node} -p '{"spec":{"podCIDR":"${range}","podCIDRs":["${range}"]}}'`],
  };
}

/** The range after the highest that a Node has, of the same size, where they are all alike. */
function freeCidr(nodes: readonly Node[]): Cidr | undefined {
  const held = nodes.flatMap((node) => node.podCidrs).filter((cidr) => ipFamily(cidr.address) === 4 && cidr.bits >= 16);
  const [first] = held;
  if (!first || held.some((cidr) => cidr.bits !== first.bits)) return undefined;
  const last = Math.max(...held.map((cidr) => numberOf(cidr.address)));
  const next = last + 2 ** (32 - first.bits);
  if (next >= 2 ** 32) return undefined;
  const address = ipFromBytes(Uint8Array.of(next >>> 24, (next >>> 16) & 255, (next >>> 8) & 255, next & 255));
  const cidr = { address, bits: first.bits };
  return held.some((other) => cidrsOverlap(other, cidr)) ? undefined : cidr;
}

function numberOf(ip: Ip): number {
  return ipBytes(ip).reduce((number, byte) => number * 256 + byte, 0);
}
