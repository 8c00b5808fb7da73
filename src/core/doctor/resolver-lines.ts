import { renderResolverLines } from '../router/resolver-lines.ts';
import type { ResolverFormat } from '../settings/formats.ts';
import type { ServerAddress } from '../settings/kinds.ts';
import type { DnsName } from '../value/dns-name.ts';

/** What lines for a resolver are to bring about. */
export type Wanted = 'forward' | 'allow-private' | 'allow-unsigned';

/** What programs say they are (`version.bind`, RFC 4892 §3), and in whose words their lines are. */
const PROGRAMS: readonly { readonly says: RegExp; readonly format: ResolverFormat; readonly name: string }[] = [
  { says: /pi-?hole/i, format: 'dnsmasq', name: 'Pi-hole (misc.dnsmasq_lines)' },
  { says: /dnsmasq/i, format: 'dnsmasq', name: 'dnsmasq' },
  { says: /unbound/i, format: 'unbound', name: 'Unbound' },
  { says: /adguard/i, format: 'adguard', name: 'AdGuard Home' },
  { says: /systemd-resolved/, format: 'resolved', name: 'systemd-resolved' },
  { says: /^(bind )?9\.\d+/i, format: 'bind', name: 'BIND' },
];

/** For resolvers that forward already: which of a recipe's lines are wanted. dnsmasq does not validate what has servers of its own. */
const PARTS: { readonly [W in Exclude<Wanted, 'forward'>]: RegExp } = {
  'allow-private': /^server:$|private-domain|rebind-domain-ok|except-from|nodefault/,
  'allow-unsigned': /^server:$|domain-insecure|^server=|validate-except|negative|^# [a-z0-9.-]+$|nodefault/,
};

/**
 * The lines, as `minilb resolver` prints them, that make a resolver do what is wanted for a name; for one that does not say what it is, those of
 * dnsmasq and of Unbound.
 */
export function resolverLines(program: string, name: DnsName, servers: readonly ServerAddress[], wanted: Wanted): readonly string[] {
  const known = PROGRAMS.find(({ says }) => says.test(program));
  const formats: readonly ResolverFormat[] = known ? [known.format] : ['dnsmasq', 'unbound'];
  return formats.flatMap((format) => {
    const all = renderResolverLines({ zones: [{ name }], servers }, format)
      .trimEnd()
      .split('\n');
    const some = wanted === 'forward' ? all : all.filter((line) => PARTS[wanted].test(line));
    return some.some((line) => line !== 'server:') ? some : all;
  });
}

/** Where the lines belong. */
export function resolverPlace(program: string): string {
  const known = PROGRAMS.find(({ says }) => says.test(program));
  return known ? `the configuration of ${known.name}` : 'the resolver’s configuration (what it is it does not say)';
}

/** How a program is told not to give answers that are older than their TTL. */
export function freshLines(program: string): readonly string[] {
  if (/pi-?hole/i.test(program)) return ['sudo pihole-FTL --config dns.cache.optimizer -1'];
  if (/dnsmasq/i.test(program)) return ['# Remove the lines use-stale-cache and min-cache-ttl.'];
  return /unbound/i.test(program) ? ['server:', '    serve-expired: no', '    cache-min-ttl: 0'] : [];
}
