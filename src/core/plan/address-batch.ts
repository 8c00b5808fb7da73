import type { Ip } from '../value/ip.ts';
import { ipFamily } from '../value/ip.ts';
import { MARK_METRIC, type NodeAddressPlan } from './node-addresses.ts';

/**
 * The plan as lines for `ip -force -batch -`, additions first. So that the address never becomes the source of the node's own traffic:
 * IPv4 with scope host, IPv6 with preferred lifetime 0. An adopted one is changed in place, without a flap.
 */
export function renderAddressBatch(plan: Pick<NodeAddressPlan, 'add' | 'adopt' | 'remove'>, device: string): string {
  const lines = [
    ...plan.add.map(
      (ip) => `address add ${host(ip)} dev ${device} ${quiet(ip)}${ipFamily(ip) === 6 ? ' nodad' : ''} metric ${MARK_METRIC}`,
    ),
    ...plan.adopt.map((ip) => `address replace ${host(ip)} dev ${device} ${quiet(ip)} metric ${MARK_METRIC}`),
    ...plan.remove.map((ip) => `address del ${host(ip)} dev ${device}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** A name that the kernel takes for an interface and that needs no quoting in a batch (at most 15 characters). */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(text);
}

function host(ip: Ip): string {
  return `${ip}/${ipFamily(ip) === 4 ? 32 : 128}`;
}

function quiet(ip: Ip): string {
  return ipFamily(ip) === 4 ? 'scope host' : 'preferred_lft 0';
}
