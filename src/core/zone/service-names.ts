import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';
import type { IngressPoint, Service } from '../object/service.ts';
import { isByName } from '../object/service-class.ts';
import { type DnsName, joinName, parseDnsName } from '../value/dns-name.ts';
import { type Ip, ipFamily } from '../value/ip.ts';
import { type Answer, addressAnswer, emptyAnswer } from './answer.ts';
import { usableEndpoints } from './endpoints.ts';
import type { NodeFacts } from './node-facts.ts';
import { balancerPorts, podPorts, servicePorts } from './srv-ports.ts';

/** Which Services have names, and what they answer. */
export interface ServiceNaming {
  readonly domain: DnsName;
  /** `-services`: every Service, or only those of our classes and annotated ones. */
  readonly services: 'all' | 'class';
  /** `-class`: by name. */
  readonly byName: string;
  /** The classes of all our ways. */
  readonly ownClasses: readonly string[];
}

/** What one Service gives the zone. Its own name comes first. */
export interface ServiceNames {
  readonly names: ReadonlyMap<DnsName, Answer>;
  /** True when the Nodes were looked at. */
  readonly usedNodes: boolean;
}

export type AnswerMode = 'endpoints' | 'addresses' | 'nodes';

const NOTHING: ServiceNames = { names: new Map(), usedNodes: false };

/** The address of an endpoint that a client outside cannot reach, and why it is not published. */
export function unroutableEndpoints(
  service: Service,
  endpoints: readonly Endpoint[],
  byName: string,
  nodes: NodeFacts,
): readonly Endpoint[] {
  if (!isByName(service, byName) || !nodes.known) return [];
  return endpoints.filter((endpoint) => endpoint.nodeName === '' && !nodes.isReachable(endpoint.address));
}

/**
 * The names that one Service gives the zone:
 * `<svc>.<ns>.<domain>`, and `<hostname>.<svc>.<ns>.<domain>` for endpoints with a hostname (Kubernetes DNS specification §2.4.1).
 * `<dashed-ip>.<svc>.<ns>.<domain>` and SRV names are not listed: they are derived from the answer when asked, because tens of thousands
 * of endpoints would cost tens of thousands of names. An answer with `points` has still to be followed.
 */
export function serviceNames(service: Service, slices: Iterable<EndpointSlice>, naming: ServiceNaming, nodes: NodeFacts): ServiceNames {
  const own = joinName(service.name, service.namespace, naming.domain);
  if (!own || !isPublished(service, naming)) return NOTHING;
  const alone = (answer: Answer, usedNodes = false): ServiceNames => ({ names: new Map([[own, answer]]), usedNodes });
  if (service.type === 'ExternalName') return alone(externalAnswer(service));
  const mode = answerMode(service, naming.byName, own);
  if (mode === 'addresses') return alone({ ...emptyAnswer(), points: statusPoints(service, own), srv: balancerPorts(service) });
  const usable = usableEndpoints(slices);
  if (mode === 'nodes') return alone(nodesAnswer(service, slices, usable, own, nodes), true);
  const unroutable = new Set(unroutableEndpoints(service, usable, naming.byName, nodes));
  const routable = unroutable.size > 0 ? usable.filter((endpoint) => !unroutable.has(endpoint)) : usable;
  const usedNodes = isByName(service, naming.byName) && usable.some((endpoint) => endpoint.nodeName === '');
  const srv = podPorts(service, slices, routable, own);
  const names = new Map([[own, { ...addressAnswer(addresses(routable), service.headless), endpointNames: true, srv }]]);
  for (const [hostname, group] of Map.groupBy(routable, (endpoint) => endpoint.hostname)) {
    const name = hostname === '' ? undefined : joinName(hostname, own);
    if (name) names.set(name, addressAnswer(addresses(group), service.headless));
  }
  return { names, usedNodes };
}

/**
 * What a Service's name answers.
 *
 * | `minilb/answer` | type | class | status has addresses of others | mode |
 * |---|---|---|---|---|
 * | endpoints, addresses, nodes | – | – | – | that |
 * | none | LoadBalancer | not by name | yes | addresses: pods would bypass its port mapping and a working VIP |
 * | none | – | – | – | endpoints |
 */
export function answerMode(service: Service, byName: string, own: DnsName): AnswerMode {
  const asked = service.annotations['minilb/answer']?.trim();
  if (asked === 'endpoints' || asked === 'addresses' || asked === 'nodes') return asked;
  const elsewhere = service.type === 'LoadBalancer' && !isByName(service, byName);
  return elsewhere && statusPoints(service, own).length > 0 ? 'addresses' : 'endpoints';
}

/** What the status says, but for the Service's own name, which by name writes there. */
function statusPoints(service: Service, own: DnsName): readonly IngressPoint[] {
  return service.ingress.filter(({ ip, hostname }) => ip || hostname?.toLowerCase().replace(/\.$/, '') !== own);
}

function isPublished(service: Service, { services, ownClasses }: ServiceNaming): boolean {
  if (service.ignored) return false;
  if (services === 'all') return true;
  return ownClasses.includes(service.loadBalancerClass) || 'minilb/host' in service.annotations || 'minilb/answer' in service.annotations;
}

/** A target that is not a domain name gives NODATA: the name exists, and there is nothing that could be asked next. */
function externalAnswer(service: Service): Answer {
  const target = parseDnsName(service.externalName);
  return { ...emptyAnswer(), cname: target.ok ? target.value : undefined };
}

/**
 * The addresses of the Nodes that usable endpoints run on, of the families that they have there. With hostNetwork the endpoint's port is
 * the Node's; with hostPort the Node maps the Service's.
 */
function nodesAnswer(
  service: Service,
  slices: Iterable<EndpointSlice>,
  usable: readonly Endpoint[],
  own: DnsName,
  nodes: NodeFacts,
): Answer {
  const ips = usable.flatMap(({ nodeName, address }) => nodes.internalIps(nodeName).filter((ip) => ipFamily(ip) === ipFamily(address)));
  const hostNetwork = usable.length > 0 && usable.every(({ address }) => nodes.isNodeIp(address));
  const srv = hostNetwork ? podPorts(service, slices, usable, own) : servicePorts(service);
  return { ...addressAnswer(ips, false), srv };
}

function addresses(endpoints: readonly Endpoint[]): readonly Ip[] {
  return endpoints.map((endpoint) => endpoint.address);
}
