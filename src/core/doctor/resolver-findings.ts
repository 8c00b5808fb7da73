import { isByName } from '../object/service-class.ts';
import type { ServerAddress } from '../settings/kinds.ts';
import type { DnsName } from '../value/dns-name.ts';
import { type Cidr, cidrContains, type Ip, parseCidr, parseIp } from '../value/ip.ts';
import type { ClusterFacts } from './facts.ts';
import { type Finding, finding } from './finding.ts';
import type { ComparedName, MachineFacts, ResolverFact, Said, ServerFact } from './machine-facts.ts';
import { freshLines, resolverLines, resolverPlace, type Wanted } from './resolver-lines.ts';
import { addArgument, answeringPods } from './server-pods.ts';

/** RFC 1918, RFC 6598, RFC 4193: what rebind protection drops. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap((text) => parseCidr(text) ?? []);
/** An answer may be kept for its TTL, and clocks tick in whole seconds. */
const SLACK_SECONDS = 1;

/** What is the matter between this machine, its resolver and minilb. */
export function resolverFindings(machine: MachineFacts, facts: ClusterFacts): readonly Finding[] {
  return [
    ...machine.servers.flatMap(serverFindings),
    ...sourceNat(machine, facts),
    ...onlyResolver(machine),
    ...foreignZone(machine, facts),
    ...machine.resolvers.flatMap((resolver) => throughResolver(resolver, machine, facts.zone.config.domain)),
  ];
}

/** The address that a probe said was asking. */
export function clientOf({ probe }: ServerFact): Ip | undefined {
  const text = probe.kind === 'answer' ? probe.records.join(' ') : '';
  return parseIp(/client=([0-9a-f.:]+)/.exec(text)?.[1]);
}

function serverFindings({ who, at, probe }: ServerFact): readonly Finding[] {
  const place = `${at.ip} port ${at.port}`;
  if (probe.kind === 'silent')
    return [
      finding('ServerSilent', who, `It does not answer this machine at ${place}.`, 'These show whether it listens and what is between:', [
        `dig @${at.ip} -p ${at.port} +tries=1 id.server CH TXT`,
        `kubectl -n minilb get pods -o wide`,
      ]),
    ];
  if (probe.kind === 'failed')
    return [
      finding(
        'ServerRefuses',
        who,
        `At ${place} it answers ${probe.reason}.`,
        probe.reason === 'REFUSED'
          ? 'Its -clients leave this machine out, or its -domain is another one (minilb doctor -domain …).'
          : 'It does not know the cluster yet: its log and /readyz say what it waits for.',
      ),
    ];
  return [];
}

/** A node's address in place of ours: something on the way replaced it. */
function sourceNat({ servers, ownAddresses }: MachineFacts, { nodes, settings, services, zone }: ClusterFacts): readonly Finding[] {
  const front = services.some((service) => service.type === 'NodePort' && !isByName(service, zone.naming.byName));
  return servers.flatMap((server) => {
    const client = clientOf(server);
    if (client === undefined || ownAddresses.includes(client)) return [];
    const ofCluster = nodes.some(
      (node) => node.internalIps.includes(client) || node.podCidrs.some((cidr: Cidr) => cidrContains(cidr, client)),
    );
    if (!ofCluster) return [];
    const seen = `Queries from this machine reach it from ${client}, an address of the cluster${settings.forwarding ? ': with -upstream it forwards for everybody' : ''}.`;
    return [
      finding(
        'SourceNat',
        server.who,
        seen,
        front
          ? 'Set externalTrafficPolicy: Local on the Service in front of it, or ask the node’s own address.'
          : 'Serve on the node’s own address: hostPort with hostIP (deploy/render.sh), or hostNetwork.',
      ),
    ];
  });
}

function onlyResolver({ servers, resolvers }: MachineFacts): readonly Finding[] {
  const ours = resolvers.filter((resolver) => servers.some(({ at }) => sameAddress(at, resolver.at)));
  if (resolvers.length === 0 || ours.length < resolvers.length) return [];
  return [
    finding(
      'OnlyResolver',
      'this machine',
      `Its only resolvers are minilb: ${ours.map(({ at }) => at.ip).join(', ')}. When the cluster is away, so is every name.`,
      'Add a resolver that does not depend on the cluster (here 9.9.9.9), or better let your router’s resolver forward the domain:',
      ['echo "nameserver 9.9.9.9" | sudo tee -a /etc/resolv.conf'],
    ),
  ];
}

function foreignZone({ foreignZone: found }: MachineFacts, facts: ClusterFacts): readonly Finding[] {
  const { settings, zone } = facts;
  if (!found || (settings.forwarding && settings.fallthrough)) return [];
  const paste = settings.forwarding ? [...new Set(answeringPods(facts).flatMap((pod) => addArgument(pod, '-fallthrough')))] : [];
  return [
    finding(
      'DomainIsRealZone',
      `-domain ${zone.config.domain}`,
      `${found.by} says that ${found.primary} serves a zone of that name: its other names (www, mail) end for those who ask minilb.`,
      settings.forwarding
        ? 'Take a subdomain of it for -domain, or let names that minilb does not have through:'
        : `Take a subdomain: -domain=k8s.${zone.config.domain}`,
      paste,
    ),
  ];
}

function throughResolver(resolver: ResolverFact, machine: MachineFacts, domain: DnsName): readonly Finding[] {
  const { probe, root } = resolver;
  const who = `resolver ${resolver.at.ip}${resolver.program === '' ? '' : ` (${resolver.program})`}`;
  if (root.kind === 'silent' && (probe === undefined || probe.kind === 'silent'))
    return [finding('ResolverSilent', who, 'It does not answer this machine.', 'See whether it runs:', [`dig @${resolver.at.ip} . NS`])];
  const servers = machine.servers.filter((server) => server.probe.kind === 'answer').map(({ at }) => at);
  if (probe === undefined || servers.length === 0 || servers.some((at) => sameAddress(at, resolver.at))) return [];
  const lines = (name: DnsName, wanted: Wanted) => resolverLines(resolver.program, name, servers, wanted);
  const into = `Into ${resolverPlace(resolver.program)}:`;
  if (!hasRecords(probe)) {
    if (hasRecords(resolver.unchecked))
      return [
        finding(
          'ResolverValidates',
          who,
          `It refuses names in ${domain} (${saidText(probe)}) and gives them when it shall not validate: the domain is unsigned.`,
          into,
          lines(domain, 'allow-unsigned'),
        ),
      ];
    const seen = `minilb answers for ${domain}; asked through this resolver: ${saidText(probe)}.`;
    return [finding('ResolverDoesNotForward', who, seen, into, lines(domain, 'forward'))];
  }
  return [...droppedAddresses(resolver, who, into, lines), ...staleAnswers(resolver, who), ...claimedHosts(resolver, who, into, lines)];
}

type Lines = (name: DnsName, wanted: Wanted) => readonly string[];

function droppedAddresses({ host }: ResolverFact, who: string, into: string, lines: Lines): readonly Finding[] {
  if (!host || meets(host) || !host.direct.some(isPrivate)) return [];
  const [, ...labels] = host.name.split('.');
  const domain = labels.slice(1).join('.') as DnsName;
  return [
    finding(
      'ResolverDropsPrivateAddresses',
      who,
      `It passes on other records of the domain, but of ${host.name} (${host.direct.slice(0, 3).join(', ')}) it gives ${saidText(host.said)}.`,
      into,
      lines(domain, 'allow-private'),
    ),
  ];
}

function staleAnswers({ staleness, program }: ResolverFact, who: string): readonly Finding[] {
  if (!staleness?.same || staleness.waitedSeconds <= staleness.ttlSeconds + SLACK_SECONDS) return [];
  const { waitedSeconds, ttlSeconds, sameAgain } = staleness;
  const how = sameAgain ? 'and again right after' : 'and a new one right after: it serves stale answers while it asks';
  const lines = freshLines(program);
  return [
    finding(
      'ResolverStale',
      who,
      `It gave an answer that was ${waitedSeconds.toFixed(0)} s old and may be kept for ${ttlSeconds} s, ${how}.`,
      lines.length > 0
        ? `In ${resolverPlace(program)}:`
        : 'Switch off what it calls optimistic or stale cache (Pi-hole: dns.cache.optimizer, AdGuard Home: Optimistic caching, Unbound: serve-expired), and any minimum TTL.',
      lines,
    ),
  ];
}

function claimedHosts({ claimed, sibling, root }: ResolverFact, who: string, into: string, lines: Lines): readonly Finding[] {
  const lost =
    claimed && !meets(claimed)
      ? [
          finding(
            'ClaimedHostNotForwarded',
            who,
            `${claimed.name} is claimed in the cluster (${claimed.direct.slice(0, 3).join(', ')}); asked through this resolver: ${saidText(claimed.said)}.`,
            into,
            lines(claimed.name, 'forward'),
          ),
        ]
      : [];
  if (!claimed || !sibling || root.kind !== 'answer' || sibling.said.kind === 'answer') return lost;
  return [
    ...lost,
    finding(
      'SiblingsDie',
      who,
      `Beside ${claimed.name}, a name that nobody claims (${sibling.name}) gets ${saidText(sibling.said)}: the resolver sends minilb more than is claimed.`,
      'Forward the claimed names only, or give minilb an -upstream that is not this resolver. For this name:',
      lines(claimed.name, 'forward'),
    ),
  ];
}

function sameAddress(a: ServerAddress, b: ServerAddress): boolean {
  return a.ip === b.ip && a.port === b.port;
}

/** True when the resolver gives at least one of the addresses that minilb gives. */
function meets({ direct, said }: ComparedName): boolean {
  return said.kind === 'answer' && said.records.some((address) => direct.includes(address));
}

function hasRecords(said: Said | undefined): boolean {
  return said?.kind === 'answer' && said.records.length > 0;
}

function isPrivate(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && PRIVATE.some((cidr) => cidrContains(cidr, ip));
}

function saidText(said: Said): string {
  if (said.kind === 'silent') return 'no answer';
  if (said.kind === 'failed') return said.reason;
  if (said.records.length > 0) return said.records.slice(0, 3).join(', ');
  return said.rcode === 'NXDOMAIN' ? 'that it does not exist (NXDOMAIN)' : 'no data (NODATA)';
}
