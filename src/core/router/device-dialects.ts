import { cidrText, type Ip } from '../value/ip.ts';
import { type Dialect, isIpv6, perFamily } from './dialect.ts';

// Routers and systems that our tests do not have. What they print says so.

const UNTRIED = { sign: '#', tried: false } as const;

export const bsd: Dialect = {
  ...UNTRIED,
  notes: ['FreeBSD, OpenBSD, NetBSD: for now; for good, static_routes in /etc/rc.conf, or !route lines in /etc/hostname.IF.'],
  routes: (routes) => routes.map((route) => `route add ${isIpv6(route) ? '-inet6' : '-net'} ${cidrText(route.cidr)} ${route.via}`),
  firewall: (pods) =>
    perFamily(pods, (cidrs, family) => [
      `block in quick inet${family === 6 ? '6' : ''} proto tcp to { ${cidrs.join(', ')} } port { 1:79, 81:442, 444:65535 }`,
    ]),
  asymmetric: (pods) =>
    perFamily(pods, (cidrs, family) => [
      `pass quick inet${family === 6 ? '6' : ''} proto tcp to { ${cidrs.join(', ')} } port { 80, 443 } flags any keep state (sloppy)`,
    ]),
};

export const macos: Dialect = {
  ...UNTRIED,
  notes: ['macOS: for this Mac alone, until it restarts; for good: networksetup -setadditionalroutes.'],
  routes: (routes) => routes.map((route) => `sudo route -n add ${isIpv6(route) ? '-inet6' : '-net'} ${cidrText(route.cidr)} ${route.via}`),
  firewall: () => ['No router is on the way, so none can hold anything back: use NetworkPolicies in the cluster.'],
  asymmetric: () => ['Nothing to do: this Mac sends to the nodes themselves, and they answer it.'],
};

export const mikrotik: Dialect = {
  ...UNTRIED,
  notes: ['RouterOS 7. Lines of nodes that are gone: /ip route remove [find comment=minilb dst-address=…].'],
  routes: (routes) =>
    routes.map(
      (route) => `/${isIpv6(route) ? 'ipv6' : 'ip'} route add dst-address=${cidrText(route.cidr)} gateway=${route.via} comment=minilb`,
    ),
  // In raw, before connection tracking, because the lines for asymmetric paths take these packets out of it.
  firewall: (pods) =>
    perFamily(pods, (cidrs, family) =>
      cidrs.map(
        (cidr) =>
          `/${family === 6 ? 'ipv6' : 'ip'} firewall raw add chain=prerouting action=drop protocol=tcp tcp-flags=syn,!ack dst-address=${cidr} dst-port=!80,443 comment=minilb`,
      ),
    ),
  asymmetric: (pods) =>
    perFamily(pods, (cidrs, family) =>
      cidrs.map(
        (cidr) =>
          `/${family === 6 ? 'ipv6' : 'ip'} firewall raw add chain=prerouting action=notrack in-interface-list=LAN dst-address=${cidr} comment=minilb`,
      ),
    ),
};

export const opnsense: Dialect = {
  ...UNTRIED,
  notes: ['OPNsense: steps in its web interface.'],
  routes: (routes) => [
    ...[...new Set(routes.map(({ via }) => via))].map(
      (via) => `System > Gateways > Configuration > Add: Name ${gatewayName(via)}, Interface LAN, IP address ${via}, Far Gateway off`,
    ),
    ...routes.map(({ cidr, via }) => `System > Routes > Configuration > Add: Network ${cidrText(cidr)}, Gateway ${gatewayName(via)}`),
  ],
  firewall: (pods) =>
    perFamily(pods, (cidrs) => [
      `Firewall > Rules > LAN, above the rule that allows all: Block, Protocol TCP, Destination ${cidrs.join(' ')} (an alias)`,
      'Above that one: Pass, Protocol TCP, the same Destination, Destination port 80 and 443 (an alias)',
    ]),
  asymmetric: () => [
    'In the Pass rule > advanced: State Type "sloppy state", TCP flags "Any flags". The same rule once more under Firewall > Rules > Floating,',
    'Direction out. Or Firewall > Settings > Advanced > Static route filtering, which passes everything within one interface, every port too.',
  ],
};

function gatewayName(via: Ip): string {
  return `minilb_${via.replaceAll(/[.:]/g, '_')}`;
}

export const unifi: Dialect = {
  ...UNTRIED,
  notes: ['UniFi Network: steps in its web interface; menus move between versions.'],
  routes: (routes) =>
    routes.map(
      ({ cidr, via }) =>
        `Settings > Policy Engine > Static Routes (older: Routing) > Create: Destination ${cidrText(cidr)}, Next Hop ${via}`,
    ),
  firewall: (pods) =>
    perFamily(pods, (cidrs) => [
      `Settings > Policy Engine > Firewall > Create: Block, Source Internal, Destination ${cidrs.join(', ')}, TCP, all ports but 80 and 443`,
    ]),
  asymmetric: () => [
    'It has no line for this. Put the nodes into a network (VLAN) of their own, so that both directions pass the gateway; or give the clients',
    'the routes: minilb routes -format dhcp121.',
  ],
};
