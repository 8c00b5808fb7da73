import { isWildcard, suffixOf } from '../claim/host.ts';
import { describeSource } from '../claim/notices.ts';
import { type DnsName, joinName, nameToWire } from '../value/dns-name.ts';
import { cidrText } from '../value/ip.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import { createWireName, setWireName } from '../wire/query.ts';
import { exists } from '../zone/name-table.ts';
import { lookUpReverse, type ReversePlace } from '../zone/reverse-lookup.ts';
import type { Zone } from '../zone/zone.ts';

export interface OutsideFacts {
  readonly zone: Zone;
  readonly forwarding: boolean;
}

/** True for a name below in-addr.arpa or ip6.arpa; home.arpa is a domain like others. */
export function isReverseName(name: DnsName): boolean {
  return name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa');
}

/** What a reverse name stands for; none for one that is not ours. */
export function reverseNotes(name: DnsName, { zone }: OutsideFacts): readonly NoteReport[] {
  const query = createWireName();
  setWireName(query, nameToWire(name));
  const place = lookUpReverse(zone, query);
  return place ? [reverseNote(place, zone)] : [];
}

function reverseNote({ block, target, exists: found }: ReversePlace, zone: Zone): NoteReport {
  const { address } = block;
  if (target) {
    const [first = '', ...others] = [...zone.reverse.servicesAt(address)].sort((a, b) =>
      seniority(zone, a) < seniority(zone, b) ? -1 : 1,
    );
    const also = others.length > 0 ? `, the oldest of those that have it; the others are ${others.join(', ')}` : '';
    return fact('ReverseName', `It is the reverse name of ${address}, an endpoint of Service ${first}${also}.`);
  }
  if (!found) return trouble('NoEndpointThere', `${address} is inside a Node’s podCIDR, and no usable endpoint of a Service has it.`);
  return fact('ReverseZone', `It stands for addresses of ${cidrText(block)}; reverse names of endpoints are below it.`);
}

function seniority(zone: Zone, key: string): string {
  return `${zone.createdAt(key)} ${key}`;
}

/** Nothing has the name itself, but something stands below it: it exists, and has no data (RFC 8020). */
export function aboveNotes(name: DnsName, { zone, forwarding }: OutsideFacts, inZone: boolean): readonly NoteReport[] {
  const node = zone.names.get(name);
  if (!exists(node) || node?.answer) return [];
  const below = [...zone.claims.book.patterns()].find((pattern) => suffixOf(pattern) === name || suffixOf(pattern).endsWith(`.${name}`));
  if (below === undefined) return [];
  const asks = forwarding && !inZone ? ' -upstream is asked, and where it knows no such name, the answer is no data.' : ' It has no data.';
  return [fact('AboveClaim', `Nothing claims the name itself, but it stands above a claimed one, ${below}, and so it exists.${asks}`)];
}

/** The nearest claim above a name that is nobody's: users expect that it covers what is below. */
export function belowNotes(name: DnsName, { zone }: OutsideFacts): readonly NoteReport[] {
  const labels = name.split('.');
  for (let at = 1; at < labels.length; at++) {
    const parent = joinName(...labels.slice(at));
    const node = parent && zone.names.get(parent);
    if (!parent || !node) continue;
    const wildcard = joinName('*', parent);
    const slot = wildcard && node.wildcard ? zone.claims.decide(wildcard) : undefined;
    const wide = slot?.winner ?? slot?.deep;
    if (wide && labels.slice(0, at).some((label) => label.startsWith('_')))
      return [
        fact('BelowWildcard', `${describeSource(wide.source)} has ${wide.pattern}, but no wildcard stands for a label that begins with _.`),
      ];
    if (wide && at > 1 && !slot?.deep)
      return [
        fact(
          'BelowWildcard',
          `${describeSource(wide.source)} has ${wide.pattern}, but the wildcard of an Ingress stands for one label only.`,
        ),
      ];
    const owner = node.owner === 'claim' ? zone.claims.decide(parent).winner : undefined;
    if (owner && !isWildcard(owner.pattern))
      return [
        fact(
          'BelowClaim',
          `It lies below ${parent}, which ${describeSource(owner.source)} claims; names below a claimed name are not the claim’s.`,
        ),
      ];
  }
  return [];
}
