import { type DnsName, nameToWire } from '../value/dns-name.ts';
import { parseIp } from '../value/ip.ts';
import { setWireName, type WireName } from '../wire/query.ts';
import { type Answer, addressAnswer, answerAddresses, type SrvPort } from './answer.ts';
import { exists, type HostGate, type NameNode } from './name-table.ts';
import type { Searchable } from './searchable.ts';

/**
 * Where a name stands: `foreign` is neither in the zone nor claimed, `absent` in the zone without existing, `empty` an empty
 * non-terminal (RFC 8020), otherwise what it answers.
 */
export type Place = Answer | 'foreign' | 'absent' | 'empty';

/** `_`: how labels of protocols begin. */
const UNDERSCORE = 95;

/** Looks up the name asked for. Makes no garbage unless it is `<dashed-ip>.<service>…`. */
export function lookUp(zone: Searchable, query: WireName): Place {
  return lookUpFrom(zone, query, 0);
}

/** The same for a name that was not asked for, what a CNAME or a status leads to: one merely above a claim is somebody else's. */
export function lookUpName(zone: Searchable, name: DnsName): Place {
  setWireName(zone.scratch, nameToWire(name));
  const place = lookUpFrom(zone, zone.scratch, 0);
  return place === 'empty' && !isInZone(zone, zone.scratch) ? 'foreign' : place;
}

/** Looks up the suffix that begins at label `from`: exact names first, then endpoints, then the longest wildcard. */
function lookUpFrom(zone: Searchable, query: WireName, from: number): Place {
  if (from >= query.labels) return 'foreign';
  const node = find(zone, query, from);
  if (node?.answer) return node.answer;
  const inZone = isInZone(zone, query);
  const endpoint = inZone ? findEndpoint(zone, query, from) : undefined;
  if (endpoint) return endpoint;
  const claimed = zone.names.wildcards() > 0 ? findWildcard(zone, query, from) : undefined;
  if (claimed) return claimed;
  if (exists(node)) return 'empty';
  return inZone ? 'absent' : 'foreign';
}

function find(zone: Searchable, query: WireName, label: number): NameNode | undefined {
  return zone.names.find(query.name, query.offsets[label] as number, query.nameLength, query.hashes[label] as number);
}

/**
 * What a wildcard answers to the suffix that begins at label `from`: the longest one that may. None stands for a label that begins with
 * `_`; none that comes from above a namespace's node reaches below it; and none passes a pattern of `-claim-hosts` that reserves the name for
 * other namespaces.
 */
function findWildcard(zone: Searchable, query: WireName, from: number): Answer | undefined {
  let gate: HostGate['below'];
  for (let label = from; label < query.labels; label++) {
    const replaced = label > from ? (query.offsets[label - 1] as number) : -1;
    if (replaced >= 0 && query.name[replaced + 1] === UNDERSCORE) return undefined;
    const node = find(zone, query, label);
    if (!node) continue;
    gate ??= label === from ? node.gate?.exact : node.gate?.below;
    const slot = label === from + 1 ? node.wildcard?.one : label > from ? node.wildcard?.many : undefined;
    if (slot && (gate?.namespaces === undefined || gate.namespaces.has(slot.namespace))) return slot.answer;
    if (node.services > 0) return undefined;
  }
  return undefined;
}

/** What `_port._proto.<name>` is: the port, `empty` for `_proto.<name>` above one, `undefined` when it is neither. */
export function lookUpSrv(zone: Searchable, query: WireName): SrvPort | 'empty' | undefined {
  const { name, labels, offsets } = query;
  if (labels < 2 || name[1] !== UNDERSCORE) return undefined;
  const ports = labels >= 3 && name[(offsets[1] as number) + 1] === UNDERSCORE ? srvOf(lookUpFrom(zone, query, 2)) : undefined;
  for (const port of ports ?? []) if (beginsWith(query, port.labels, 0)) return port;
  for (const port of srvOf(lookUpFrom(zone, query, 1)) ?? [])
    if (beginsWith(query, port.labels, (port.labels[0] as number) + 1)) return 'empty';
  return undefined;
}

/** What the name below `_port._proto` answers. */
export function srvBase(zone: Searchable, query: WireName): Answer | undefined {
  const place = lookUpFrom(zone, query, 2);
  return typeof place === 'string' ? undefined : place;
}

function srvOf(place: Place): readonly SrvPort[] | undefined {
  return typeof place === 'string' ? undefined : place.srv;
}

/** True when the name begins with these labels, from `skip` on. */
function beginsWith(query: WireName, labels: Uint8Array, skip: number): boolean {
  for (let i = skip; i < labels.length; i++) if (query.name[i - skip] !== labels[i]) return false;
  return true;
}

/** True when the name asked for is the zone's apex or below it. */
export function isInZone(zone: Searchable, query: WireName): boolean {
  const { apex } = zone;
  const label = query.labels - apex.labels;
  if (label < 0 || query.hashes[label] !== apex.hash) return false;
  const start = query.offsets[label] as number;
  for (let i = 0; i < apex.wire.length; i++) if (query.name[start + i] !== apex.wire[i]) return false;
  return true;
}

/** True when something stands at or below the label right below the apex that the name asked for ends with: its namespace, for example. */
export function isCovered(zone: Searchable, query: WireName): boolean {
  const label = query.labels - zone.apex.labels - 1;
  return label < 0 || exists(find(zone, query, label));
}

/** The same for the target of a CNAME. */
export function isCoveredName(zone: Searchable, name: DnsName): boolean {
  setWireName(zone.scratch, nameToWire(name));
  return isCovered(zone, zone.scratch);
}

/** True when a pattern of `-claim-hosts` covers the name asked for: somebody may have claimed it. */
export function isClaimable(zone: Searchable, query: WireName): boolean {
  for (let label = 0; label < query.labels; label++) {
    const gate = find(zone, query, label)?.gate;
    if (label === 0 ? gate?.exact : gate?.below) return true;
  }
  return false;
}

/** `10-244-0-5.web.default.minilb`, `fd00--5.web.default.minilb`: one usable endpoint (Kubernetes DNS specification §2.4.1). */
function findEndpoint(zone: Searchable, query: WireName, from: number): Answer | undefined {
  if (from + 1 >= query.labels) return undefined;
  const parent = find(zone, query, from + 1);
  if (parent?.owner !== 'service' || !parent.answer?.endpointNames) return undefined;
  const start = query.offsets[from] as number;
  const label = String.fromCharCode(...query.name.subarray(start + 1, query.offsets[from + 1]));
  const ip = parseIp(label.replaceAll('-', '.')) ?? parseIp(label.replaceAll('-', ':'));
  return ip && answerAddresses(parent.answer).includes(ip) ? addressAnswer([ip], true) : undefined;
}
