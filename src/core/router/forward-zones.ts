import { isWildcard, suffixOf } from '../claim/host.ts';
import type { DnsName } from '../value/dns-name.ts';
import { isAtOrBelow } from '../value/dns-name.ts';

/** A name that a resolver asks minilb for, with everything below it: resolvers know no other way. */
export interface ForwardZone {
  readonly name: DnsName;
  /** The wildcard that it stands for: the name itself, and what is below it and not claimed, is then asked of minilb too. */
  readonly wildcard?: DnsName;
}

/** The domain, and each claimed host that is not below another of them; sorted, the domain first. */
export function forwardZones(domain: DnsName, hosts: readonly DnsName[]): readonly ForwardZone[] {
  const zones: ForwardZone[] = [{ name: domain }];
  const wanted = hosts.map((host): ForwardZone => ({ name: suffixOf(host), ...(isWildcard(host) && { wildcard: host }) }));
  const labels = ({ name }: ForwardZone) => name.split('.').length;
  // At one name a wildcard says more than the name.
  const order = (a: ForwardZone, b: ForwardZone) =>
    labels(a) - labels(b) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : Number(a.wildcard === undefined) - Number(b.wildcard === undefined));
  for (const zone of wanted.sort(order)) if (!zones.some(({ name }) => isAtOrBelow(zone.name, name))) zones.push(zone);
  return zones;
}
