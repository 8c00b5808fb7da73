import type { Decision } from '../claim/decision.ts';
import { isWildcard, suffixOf } from '../claim/host.ts';
import { refOfSource } from '../claim/notices.ts';
import type { Notice } from '../value/notice.ts';
import type { Zone } from './zone.ts';

/** A claimed name that is only a CNAME: without `-upstream` dnsmasq and stub resolvers get no address from it. */
export function zoneNotices(zone: Zone, { pattern, winner }: Decision): readonly Notice[] {
  const node = zone.names.get(suffixOf(pattern));
  const answer = isWildcard(pattern) ? node?.wildcard?.one?.answer : node?.answer;
  if (!winner || !answer?.cname) return [];
  const text = `${pattern} leads to ${answer.cname} alone, which is answered as a CNAME: dnsmasq and stub resolvers do not follow one. Give the object an address, or run minilb with -upstream.`;
  return [{ object: refOfSource(winner.source), code: 'CnameOnly', text }];
}
