import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service } from '../object/service.ts';
import { type DnsName, joinName, parseDnsName } from '../value/dns-name.ts';
import { type Answer, addressAnswer, emptyAnswer } from './answer.ts';
import { usableEndpoints } from './endpoints.ts';

/** A Service's name and the names of its endpoints that carry a hostname, with what each answers. */
export type ServiceNames = ReadonlyMap<DnsName, Answer>;

/**
 * The names that one Service gives the zone:
 * `<svc>.<ns>.<domain>`, and `<hostname>.<svc>.<ns>.<domain>` for endpoints with a hostname (Kubernetes DNS specification §2.4.1).
 * `<dashed-ip>.<svc>.<ns>.<domain>` is not listed: it is derived from the addresses when asked (see `endpointNames`), because tens of
 * thousands of endpoints would cost tens of thousands of names.
 */
export function serviceNames(service: Service, slices: Iterable<EndpointSlice>, domain: DnsName): ServiceNames {
  const names = new Map<DnsName, Answer>();
  const own = joinName(service.name, service.namespace, domain);
  if (!own) return names;
  if (service.type === 'ExternalName') return names.set(own, externalAnswer(service));
  const usable = usableEndpoints(slices);
  names.set(own, { ...addressAnswer(addresses(usable), service.headless), endpointNames: true });
  for (const [hostname, group] of Map.groupBy(usable, (endpoint) => endpoint.hostname)) {
    const name = hostname === '' ? undefined : joinName(hostname, own);
    if (name) names.set(name, addressAnswer(addresses(group), service.headless));
  }
  return names;
}

/** A target that is not a domain name gives NODATA: the name exists, and there is nothing that could be asked next. */
function externalAnswer(service: Service): Answer {
  const target = parseDnsName(service.externalName);
  return { ...emptyAnswer(), cname: target.ok ? target.value : undefined };
}

function addresses(endpoints: readonly Endpoint[]) {
  return endpoints.map((endpoint) => endpoint.address);
}
