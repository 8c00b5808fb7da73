import { describe, expect, test } from 'bun:test';
import { type Node, toNode } from '../object/node.ts';
import { planRoutes } from '../plan/routes.ts';
import { ROUTE_FORMATS, type RouteFormat } from '../settings/formats.ts';
import { type Ip, parseIp } from '../value/ip.ts';
import { renderRouteLines } from './route-lines.ts';

function node(name: string, podCIDRs: readonly string[], ips: readonly string[]): Node {
  const addresses = ips.map((address) => ({ type: 'InternalIP', address }));
  const parsed = toNode({ metadata: { name, uid: name }, spec: { podCIDRs }, status: { addresses } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const A = node('a', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.30', 'fd00:1::30']);
const B = node('b', ['10.244.2.0/23'], ['192.168.1.31']);
const EVIL = node('evil', ['0.0.0.0/1'], ['192.168.1.66']);
const GATEWAY = parseIp('192.168.1.1');

function render(format: RouteFormat, nodes: readonly Node[] = [A, B, EVIL], gateway: Ip | undefined = GATEWAY) {
  return renderRouteLines(planRoutes({ nodes, ciliumNodes: [], evidence: new Map(), via: [], cidrs: [], reserved: [] }), format, gateway);
}

function text(format: RouteFormat, nodes?: readonly Node[]): string {
  const rendered = render(format, nodes);
  if (!rendered.ok) throw new Error(rendered.detail);
  return rendered.value;
}

/** What is not a comment. */
const commands = (format: RouteFormat) =>
  text(format)
    .trimEnd()
    .split('\n')
    .filter((line) => !/^[#!]/.test(line));

const rows: readonly [format: RouteFormat, commands: readonly string[]][] = [
  [
    'iproute2',
    [
      'Add the following routes to your default gateway (router):',
      'ip route add 10.244.0.0/24 via 192.168.1.30',
      'ip -6 route add fd00:244::/64 via fd00:1::30',
      'ip route add 10.244.2.0/23 via 192.168.1.31',
    ],
  ],
  ['frr', ['ip route 10.244.0.0/24 192.168.1.30', 'ipv6 route fd00:244::/64 fd00:1::30', 'ip route 10.244.2.0/23 192.168.1.31']],
  [
    'bird',
    [
      'protocol static minilb4 {',
      '  ipv4;',
      '  route 10.244.0.0/24 via 192.168.1.30;',
      '  route 10.244.2.0/23 via 192.168.1.31;',
      '}',
      'protocol static minilb6 {',
      '  ipv6;',
      '  route fd00:244::/64 via fd00:1::30;',
      '}',
    ],
  ],
  [
    'macos',
    [
      'sudo route -n add -net 10.244.0.0/24 192.168.1.30',
      'sudo route -n add -inet6 fd00:244::/64 fd00:1::30',
      'sudo route -n add -net 10.244.2.0/23 192.168.1.31',
    ],
  ],
  [
    'bsd',
    ['route add -net 10.244.0.0/24 192.168.1.30', 'route add -inet6 fd00:244::/64 fd00:1::30', 'route add -net 10.244.2.0/23 192.168.1.31'],
  ],
  [
    'mikrotik',
    [
      '/ip route add dst-address=10.244.0.0/24 gateway=192.168.1.30 comment=minilb',
      '/ipv6 route add dst-address=fd00:244::/64 gateway=fd00:1::30 comment=minilb',
      '/ip route add dst-address=10.244.2.0/23 gateway=192.168.1.31 comment=minilb',
    ],
  ],
  ['dhcp121', ['dhcp-option=option:classless-static-route,0.0.0.0/0,192.168.1.1,10.244.0.0/24,192.168.1.30,10.244.2.0/23,192.168.1.31']],
];

describe('routes in the words of a router', () => {
  test.each(rows)('%s', (format, expected) => expect(commands(format)).toEqual([...expected]));

  test('OpenWrt: named sections, which a second run overwrites', () => {
    const lines = commands('openwrt');
    expect(lines.slice(0, 8)).toEqual([
      "uci set network.minilb_10_244_0_0_24='route'",
      "uci set network.minilb_10_244_0_0_24.interface='lan'",
      "uci set network.minilb_10_244_0_0_24.target='10.244.0.0/24'",
      "uci set network.minilb_10_244_0_0_24.gateway='192.168.1.30'",
      "uci set network.minilb_fd00_244___64='route6'",
      "uci set network.minilb_fd00_244___64.interface='lan'",
      "uci set network.minilb_fd00_244___64.target='fd00:244::/64'",
      "uci set network.minilb_fd00_244___64.gateway='fd00:1::30'",
    ]);
    expect(lines.slice(-2)).toEqual(['uci commit network', '/etc/init.d/network reload']);
  });

  test('json: the routes, what is refused and why, and the rules', () => {
    const report = JSON.parse(text('json')) as { readonly [key: string]: readonly unknown[] };
    expect(report['routes']?.[1]).toEqual({ destination: 'fd00:244::/64', gateway: 'fd00:1::30', family: 6 });
    expect(report['refused']).toEqual([
      { node: 'evil', destination: '0.0.0.0/1', code: 'PodCidrTooWide', reason: 'the podCIDR 0.0.0.0/1 is shorter than /8' },
    ]);
    expect([report['firewall']?.length, report['asymmetricPaths']?.length]).toEqual([2, 2]);
  });

  test.each(ROUTE_FORMATS.filter((format) => format !== 'json'))(
    '%s says what is refused, and holds no word of it outside a comment',
    (format) => {
      const lines = text(format).split('\n');
      expect(lines.filter((line) => line.includes('0.0.0.0/1:')).every((line) => /^[#!] evil /.test(line))).toBe(true);
      expect(lines.filter((line) => line.includes('evil'))).toHaveLength(1);
    },
  );

  test.each(['openwrt', 'bsd', 'macos', 'mikrotik', 'opnsense', 'unifi'] as const)('%s says that our tests do not run it', (format) => {
    expect(text(format)).toContain('# Not run by our tests');
  });

  test.each(ROUTE_FORMATS.filter((format) => format !== 'json' && format !== 'dhcp121'))(
    '%s has its firewall rule and its line for asymmetric paths, as comments',
    (format) => {
      const lines = text(format).split('\n');
      const first = lines.findIndex((line) => line.includes('reaches every port of every pod'));
      const second = lines.findIndex((line) => line.includes('the nodes answer the clients directly'));
      expect([first > 0, second > first + 2, lines.length > second + 3]).toEqual([true, true, true]);
      expect(lines.slice(first, -1).every((line) => /^[#!] /.test(line))).toBe(true);
    },
  );

  test('a cluster without Nodes is no routes, and no rules; a daemon’s file stays one', () => {
    expect(text('iproute2', [])).toBe('# No routes: the cluster has no Nodes.\n');
    expect(text('bird', [])).toContain('protocol static minilb4 {\n  ipv4;\n}\n');
    expect(JSON.parse(text('json', []))).toMatchObject({ routes: [], refused: [] });
  });

  test('a name from outside cannot end a comment', () => {
    const odd = { ...EVIL, name: 'x\nreboot\r\u2028y' };
    expect(text('iproute2', [A, odd])).toContain('# x?reboot??y 0.0.0.0/1: ');
  });
});

describe('DHCP option 121 (RFC 3442)', () => {
  test('the default route comes first, as bytes too', () => {
    expect(text('dhcp121')).toContain('# 00:c0:a8:01:01:18:0a:f4:00:c0:a8:01:1e:17:0a:f4:02:c0:a8:01:1f\n');
  });

  test('without a gateway there is no option, since the clients would have none either', () => {
    const plan = planRoutes({ nodes: [A], ciliumNodes: [], evidence: new Map(), via: [], cidrs: [], reserved: [] });
    expect(renderRouteLines(plan, 'dhcp121', undefined)).toMatchObject({ ok: false, code: 'no-gateway' });
  });

  test('more routes than an option holds (255 bytes, RFC 2132 §2) are refused whole', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i}`, [`10.244.${i}.0/24`], [`192.168.1.${100 + i}`]));
    expect(render('dhcp121', many(31)).ok).toBe(true);
    expect(render('dhcp121', many(32))).toMatchObject({ ok: false, code: 'too-long' });
  });

  test('IPv6 routes are for the router, and it says so', () => {
    expect(text('dhcp121')).toContain('no such option for IPv6: 1 routes');
  });
});
