import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { ExternalNode } from '../object/external-node.ts';
import type { ExternalService } from '../object/external-service.ts';
import type { NodeAddressType } from '../object/load-balancer-config.ts';
import { type Ip, ipFamily } from '../value/ip.ts';
import type { Remark } from '../value/notice.ts';
import { usableEndpoints } from '../zone/endpoints.ts';

/** The longest list that an updater takes in one call. */
const TARGETS_MAX = 1000;

export interface TargetPlan {
  /** One address a Node, sorted by the Node's name. */
  readonly hosts: readonly Ip[];
  /** What its owner should know: code and sentence. */
  readonly remarks: readonly Remark[];
}

export type TargetsOf = (service: ExternalService, slices: () => Iterable<EndpointSlice>, types: readonly NodeAddressType[]) => TargetPlan;

/**
 * Decides which Nodes a load balancer sends a Service's traffic to.
 *
 * | policy | Nodes | result |
 * |---|---|---|
 * | Cluster | some are Ready and not excluded | those |
 * | Cluster | none of those not excluded is Ready | all that are not excluded: better than nobody |
 * | Local | Ready, not excluded, with a usable endpoint | those; perhaps none |
 *
 * A cordon changes nothing. A Node's address is the first of `types` it has, and there the first of the Service's families; a Node without
 * one is left out.
 */
export function createTargets(all: Iterable<ExternalNode>): TargetsOf {
  const nodes = [...all].filter((node) => !node.excluded).sort((a, b) => (a.name < b.name ? -1 : 1));
  const ready = nodes.filter((node) => node.ready);
  const shared = new Map<string, TargetPlan>();

  const cluster = ({ families }: ExternalService, types: readonly NodeAddressType[]): TargetPlan => {
    const key = `${families.join()} ${types.join()}`;
    const known = shared.get(key);
    if (known) return known;
    const remarks: readonly Remark[] =
      ready.length === 0 && nodes.length > 0 ? [['NoReadyNode', 'No Node is Ready: traffic is sent to all of them all the same.']] : [];
    const made = toPlan(ready.length > 0 ? ready : nodes, families, types, remarks);
    shared.set(key, made);
    return made;
  };

  return (service, slices, types) => {
    if (!service.localPolicy) return cluster(service, types);
    const wanted = [...slices()].filter((slice) => service.families.includes(slice.family));
    const names = new Set(usableEndpoints(wanted).map((endpoint) => endpoint.nodeName));
    const local = ready.filter((node) => names.has(node.name));
    const why = 'externalTrafficPolicy is Local and no Ready Node has a ready endpoint: nothing is forwarded until one has.';
    return toPlan(local, service.families, types, local.length === 0 ? [['NoTargets', why]] : []);
  };
}

function toPlan(
  nodes: readonly ExternalNode[],
  families: readonly (4 | 6)[],
  types: readonly NodeAddressType[],
  remarks: TargetPlan['remarks'],
): TargetPlan {
  const hosts = nodes.flatMap((node) => addressOf(node, families, types) ?? []);
  const family = families.map((each) => `IPv${each}`).join(' or ');
  const without: TargetPlan['remarks'] =
    hosts.length === 0 && nodes.length > 0 ? [['NoNodeAddress', `No Node has an ${family} address of type ${types.join(' or ')}.`]] : [];
  const none: TargetPlan['remarks'] =
    nodes.length === 0 && remarks.length === 0 ? [['NoTargets', 'There is no Node that a load balancer may send to.']] : [];
  const many: TargetPlan['remarks'] =
    hosts.length > TARGETS_MAX ? [['TooManyTargets', `Of ${hosts.length} Nodes only the first ${TARGETS_MAX} get traffic.`]] : [];
  return { hosts: hosts.slice(0, TARGETS_MAX), remarks: [...remarks, ...without, ...none, ...many] };
}

function addressOf(node: ExternalNode, families: readonly (4 | 6)[], types: readonly NodeAddressType[]): Ip | undefined {
  for (const type of types) {
    for (const family of families) {
      const found = node.addresses.find((each) => each.type === type && ipFamily(each.ip) === family);
      if (found) return found.ip;
    }
  }
  return undefined;
}
