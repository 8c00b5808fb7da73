import { keyOf } from '../object/raw.ts';
import type { RouteService } from '../object/route-service.ts';
import { ownerNotices } from '../object/service-class.ts';
import { type Ip, ipFamily } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import { type JudgedRequests, judgeRequests, type RequestLimits } from './address-request.ts';
import { createFreeAddresses } from './free-addresses.ts';
import { isInside } from './node-addresses.ts';
import { compareAge, isByRoute, mayShare, type RouteClass, resolveHolders, routeOwner, serviceNotice } from './route-services.ts';

type Family = 4 | 6;

export interface AllocateInputs extends RouteClass, RequestLimits {
  /** All Services of the cluster. */
  readonly services: readonly RouteService[];
  /** Freed addresses that rest, with the key of the Service that had them: it alone may have them back. */
  readonly resting: ReadonlyMap<Ip, string>;
}

/** A merge patch for the status subresource; 409 means plan again. */
export interface AllocationWrite {
  readonly service: RouteService;
  readonly ips: readonly Ip[];
  readonly path: string;
  readonly body: {
    readonly metadata: { readonly resourceVersion: string };
    readonly status: { readonly loadBalancer: { readonly ingress: readonly { readonly ip: Ip; readonly ipMode: 'VIP' }[] | null } };
  };
}

export interface AllocationPlan {
  readonly writes: readonly AllocationWrite[];
  /** Who has each address now, by key; what is missing here and was there before has been freed. */
  readonly held: ReadonlyMap<Ip, string>;
  readonly notices: readonly Notice[];
}

/** What one Service has, asks for and gets. */
interface Claim {
  readonly service: RouteService;
  readonly requests: JudgedRequests;
  readonly current: ReadonlyMap<Family, Ip>;
  readonly granted: Map<Family, Ip>;
  readonly notices: Notice[];
}

/**
 * Decides which Service gets which address. The statuses are the record: who holds an address keeps it.
 *
 * | holds one of the family | asks for | result |
 * |---|---|---|
 * | yes | it, or (with the class) nothing | keeps it |
 * | yes | another | the other if that is free, else keeps it: a notice |
 * | yes, with an older holder | – | gives it up, and is treated as holding none |
 * | no | a free one | gets it |
 * | no | one that is held, resting or refused | nothing: a notice |
 * | no | nothing, with the class | the lowest free one, after every request has been placed |
 * | – | nothing, without the class | nothing |
 *
 * Addresses of a Service that shares (`mayShare`) count as free for it.
 */
export function planAllocation(inputs: AllocateInputs): AllocationPlan {
  const managed = inputs.services.filter((service) => isByRoute(service, inputs)).sort(compareAge);
  const { holders, losers } = resolveHolders(managed, inputs.prefixes);
  const taken = new Map<Ip, RouteService[]>([...holders].map(([ip, services]) => [ip, [...services]]));
  const foreign = foreignIps(inputs, new Set(managed));
  const claims = managed.map((service) => toClaim(service, holders, losers.get(service) ?? [], inputs));

  for (const claim of claims) {
    for (const [family, ip] of claim.requests.wanted) {
      if (claim.current.get(family) === ip) claim.granted.set(family, ip);
      else if (claim.service.deleting) continue;
      else grantRequest(claim, family, ip, taken, foreign, inputs);
    }
  }
  const free = createFreeAddresses(inputs, (ip) => taken.has(ip) || foreign.has(ip));
  for (const claim of claims) for (const family of automaticFamilies(claim, inputs)) grantAny(claim, family, taken, free, inputs);

  const writes = claims.flatMap((claim) => toWrite(claim));
  const strangers = inputs.services.filter((service) => !managed.includes(service));
  return {
    writes,
    held: new Map([...holders].map(([ip, [first]]) => [ip, first ? keyOf(first) : ''])),
    notices: [
      ...claims.flatMap((claim) => claim.notices),
      ...strangers.flatMap((service) => ownerNotices(service, routeOwner(service, inputs))),
    ],
  };
}

function toClaim(
  service: RouteService,
  holders: ReadonlyMap<Ip, readonly RouteService[]>,
  lost: readonly Ip[],
  inputs: AllocateInputs,
): Claim {
  const requests = judgeRequests(service, inputs);
  const current = new Map<Family, Ip>();
  for (const { ip } of service.ingress) {
    if (ip && !current.has(ipFamily(ip)) && holders.get(ip)?.includes(service)) current.set(ipFamily(ip), ip);
  }
  const notices = [...requests.notices, ...lost.map((ip) => duplicate(service, ip, holders.get(ip)))];
  return { service, requests, current, granted: new Map(), notices };
}

/** Places a request, or says who is in the way. */
function grantRequest(
  claim: Claim,
  family: Family,
  ip: Ip,
  taken: Map<Ip, RouteService[]>,
  foreign: ReadonlyMap<Ip, string>,
  inputs: AllocateInputs,
): void {
  const { service } = claim;
  const holders = taken.get(ip) ?? [];
  const other = holders.find((holder) => holder !== service && !mayShare(service, holder));
  const rests = inputs.resting.get(ip);
  if (other) claim.notices.push(serviceNotice(service, 'AddressInUse', `${ip} is held by the Service ${keyOf(other)}.`));
  else if (foreign.has(ip) && holders.length === 0)
    claim.notices.push(serviceNotice(service, 'AddressInUse', `${ip} is held by the Service ${foreign.get(ip)}, which is not minilb’s.`));
  else if (rests !== undefined && rests !== keyOf(service) && holders.length === 0)
    claim.notices.push(serviceNotice(service, 'AddressResting', `${ip} was ${rests}’s until just now; it rests for ten minutes.`));
  else {
    claim.granted.set(family, ip);
    taken.set(ip, [...holders, service]);
  }
}

/** Families that get any address: with the class, and without a request of that family, refused or not. */
function automaticFamilies(claim: Claim, { prefixes }: AllocateInputs): readonly Family[] {
  const { service, requests, current, granted } = claim;
  for (const family of service.families) {
    const asked = requests.wanted.has(family) || requests.refused.has(family);
    const ip = current.get(family);
    if (granted.has(family)) continue;
    if (ip && (asked || service.loadBalancerClass !== '')) granted.set(family, ip);
  }
  if (service.loadBalancerClass === '' || service.deleting) return [];
  return service.families.filter((family) => {
    if (granted.has(family) || requests.wanted.has(family) || requests.refused.has(family)) return false;
    if (prefixes.some((prefix) => ipFamily(prefix.address) === family)) return true;
    if (service.requireDualStack || service.families.length === 1)
      claim.notices.push(serviceNotice(service, 'NoPrefixForFamily', `No prefix has IPv${family} addresses for the Service.`));
    return false;
  });
}

function grantAny(
  claim: Claim,
  family: Family,
  taken: Map<Ip, RouteService[]>,
  free: ReturnType<typeof createFreeAddresses>,
  inputs: AllocateInputs,
): void {
  const { service } = claim;
  const ip = sharedAddress(service, family, taken) ?? restingFor(service, family, taken, inputs) ?? free.lowest(family);
  if (!ip) {
    claim.notices.push(serviceNotice(service, 'AddressesExhausted', `No IPv${family} address is free in the prefixes.`));
    return;
  }
  claim.granted.set(family, ip);
  taken.set(ip, [...(taken.get(ip) ?? []), service]);
}

function sharedAddress(service: RouteService, family: Family, taken: ReadonlyMap<Ip, readonly RouteService[]>): Ip | undefined {
  if ((service.annotations['minilb/share'] ?? '') === '') return undefined;
  for (const [ip, holders] of taken) {
    if (ipFamily(ip) === family && holders.every((holder) => holder !== service && mayShare(service, holder))) return ip;
  }
  return undefined;
}

/** The same Service under its name asks again: it gets what it had. */
function restingFor(service: RouteService, family: Family, taken: ReadonlyMap<Ip, unknown>, inputs: AllocateInputs): Ip | undefined {
  const key = keyOf(service);
  for (const [ip, had] of inputs.resting)
    if (had === key && ipFamily(ip) === family && !taken.has(ip) && isInside(ip, inputs.prefixes)) return ip;
  return undefined;
}

function toWrite({ service, granted, current }: Claim): readonly AllocationWrite[] {
  const families = [...new Set(service.families)];
  const complete = !service.requireDualStack || families.every((family) => granted.has(family));
  const ips = families.flatMap((family) => (complete ? granted.get(family) : current.get(family)) ?? []);
  const same = service.statusIsVips && ips.length === service.ingress.length && ips.every((ip, i) => service.ingress[i]?.ip === ip);
  // What another controller wrote is replaced by an address, never by nothing.
  if (same || (ips.length === 0 && !service.statusIsVips)) return [];
  const ingress = ips.length === 0 ? null : ips.map((ip) => ({ ip, ipMode: 'VIP' as const }));
  return [
    {
      service,
      ips,
      path: `/api/v1/namespaces/${service.namespace}/services/${service.name}/status`,
      body: { metadata: { resourceVersion: service.resourceVersion }, status: { loadBalancer: { ingress } } },
    },
  ];
}

/** Addresses in the prefixes that kube-proxy serves for Services which are not ours: by their status or externalIPs. */
function foreignIps({ services, prefixes }: AllocateInputs, managed: ReadonlySet<RouteService>): ReadonlyMap<Ip, string> {
  const found = new Map<Ip, string>();
  for (const service of services) {
    if (managed.has(service)) continue;
    const external = service.requests.flatMap((request) => (request.source === 'spec.externalIPs' ? (request.ip ?? []) : []));
    const status = service.ingress.flatMap((entry) => entry.ip ?? []);
    for (const ip of [...status, ...external]) if (isInside(ip, prefixes)) found.set(ip, keyOf(service));
  }
  return found;
}

function duplicate(service: RouteService, ip: Ip, holders: readonly RouteService[] = []): Notice {
  const [oldest] = holders;
  return serviceNotice(
    service,
    'AddressDuplicate',
    `${ip} is held by ${oldest ? keyOf(oldest) : 'another'} too, which is older: given up.`,
  );
}
