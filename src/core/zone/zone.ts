import type { ClaimInput, ClaimView } from '../claim/claim-book.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Node } from '../object/node.ts';
import { type DnsName, isAtOrBelow, joinName, nameToWire } from '../value/dns-name.ts';
import type { Ip } from '../value/ip.ts';
import type { SoaData } from '../wire/encode.ts';
import { createWireName, hashWireName } from '../wire/query.ts';
import { wireNameText } from '../wire/text.ts';
import { type Answer, addressAnswer, emptyAnswer, putBehind, replaceAnswer, sameAnswer } from './answer.ts';
import { ALL_CLAIMS, type ClaimNaming, type Claims, createClaimedNames } from './claimed-names.ts';
import { lookUpName } from './lookup.ts';
import { createNameTable } from './name-table.ts';
import { createNodeFacts, keyOfNodes, type NodeFacts } from './node-facts.ts';
import { createReverseIndex, type ReverseIndex } from './reverse-index.ts';
import type { Apex, Searchable } from './searchable.ts';
import { type ServiceNames, type ServiceNaming, serviceNames } from './service-names.ts';

/** A server of the zone, as its NS record names it. A name outside the zone needs no addresses here. */
export interface Nameserver {
  readonly name: DnsName;
  readonly addresses: readonly Ip[];
}

export interface ZoneConfig {
  readonly domain: DnsName;
  /** TTL of every record and MINIMUM of the SOA, in seconds. */
  readonly ttlSeconds: number;
  /** Empty: `ns.dns.<domain>` without addresses. */
  readonly nameservers: readonly Nameserver[];
  /** First serial of the SOA; each change adds one (RFC 1982). */
  readonly serial: number;
  /** Which Services have names; absent: all, and class `minilb` is by name. */
  readonly services?: Omit<ServiceNaming, 'domain'>;
  /** Which claims count; absent: all. */
  readonly claims?: ClaimNaming;
}

/** The objects that a zone is made of, as the stores hold them. Keys are `namespace/name`. */
export interface ClusterView extends ClaimView {
  readonly slices: (serviceKey: string) => Iterable<EndpointSlice>;
}

/** What the names of a cluster answer: a value that changes in place, one object at a time. */
export interface Zone extends Searchable {
  readonly config: ZoneConfig;
  readonly naming: ServiceNaming;
  /** The SOA's data as it is now; its serial moves. */
  readonly soa: Readonly<SoaData>;
  /**
   * Brings all names of this Service up to date and returns those of its own names whose answer changed. Names that lead to it change
   * with it. Running it again changes nothing.
   */
  readonly update: (view: ClusterView, serviceKey: string) => readonly DnsName[];
  /** Brings the claims that depend on this object up to date; returns the patterns whose claims changed. Services are `update`d too. */
  readonly updateClaims: (view: ClusterView, kind: ClaimInput, key: string) => readonly DnsName[];
  /** Takes over the Nodes; returns the Services whose names were looked at again because of it. */
  readonly setNodes: (view: ClusterView, nodes: readonly Node[]) => readonly string[];
  readonly nodes: () => NodeFacts;
  readonly claims: Claims;
  readonly reverse: ReverseIndex;
  /**
   * Takes over which Nodes look dead: what runs there is put behind the rest by `update`, which the caller runs for each Service that has
   * endpoints there, or had when the Nodes looked dead.
   */
  readonly setUnreachable: (nodes: ReadonlySet<string>) => void;
  /** Replaces the servers' names and addresses, for example when the host's addresses change. */
  readonly setNameservers: (nameservers: readonly Nameserver[]) => void;
  readonly nameservers: () => readonly Nameserver[];
  /** RFC 3339 text; empty for a Service that is gone. */
  readonly createdAt: (serviceKey: string) => string;
  /** The names of a Service's endpoints that have a hostname. */
  readonly endpointNames: (serviceKey: string) => readonly DnsName[];
}

/** Seconds; the zone is never transferred, so they are for people and checkers. */
const SOA_TIMERS = { refreshSeconds: 60, retrySeconds: 10, expireSeconds: 86400 };

const ALL_SERVICES: Omit<ServiceNaming, 'domain'> = { services: 'all', byName: 'minilb', ownClasses: ['minilb'] };
const NO_NAMES: ServiceNames = { names: new Map(), usedNodes: false };

export function createZone(config: ZoneConfig): Zone {
  const names = createNameTable();
  const { domain } = config;
  const naming: ServiceNaming = { ...(config.services ?? ALL_SERVICES), domain };
  const reverse = createReverseIndex(endpointAnswers);
  /** What the last change was read from. */
  let seen: ClusterView | undefined;
  /** Names of endpoints with a hostname, by Service; most Services have none. */
  const endpointNames = new Map<string, readonly DnsName[]>();
  const dependsOnNodes = new Set<string>();
  let nodes = createNodeFacts([]);
  let nameservers: readonly Nameserver[] = [];
  let unreachable: ReadonlySet<string> = new Set();
  const wire = nameToWire(domain);
  const apex: Apex = { wire, labels: domain.split('.').length, hash: hashWireName(wire) };
  const soa = {
    ...SOA_TIMERS,
    mname: wire,
    rname: nameToWire(below('hostmaster', domain)),
    serial: config.serial >>> 0,
    minimumSeconds: config.ttlSeconds,
  };
  const changed = () => {
    soa.serial = (soa.serial + 1) >>> 0;
  };
  const claimed = createClaimedNames(
    {
      domain,
      names,
      lookUp: (name) => lookUpName(zone, name),
      facts: {
        isNameServer,
        hasServices: (namespace) => (nodeOf(namespace)?.services ?? 0) > 0,
        serviceAt: (name) => (names.get(name)?.owner === 'service' ? serviceKeyOf(name, domain) : undefined),
      },
      changed,
    },
    config.claims ?? ALL_CLAIMS,
  );

  function nodeOf(namespace: string) {
    const name = joinName(namespace, domain);
    return name && names.get(name);
  }

  function setNameservers(given: readonly Nameserver[]): void {
    const wanted = given.length > 0 ? given : [{ name: defaultNameserverName(domain), addresses: [] }];
    const before = nameservers.filter(isInside).map((server) => server.name);
    nameservers = wanted;
    const inside = wanted.filter(isInside);
    for (const name of before) names.remove(name, domain);
    for (const { name, addresses } of inside) {
      claimed.vacate(name);
      names.set(name, domain, addressAnswer(addresses, true), 'zone');
    }
    soa.mname = nameToWire(wanted[0]?.name ?? domain);
    claimed.decideAgain([...before, ...inside.map((server) => server.name)]);
    changed();
  }

  function isInside({ name }: Nameserver): boolean {
    return isAtOrBelow(name, domain) && name !== domain;
  }

  function update(view: ClusterView, serviceKey: string): readonly DnsName[] {
    seen = view;
    const service = view.service(serviceKey);
    const wanted = service ? serviceNames(service, view.slices(serviceKey), naming, nodes) : NO_NAMES;
    if (wanted.usedNodes) dependsOnNodes.add(serviceKey);
    else dependsOnNodes.delete(serviceKey);
    const behind = addressesOn(unreachable, view.slices(serviceKey), nodes);
    if (behind.size > 0) for (const answer of wanted.names.values()) putBehind(answer, behind);
    const touched: DnsName[] = [];
    for (const name of [...ownName(serviceKey, domain), ...(endpointNames.get(serviceKey) ?? [])]) {
      if (wanted.names.has(name) || names.get(name)?.owner !== 'service') continue;
      removeName(serviceKey, name);
      touched.push(name);
    }
    for (const [name, answer] of wanted.names) if (setName(serviceKey, name, answer)) touched.push(name);
    rememberEndpointNames(serviceKey, [...wanted.names.keys()].slice(1));
    if (touched.length > 0) changed();
    for (const name of touched) claimed.followAgain(name);
    return touched;
  }

  function setUnreachable(nodeNames: ReadonlySet<string>): void {
    unreachable = nodeNames;
  }

  function removeName(serviceKey: string, name: DnsName): void {
    reverse.replace(serviceKey, names.get(name)?.answer, undefined);
    claimed.followFor(name, undefined, emptyAnswer());
    names.remove(name, domain);
    countOwn(name, -1);
    claimed.decideAgain([name]);
  }

  function setName(serviceKey: string, name: DnsName, answer: Answer): boolean {
    if (isNameServer(name)) return false;
    const { points } = answer;
    // Kept up to date there from now on, also when it is not this Service that changes.
    claimed.followFor(name, points, answer);
    const known = names.get(name)?.owner === 'service' ? names.get(name)?.answer : undefined;
    const same = known !== undefined && sameAnswer(known, answer);
    reverse.replace(serviceKey, known, answer);
    if (known) replaceAnswer(known, answer);
    else {
      claimed.vacate(name);
      names.set(name, domain, answer, 'service');
      countOwn(name, 1);
    }
    if (points && known) claimed.followFor(name, points, known);
    return !same;
  }

  /** Own names stand right below their namespace's node; names of endpoints do not count. */
  function countOwn(name: DnsName, change: 1 | -1): void {
    const labels = name.slice(0, -domain.length - 1).split('.');
    const [, namespace] = labels;
    const node = labels.length === 2 && namespace !== undefined ? joinName(namespace, domain) : undefined;
    if (!node || namespace === undefined) return;
    const now = names.countService(node, change);
    if (now === 0 || (now === 1 && change === 1)) claimed.namespaceChanged(namespace);
  }

  function setNodes(view: ClusterView, list: readonly Node[]): readonly string[] {
    if (keyOfNodes(list) === nodes.key) return [];
    nodes = createNodeFacts(list);
    const keys = [...dependsOnNodes];
    for (const key of keys) update(view, key);
    return keys;
  }

  function* endpointAnswers(): Generator<readonly [string, Answer]> {
    for (const { wire: name, answer, owner } of names.nodes())
      if (owner === 'service' && answer?.endpointNames) yield [serviceKeyOf(wireNameText(name), domain), answer];
  }

  /** The zone's own servers keep their names, whatever a Service is called. */
  function isNameServer(name: DnsName): boolean {
    return nameservers.some((server) => server.name === name);
  }

  function rememberEndpointNames(serviceKey: string, list: readonly DnsName[]): void {
    if (list.length > 0) endpointNames.set(serviceKey, list);
    else endpointNames.delete(serviceKey);
  }

  const zone: Zone = {
    config,
    naming,
    apex,
    names,
    soa,
    update,
    updateClaims: claimed.update,
    setNodes,
    setUnreachable,
    nodes: () => nodes,
    claims: claimed,
    reverse,
    setNameservers,
    nameservers: () => nameservers,
    createdAt: (key) => seen?.service(key)?.created ?? '',
    endpointNames: (key) => endpointNames.get(key) ?? [],
    scratch: createWireName(),
  };
  names.set(domain, domain, emptyAnswer(), 'zone');
  setNameservers(config.nameservers);
  return zone;
}

/** What the apex NS names unless told otherwise, as Kubernetes DNS does: `ns.dns.<domain>`. */
export function defaultNameserverName(domain: DnsName): DnsName {
  return below('ns.dns', domain);
}

const NO_ADDRESSES: ReadonlySet<Ip> = new Set();

/** The endpoints on these Nodes, and the Nodes' own addresses. */
function addressesOn(names: ReadonlySet<string>, slices: Iterable<EndpointSlice>, nodes: NodeFacts): ReadonlySet<Ip> {
  if (names.size === 0) return NO_ADDRESSES;
  const endpoints = [...slices].flatMap((slice) => slice.endpoints).filter((endpoint) => names.has(endpoint.nodeName));
  return new Set([...endpoints.map((endpoint) => endpoint.address), ...[...names].flatMap(nodes.internalIps)]);
}

function below(labels: string, domain: DnsName): DnsName {
  const name = joinName(labels, domain);
  if (!name) throw new Error(`the domain ${domain} leaves no room for ${labels}.${domain}`);
  return name;
}

function ownName(serviceKey: string, domain: DnsName): readonly DnsName[] {
  const [namespace = '', service = ''] = serviceKey.split('/');
  const name = joinName(service, namespace, domain);
  return name ? [name] : [];
}

/** `web.default.minilb` and `db-0.web.default.minilb` are both of `default/web`. */
function serviceKeyOf(name: string, domain: DnsName): string {
  const [namespace = '', service = ''] = name
    .slice(0, -domain.length - 1)
    .split('.')
    .reverse();
  return `${namespace}/${service}`;
}
