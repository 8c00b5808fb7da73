import { EXTERNAL_NOTICES } from './external-notices.ts';

/** What a notice's code, which is also its Event's `reason`, stands for. */
export interface NoticeDeclaration {
  readonly type: 'Normal' | 'Warning';
  /** Kinds of objects it is about; none: it is about the settings, and stands in the log and in `minilb_notices_total` alone. */
  readonly on: readonly string[];
  /** Commands that say it. */
  readonly roles: readonly string[];
  readonly means: string;
  /** What to do about it. */
  readonly remedy: string;
}

const CLAIMANTS = ['Service', 'Ingress', 'HTTPRoute', 'GRPCRoute', 'TLSRoute'] as const;
const dns = { type: 'Warning', roles: ['dns'] } as const;
const l3 = { type: 'Warning', roles: ['l3'] } as const;

/** Every code of a notice, once; `NoticeCode` and docs/events.md come from here. Codes are stable: programs match them. */
export const NOTICES = {
  HostConflict: {
    ...dns,
    on: CLAIMANTS,
    means: 'Another object has the host that this one asks for; the text names it and says why it comes first.',
    remedy: 'Remove the host from one of the two. `minilb explain HOST` shows everybody who claims it.',
  },
  HostRefused: {
    ...dns,
    on: CLAIMANTS,
    means: 'The host may not be claimed from this namespace: `-claim-hosts` does not allow it, or it is a name of the zone itself.',
    remedy: 'Ask whoever runs minilb to add the host to `-claim-hosts`, or choose another host.',
  },
  InvalidHost: {
    ...dns,
    on: CLAIMANTS,
    means: 'A host of this object is no DNS name, or there are too many; its other hosts are served.',
    remedy: 'Correct the host; the text quotes it.',
  },
  CnameOnly: {
    ...dns,
    on: CLAIMANTS,
    means:
      'The host leads to a name outside the zone, and without `-upstream` its addresses are not known: dnsmasq and stub resolvers get nothing.',
    remedy: 'Run minilb with `-upstream`, or give the object an address.',
  },
  InvalidAnswer: {
    ...dns,
    on: ['Service'],
    means: 'The annotation `minilb/answer` says something else than endpoints, addresses or nodes, and is ignored.',
    remedy: 'Correct or remove the annotation.',
  },
  UnroutableEndpoint: {
    ...dns,
    on: ['Service'],
    means: 'An endpoint without a Node lies outside every podCIDR and the Nodes’ networks, and is not published.',
    remedy: 'Set `nodeName` in the EndpointSlice, or use an address that clients have a route to.',
  },
  PortsDiffer: {
    ...dns,
    on: ['Service'],
    means: 'Clients connect to the pods themselves, and a port of the Service is another one there.',
    remedy:
      'Make `port` and `targetPort` equal, let clients use SRV records, or answer with nodes (`minilb/answer: nodes`) where these map it.',
  },
  NameTooLong: {
    ...dns,
    on: ['Service'],
    means: 'The Service’s name below `-domain` is no DNS name, so it gets no status.',
    remedy: 'Give the Service a shorter name.',
  },
  SourceRangesNotEnforced: {
    ...dns,
    on: ['Service'],
    means: '`spec.loadBalancerSourceRanges` is set, and nothing enforces it: clients connect to the pods themselves.',
    remedy: 'Use a NetworkPolicy, and remove the field.',
  },
  StatusOverwritten: {
    ...dns,
    on: ['Service'],
    means: 'Something keeps replacing the status that minilb writes; minilb writes it less and less often.',
    remedy:
      'Find the other controller (`kubectl get service NAME -o yaml --show-managed-fields`), or a second minilb with another `-domain`.',
  },
  DomainIsRealZone: {
    ...dns,
    on: ['Pod'],
    means: '`-domain` is a zone that somebody serves on the Internet: its other names do not exist for those who ask minilb.',
    remedy: 'Use a subdomain for `-domain`, or `-upstream` with `-fallthrough`.',
  },
  NodeWithoutPodCidrs: {
    ...dns,
    on: ['Node'],
    means: 'The Node has no podCIDR, so there is no route to its pods.',
    remedy: 'Use a CNI that takes `spec.podCIDRs` (flannel, kube-router, Cilium with host-scope IPAM), and `--allocate-node-cidrs`.',
  },
  PodCidrTooWide: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR is so wide that the route would take traffic that is not the pods’.',
    remedy: 'Look at the Node’s `spec.podCIDRs`: no Node needs so many addresses.',
  },
  PodCidrTooNarrow: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR is a single address or next to it: a route to it would take the traffic of one host.',
    remedy: 'Look at who wrote the Node’s `spec.podCIDRs`: a Node needs more addresses.',
  },
  PodCidrSpecialPurpose: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR is loopback, link-local, multicast or reserved: no pod is there.',
    remedy: 'Look at who wrote the Node’s `spec.podCIDRs`.',
  },
  PodCidrOutsideCidrs: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR lies outside `-cidrs`.',
    remedy: 'Add the cluster’s network to `-cidrs`, if it is the cluster’s.',
  },
  PodCidrOverlapsNetwork: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR overlaps a network that is connected: the route would cut it off.',
    remedy: 'Give the cluster a pod network that is used nowhere else.',
  },
  PodCidrHoldsNodeAddress: {
    ...dns,
    on: ['Node'],
    means: 'The podCIDR holds the address of a Node: the route would cut that Node off.',
    remedy: 'Give the cluster a pod network that is used nowhere else, or look at who wrote the Node’s addresses.',
  },
  PodCidrOverlapsNode: {
    ...dns,
    on: ['Node'],
    means: 'Two Nodes have podCIDRs that overlap.',
    remedy: 'Correct `spec.podCIDRs` of one of them; the text names both.',
  },
  EndpointsOutsidePodCidrs: {
    ...dns,
    on: ['Node'],
    means:
      'Pods of this Node have addresses outside its podCIDRs, so a route by podCIDR does not lead to them (Calico, Cilium’s cluster pool).',
    remedy: 'Use the CNI’s own BGP, or IPAM by `spec.podCIDRs`.',
  },
  NoNextHop: {
    ...dns,
    on: ['Node'],
    means: 'The Node has no InternalIP of the podCIDR’s family (inside `-via`), so the route has no next hop.',
    remedy: 'Give the Node such an InternalIP, or annotate it with `minilb/route-via: ADDRESS`.',
  },
  OddNextHop: {
    ...dns,
    on: ['Node'],
    means: 'The Node’s next hop cannot be one: loopback, multicast, inside a podCIDR, or no address.',
    remedy: 'Correct `minilb/route-via`, or choose the network with `-via`.',
  },
  ClaimedByOther: {
    ...l3,
    roles: ['l3', 'external'],
    on: ['Service'],
    means: 'The Service has no `spec.loadBalancerClass`, and another controller writes its status; minilb leaves it alone.',
    remedy: 'Set `spec.loadBalancerClass` (on a new Service: it cannot be changed) to say whose it is.',
  },
  AddressRefused: {
    ...l3,
    on: ['Service'],
    means: 'The address that the Service asks for is not given to it; the text says why.',
    remedy: 'Ask for an address inside `-prefix` that nothing else has.',
  },
  RequestsDisagree: {
    ...l3,
    on: ['Service'],
    means: 'The Service asks for several addresses of one family in several places; one counts.',
    remedy: 'Keep one of `minilb/address`, `spec.loadBalancerIP` and `spec.externalIPs`.',
  },
  AddressInUse: {
    ...l3,
    on: ['Service'],
    means: 'The address that the Service asks for belongs to another one.',
    remedy: 'Ask for another, or let both share it (docs/l3.md).',
  },
  AddressDuplicate: {
    ...l3,
    on: ['Service'],
    means: 'Two Services held one address, after a restore for example; the younger one gave it up.',
    remedy: 'Nothing, if any address will do. `minilb l3 status -o annotations` pins addresses before a restore.',
  },
  AddressResting: {
    ...l3,
    on: ['Service'],
    means: 'The address was another Service’s until just now, and rests for ten minutes, so that no client reaches the wrong one.',
    remedy: 'Wait.',
  },
  AddressesExhausted: {
    ...l3,
    on: ['Service'],
    means: 'No address of that family is free in the prefixes.',
    remedy: 'Add a prefix to `-prefix`, on the agents and the allocator, or delete Services.',
  },
  NoPrefixForFamily: {
    ...l3,
    on: ['Service'],
    means: 'The Service wants an address of a family that no prefix has.',
    remedy: 'Add a prefix of that family, or change `spec.ipFamilies`.',
  },
  LocalWithoutNode: {
    ...l3,
    on: ['Service'],
    means: 'With `externalTrafficPolicy: Local` an endpoint must say its Node, and none does: the address is held nowhere.',
    remedy: 'Set `nodeName` in the EndpointSlice, or use policy Cluster.',
  },
  AddressOfNode: {
    ...l3,
    on: ['Node'],
    means: 'A Service’s address is a Node’s or a gateway’s, and is not announced.',
    remedy: 'Choose prefixes that no host lives in.',
  },
  AddressForeign: {
    ...l3,
    on: ['Node'],
    means: 'The interface has the address already, put there by something else; it is left alone.',
    remedy: 'Remove it (`ip address del`), or let the agent take it over with `-adopt`.',
  },
  AddressOutsidePrefix: {
    ...l3,
    on: ['Node'],
    means: 'An address bears the agent’s mark and lies outside `-prefix`; it is left alone.',
    remedy: 'If the prefix was changed: remove the address by hand (`ip address del`).',
  },
  ...EXTERNAL_NOTICES,
} as const satisfies Readonly<Record<string, NoticeDeclaration>>;

/** docs/events.md. */
export function renderEventsPage(): string {
  const rows = Object.entries<NoticeDeclaration>(NOTICES).map(([code, { type, on, roles, means, remedy }]) => {
    const about = on.length === 0 ? '– (log and metric)' : on.join(', ');
    return `| \`${code}\` | ${type} | ${about} | ${roles.map((role) => `\`${role}\``).join(', ')} | ${means} | ${remedy} |`;
  });
  return [
    '# Events',
    '',
    '<!-- Written by `npm run docs` from src/core/value/notice-table.ts. -->',
    '',
    'What minilb has to say about an object it says three times: as an Event of that object (`kubectl describe`, `kubectl get events -A`),',
    'as a line of its log with `code=`, and as a count in `minilb_notices_total{code}`. Each is said once for as long as it stays true.',
    'Events need the right to create them, which the manifests give; `minilb dns -controller=false` writes none. They are of',
    '`events.k8s.io/v1`, their `reportingController` is `minilb/` and the role, and those of Nodes are in the namespace `default`.',
    '',
    '| reason | type | on | by | it means | what to do |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
