import type { PlannedRoute } from '../plan/routes.ts';
import { type Cidr, cidrContains, cidrsOverlap, cidrText, type Ip, ipFamily } from '../value/ip.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding } from './finding.ts';
import type { KernelRoute, MachineFacts, PathFact } from './machine-facts.ts';
import { routePlanOf } from './route-findings.ts';

type SoundRoute = PlannedRoute & { readonly cidr: Cidr; readonly via: Ip };

/** Whether the pods can be reached from here, and whether the routes of this machine are the right ones. */
export function pathFindings(machine: MachineFacts, facts: ClusterFacts): readonly Finding[] {
  const planned = routePlanOf(facts).routes.filter((route): route is SoundRoute => !route.fault && !!route.cidr && !!route.via);
  const onNode = facts.nodes.some((node) => node.internalIps.some((ip) => machine.ownAddresses.includes(ip)));
  return [
    ...machine.paths.flatMap((path) => pathFinding(path, planned)),
    // A node has routes of its CNI's own making.
    ...(onNode ? [] : machine.kernelRoutes.flatMap((route) => routeFinding(route, planned, facts))),
  ];
}

function pathFinding(path: PathFact, planned: readonly SoundRoute[]): readonly Finding[] {
  const { node, address, port, hop } = path;
  const route = planned.find(({ cidr }) => cidrContains(cidr, address));
  const object = `pods on Node ${node}`;
  const add = route ? [routeCommand('replace', route.cidr, route.via)] : [];
  const here = 'Here (it lasts until this machine restarts), or in the words of the router for all clients (minilb routes):';
  switch (path.result) {
    case 'passes':
    case 'refused':
      return [];
    case 'no-route':
      return [finding('NoRouteToPods', object, `This machine has no route to ${address}.`, here, add)];
    case 'stuck':
      return [
        finding(
          'AsymmetricPath',
          object,
          `A connection to ${address} port ${port} opens, and what is sent into it is never acknowledged: a stateful firewall on the way${hop ? ` (${hop}?)` : ''} sees one direction only, because the node answers this machine directly.`,
          'Give the clients the route (here, or by DHCP option 121, which must hold the default route too), put the nodes in a network of their own, or let the router pass such packets (pf: sloppy state or bypass for the same interface; MikroTik: no fasttrack for it):',
          add,
        ),
      ];
    case 'silent':
      if (path.nodeAlive !== 'alive' || !route) return [];
      return hop === route.via
        ? [
            finding(
              'PodSilent',
              object,
              `${address} port ${port} does not answer, though packets go straight to ${hop}, which does.`,
              'Look at NetworkPolicies of the Service’s namespace, the node’s firewall, and whether it forwards:',
              ['kubectl get networkpolicies -A', 'sysctl net.ipv4.ip_forward # on the node: 1'],
            ),
          ]
        : [
            finding(
              'NoRouteToPods',
              object,
              `${address} port ${port} does not answer, while ${route.via} does: packets go to ${hop ?? 'the local network'}, which has no route to ${cidrText(route.cidr)} or drops them.`,
              here,
              add,
            ),
          ];
  }
}

function routeFinding(route: KernelRoute, planned: readonly SoundRoute[], { nodes }: ClusterFacts): readonly Finding[] {
  const { destination, via } = route;
  if (via === undefined || destination.bits === 0) return [];
  const wanted = planned.find(({ cidr }) => cidrText(cidr) === cidrText(destination));
  if (wanted) {
    if (wanted.via === via) return [];
    return [
      finding(
        'RouteWrong',
        `route ${cidrText(destination)}`,
        `It leads to ${via}; the pods are on Node ${wanted.node}, at ${wanted.via}.`,
        'Replace it:',
        [routeCommand('replace', destination, wanted.via)],
      ),
    ];
  }
  const likeOurs = planned.some(({ cidr }) => cidr.bits === destination.bits && ipFamily(cidr.address) === ipFamily(destination.address));
  const stray = planned.every(({ cidr }) => !cidrsOverlap(cidr, destination));
  if (!likeOurs || !stray || !nodes.some((node) => node.internalIps.includes(via))) return [];
  return [
    finding('RouteLeftOver', `route ${cidrText(destination)}`, `It leads to ${via}, and no Node has pods there.`, 'Remove it:', [
      routeCommand('del', destination, via),
    ]),
  ];
}

function routeCommand(verb: 'replace' | 'del', cidr: Cidr, via: Ip): string {
  return `sudo ip ${ipFamily(cidr.address) === 6 ? '-6 ' : ''}route ${verb} ${cidrText(cidr)} via ${via}`;
}
