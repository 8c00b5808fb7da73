import { type ForwardZone, forwardZones } from '../router/forward-zones.ts';
import { isOwnedOutside } from '../router/owned-hosts.ts';
import { renderResolverLines } from '../router/resolver-lines.ts';
import type { ResolverFormat } from '../settings/formats.ts';
import type { ServerAddress } from '../settings/kinds.ts';
import type { DnsName } from '../value/dns-name.ts';
import type { Zone } from '../zone/zone.ts';
import type { ListReport, ResolverRow } from './api-schema.ts';
import type { Listing } from './listing.ts';

/** Under a millisecond. */
const PATTERNS_A_STEP = 200;
/** Hosts that are listed; `minilb resolver` prints them all. */
const HOSTS_MAX = 500;

const TITLES: Readonly<Record<ResolverFormat, string>> = {
  dnsmasq: 'dnsmasq',
  pihole: 'Pi-hole',
  adguard: 'AdGuard Home',
  unbound: 'Unbound',
  bind: 'BIND',
  resolved: 'systemd-resolved',
  opnsense: 'OPNsense',
  mikrotik: 'MikroTik RouterOS',
};

/** What the LAN's resolver must be told: each name that it is to ask these servers for, and the lines for it. */
export function listResolvers(zone: Zone, servers: readonly ServerAddress[]): Listing {
  const patterns = zone.claims.book.patterns()[Symbol.iterator]();
  const hosts: DnsName[] = [];
  let more = 0;
  const step = () => {
    for (let i = 0; i < PATTERNS_A_STEP; i++) {
      const { done, value: pattern } = patterns.next();
      if (done) return true;
      if (!isOwnedOutside(zone, pattern)) continue;
      if (hosts.length < HOSTS_MAX) hosts.push(pattern);
      else more++;
    }
    return false;
  };
  const result = (): ListReport => {
    const zones = forwardZones(zone.config.domain, hosts);
    const items = zones.map((one) => toRow(one, zone.config.domain));
    return { items, matched: zones.length, next: '', texts: servers.length === 0 ? [] : texts(zones, servers, more) };
  };
  return { step, result };
}

function toRow({ name, wildcard }: ForwardZone, domain: DnsName): ResolverRow {
  if (name === domain) return { name, state: 'the zone', level: 'good' };
  return wildcard
    ? { name, state: `${wildcard} is claimed: what nobody claims there is asked of minilb too`, level: 'notice' }
    : { name, state: 'claimed', level: 'good' };
}

function texts(zones: readonly ForwardZone[], servers: readonly ServerAddress[], more: number): ListReport['texts'] {
  const rest = more > 0 ? `# ${more} more hosts are claimed: minilb resolver prints them all.\n` : '';
  return Object.entries(TITLES).map(([format, title]) => ({
    title,
    text: `${renderResolverLines({ zones, servers }, format as ResolverFormat)}${rest}`,
  }));
}
