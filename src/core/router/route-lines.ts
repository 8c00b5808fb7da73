import { type SoundRoute, soundRoutes } from '../plan/held-routes.ts';
import { HEADING } from '../plan/render-routes.ts';
import type { PlannedRoute, RoutePlan } from '../plan/routes.ts';
import type { RouteFormat } from '../settings/formats.ts';
import { cidrText, type Ip } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { bsd, macos, mikrotik, opnsense, unifi } from './device-dialects.ts';
import { dhcpOption } from './dhcp-option.ts';
import { type Dialect, isIpv6, type PodNetworks, podNetworks } from './dialect.ts';
import { bird, birdAnnounce, frr, iproute2, openwrt, systemdNetworkd } from './linux-dialects.ts';
import { renderRoutesJson } from './routes-json.ts';

const DIALECTS: Readonly<Record<Exclude<RouteFormat, 'json' | 'dhcp121'>, Dialect>> = {
  iproute2,
  frr,
  bird,
  'bird-announce': birdAnnounce,
  'systemd-networkd': systemdNetworkd,
  openwrt,
  bsd,
  macos,
  mikrotik,
  opnsense,
  unifi,
};

const UNTRIED = 'Not run by our tests: nothing here could judge these lines.';

/**
 * The routes of a plan in the words of a router: routes with a fault are comments, and so are the firewall rule that belongs beside the
 * routes and the line for asymmetric paths, for whoever pastes all of it. `gateway` is for `dhcp121`, which cannot be without.
 */
export function renderRouteLines(plan: RoutePlan, format: RouteFormat, gateway: Ip | undefined): Result<string, 'no-gateway' | 'too-long'> {
  const routes = soundRoutes(plan);
  if (format === 'json') return ok(renderRoutesJson(plan, routes, remarks(iproute2, podNetworks(routes))));
  if (format === 'dhcp121') return dhcpLines(plan, routes, gateway);
  const dialect = DIALECTS[format];
  const comment = (text: string) => `${dialect.sign} ${oneLine(text)}`;
  if (plan.routes.length === 0) return ok(emptyText(dialect, comment));
  const { firewall, asymmetric } = remarks(dialect, podNetworks(routes));
  return ok(
    toText([
      ...(dialect === iproute2 ? [HEADING] : dialect.notes.map(comment)),
      ...(dialect.tried ? [] : [comment(UNTRIED)]),
      ...dialect.routes(routes),
      ...refused(plan).map(comment),
      ...(routes.length === 0 ? [] : [...OPEN_PORTS, ...firewall, ...HALF_SEEN, ...asymmetric].map(comment)),
    ]),
  );
}

/** A daemon's file is whole without a route, too: an include that defines nothing would leave what it defined before. */
function emptyText(dialect: Dialect, comment: (text: string) => string): string {
  return toText([comment('No routes: the cluster has no Nodes.'), ...dialect.routes([])]);
}

/** What begins a comment of a format; a text of JSON has none. */
export function commentSign(format: Exclude<RouteFormat, 'json'>): string {
  return format === 'dhcp121' ? '#' : DIALECTS[format].sign;
}

const OPEN_PORTS = [
  'Whoever has these routes reaches every port of every pod. A rule for the router that lets through only',
  'the pod ports you mean (here 80 and 443; SRV records show the ports of a Service):',
] as const;

const HALF_SEEN = [
  'Where clients and nodes share a network, the nodes answer the clients directly, and a firewall on the router that',
  'follows connections sees half of each, and may cut them. What helps there (docs/routers.md):',
] as const;

function remarks(dialect: Dialect, pods: PodNetworks) {
  return { firewall: dialect.firewall(pods), asymmetric: dialect.asymmetric(pods) };
}

function dhcpLines(plan: RoutePlan, routes: readonly SoundRoute[], gateway: Ip | undefined): Result<string, 'no-gateway' | 'too-long'> {
  if (!gateway)
    return err('no-gateway', '-format dhcp121 needs -gateway: clients that get option 121 ignore the router of option 3 (RFC 3442)');
  const option = dhcpOption(routes, gateway);
  if (!option.ok) return option;
  const v6 = routes.filter(isIpv6).length;
  return ok(
    toText([
      '# dnsmasq: DHCP option 121. A client that gets it ignores the router of option 3, so the default route is in it, first (RFC 3442).',
      ...option.value,
      ...refused(plan).map((text) => `# ${oneLine(text)}`),
      ...(v6 > 0 ? [`# DHCP has no such option for IPv6: ${v6} routes of that family are for the router.`] : []),
      '# The clients send to the nodes themselves, so paths are symmetric, and the router can hold nothing back: use NetworkPolicies.',
    ]),
  );
}

function refused({ routes }: RoutePlan): readonly string[] {
  return routes.flatMap((route) => (route.fault ? [refusal(route)] : []));
}

function refusal({ node, cidr, fault }: PlannedRoute): string {
  return `${node}${cidr ? ` ${cidrText(cidr)}` : ''}: ${fault?.text ?? ''}`;
}

/** Names come from outside: none may end a comment. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e\u00a0-\u2027\u202a-\uffff]/g, '?');
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
