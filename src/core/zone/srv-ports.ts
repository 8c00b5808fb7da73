import type { Endpoint, EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service, ServicePort } from '../object/service.ts';
import { type DnsName, joinName, nameToWire, parseDnsName } from '../value/dns-name.ts';
import type { Ip } from '../value/ip.ts';
import type { SrvEndpoint, SrvPort } from './answer.ts';

const NONE: readonly SrvPort[] = [];
/** The same few ports stand in most Services: each is made once. */
const SHARED_PORTS_MAX = 4096;
const shared = new Map<string, SrvPort>();

/** SRV ports of addresses that serve the Service's own ports: a load balancer's, or nodes'. */
export function servicePorts(service: Service): readonly SrvPort[] {
  const ports = service.ports.flatMap((port) => sharedPort(port, port.port) ?? []);
  return ports.length > 0 ? ports : NONE;
}

/**
 * SRV ports of a load balancer's addresses. One with numbers of its own lists them in the Service's status, in the order of its ports (by
 * proxy); one that failed is not served. Where its addresses do not agree, or list nothing, the Service's own ports are meant.
 */
export function balancerPorts(service: Service): readonly SrvPort[] {
  const [first, ...rest] = service.ingress;
  const listed = first?.ports;
  if (!listed || rest.some((point) => JSON.stringify(point.ports) !== JSON.stringify(listed))) return servicePorts(service);
  const ports = service.ports.flatMap((port, i) => {
    const own = listed[i];
    return own && !own.failed && own.protocol === port.protocol ? (sharedPort(port, own.port) ?? []) : [];
  });
  return ports.length > 0 ? ports : NONE;
}

/**
 * SRV ports of the pods themselves, whose ports are what clients must use: one record when all endpoints have one port, else one for
 * each endpoint (a named targetPort can differ from pod to pod).
 */
export function podPorts(service: Service, slices: Iterable<EndpointSlice>, usable: readonly Endpoint[], own: DnsName): readonly SrvPort[] {
  const named = service.ports.filter((port) => port.name !== '');
  if (named.length === 0 || usable.length === 0) return NONE;
  const all = [...slices];
  const serving = new Set<Ip>(usable.map((endpoint) => endpoint.address));
  const ports = named.flatMap((port) => podPort(port, all, serving, own) ?? []);
  return ports.length > 0 ? ports : NONE;
}

function podPort(port: ServicePort, slices: readonly EndpointSlice[], serving: ReadonlySet<Ip>, own: DnsName): SrvPort | undefined {
  const found = new Map<Ip, number>();
  for (const slice of slices) {
    const real = slice.ports.find((one) => one.name === port.name && one.protocol === port.protocol);
    if (!real) continue;
    for (const { address } of slice.endpoints) if (serving.has(address)) found.set(address, real.port);
  }
  const numbers = new Set(found.values());
  const [only] = numbers;
  if (only === undefined) return undefined;
  if (numbers.size === 1) return sharedPort(port, only);
  const endpoints = [...found].flatMap(([address, number]) => toEndpoint(address, number, own) ?? []);
  const made = makePort(port, 0);
  return made && { ...made, endpoints };
}

function toEndpoint(address: Ip, port: number, own: DnsName): SrvEndpoint | undefined {
  const name = endpointName(address, own);
  return name && { address, port, target: nameToWire(name) };
}

/** `10-244-0-5.web.default.minilb` (Kubernetes DNS specification §2.4.1). */
export function endpointName(address: Ip, own: DnsName): DnsName | undefined {
  return joinName(dashed(address), own);
}

/** `fd00::` ends in a dash and `::1` begins with one, which no label may: a zero stands in for what `::` leaves out. */
function dashed(address: Ip): string {
  const text = address.replaceAll(/[.:]/g, '-');
  return `${text.startsWith('-') ? '0' : ''}${text}${text.endsWith('-') ? '0' : ''}`;
}

function sharedPort(port: ServicePort, number: number): SrvPort | undefined {
  const key = `${port.name} ${port.protocol} ${number}`;
  const known = shared.get(key);
  if (known) return known;
  const made = makePort(port, number);
  if (!made) return undefined;
  if (shared.size >= SHARED_PORTS_MAX) shared.clear();
  shared.set(key, made);
  return made;
}

/** Ports without a name have no SRV record. */
function makePort({ name, protocol }: ServicePort, port: number): SrvPort | undefined {
  const labels = name === '' ? undefined : parseDnsName(`_${name}._${protocol.toLowerCase()}`);
  return labels?.ok ? { labels: nameToWire(labels.value).slice(0, -1), protocol, port, endpoints: [] } : undefined;
}
