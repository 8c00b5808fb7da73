import type { DnsName } from '../../core/value/dns-name.ts';
import type { Ip } from '../../core/value/ip.ts';
import { defaultNameserverName, type Nameserver } from '../../core/zone/zone.ts';
import type { RoleContext } from '../role.ts';

type NameserverSettings = Pick<RoleContext<'dns'>['settings'], 'domain' | 'nameServers' | 'hostIps'>;

/** What `-nameserver` says, one entry a name; else `ns.dns.<domain>` with the node's addresses. */
export function configuredNameservers({ domain, nameServers, hostIps }: NameserverSettings): readonly Nameserver[] {
  if (nameServers.length === 0) return [defaultNameserver(domain, hostIps)];
  const grouped = Map.groupBy(nameServers, (server) => server.name);
  return [...grouped].map(([name, servers]) => ({ name, addresses: servers.map((server) => server.address) }));
}

/** Loopback addresses are of use to this host alone: they are named only when there are no others. */
export function defaultNameserver(domain: DnsName, addresses: readonly Ip[]): Nameserver {
  const name = defaultNameserverName(domain);
  const reachable = addresses.filter((ip) => ip !== '::1' && !ip.startsWith('127.'));
  return { name, addresses: reachable.length > 0 ? reachable : addresses };
}
