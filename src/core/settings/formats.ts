/** What `minilb routes -format` writes; src/core/router/route-lines.ts has one dialect for each. */
export const ROUTE_FORMATS = [
  'iproute2',
  'frr',
  'bird',
  'bird-announce',
  'systemd-networkd',
  'openwrt',
  'json',
  'dhcp121',
  'bsd',
  'macos',
  'mikrotik',
  'opnsense',
  'unifi',
] as const;
export type RouteFormat = (typeof ROUTE_FORMATS)[number];

/** What `minilb resolver -format` writes; src/core/router/resolver-lines.ts. */
export const RESOLVER_FORMATS = ['dnsmasq', 'pihole', 'adguard', 'unbound', 'bind', 'resolved', 'opnsense', 'mikrotik'] as const;
export type ResolverFormat = (typeof RESOLVER_FORMATS)[number];
