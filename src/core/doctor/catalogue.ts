import type { NoticeCode } from '../value/notice.ts';
import { NOTICES } from '../value/notice-table.ts';

/** An error keeps names or paths from working, a warning will or may, a note is only to be known: it does not count as a finding. */
export type Severity = 'error' | 'warning' | 'note';

/** What a finding of one code means and what is to be done, without the case's particulars. */
export interface CatalogueEntry {
  readonly severity: Severity;
  readonly meaning: string;
  readonly remedy: string;
}

const entry = (severity: Severity, meaning: string, remedy: string): CatalogueEntry => ({ severity, meaning, remedy });

/** What servers tell of by an Event too. */
const noticed = (severity: Severity, code: NoticeCode): CatalogueEntry => entry(severity, NOTICES[code].means, NOTICES[code].remedy);

const cluster = {
  NotInstalled: entry(
    'note',
    'No Pod of minilb runs: what its installation needs is looked at.',
    'Apply the manifest that deploy/render.sh prints.',
  ),
  CannotInstall: entry(
    'warning',
    'These credentials may not create all that the manifest holds.',
    'Let somebody who may apply it, or be given the rights.',
  ),
  ServerNotReady: entry('error', 'A Pod of minilb is not ready.', 'Look at its events and its log.'),
  MissingPermission: entry(
    'error',
    'minilb may not read or write a kind that it cannot do without.',
    'Give its ServiceAccount the right, as the manifest does.',
  ),
  MissingOptionalPermission: entry(
    'warning',
    'minilb may not read a kind that is served here, so what these objects claim has no name.',
    'Give its ServiceAccount the right, or take it as it is.',
  ),
  OtherLoadBalancer: entry(
    'note',
    'Another load-balancer controller runs here, or serves Services of this cluster.',
    'Nothing, while each Service has the class of one.',
  ),
  ForeignStatus: entry(
    'warning',
    'Somebody else writes addresses into the status of a Service of class minilb.',
    'Let that controller leave Services with a class of others alone, and clear the status.',
  ),
  GatewayApiUnread: entry(
    'warning',
    'A kind of the Gateway API is served in versions that minilb does not read.',
    'Install the CRDs of a release that serves one that it reads.',
  ),
} as const;

const routes = {
  NodeWithoutPodCidrs: noticed('error', 'NodeWithoutPodCidrs'),
  PodCidrTooWide: noticed('error', 'PodCidrTooWide'),
  PodCidrTooNarrow: noticed('error', 'PodCidrTooNarrow'),
  PodCidrHoldsNodeAddress: noticed('error', 'PodCidrHoldsNodeAddress'),
  PodCidrSpecialPurpose: noticed('error', 'PodCidrSpecialPurpose'),
  PodCidrOutsideCidrs: noticed('error', 'PodCidrOutsideCidrs'),
  PodCidrOverlapsNetwork: noticed('error', 'PodCidrOverlapsNetwork'),
  PodCidrOverlapsNode: noticed('error', 'PodCidrOverlapsNode'),
  EndpointsOutsidePodCidrs: noticed('error', 'EndpointsOutsidePodCidrs'),
  NoNextHop: noticed('error', 'NoNextHop'),
  OddNextHop: noticed('error', 'OddNextHop'),
} as const;

const objects = {
  PortsDiffer: noticed('warning', 'PortsDiffer'),
  InvalidAnswer: noticed('warning', 'InvalidAnswer'),
  UnroutableEndpoint: noticed('warning', 'UnroutableEndpoint'),
  SourceRangesNotEnforced: noticed('warning', 'SourceRangesNotEnforced'),
  PodsExitBeforeTtl: entry(
    'warning',
    'Pods may be gone while caches still give out their addresses.',
    'A preStop hook that sleeps longer than -ttl, and a grace period longer than that.',
  ),
  HostConflict: noticed('warning', 'HostConflict'),
  HostRefused: noticed('warning', 'HostRefused'),
  InvalidHost: noticed('warning', 'InvalidHost'),
  CnameOnly: noticed('warning', 'CnameOnly'),
  OpenClaims: entry(
    'warning',
    '-upstream without -claim-hosts: any namespace can take any public name for everybody who asks minilb.',
    'Set -claim-hosts to the value that is printed: what is claimed now.',
  ),
  PublishesPrivateNames: entry(
    'warning',
    'external-dns would publish CNAMEs to a private domain in a public zone.',
    'Let external-dns leave the object alone.',
  ),
  HostPort53CapturesNode: entry(
    'error',
    'A Pod has hostPort 53 without hostIP: the rules take the node’s own queries to 127.0.0.53 too, and it pulls no image.',
    'Name the node’s address as hostIP.',
  ),
  HostPort53Taken: entry('warning', 'Another Pod has port 53 of a node.', 'Serve on another node or address, or move that Pod.'),
  SourceNatInFront: entry(
    'warning',
    'A Service in front of minilb hides who asks, so that with -upstream everybody is forwarded for.',
    'Set its externalTrafficPolicy to Local.',
  ),
} as const;

const machine = {
  DomainIsRealZone: noticed('warning', 'DomainIsRealZone'),
  OnlyResolver: entry('warning', 'minilb is the only resolver of this machine.', 'Add a second resolver, or use conditional forwarding.'),
  ServerSilent: entry('error', 'minilb does not answer this machine.', 'Look at the Pod, the port and the firewall between.'),
  ServerRefuses: entry('error', 'minilb answers this machine with an error.', 'See what it says: -clients, -domain, or not synced yet.'),
  ResolverSilent: entry('error', 'The resolver does not answer.', 'Look at the resolver.'),
  ResolverDoesNotForward: entry(
    'error',
    'The resolver does not ask minilb for the domain.',
    'Add the lines for the resolver that are printed.',
  ),
  ResolverValidates: entry(
    'error',
    'The resolver validates DNSSEC and refuses the domain, which is unsigned.',
    'Name the domain as insecure there.',
  ),
  ResolverDropsPrivateAddresses: entry(
    'error',
    'The resolver drops private addresses (rebind protection).',
    'Name the domain as an exception there.',
  ),
  ResolverStale: entry(
    'warning',
    'The resolver gives answers that are older than their TTL: pods that are gone.',
    'Switch its stale cache, or its minimum TTL, off.',
  ),
  ClaimedHostNotForwarded: entry(
    'error',
    'The resolver does not ask minilb for a claimed host.',
    'Add the lines for the host that are printed.',
  ),
  SiblingsDie: entry(
    'error',
    'Names beside a claimed one no longer resolve.',
    'Forward the claimed names only, or give minilb an -upstream.',
  ),
  SourceNat: entry(
    'warning',
    'Queries reach minilb from an address that is not the asker’s, so that it cannot tell clients apart.',
    'hostPort with hostIP, hostNetwork, or externalTrafficPolicy: Local.',
  ),
  NoRouteToPods: entry('error', 'This machine has no way to the pods of a Node.', 'Set the route, here or on the router.'),
  RouteWrong: entry('error', 'A route of this machine leads to another place than to the Node whose pods are there.', 'Replace the route.'),
  RouteLeftOver: entry('warning', 'A route of this machine leads to pods that no Node has.', 'Remove the route.'),
  PodSilent: entry(
    'error',
    'A ready pod does not answer this machine, although its Node does.',
    'Routes, firewalls and NetworkPolicies between.',
  ),
  AsymmetricPath: entry(
    'error',
    'Connections to a pod open and then pass nothing: a stateful router sees half of each.',
    'Give clients the route, put nodes in a network of their own, or let the router pass such packets.',
  ),
} as const;

/** Every finding there is, by its stable code. */
export const CATALOGUE = { ...cluster, ...routes, ...objects, ...machine };

export type FindingCode = keyof typeof CATALOGUE;

/** docs/doctor.md. */
export function renderDoctorPage(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { severity, meaning, remedy }]) => `| \`${code}\` | ${severity} | ${meaning} | ${remedy} |`,
  );
  return [
    '# What `minilb doctor` finds',
    '',
    'Written by `npm run docs` from `src/core/doctor/catalogue.ts`. Each finding also says what was seen and prints the commands or lines for the',
    'case at hand. An error keeps something from working, a warning may; notes are only to be known and leave the exit code at 0.',
    '',
    '| code | severity | what it means | remedy |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
