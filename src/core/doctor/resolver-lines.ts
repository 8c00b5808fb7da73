import type { ServerAddress } from '../settings/kinds.ts';
import type { DnsName } from '../value/dns-name.ts';

/** What a line for a resolver is to bring about. */
export type Wanted = 'forward' | 'allow-private' | 'allow-unsigned';

type Writer = (domain: DnsName, servers: readonly ServerAddress[], wanted: readonly Wanted[]) => readonly string[];

/** Zones that Unbound answers itself unless told otherwise (unbound.conf(5), local-zone), as suffixes. */
const UNBOUND_OWN = ['home.arpa', 'test', 'invalid', 'localhost'];
/** Zones that BIND answers itself (empty zones). */
const BIND_OWN = ['home.arpa'];

const suffixOf = (domain: DnsName, suffixes: readonly string[]) => suffixes.find((one) => domain === one || domain.endsWith(`.${one}`));

const dnsmasq: Writer = (domain, servers, wanted) => [
  // Validation is off for domains that have servers of their own, so that line is the one for unsigned domains too.
  ...(wanted.includes('forward') || wanted.includes('allow-unsigned')
    ? servers.map(({ ip, port }) => `server=/${domain}/${ip}${port === 53 ? '' : `#${port}`}`)
    : []),
  ...(wanted.includes('allow-private') ? [`rebind-domain-ok=/${domain}/`] : []),
];

const unbound: Writer = (domain, servers, wanted) => {
  const own = suffixOf(domain, UNBOUND_OWN);
  const options = [
    ...(wanted.includes('allow-private') ? [`  private-domain: "${domain}"`] : []),
    ...(wanted.includes('allow-unsigned') ? [`  domain-insecure: "${domain}"`] : []),
    ...(own === undefined ? [] : [`  local-zone: "${own}." nodefault`]),
  ];
  const zone = [
    'forward-zone:',
    `  name: "${domain}"`,
    ...servers.map(({ ip, port }) => `  forward-addr: ${ip}${port === 53 ? '' : `@${port}`}`),
  ];
  return [...(options.length > 0 ? ['server:', ...options] : []), ...(wanted.includes('forward') ? zone : [])];
};

const bind: Writer = (domain, servers, wanted) => {
  const addresses = servers.map(({ ip, port }) => `${ip}${port === 53 ? '' : ` port ${port}`};`).join(' ');
  const own = suffixOf(domain, BIND_OWN);
  return [
    ...(wanted.includes('forward') ? [`zone "${domain}" { type forward; forward only; forwarders { ${addresses} }; };`] : []),
    ...(wanted.includes('allow-unsigned') ? [`// in options: validate-except { "${domain}"; };`] : []),
    ...(wanted.includes('allow-private') ? [`// in options, where deny-answer-addresses stands: except-from { "${domain}"; }`] : []),
    ...(own === undefined ? [] : [`// in options: disable-empty-zone "${own}";`]),
  ];
};

const resolved: Writer = (domain, servers, wanted) => [
  ...(wanted.includes('forward')
    ? [
        '# /etc/systemd/resolved.conf.d/minilb.conf',
        '[Resolve]',
        `DNS=${servers.map(({ ip, port }) => (port === 53 ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${port}`)).join(' ')}`,
        `Domains=~${domain}`,
      ]
    : []),
  ...(wanted.includes('allow-unsigned') ? ['# /etc/dnssec-trust-anchors.d/minilb.negative', domain] : []),
];

const PROGRAMS: readonly { readonly name: string; readonly says: RegExp; readonly write: Writer }[] = [
  { name: 'dnsmasq, Pi-hole', says: /dnsmasq|pi-?hole/i, write: dnsmasq },
  { name: 'Unbound', says: /unbound/i, write: unbound },
  { name: 'systemd-resolved', says: /systemd-resolved/, write: resolved },
  { name: 'BIND', says: /^(bind )?9\.\d+/i, write: bind },
];

/**
 * The lines that make a resolver of this kind do what is wanted for a domain; for one that does not say what it is, those for dnsmasq and
 * Unbound, under comments that say which is which.
 */
export function resolverLines(
  program: string,
  domain: DnsName,
  servers: readonly ServerAddress[],
  wanted: readonly Wanted[],
): readonly string[] {
  const known = PROGRAMS.find(({ says }) => says.test(program));
  if (known) return known.write(domain, servers, wanted);
  return PROGRAMS.slice(0, 2).flatMap(({ name, write }) => [`# ${name}`, ...write(domain, servers, wanted)]);
}

/** Where the lines belong. */
export function resolverName(program: string): string {
  const known = PROGRAMS.find(({ says }) => says.test(program));
  if (!known) return 'the resolver’s configuration';
  return `the configuration of ${known.name}${known.name === 'Unbound' ? ' (lines below server: may be added to those that are there)' : ''}`;
}

/** How a program is told not to give answers that are older than their TTL. */
export function freshLines(program: string): readonly string[] {
  if (/pi-?hole/i.test(program)) return ['pihole-FTL --config dns.cache.optimizer -1'];
  if (/dnsmasq/i.test(program)) return ['# remove the line use-stale-cache, and min-cache-ttl'];
  if (/unbound/i.test(program)) return ['server:', '  serve-expired: no', '  cache-min-ttl: 0'];
  return [];
}
