import type { ResolverFormat } from '../settings/formats.ts';
import type { ServerAddress } from '../settings/kinds.ts';
import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import { ipFamily } from '../value/ip.ts';
import type { ForwardZone } from './forward-zones.ts';

export interface ForwardPlan {
  readonly zones: readonly ForwardZone[];
  /** Where minilb answers; at least one. */
  readonly servers: readonly ServerAddress[];
}

/** Lines and comments of one resolver; a comment is marked by the function that `render` is given. */
type Render = (plan: ForwardPlan, say: (text: string) => string) => readonly string[];

/** What the resolver must be told, as text to paste, each line ended by a newline: forwarding, rebind protection, DNSSEC, stale answers. */
export function renderResolverLines(plan: ForwardPlan, format: ResolverFormat): string {
  const say = (text: string) => `# ${text}`;
  const wild = plan.zones.flatMap(({ name, wildcard }) =>
    wildcard
      ? [
          `${wildcard} is claimed, and a resolver forwards a name with all below it: ${name} itself, and what nobody claims there,`,
          'is then asked of minilb, which must know whom to ask (-upstream), or these names are gone.',
        ]
      : [],
  );
  return `${[...RESOLVERS[format](plan, say), ...wild.map(say)].join('\n')}\n`;
}

const DNS_PORT = 53;

/** Zones that resolvers answer themselves unless told otherwise (RFC 8375, RFC 6761). */
const LOCAL_ZONES = ['home.arpa', 'test', 'invalid'] as const;

function localZonesOf({ zones }: ForwardPlan): readonly string[] {
  return LOCAL_ZONES.filter((local) => zones.some(({ name }) => isAtOrBelow(name, local as DnsName)));
}

/** `address`, and the port by the program's sign where it is not 53. */
function withSign(sign: string): (server: ServerAddress) => string {
  return ({ ip, port }) => (port === DNS_PORT ? ip : `${ip}${sign}${port}`);
}

/** `address:port` or `[v6]:port`. */
function withColon({ ip, port }: ServerAddress): string {
  if (port === DNS_PORT) return ip;
  return ipFamily(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function dnsmasqLines({ zones, servers }: ForwardPlan): readonly string[] {
  const to = servers.map(withSign('#'));
  return zones.flatMap(({ name }) => [...to.map((server) => `server=/${name}/${server}`), `rebind-domain-ok=/${name}/`]);
}

const dnsmasq: Render = (plan, say) => [
  say(
    'dnsmasq: rebind-domain-ok lets private addresses through, should rebind protection be on. It does not validate what is forwarded so.',
  ),
  ...dnsmasqLines(plan),
  say('use-stale-cache must stay off: it gives pods that are gone.'),
];

const pihole: Render = (plan, say) => [
  say('Pi-hole v6. The second line switches off stale answers, which it ships with: they give pods that are gone.'),
  `sudo pihole-FTL --config misc.dnsmasq_lines '[${dnsmasqLines(plan)
    .map((line) => `"${line}"`)
    .join(', ')}]'`,
  'sudo pihole-FTL --config dns.cache.optimizer -1',
  say('misc.dnsmasq_lines is set as a whole: add the lines that it holds already.'),
];

const adguard: Render = ({ zones, servers }, say) => [
  say('AdGuard Home: a line for Settings > DNS settings > Upstream DNS servers. It does not validate, and drops no private addresses.'),
  `[/${zones.map(({ name }) => name).join('/')}/]${servers.map(withColon).join(' ')}`,
  say('Optimistic caching (the same page) must be off: it gives pods that are gone.'),
];

const unbound: Render = (plan, say) => {
  const { zones, servers } = plan;
  return [
    say('Unbound: private-domain lets private addresses through, domain-insecure does without signatures.'),
    'server:',
    ...localZonesOf(plan).map((local) => `    local-zone: "${local}." nodefault`),
    ...zones.flatMap(({ name }) => [`    private-domain: "${name}"`, `    domain-insecure: "${name}"`]),
    ...zones.flatMap(({ name }) => [
      'forward-zone:',
      `    name: "${name}"`,
      ...servers.map((server) => `    forward-addr: ${withSign('@')(server)}`),
    ]),
    say('serve-expired must stay off: it gives pods that are gone.'),
  ];
};

const bind: Render = (plan, say) => {
  const names = plan.zones.map(({ name }) => `"${name}";`).join(' ');
  const servers = plan.servers.map(({ ip, port }) => (port === DNS_PORT ? `${ip};` : `${ip} port ${port};`)).join(' ');
  return [
    say('BIND: these lines belong into "options"; the second where deny-answer-addresses is used, which then ends so.'),
    say(`validate-except { ${names} };`),
    say(`deny-answer-addresses { 10.0.0.0/8; 172.16.0.0/12; 192.168.0.0/16; fc00::/7; } except-from { ${names} };`),
    say('stale-answer-enable no;'),
    ...localZonesOf(plan).map((local) => say(`disable-empty-zone "${local}";`)),
    ...plan.zones.flatMap(({ name }) => [`zone "${name}" {`, '  type forward;', '  forward only;', `  forwarders { ${servers} };`, '};']),
  ];
};

const resolved: Render = ({ zones, servers }, say) => [
  say('systemd-resolved: a file in /etc/systemd/resolved.conf.d/; then "systemctl restart systemd-resolved". It has no rebind protection.'),
  '[Resolve]',
  `DNS=${servers.map(withColon).join(' ')}`,
  `Domains=${zones.map(({ name }) => `~${name}`).join(' ')}`,
  say('StaleRetentionSec must stay 0: more gives pods that are gone.'),
  say('With DNSSEC=yes also a file /etc/dnssec-trust-anchors.d/minilb.negative with these lines:'),
  ...zones.map(({ name }) => say(name)),
];

const opnsense: Render = ({ zones, servers }, say) => [
  say('OPNsense, Services > Unbound DNS. Not run by our tests; the settings are those of Unbound, which they do run.'),
  ...zones.flatMap(({ name }) =>
    servers.map(({ ip, port }) => `Query Forwarding > Add: Domain ${name}, Server IP ${ip}, Server Port ${port}`),
  ),
  `Advanced > Private Domains: ${zones.map(({ name }) => name).join(' ')}`,
  `Advanced > Insecure Domains: ${zones.map(({ name }) => name).join(' ')}`,
  'Advanced > Serve Expired Responses: off',
];

const mikrotik: Render = ({ zones, servers }, say) => [
  say('RouterOS 7 with forwarders. Not run by our tests. It does not validate, drops no private addresses and gives no stale answers.'),
  `/ip dns forwarders add name=minilb dns-servers=${servers.map(withColon).join(',')}`,
  ...zones.map(({ name }) => `/ip dns static add name=${name} type=FWD match-subdomain=yes forward-to=minilb`),
];

const RESOLVERS: Readonly<Record<ResolverFormat, Render>> = { pihole, adguard, dnsmasq, unbound, bind, resolved, opnsense, mikrotik };
