import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import type { Zone } from '../zone/zone.ts';

/** Claimed names outside the domain that have an owner. */
export function ownedHosts({ claims, config }: Zone): readonly DnsName[] {
  return [...claims.book.patterns()].filter((pattern) => isOwnedOutside({ claims, config }, pattern));
}

/** True for a claimed name outside the domain that has an owner: a resolver must be told of it. */
export function isOwnedOutside({ claims, config }: Pick<Zone, 'claims' | 'config'>, pattern: DnsName): boolean {
  if (isAtOrBelow(pattern, config.domain)) return false;
  const { winner, deep } = claims.decide(pattern);
  return winner !== undefined || deep !== undefined;
}
