import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { parseIp } from '../value/ip.ts';
import { err, type Result } from '../value/result.ts';

/** How many labels the `*` of a pattern stands for. A name without `*` is its own pattern; its reach means nothing. */
export type Reach =
  /** networking/v1 IngressRule.host: exactly one. */
  | 'one'
  /** Gateway API, and `minilb/host`: one or more. */
  | 'many';

/**
 * Parses a host as people write it: a name, or a name after `*.`. Addresses are none, and neither are labels that begin with `_`: those
 * belong to protocols (RFC 8552), and who claims one could answer another's ACME challenge.
 */
export function parseHost(text: string): Result<DnsName, 'bad-name'> {
  const name = parseDnsName(text.trim());
  if (!name.ok) return name;
  if (parseIp(name.value)) return err('bad-name', `"${text}" is an address, not a name`);
  if (/(^|\.)_/.test(name.value)) return err('bad-name', `"${text}" has a label that begins with _, which no host has`);
  return name;
}

export function isWildcard(pattern: DnsName): boolean {
  return pattern.startsWith('*.');
}

/** What follows `*.`; a name without wildcard is returned as it is. */
export function suffixOf(pattern: DnsName): DnsName {
  return (isWildcard(pattern) ? pattern.slice(2) : pattern) as DnsName;
}

export function labelCount(name: DnsName): number {
  return name.split('.').length;
}

/**
 * True when `pattern` stands for `name`, compared label by label. `*` never stands for nothing, and never for a label that begins
 * with `_`.
 */
export function matchesHost(pattern: DnsName, reach: Reach, name: DnsName): boolean {
  if (!isWildcard(pattern)) return pattern === name;
  const suffix = suffixOf(pattern);
  if (!name.endsWith(`.${suffix}`)) return false;
  const labels = name.slice(0, name.length - suffix.length - 1).split('.');
  return (reach === 'many' || labels.length === 1) && !labels.some((label) => label.startsWith('_'));
}

/** What a hostname that is not set stands for (Gateway API, "Hostname Intersection"). It is no `DnsName`. */
export const ANY_HOST = '*';

/**
 * The host that a listener and a route have in common (Gateway API, "Hostname Intersection"): the narrower of the two where one holds
 * the other, `undefined` where neither does.
 */
export function intersectHosts(listener: DnsName | typeof ANY_HOST, route: DnsName | typeof ANY_HOST): typeof listener | undefined {
  if (listener === ANY_HOST) return route;
  if (route === ANY_HOST || listener === route) return listener;
  if (holds(listener, route)) return route;
  return holds(route, listener) ? listener : undefined;
}

function holds(wide: DnsName, narrow: DnsName): boolean {
  return isWildcard(wide) && suffixOf(narrow).endsWith(wide.slice(1));
}
