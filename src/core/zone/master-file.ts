import { wireNameText } from '../wire/text.ts';
import { type Answer, answerAddresses } from './answer.ts';
import type { Zone } from './zone.ts';

/**
 * What the zone holds as a master file (RFC 1035 §5). Names of endpoints by address are written where an SRV record leads to them. A name
 * without data exists (RFC 8020), which a master file cannot say: it is a comment, as are a wildcard, which here has rules that DNS has not,
 * and, with `withClaims`, what is claimed outside the zone.
 */
export function renderMasterFile(zone: Zone, withClaims: boolean): string {
  const { domain, ttlSeconds } = zone.config;
  const inside = new Set<string>();
  const comments = new Set<string>();
  for (const { wire, answer, wildcard } of zone.names.nodes()) {
    const name = wireNameText(wire);
    const own = name === domain || name.endsWith(`.${domain}`);
    if (answer && own) for (const line of records(name, answer)) inside.add(line);
    else if (answer && withClaims) for (const line of records(name, answer)) comments.add(`; ${line}`);
    if (answer && own && name !== domain && records(name, answer).length === 0) comments.add(`; ${name}. has no data`);
    if (!withClaims) continue;
    for (const slot of [wildcard?.one, wildcard?.many])
      for (const line of slot ? records(`*.${name}`, slot.answer) : []) comments.add(`; ${line}`);
  }
  const { soa } = zone;
  const timers = [soa.serial, soa.refreshSeconds, soa.retrySeconds, soa.expireSeconds, soa.minimumSeconds].join(' ');
  const head = [`$TTL ${ttlSeconds}`, `${domain}. IN SOA ${wireNameText(soa.mname)}. ${wireNameText(soa.rname)}. ${timers}`];
  const servers = zone.nameservers().map((server) => `${domain}. IN NS ${server.name}.`);
  return `${[...head, ...servers, ...[...inside].sort(), ...[...comments].sort()].join('\n')}\n`;
}

function records(name: string, answer: Answer): readonly string[] {
  if (answer.cname) return [`${name}. IN CNAME ${answer.cname}.`];
  const addresses = answerAddresses(answer).map((ip) => addressRecord(name, ip));
  const ports = answer.srv.flatMap(({ labels, port, endpoints }) => {
    const at = `${wireNameText(labels)}.${name}. IN SRV 0 0`;
    if (endpoints.length === 0) return addresses.length > 0 ? [`${at} ${port} ${name}.`] : [];
    return endpoints.flatMap((one) => {
      const target = wireNameText(one.target);
      return [`${at} ${one.port} ${target}.`, addressRecord(target, one.address)];
    });
  });
  return [...addresses, ...ports];
}

function addressRecord(name: string, ip: string): string {
  return `${name}. IN ${ip.includes(':') ? 'AAAA' : 'A'} ${ip}`;
}
