import { type Ip, ipFamily } from '../value/ip.ts';

/** The nftables table that is the guard's alone. */
export const GUARD_TABLE = 'minilb_l3';

/** What kube-proxy in IPVS mode takes on the input hook. */
export interface GuardPort {
  readonly ip: Ip;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

/**
 * A script for `nft -f -` that replaces the guard at once: an address on the node exposes every listener on 0.0.0.0, so for our addresses
 * only what kube-proxy forwards, answers to the node's own connections, ICMP and the node itself get in.
 */
export function renderGuard(addresses: readonly Ip[], ipvsPorts: readonly GuardPort[]): string {
  const of = (family: 4 | 6) => addresses.filter((ip) => ipFamily(ip) === family);
  const ports = (family: 4 | 6) =>
    ipvsPorts.filter(({ ip }) => ipFamily(ip) === family).map(({ ip, protocol, port }) => `${ip} . ${protocol.toLowerCase()} . ${port}`);
  return [
    `table inet ${GUARD_TABLE} {}`,
    `delete table inet ${GUARD_TABLE}`,
    `table inet ${GUARD_TABLE} {`,
    set('v4', 'ipv4_addr', of(4)),
    set('v6', 'ipv6_addr', of(6)),
    set('ipvs4', 'ipv4_addr . inet_proto . inet_service', ports(4)),
    set('ipvs6', 'ipv6_addr . inet_proto . inet_service', ports(6)),
    '  chain input {',
    '    type filter hook input priority filter; policy accept;',
    '    ip daddr @v4 jump guard',
    '    ip6 daddr @v6 jump guard',
    '  }',
    '  chain guard {',
    '    iif lo accept',
    '    ct state established,related accept',
    '    ct status dnat accept',
    '    icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept',
    '    icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
    '    ip daddr . meta l4proto . th dport @ipvs4 accept',
    '    ip6 daddr . meta l4proto . th dport @ipvs6 accept',
    '    counter drop',
    '  }',
    '}',
    '',
  ].join('\n');
}

/** A script that removes the guard, whether it is there or not. */
export function renderGuardRemoval(): string {
  return `table inet ${GUARD_TABLE} {}\ndelete table inet ${GUARD_TABLE}\n`;
}

function set(name: string, type: string, elements: readonly string[]): string {
  const list = elements.length > 0 ? `elements = { ${elements.join(', ')} }; ` : '';
  return `  set ${name} { type ${type}; ${list}}`;
}
