import type { SoundRoute } from '../plan/held-routes.ts';
import { routeCommand } from '../plan/render-routes.ts';
import { cidrText, ipFamily } from '../value/ip.ts';
import { type Dialect, FAMILIES, isIpv6, type PodNetworks, perFamily } from './dialect.ts';

/**
 * The forward chain may be called otherwise; both rules go before those that are there. The second one knows no connections, so it passes the
 * client's half of one whose answers take another way, which conntrack calls invalid (a SYN, and then an ACK without a SYN-ACK between).
 */
const nft = {
  sign: '#',
  tried: true,
  firewall: (pods: PodNetworks) =>
    perFamily(pods, (cidrs, family) => [
      `nft insert rule inet filter forward ${daddr(cidrs, family)} ct state new tcp dport != { 80, 443 } drop`,
    ]),
  asymmetric: (pods: PodNetworks) =>
    perFamily(pods, (cidrs, family) => [`nft insert rule inet filter forward ${daddr(cidrs, family)} tcp dport { 80, 443 } accept`]),
} as const;

function daddr(cidrs: readonly string[], family: 4 | 6): string {
  return `${family === 4 ? 'ip' : 'ip6'} daddr { ${cidrs.join(', ')} }`;
}

export const iproute2: Dialect = { ...nft, notes: [], routes: (routes) => routes.map(routeCommand) };

export const frr: Dialect = {
  ...nft,
  sign: '!',
  notes: ['FRR: type these after "configure terminal" in vtysh, or keep them in a file for "vtysh -f FILE"; then "write".'],
  routes: (routes) => routes.map((route) => `${isIpv6(route) ? 'ipv6' : 'ip'} route ${cidrText(route.cidr)} ${route.via}`),
};

export const bird: Dialect = {
  ...nft,
  notes: ['BIRD 2: a file that bird.conf includes; then "birdc configure". A protocol kernel that exports puts them into the kernel.'],
  routes: (routes) => birdProtocols(routes, ({ cidr, via }) => `route ${cidrText(cidr)} via ${via};`),
};

/**
 * For a BIRD that tells a router (deploy/announce): the next hop is the node whatever this BIRD itself would do, also where the node is this
 * machine, to which no route can lead. `next hop keep` on the channel sends it on.
 */
export const birdAnnounce: Dialect = {
  ...nft,
  notes: [
    'BIRD 2: a file that bird.conf includes, to be announced over BGP with "next hop keep" (deploy/announce). Nothing for the kernel.',
  ],
  routes: (routes) => birdProtocols(routes, ({ cidr, via }) => `route ${cidrText(cidr)} blackhole { bgp_next_hop = ${via}; };`),
};

function birdProtocols(routes: readonly SoundRoute[], line: (route: SoundRoute) => string): readonly string[] {
  return FAMILIES.flatMap((family) => {
    const own = routes.filter(({ cidr }) => ipFamily(cidr.address) === family);
    return [`protocol static minilb${family} {`, `  ipv${family};`, ...own.map((route) => `  ${line(route)}`), '}'];
  });
}

export const systemdNetworkd: Dialect = {
  ...nft,
  notes: [
    'systemd-networkd: /etc/systemd/network/NAME.network.d/minilb.conf, beside the NAME.network of the interface towards the nodes;',
    'then "networkctl reload".',
  ],
  routes: (routes) => routes.flatMap(({ cidr, via }) => ['[Route]', `Destination=${cidrText(cidr)}`, `Gateway=${via}`]),
};

/** Sections have names, so that the same commands a second time change nothing. fw4 accepts between hosts of one zone. */
export const openwrt: Dialect = {
  sign: '#',
  tried: false,
  notes: ['OpenWrt 21.02 or newer; "lan" is the interface towards the nodes. Sections of nodes that are gone: uci delete network.minilb_…'],
  routes: (routes) => [
    ...routes.flatMap((route) => {
      const section = `network.minilb_${cidrText(route.cidr).replaceAll(/[^0-9a-f]/g, '_')}`;
      const kind = isIpv6(route) ? 'route6' : 'route';
      return [
        `uci set ${section}='${kind}'`,
        `uci set ${section}.interface='lan'`,
        `uci set ${section}.target='${cidrText(route.cidr)}'`,
        `uci set ${section}.gateway='${route.via}'`,
      ];
    }),
    ...(routes.length > 0 ? ['uci commit network', '/etc/init.d/network reload'] : []),
  ],
  firewall: (pods) =>
    perFamily(pods, (cidrs, family) => [
      `nft insert rule inet fw4 forward ${daddr(cidrs, family)} ct state new tcp dport != { 80, 443 } drop`,
    ]),
  asymmetric: () => [
    "uci set firewall.@defaults[0].drop_invalid='0'",
    "uci set firewall.@defaults[0].flow_offloading='0'",
    'uci commit firewall',
    '/etc/init.d/firewall reload',
  ],
};
