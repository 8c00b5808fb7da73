import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import { parseIp } from '../value/ip.ts';
import type { Query } from '../wire/query.ts';
import { type Answer, addressAnswer, answerAddresses } from './answer.ts';
import type { Zone } from './zone.ts';

/**
 * Where a name stands: `foreign` is outside the zone, `absent` inside it without existing, `empty` an empty non-terminal
 * (RFC 8020), otherwise what it answers.
 */
export type Place = Answer | 'foreign' | 'absent' | 'empty';

/** Looks up the name asked for. Makes no garbage unless it is `<dashed-ip>.<service>…`. */
export function lookUp(zone: Zone, query: Query): Place {
  if (!isInZone(zone, query)) return 'foreign';
  const node = zone.names.find(query.name, 0, query.nameLength, query.hashes[0] as number);
  if (node) return node.answer ?? 'empty';
  if (query.labels < 2) return 'absent';
  const parent = zone.names.find(query.name, query.offsets[1] as number, query.nameLength, query.hashes[1] as number);
  if (!parent?.answer?.endpointNames) return 'absent';
  return endpointByAddress(parent.answer, String.fromCharCode(...query.name.subarray(1, query.offsets[1]))) ?? 'absent';
}

/** The same for the target of a CNAME. */
export function lookUpName(zone: Zone, name: DnsName): Place {
  if (!isAtOrBelow(name, zone.config.domain)) return 'foreign';
  const node = zone.names.get(name);
  if (node) return node.answer ?? 'empty';
  const dot = name.indexOf('.');
  const parent = dot < 0 ? undefined : zone.names.get(name.slice(dot + 1) as DnsName);
  return (parent?.answer?.endpointNames && endpointByAddress(parent.answer, name.slice(0, dot))) || 'absent';
}

/** True when the name asked for is the zone's apex or below it. */
export function isInZone(zone: Zone, query: Query): boolean {
  const { apex } = zone;
  const label = query.labels - apex.labels;
  if (label < 0 || query.hashes[label] !== apex.hash) return false;
  const start = query.offsets[label] as number;
  for (let i = 0; i < apex.wire.length; i++) if (query.name[start + i] !== apex.wire[i]) return false;
  return true;
}

/** True when something stands at or below the label right below the apex that the name asked for ends with: its namespace, for example. */
export function isCovered(zone: Zone, query: Query): boolean {
  const label = query.labels - zone.apex.labels - 1;
  if (label < 0) return true;
  return zone.names.find(query.name, query.offsets[label] as number, query.nameLength, query.hashes[label] as number) !== undefined;
}

/** `10-244-0-5.web.default.minilb`, `fd00--5.web.default.minilb`: one usable endpoint (Kubernetes DNS specification §2.4.1). */
function endpointByAddress(service: Answer, label: string): Answer | undefined {
  const ip = parseIp(label.replaceAll('-', '.')) ?? parseIp(label.replaceAll('-', ':'));
  return ip && answerAddresses(service).includes(ip) ? addressAnswer([ip], true) : undefined;
}
