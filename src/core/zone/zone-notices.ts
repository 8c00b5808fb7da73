import type { Decision } from '../claim/decision.ts';
import { isWildcard, suffixOf } from '../claim/host.ts';
import { refOfSource } from '../claim/notices.ts';
import { refOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { joinName } from '../value/dns-name.ts';
import type { Notice, ObjectRef } from '../value/notice.ts';
import type { Answer } from './answer.ts';
import { foreignTarget } from './cname-chain.ts';
import type { Zone } from './zone.ts';

/** A claimed name that is only a CNAME: without `-upstream` dnsmasq and stub resolvers get no address from it. */
export function zoneNotices(zone: Zone, { pattern, winner, deep }: Decision): readonly Notice[] {
  const node = zone.names.get(suffixOf(pattern));
  if (!isWildcard(pattern)) return winner ? aliasNotice(zone, pattern, node?.answer, refOfSource(winner.source)) : [];
  const one = winner ? aliasNotice(zone, pattern, node?.wildcard?.one?.answer, refOfSource(winner.source)) : [];
  return deep && deep !== winner ? [...one, ...aliasNotice(zone, pattern, node?.wildcard?.many?.answer, refOfSource(deep.source))] : one;
}

/** The same for a Service's own name: ExternalName, or a load balancer that gives a host name alone. */
export function serviceAliasNotices(zone: Zone, service: Service): readonly Notice[] {
  const own = joinName(service.name, service.namespace, zone.config.domain);
  const node = own && zone.names.get(own);
  return own && node?.owner === 'service' ? aliasNotice(zone, own, node.answer, refOf('v1', 'Service', service)) : [];
}

function aliasNotice(zone: Zone, name: string, answer: Answer | undefined, object: ObjectRef): readonly Notice[] {
  const target = answer?.cname && foreignTarget(zone, answer);
  if (!target) return [];
  const text = `${name} leads to ${target} alone, which is answered as a CNAME: dnsmasq and stub resolvers do not follow one. Give the object an address, or run minilb with -upstream.`;
  return [{ object, code: 'CnameOnly', text }];
}
