import type { AddressRequest, RouteService } from '../object/route-service.ts';
import { type Cidr, cidrContains, cidrText, type Ip, ipFamily } from '../value/ip.ts';
import type { Notice } from '../value/notice.ts';
import { isInside } from './node-addresses.ts';
import { serviceNotice } from './route-services.ts';

export interface RequestLimits {
  readonly prefixes: readonly Cidr[];
  /** `-reserve`. */
  readonly reserve: readonly Cidr[];
  /** Addresses of Nodes. */
  readonly nodeIps: ReadonlySet<Ip>;
}

export interface JudgedRequests {
  /** What is asked for and may be given, one a family. */
  readonly wanted: ReadonlyMap<4 | 6, Ip>;
  /** Families for which something is asked that may not be given; something that is no address counts for all. */
  readonly refused: ReadonlySet<4 | 6>;
  readonly notices: readonly Notice[];
}

/**
 * Reads the addresses that a Service asks for: the first valid one of each family counts, in the order `minilb/address`,
 * `spec.loadBalancerIP`, `spec.externalIPs`. Whatever else is asked is refused with a reason and never applied.
 */
export function judgeRequests(service: RouteService, limits: RequestLimits): JudgedRequests {
  const wanted = new Map<4 | 6, Ip>();
  const refused = new Set<4 | 6>();
  const notices: Notice[] = [];
  for (const request of service.requests) {
    const fault = faultOf(request, service, limits);
    const family = request.ip && ipFamily(request.ip);
    if (fault || !family || !request.ip) {
      for (const each of family ? [family] : ([4, 6] as const)) refused.add(each);
      notices.push(serviceNotice(service, 'AddressRefused', `${request.source} asks for ${JSON.stringify(request.text)}: ${fault}.`));
      continue;
    }
    const first = wanted.get(family);
    if (!first) wanted.set(family, request.ip);
    else if (first !== request.ip) notices.push(disagreement(service, first, request));
  }
  return { wanted, refused, notices };
}

function faultOf({ ip }: AddressRequest, service: RouteService, { prefixes, reserve, nodeIps }: RequestLimits): string | undefined {
  if (!ip) return 'that is no address';
  if (!isInside(ip, prefixes)) return `it is outside the prefixes (${prefixes.map(cidrText).join(', ')})`;
  if (nodeIps.has(ip)) return 'it is an address of a Node';
  const kept = reserve.find((cidr) => cidrContains(cidr, ip));
  if (kept) return `it is reserved (${cidrText(kept)})`;
  return service.families.includes(ipFamily(ip)) ? undefined : `the Service has no IPv${ipFamily(ip)} in spec.ipFamilies`;
}

function disagreement(service: RouteService, first: Ip, request: AddressRequest): Notice {
  return serviceNotice(service, 'RequestsDisagree', `${request.source} asks for ${request.ip} too; ${first} counts, one a family.`);
}
