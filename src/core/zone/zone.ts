import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { Service } from '../object/service.ts';
import { type DnsName, isAtOrBelow, joinName, nameToWire } from '../value/dns-name.ts';
import type { Ip } from '../value/ip.ts';
import type { SoaData } from '../wire/encode.ts';
import { hashWireName } from '../wire/query.ts';
import { addressAnswer, answerAddresses, emptyAnswer, replaceAnswer, sameAnswer } from './answer.ts';
import { createNameTable, type NameTable } from './name-table.ts';
import { serviceNames } from './service-names.ts';

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
}

/** The objects that a zone is made of, as the stores hold them. Keys are `namespace/name` of Services. */
export interface ClusterView {
  readonly service: (key: string) => Service | undefined;
  readonly slices: (serviceKey: string) => Iterable<EndpointSlice>;
}

/** The zone's own name, as lookups compare it. */
export interface Apex {
  readonly wire: Uint8Array;
  readonly labels: number;
  readonly hash: number;
}

/** What the names of a cluster answer: a value that changes in place, one Service at a time. */
export interface Zone {
  readonly config: ZoneConfig;
  readonly apex: Apex;
  readonly names: NameTable;
  /** The SOA's data as it is now; its serial moves. */
  readonly soa: Readonly<SoaData>;
  /** Brings all names of this Service up to date and returns those whose answer changed. Running it again changes nothing. */
  readonly update: (view: ClusterView, serviceKey: string) => readonly DnsName[];
  /** Replaces the servers' names and addresses, for example when the host's addresses change. */
  readonly setNameservers: (nameservers: readonly Nameserver[]) => void;
  readonly nameservers: () => readonly Nameserver[];
}

/** Seconds; the zone is never transferred, so they are for people and checkers. */
const SOA_TIMERS = { refreshSeconds: 60, retrySeconds: 10, expireSeconds: 86400 };

export function createZone(config: ZoneConfig): Zone {
  const names = createNameTable();
  const { domain } = config;
  /** Names of endpoints with a hostname, by Service; most Services have none. */
  const endpointNames = new Map<string, readonly DnsName[]>();
  let nameservers: readonly Nameserver[] = [];
  const wire = nameToWire(domain);
  const apex: Apex = { wire, labels: domain.split('.').length, hash: hashWireName(wire) };
  const soa = {
    ...SOA_TIMERS,
    mname: wire,
    rname: nameToWire(below('hostmaster', domain)),
    serial: config.serial >>> 0,
    minimumSeconds: config.ttlSeconds,
  };

  function changed(): void {
    soa.serial = (soa.serial + 1) >>> 0;
  }

  function setNameservers(given: readonly Nameserver[]): void {
    const wanted = given.length > 0 ? given : [{ name: defaultNameserverName(domain), addresses: [] }];
    for (const server of nameservers) if (isAtOrBelow(server.name, domain) && server.name !== domain) names.remove(server.name, domain);
    for (const server of wanted) {
      if (isAtOrBelow(server.name, domain) && server.name !== domain) names.set(server.name, domain, addressAnswer(server.addresses, true));
    }
    nameservers = wanted;
    soa.mname = nameToWire(wanted[0]?.name ?? domain);
    changed();
  }

  function update(view: ClusterView, serviceKey: string): readonly DnsName[] {
    const service = view.service(serviceKey);
    const wanted = service ? serviceNames(service, view.slices(serviceKey), domain) : new Map();
    const touched: DnsName[] = [];
    for (const name of [...ownName(serviceKey, domain), ...(endpointNames.get(serviceKey) ?? [])]) {
      if (wanted.has(name) || isNameserver(name) || !names.get(name)?.answer) continue;
      names.remove(name, domain);
      touched.push(name);
    }
    for (const [name, answer] of wanted) {
      if (isNameserver(name)) continue;
      const known = names.get(name)?.answer;
      if (known && sameAnswer(known, answer)) continue;
      if (known) replaceAnswer(known, answer);
      else names.set(name, domain, answer);
      touched.push(name);
    }
    rememberEndpointNames(serviceKey, [...wanted.keys()].slice(1));
    if (touched.length > 0) changed();
    return touched;
  }

  /** The zone's own servers keep their names, whatever a Service is called. */
  function isNameserver(name: DnsName): boolean {
    return nameservers.some((server) => server.name === name);
  }

  function rememberEndpointNames(serviceKey: string, list: readonly DnsName[]): void {
    if (list.length > 0) endpointNames.set(serviceKey, list);
    else endpointNames.delete(serviceKey);
  }

  names.set(domain, domain, emptyAnswer());
  setNameservers(config.nameservers);
  return { config, apex, names, soa, update, setNameservers, nameservers: () => nameservers };
}

/** Every record that the zone's names answer, one line each, sorted: `web.default.minilb A 10.244.0.5`; `NODATA` for a name without any. */
export function zoneRecords(zone: Zone): readonly string[] {
  const lines: string[] = [];
  for (const node of zone.names.nodes()) {
    const name = wireToText(node.wire);
    const { answer } = node;
    if (!answer) lines.push(`${name} EMPTY below=${node.below}`);
    else if (answer.cname) lines.push(`${name} CNAME ${answer.cname}`);
    else {
      const addresses = answerAddresses(answer);
      lines.push(...addresses.map((ip) => `${name} ${ip.includes(':') ? 'AAAA' : 'A'} ${ip}`));
      if (addresses.length === 0) lines.push(`${name} NODATA`);
    }
  }
  return lines.sort();
}

/** What the apex NS names unless told otherwise, as Kubernetes DNS does: `ns.dns.<domain>`. */
export function defaultNameserverName(domain: DnsName): DnsName {
  return below('ns.dns', domain);
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

function wireToText(wire: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 0; wire[at]; at += (wire[at] ?? 0) + 1)
    labels.push(String.fromCharCode(...wire.subarray(at + 1, at + 1 + (wire[at] ?? 0))));
  return labels.join('.');
}
