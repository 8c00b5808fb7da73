import { HEADING } from '../plan/render-routes.ts';
import type { RoutePlan } from '../plan/routes.ts';
import { renderRouteLines } from '../router/route-lines.ts';
import type { RouteFormat } from '../settings/formats.ts';
import { cidrText } from '../value/ip.ts';
import type { ListReport, RouteRow } from './api-schema.ts';

/** The planned routes as the page lists them. */
export function routeRows(plan: RoutePlan): readonly RouteRow[] {
  return plan.routes.map(({ node, cidr, via, fault }) => ({
    node,
    network: cidr ? cidrText(cidr) : '',
    via: via ?? '',
    state: fault ? fault.text : 'route',
    level: fault ? 'trouble' : 'good',
  }));
}

/** What each format is called; `json` is for programs, and `dhcp121` needs a gateway that is not known here. */
const TITLES: Readonly<Record<Exclude<RouteFormat, 'json' | 'dhcp121'>, string>> = {
  iproute2: 'Linux (ip route)',
  'systemd-networkd': 'Linux (systemd-networkd)',
  openwrt: 'OpenWrt',
  mikrotik: 'MikroTik RouterOS',
  opnsense: 'OPNsense',
  unifi: 'UniFi',
  frr: 'FRR',
  bird: 'BIRD',
  'bird-announce': 'BIRD, to announce by BGP',
  bsd: 'BSD',
  macos: 'macOS',
};

/** The routes in the words of each router, to copy. */
export function routeTexts(plan: RoutePlan): ListReport['texts'] {
  return Object.entries(TITLES).flatMap(([format, title]) => {
    const lines = renderRouteLines(plan, format as RouteFormat, undefined);
    // The heading is for people: a shell would run it.
    return lines.ok ? [{ title, text: lines.value.replace(`${HEADING}\n`, '') }] : [];
  });
}
