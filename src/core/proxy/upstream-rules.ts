import { type Cidr, cidrContains, type Ip, parseCidr } from '../value/ip.ts';

export interface UpstreamRules {
  /** Networks that upstreams must lie in; empty: anywhere. */
  readonly allowUpstreams: readonly Cidr[];
  /** Callers have shown who they are, by token or certificate. */
  readonly authenticated: boolean;
}

function nets(...texts: readonly string[]): readonly Cidr[] {
  return texts.map(parseCidr).filter((cidr) => cidr !== undefined);
}

/** This host and what only it can reach. The unspecified addresses lead to loopback when connected to (Linux). */
const LOCAL = nets('127.0.0.0/8', '0.0.0.0/8', '169.254.0.0/16', '::1/128', '::/128', 'fe80::/10');
const NOT_ONE_HOST = nets('224.0.0.0/4', '255.255.255.255/32', 'ff00::/8');

/**
 * Why this may not be an upstream; `undefined` when it may. Without a token or certificate nobody may have the proxy connect to its own
 * host or to link-local addresses: what listens there trusts the host.
 */
export function upstreamFault(ip: Ip, rules: UpstreamRules): string | undefined {
  if (NOT_ONE_HOST.some((net) => cidrContains(net, ip))) return `upstream ${ip} is not one host's address`;
  if (!rules.authenticated && LOCAL.some((net) => cidrContains(net, ip)))
    return `upstream ${ip} is a loopback or link-local address, which needs callers to have a token or a certificate`;
  if (rules.allowUpstreams.length > 0 && !rules.allowUpstreams.some((net) => cidrContains(net, ip)))
    return `upstream ${ip} is not in -allow-upstreams`;
  return undefined;
}
