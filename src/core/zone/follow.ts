import type { IngressPoint } from '../object/service.ts';
import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { type Ip, parseIp } from '../value/ip.ts';
import { type Answer, addressAnswer, addressesBehind, answerAddresses, putBehind } from './answer.ts';
import type { Place } from './lookup.ts';

/** Longest way from a name to its addresses, in names. */
export const FOLLOW_DEPTH_MAX = 8;

export interface Followed {
  /** What a name that leads to these points answers; `points` is theirs. */
  readonly answer: Answer;
  /** Every name that was looked at: when one of them changes, so may the answer. */
  readonly names: readonly DnsName[];
}

/**
 * Follows the entries of a status to what they lead to: an address is itself; a name of ours leads to its addresses, or on; a foreign
 * name is the end. Addresses win: any make the answer their union. A CNAME is given only for exactly one foreign name and nothing else
 * (RFC 2181 §10.1). Names are visited once each, nearest first, so that a loop ends and the outcome does not depend on the order of entries.
 */
export function followPoints(points: readonly IngressPoint[], lookUp: (name: DnsName) => Place): Followed {
  const addresses: Ip[] = [];
  const leaves: Answer[] = [];
  const foreign = new Set<DnsName>();
  const seen = new Set<DnsName>();
  let dead = 0;
  let level = points;
  for (let depth = 0; level.length > 0; depth++) {
    const next: IngressPoint[] = [];
    for (const { ip, hostname } of level) {
      if (ip) addresses.push(ip);
      const name = hostname === undefined ? undefined : toName(hostname, addresses);
      if (name === undefined || seen.has(name)) continue;
      seen.add(name);
      const place = depth < FOLLOW_DEPTH_MAX ? lookUp(name) : 'absent';
      if (place === 'foreign') foreign.add(name);
      else if (place === 'absent' || place === 'empty') dead++;
      else if (place.points) next.push(...place.points);
      else if (place.cname) next.push({ hostname: place.cname });
      else leaves.push(place);
    }
    level = next;
  }
  const [cname] = foreign;
  const alone = foreign.size === 1 && dead === 0 && leaves.length === 0;
  const found = union(addresses, leaves);
  const hasAddresses = found.a.length + found.aaaa.length > 0;
  const answer = { ...found, cname: !hasAddresses && alone ? cname : undefined, points };
  return { answer, names: [...seen] };
}

/** Some controllers write an address as a host name. One that is neither is left out. */
function toName(text: string, addresses: Ip[]): DnsName | undefined {
  const ip = parseIp(text);
  if (ip) addresses.push(ip);
  const name = ip ? undefined : parseDnsName(text);
  return name?.ok ? name.value : undefined;
}

/** One leaf alone shares its arrays: most names lead to one Service, and its endpoints change often. */
function union(addresses: readonly Ip[], leaves: readonly Answer[]): Answer {
  const [only] = leaves;
  if (only && leaves.length === 1 && addresses.length === 0) return { ...only, cname: undefined, endpointNames: false, points: undefined };
  const answer = addressAnswer([...addresses, ...leaves.flatMap(answerAddresses)], false);
  putBehind(answer, new Set(leaves.flatMap(addressesBehind)));
  return answer;
}
