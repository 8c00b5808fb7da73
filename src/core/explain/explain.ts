import { keyOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { suggest } from '../settings/suggest.ts';
import { type DnsName, isAtOrBelow, joinName } from '../value/dns-name.ts';
import { type AnswerReport, fact, type NameReport, type NoteReport, trouble } from '../value/report.ts';
import { wireNameText } from '../wire/text.ts';
import { lookUpName } from '../zone/lookup.ts';
import { type AskOptions, ask } from './ask.ts';
import { type ClaimFacts, findClaims } from './claim-notes.ts';
import { counted } from './endpoint-notes.ts';
import { aboveNotes, belowNotes, isReverseName, reverseNotes } from './outside-notes.ts';
import { renderSummary } from './render-report.ts';
import { serviceNotes } from './service-notes.ts';
import { targetNotes } from './target-notes.ts';

/** What a server, or a command that looked at the cluster, knows. */
export interface ExplainFacts extends AskOptions, ClaimFacts {
  readonly services: () => Iterable<Service>;
}

/** Most SRV names that are asked for one name; a Service may have a hundred ports. */
const SRV_NAMES_MAX = 10;
const SIMILAR_MAX = 3;
/** `_port._proto.` in front of a name (RFC 2782). */
const PORT_NAME = /^_[^.]+\._[^.]+\./;

/** Says why a name has the addresses it has, or none. Any name may be asked for; the answers are those that clients get. */
export function explainName(name: DnsName, facts: ExplainFacts): NameReport {
  const answers = answersOf(name, facts);
  const notes = facts.synced
    ? notesOf(name, facts)
    : [trouble('NotSynced', 'The server does not know the cluster yet: names of its zone get SERVFAIL until it does.')];
  const found = answers.some(({ outcome }) => outcome === 'answer' || outcome === 'forwarded');
  const report = { name, domain: facts.zone.config.domain, found, answers, notes };
  return { ...report, summary: renderSummary(report) };
}

function answersOf(name: DnsName, facts: ExplainFacts): readonly AnswerReport[] {
  const { zone } = facts;
  const asked = (type: Parameters<typeof ask>[2], at: DnsName = name) => ask(zone, at, type, facts);
  if (isReverseName(name)) return [asked('PTR')];
  if (PORT_NAME.test(name)) return [asked('SRV')];
  if (name === zone.config.domain) return [asked('SOA'), asked('NS'), asked('A'), asked('AAAA')];
  const srv = srvNames(name, zone)
    .map((at) => asked('SRV', at))
    .filter(({ outcome }) => outcome === 'answer');
  return [asked('A'), asked('AAAA'), ...(srv.length > 0 ? srv : [asked('SRV')])];
}

/** `_http._tcp.web.default.minilb`, for each named port of what the name leads to. */
function srvNames(name: DnsName, zone: ExplainFacts['zone']): readonly DnsName[] {
  const place = lookUpName(zone, name);
  const ports = typeof place === 'string' ? [] : place.srv.slice(0, SRV_NAMES_MAX);
  return ports.flatMap(({ labels }) => joinName(wireNameText(labels), name) ?? []);
}

function notesOf(name: DnsName, facts: ExplainFacts): readonly NoteReport[] {
  const inside = isAtOrBelow(name, facts.zone.config.domain);
  const reverse = inside || !isReverseName(name) ? [] : reverseNotes(name, facts);
  if (reverse.length > 0) return reverse;
  const { holder, notes } = findClaims(name, facts);
  if (holder) return [...notes, ...targetNotes(holder, targetFacts(facts))];
  if (inside && isOurs(name, facts)) return [...insideNotes(name, facts), ...notes];
  const rest = [...portNotes(name, facts), ...aboveNotes(name, facts, inside)];
  if (rest.length > 0) return [...notes, ...rest];
  if (!inside) return [...notes, ...belowNotes(name, facts), ...foreignNotes(name, facts)];
  return notes.length > 0 ? notes : insideNotes(name, facts);
}

/** True for what is in the zone without any claim: its apex and servers, Services and what is below them, namespaces. */
function isOurs(name: DnsName, facts: ExplainFacts): boolean {
  const { zone } = facts;
  const server = zone.nameservers().some((one) => one.name === name);
  return name === zone.config.domain || server || serviceAt(name, facts) !== undefined || (zone.names.get(name)?.services ?? 0) > 0;
}

/** `_mqtt._tcp.mqtt.sko.ai`, below a claimed name that has such a port: what is said of that name holds. */
function portNotes(name: DnsName, facts: ExplainFacts): readonly NoteReport[] {
  if (!PORT_NAME.test(name) || ask(facts.zone, name, 'SRV', facts).outcome !== 'answer') return [];
  const base = name.replace(PORT_NAME, '') as DnsName;
  return [fact('PortName', `It stands for a port of ${base}, by SRV.`), ...notesOf(base, facts)];
}

function targetFacts(facts: ExplainFacts) {
  const { zone, view, forwarding } = facts;
  const explainService = (service: Service) => serviceNotes(service, { zone, view }, 'Behind it is');
  return { zone, forwarding, explainService, serviceAt: (name: DnsName) => serviceAt(name, facts) };
}

function insideNotes(name: DnsName, facts: ExplainFacts): readonly NoteReport[] {
  const { zone } = facts;
  const { domain } = zone.config;
  if (name === domain) return [fact('Apex', 'It is the name of the zone itself: it has SOA and NS, and no addresses.')];
  const server = zone.nameservers().find((one) => one.name === name);
  if (server)
    return [fact('NameServer', 'It is a server of the zone, by -nameserver or by default; its addresses are where this server listens.')];
  const labels = name.slice(0, -domain.length - 1).split('.');
  const service = serviceAt(name, facts);
  if (service) return [...endpointNameNotes(labels, service), ...serviceNotes(service, facts)];
  const [namespace = '', serviceName] = [...labels].reverse();
  if (serviceName === undefined) return [namespaceNote(namespace, facts)];
  return absentNotes(namespace, serviceName, facts);
}

/** The Service whose name `name` is, or lies below: `_http._tcp.web.default.minilb` and `10-244-0-5.web.default.minilb` are of `default/web`. */
function serviceAt(name: DnsName, { zone, view }: ExplainFacts): Service | undefined {
  const { domain } = zone.config;
  if (name === domain || !isAtOrBelow(name, domain)) return undefined;
  const labels = name.slice(0, -domain.length - 1).split('.');
  const [namespace = '', service = ''] = labels.reverse();
  return view.service(`${namespace}/${service}`);
}

function endpointNameNotes(labels: readonly string[], service: Service): readonly NoteReport[] {
  const [first = ''] = labels;
  if (labels.length < 3) return [];
  if (first.startsWith('_')) return [fact('PortName', `It stands for a port of Service ${keyOf(service)}, by SRV.`)];
  return [
    fact(
      'EndpointName',
      `It stands for one endpoint of Service ${keyOf(service)}: its hostname, or its address with dashes. It exists while that endpoint can be used.`,
    ),
  ];
}

function namespaceNote(namespace: string, { services, zone }: ExplainFacts): NoteReport {
  const inside = [...services()].filter((service) => service.namespace === namespace);
  if (inside.length === 0) return trouble('NoSuchNamespace', `No Service is in a namespace ${namespace}, and nothing else has the name.`);
  const names = inside.slice(0, SIMILAR_MAX).map((service) => `${service.name}.${namespace}.${zone.config.domain}`);
  return fact(
    'NamespaceNode',
    `It stands for the namespace ${namespace}, which has ${counted(inside.length, 'Service')}; names are below it: ${names.join(', ')}${inside.length > SIMILAR_MAX ? ', …' : ''}.`,
  );
}

/** Nothing has the name: what was meant? */
function absentNotes(namespace: string, name: string, { services, zone }: ExplainFacts): readonly NoteReport[] {
  const all = [...services()];
  const inside = all.filter((service) => service.namespace === namespace).map((service) => service.name);
  const elsewhere = all.filter((service) => service.name === name).map((service) => service.namespace);
  const similar = suggest(name, inside) ?? (inside.includes(name) ? name : undefined);
  const text =
    inside.length === 0
      ? `There is no Service ${name} in the namespace ${namespace}, and no other one either.`
      : `There is no Service ${name} in the namespace ${namespace}.`;
  const { domain } = zone.config;
  return [
    trouble('NoSuchService', text),
    ...(similar === undefined ? [] : [fact('Similar', `There is ${similar}.${namespace}.${domain}.`)]),
    ...elsewhere.slice(0, SIMILAR_MAX).map((other) => fact('Similar', `There is ${name}.${other}.${domain}.`)),
  ];
}

function foreignNotes(name: DnsName, facts: ExplainFacts): readonly NoteReport[] {
  const { zone, forwarding } = facts;
  const { domain } = zone.config;
  const meant = joinName(name, domain);
  const service = meant && serviceAt(meant, facts);
  const hint = service ? [fact('Similar', `Names of Services end in the zone’s name: ask for ${keyName(service, domain)}.`)] : [];
  if (name.endsWith('.arpa')) return [fact('Foreign', `It is no reverse name of a pod’s address. ${elsewhere(forwarding)}`)];
  return [...hint, fact('Foreign', `It is outside the zone ${domain}, and nothing in the cluster claims it. ${elsewhere(forwarding)}`)];
}

function elsewhere(forwarding: boolean): string {
  return forwarding
    ? 'The server passes such questions to -upstream, for clients that it forwards for.'
    : 'The server refuses such questions, since it has no -upstream: ask the resolver of your network.';
}

function keyName(service: Service, domain: DnsName): string {
  return `${service.name}.${service.namespace}.${domain}`;
}
