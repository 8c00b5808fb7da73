import type { ClusterFacts } from '../../core/doctor/facts.ts';
import type { ComparedName, MachineFacts, ResolverFact, Said, ServerFact } from '../../core/doctor/machine-facts.ts';
import { answeringPods } from '../../core/doctor/server-pods.ts';
import { ask } from '../../core/explain/ask.ts';
import { foreignPrimary } from '../../core/forward/real-zone.ts';
import type { InspectedPod } from '../../core/object/inspected-pod.ts';
import { keyOf } from '../../core/object/raw.ts';
import { podServers } from '../../core/router/pod-servers.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import { type DnsName, isAtOrBelow, joinName } from '../../core/value/dns-name.ts';
import { PROBE_LABEL } from '../../core/zone/probe.ts';
import { withSettings } from '../explain/running-pods.ts';
import type { Asking } from './asking.ts';
import type { Look } from './look.ts';

const ADDRESSES = ['A', 'AAAA'] as const;

interface Wanted {
  readonly servers: readonly ServerAddress[];
  readonly resolvers: readonly ServerAddress[];
  readonly upstreams: readonly ServerAddress[];
  readonly random: () => number;
}

/** Asks minilb and the resolvers of this machine the same things, and compares. */
export async function lookAtResolvers(
  asking: Asking,
  facts: ClusterFacts,
  wanted: Wanted,
  look: Look,
): Promise<Pick<MachineFacts, 'servers' | 'resolvers' | 'foreignZone'>> {
  const { domain } = facts.zone.config;
  const probe = () => probeName(domain, wanted.random);
  look.doing('minilb, from here');
  const places =
    wanted.servers.length > 0 ? wanted.servers.map((at) => ({ who: '-server', at })) : answeringPods(facts).flatMap((pod) => placesOf(pod));
  const servers = await Promise.all(
    places.map(async ({ who, at }): Promise<ServerFact> => ({ who, at, probe: await asking.said(at, probe(), 'TXT') })),
  );
  if (servers.length === 0)
    look.missed('what minilb answers this machine', 'no Pod has an address of a node for it; -server says where it answers');
  for (const server of servers.filter(({ probe: { kind } }) => kind === 'answer'))
    if (!hasRecords(server.probe))
      look.missed(`client addresses and staleness by ${server.who}`, 'it answers no probes: it is of an older version');
  look.doing('the resolver of this machine');
  const well = servers.find((server) => hasRecords(server.probe))?.at;
  const names = well ? await namesToCompare(asking, well, facts) : {};
  const resolvers = await Promise.all(
    wanted.resolvers.map(async (at) => lookAtResolver(asking, at, well ? probe() : undefined, names, wanted.random)),
  );
  if (wanted.resolvers.length === 0) look.missed('the resolver of this machine', '/etc/resolv.conf names none; -resolver says which');
  for (const { at, staleness } of resolvers.filter((one) => hasRecords(one.probe)))
    if (!staleness) look.missed(`how stale the answers of resolver ${at.ip} are`, `it passes on no AAAA of ${PROBE_LABEL}.${domain}`);
  for (const { at, claimed, root } of resolvers)
    if (claimed && root.kind !== 'answer') look.missed(`names beside claimed ones by resolver ${at.ip}`, 'it resolves no public names');
  return { servers, resolvers, foreignZone: await lookForZone(asking, facts, [...wanted.upstreams, ...wanted.resolvers]) };
}

/** Where a Pod is asked on an address of its node. */
function placesOf({ minilb }: InspectedPod): readonly { readonly who: string; readonly at: ServerAddress }[] {
  const running = minilb && withSettings(minilb);
  return running ? podServers(running.pod, running.settings.listen).map((at) => ({ who: `Pod ${keyOf(running.pod)}`, at })) : [];
}

/** `4f2a91c3._minilb.<domain>`: nobody has asked for it before, so nobody has it in a cache. */
function probeName(domain: DnsName, random: () => number): DnsName {
  const name = joinName(hex(random), PROBE_LABEL, domain);
  if (!name) throw new Error(`-domain ${domain} leaves no room below it`);
  return name;
}

interface Names {
  readonly host?: Omit<ComparedName, 'said'>;
  readonly claimed?: Omit<ComparedName, 'said'>;
}

/** A Service's name with addresses, and a claimed one outside the domain: as minilb answers them now. */
async function namesToCompare(asking: Asking, server: ServerAddress, { zone, services }: ClusterFacts): Promise<Names> {
  const { domain } = zone.config;
  const typeOf = (name: DnsName) =>
    ADDRESSES.find((type) => ask(zone, name, type, { synced: true, forwarding: false, fallthrough: false }).outcome === 'answer');
  const hosts = services.flatMap((service) => joinName(service.name, service.namespace, domain) ?? []);
  const claims = [...zone.claims.book.patterns()].filter((name) => !name.startsWith('*') && !isAtOrBelow(name, domain));
  const compared = async (names: readonly DnsName[]) => {
    const name = names.find(typeOf);
    const type = name && typeOf(name);
    if (!name || !type) return undefined;
    const said = await asking.said(server, name, type);
    return said.kind === 'answer' && said.records.length > 0 ? { name, type, direct: said.records } : undefined;
  };
  const [host, claimed] = [await compared(hosts), await compared(claims)];
  return { ...(host && { host }), ...(claimed && { claimed }) };
}

async function lookAtResolver(
  asking: Asking,
  at: ServerAddress,
  probe: DnsName | undefined,
  { host, claimed }: Names,
  random: () => number,
): Promise<ResolverFact> {
  const beside = claimed && joinName(`minilb-doctor-${hex(random)}`, ...claimed.name.split('.').slice(1));
  const compare = async (name: Omit<ComparedName, 'said'> | undefined) =>
    name && { ...name, said: await asking.said(at, name.name, name.type) };
  const [program, root, said, hostSaid, claimedSaid, siblingSaid] = await Promise.all([
    asking.program(at),
    asking.root(at),
    probe && asking.said(at, probe, 'TXT'),
    compare(host),
    compare(claimed),
    beside && asking.said(at, beside, 'A'),
  ]);
  const through = probe !== undefined && hasRecords(said);
  return {
    at,
    program: at.ip === '127.0.0.53' ? 'systemd-resolved' : program,
    probe: said,
    unchecked: probe !== undefined && said?.kind === 'failed' ? await asking.said(at, probe, 'TXT', true) : undefined,
    root,
    host: hostSaid,
    claimed: claimedSaid,
    sibling: beside && siblingSaid && { name: beside, said: siblingSaid },
    staleness: through ? await asking.staleness(at, joinName(hex(random), ...probe.split('.').slice(1)) ?? probe) : undefined,
  };
}

/** Whether upstreams or resolvers know a zone called `-domain` that is somebody else's. */
async function lookForZone(
  asking: Asking,
  { zone }: ClusterFacts,
  servers: readonly ServerAddress[],
): Promise<MachineFacts['foreignZone']> {
  const { domain } = zone.config;
  const ours = [`ns.dns.${domain}`, ...zone.nameservers().map(({ name }) => name)];
  for (const server of servers) {
    const answer = await asking.soa(server, domain);
    const primary = answer && foreignPrimary(answer, ours);
    if (primary !== undefined) return { primary, by: server.ip };
  }
  return undefined;
}

function hasRecords(said: Said | undefined): boolean {
  return said?.kind === 'answer' && said.records.length > 0;
}

function hex(random: () => number): string {
  return Math.floor(random() * 0x1_0000_0000).toString(16);
}
