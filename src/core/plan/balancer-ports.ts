import type { ExternalService, NodePortedPort } from '../object/external-service.ts';
import type { BalancerPort, LoadBalancer, ProxyProtocol } from '../object/load-balancer.ts';
import type { LoadBalancerConfig } from '../object/load-balancer-config.ts';
import { keyOf } from '../object/raw.ts';
import type { NoticeCode, Remark } from '../value/notice.ts';
import { byAge } from './balancer-config.ts';
import { originOf, type Place, portIdOf } from './balancer-place.ts';

/** A Service that is to be served, and what serves it now. */
export interface Wanted {
  readonly service: ExternalService;
  readonly config: LoadBalancerConfig;
  readonly balancer: LoadBalancer | undefined;
}

export interface PortPlan {
  /** In the Service's order; a port that may be served but got no number is missing. */
  readonly ports: readonly BalancerPort[];
  readonly complete: boolean;
  readonly remarks: readonly Remark[];
}

/** Ports that may be occupied by what is being cleaned up; the object's own are free for it. */
export interface Occupied {
  readonly owner: string;
  readonly host: string;
  readonly place: Place;
}

type Served = NodePortedPort & { readonly protocol: ProxyProtocol };

/** One Service's port while numbers are given out. */
interface Claim {
  readonly wanted: Wanted;
  readonly port: Served;
  readonly id: string;
  /** The number it has, 0 when none. */
  readonly had: number;
  granted: number;
}

/**
 * Gives out the load balancers' ports. They are unique for each (updater's origin, port, protocol) and (host, port, protocol); the API
 * server checks no uniqueness across objects, so two can hold one port after a race.
 *
 * | holds a number of this config | in its range | an older object holds it too | result |
 * |---|---|---|---|
 * | yes | yes | no | keeps it |
 * | yes | yes | yes | gives it up, and is treated as holding none |
 * | yes | no | – | gets another |
 * | no | – | – | the number it had with another config if that is free, else the lowest free one |
 *
 * Older is by creationTimestamp of the LoadBalancer, then uid. TCP and UDP may have one number.
 */
export function allocatePorts(wanted: readonly Wanted[], occupied: readonly Occupied[]): ReadonlyMap<string, PortPlan> {
  const taken = new Map<string, string>();
  const counts = new Map<string, number>();
  const remarks = new Map<string, Remark[]>();
  const say = (claim: Claim, code: NoticeCode, text: string) => void remarksOf(remarks, claim).push([code, text]);
  const claims = [...wanted].sort(compareWanted).flatMap((each) => claimsOf(each));

  const holderOf = (claim: Claim, port: number): string | undefined => {
    const holders = keysOf(claim.wanted.config, port, claim.port.protocol).map((key) => taken.get(key));
    return holders.find((holder) => holder !== undefined && holder !== `cleanup ${keyOf(claim.wanted.service)}`);
  };
  const take = (claim: Claim, port: number) => {
    const { config, service } = claim.wanted;
    for (const key of keysOf(config, port, claim.port.protocol)) taken.set(key, keyOf(service));
    claim.granted = port;
    counts.set(`${config.name} ${service.namespace}`, (counts.get(`${config.name} ${service.namespace}`) ?? 0) + 1);
  };

  for (const claim of claims) if (holdsHere(claim)) keepOrLose(claim, holderOf, take, say);
  for (const { owner, host, place } of occupied)
    for (const key of rawKeys(place.url, host, place.port, place.protocol)) if (!taken.has(key)) taken.set(key, `cleanup ${owner}`);
  const cursors = new Map<string, number>();
  for (const claim of claims) {
    if (claim.granted > 0) continue;
    const { config, service } = claim.wanted;
    if (config.portsPerNamespaceMax > 0 && (counts.get(`${config.name} ${service.namespace}`) ?? 0) >= config.portsPerNamespaceMax) {
      say(
        claim,
        'NamespacePortsMax',
        `${where(claim)} gets no port: LoadBalancerConfig ${config.name} gives a namespace ${config.portsPerNamespaceMax} at most.`,
      );
      continue;
    }
    const port = inRange(claim.had, config) && !holderOf(claim, claim.had) ? claim.had : lowestFree(claim, cursors, holderOf);
    if (port > 0) take(claim, port);
    else
      say(
        claim,
        'PortsExhausted',
        `${where(claim)} gets no port: all of LoadBalancerConfig ${config.name}, ${config.low}–${config.high}, are taken.`,
      );
  }
  const byService = Map.groupBy(claims, (claim) => claim.wanted);
  return new Map(wanted.map((each) => [keyOf(each.service), toPortPlan(each, byService.get(each) ?? [], remarks)]));
}

function keepOrLose(
  claim: Claim,
  holderOf: (claim: Claim, port: number) => string | undefined,
  take: (claim: Claim, port: number) => void,
  say: (claim: Claim, code: NoticeCode, text: string) => void,
): void {
  const { config } = claim.wanted;
  const holder = holderOf(claim, claim.had);
  if (!inRange(claim.had, config))
    say(
      claim,
      'PortOutOfRange',
      `${where(claim)} had port ${claim.had}, which is outside ${config.low}–${config.high} of LoadBalancerConfig ${config.name}: it gets another.`,
    );
  else if (holder !== undefined)
    say(claim, 'PortDuplicate', `${where(claim)} had port ${claim.had}, which the older ${holder} has too: it gets another.`);
  else take(claim, claim.had);
}

/** The numbers that count as taken only grow while numbers are given out, so the search goes on where it last ended. */
function lowestFree(claim: Claim, cursors: Map<string, number>, holderOf: (claim: Claim, port: number) => string | undefined): number {
  const { config, service } = claim.wanted;
  const cursor = `${config.name} ${claim.port.protocol}`;
  for (let port = cursors.get(cursor) ?? config.low; port <= config.high; port++) {
    const holder = holderOf(claim, port);
    if (holder === undefined) return port;
    // What one Service is still cleaning up is free for that Service alone.
    if (!holder.startsWith('cleanup ') && holder !== keyOf(service) && (cursors.get(cursor) ?? config.low) === port)
      cursors.set(cursor, port + 1);
  }
  return 0;
}

function claimsOf(wanted: Wanted): readonly Claim[] {
  const held = heldPorts(wanted);
  return servedPorts(wanted.service).map((port) => {
    const id = portIdOf({ protocol: port.protocol, servicePort: port.port });
    return { wanted, port, id, had: held.get(id)?.port ?? 0, granted: 0 };
  });
}

/**
 * What the Service's ports hold now, by identity. The original kept no servicePort: what it held is the Service's port with the node port
 * of its targets, else the first of that protocol, as it served the first one only.
 */
export function heldPorts({ balancer, service }: Pick<Wanted, 'balancer' | 'service'>): ReadonlyMap<string, BalancerPort> {
  if (!balancer) return new Map();
  if (balancer.ports) return new Map(balancer.ports.map((port) => [portIdOf(port), port]));
  const { protocol, port } = balancer;
  const nodePort = balancer.targets[0]?.port;
  const same = servedPorts(service).filter((each) => each.protocol === protocol);
  const served = same.find((each) => each.nodePort === nodePort) ?? same[0];
  if (!served || port === 0) return new Map();
  const found = { protocol, servicePort: served.port, port, nodePort: served.nodePort };
  return new Map([[portIdOf(found), found]]);
}

/** Ports that a proxy can forward to: TCP or UDP, with a node port. */
export function servedPorts(service: ExternalService): readonly Served[] {
  return service.nodePorts.filter((port): port is Served => port.protocol !== 'SCTP' && port.nodePort > 0);
}

function holdsHere({ wanted, had }: Claim): boolean {
  return had > 0 && wanted.balancer?.configName === wanted.config.name;
}

function inRange(port: number, { low, high }: LoadBalancerConfig): boolean {
  return port >= low && port <= high;
}

function keysOf({ updater, host }: LoadBalancerConfig, port: number, protocol: ProxyProtocol): readonly string[] {
  return rawKeys(updater.url, host, port, protocol);
}

function rawKeys(url: string, host: string, port: number, protocol: ProxyProtocol): readonly string[] {
  return [`${originOf(url)} ${port}/${protocol}`, `${host} ${port}/${protocol}`];
}

function compareWanted(a: Wanted, b: Wanted): number {
  if (a.balancer && b.balancer) return byAge(a.balancer, b.balancer);
  if (a.balancer || b.balancer) return a.balancer ? -1 : 1;
  return byAge(a.service, b.service);
}

function toPortPlan({ service }: Wanted, own: readonly Claim[], remarks: ReadonlyMap<string, readonly Remark[]>): PortPlan {
  const ports = own.flatMap(({ granted, port }) =>
    granted > 0 ? [{ protocol: port.protocol, servicePort: port.port, port: granted, nodePort: port.nodePort }] : [],
  );
  return { ports, complete: ports.length === own.length, remarks: [...unserved(service), ...(remarks.get(keyOf(service)) ?? [])] };
}

function unserved(service: ExternalService): readonly Remark[] {
  return service.nodePorts.flatMap(({ index, protocol, port, nodePort }): readonly Remark[] => {
    if (protocol === 'SCTP')
      return [['PortNotServed', `spec.ports[${index}].protocol is SCTP: port ${port} is not forwarded, TCP and UDP are.`]];
    const why = `spec.ports[${index}].nodePort is missing: port ${port} is not forwarded. Leave out allocateLoadBalancerNodePorts: false.`;
    return nodePort === 0 ? [['PortNotServed', why]] : [];
  });
}

function remarksOf(remarks: Map<string, Remark[]>, claim: Claim): Remark[] {
  const key = keyOf(claim.wanted.service);
  const list = remarks.get(key) ?? [];
  remarks.set(key, list);
  return list;
}

function where({ port }: Claim): string {
  return `spec.ports[${port.index}] (${port.protocol} ${port.port})`;
}
