import type { Claim } from '../claim/claim.ts';
import type { Service } from '../object/service.ts';
import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import { fact, type NoteReport, trouble } from '../value/report.ts';
import { followPoints } from '../zone/follow.ts';
import { lookUpName } from '../zone/lookup.ts';
import type { Zone } from '../zone/zone.ts';

export interface TargetFacts {
  readonly zone: Zone;
  readonly forwarding: boolean;
  readonly serviceAt: (name: DnsName) => Service | undefined;
  readonly explainService: (service: Service) => readonly NoteReport[];
}

/** Services behind one name that are explained one by one. */
const SERVICES_MAX = 3;

/** What is behind a claimed name: Services with their endpoints, and names that lead nowhere or out of the zone. */
export function targetNotes(claim: Claim, facts: TargetFacts): readonly NoteReport[] {
  const { zone } = facts;
  const lookUp = (name: DnsName) => lookUpName(zone, name);
  const { names } = followPoints(claim.target.points, lookUp);
  const services = new Map(names.flatMap((name) => pair(facts.serviceAt(name))));
  const addressed = claim.target.points.some(({ ip }) => ip !== undefined) || services.size > 0;
  return [
    ...names.flatMap((name) => missingNote(name, lookUp(name), facts)),
    ...foreignNotes(
      names.filter((name) => lookUp(name) === 'foreign'),
      addressed,
      facts,
    ),
    ...[...services.values()].slice(0, SERVICES_MAX).flatMap(facts.explainService),
  ];
}

function pair(service: Service | undefined): readonly (readonly [string, Service])[] {
  return service ? [[`${service.namespace}/${service.name}`, service]] : [];
}

function missingNote(name: DnsName, place: ReturnType<typeof lookUpName>, { zone }: TargetFacts): readonly NoteReport[] {
  if (place !== 'absent' && place !== 'empty') return [];
  const inZone = isAtOrBelow(name, zone.config.domain);
  return [
    trouble(
      'TargetMissing',
      `${name} has nothing to give: ${inZone ? 'no Service or claim has that name' : 'it only stands above others'}.`,
    ),
  ];
}

function foreignNotes(foreign: readonly DnsName[], addressed: boolean, { forwarding }: TargetFacts): readonly NoteReport[] {
  const [only] = foreign;
  if (only === undefined) return [];
  if (addressed) return [fact('ForeignTarget', `${foreign.join(', ')} is outside the cluster and left out: addresses come first.`)];
  if (foreign.length > 1)
    return [
      trouble(
        'ForeignTargets',
        `${foreign.join(' and ')} are outside the cluster, and a name may lead to one such name at most (RFC 2181 §10.1).`,
      ),
    ];
  return [
    forwarding
      ? fact('ForeignTarget', `${only} is outside the cluster: the answer is a CNAME, and comes with what -upstream says of it.`)
      : trouble(
          'CnameOnly',
          `${only} is outside the cluster: the answer is a CNAME alone, which dnsmasq and stub resolvers do not follow. Run minilb with -upstream.`,
        ),
  ];
}
