import type { DnsName } from '../value/dns-name.ts';
import { type Cidr, cidrsOverlap, type Ip, ipBytes, ipFromBytes, parseCidr } from '../value/ip.ts';
import type { WireName } from '../wire/query.ts';
import { answerAddresses } from './answer.ts';
import { endpointName } from './srv-ports.ts';
import type { Zone } from './zone.ts';

/** Where a reverse name stands, when it is ours. */
export interface ReversePlace {
  /** The label at which the reverse zone's own name begins. */
  readonly apex: number;
  /** The address, or the network of addresses, that the name stands for. */
  readonly block: Cidr;
  /** What its PTR says; absent for a name without an endpoint, and for names above addresses. */
  readonly target: DnsName | undefined;
  /** False for an address that no usable endpoint has. */
  readonly exists: boolean;
}

interface Branch {
  readonly suffix: string;
  /** Bits that one label stands for. */
  readonly labelBits: number;
  readonly bits: 32 | 128;
  readonly label: RegExp;
}

/** RFC 1035 §3.5 and RFC 3596 §2.5. */
const BRANCHES: readonly Branch[] = [
  { suffix: 'in-addr.arpa', labelBits: 8, bits: 32, label: /^(0|[1-9]\d{0,2})$/ },
  { suffix: 'ip6.arpa', labelBits: 4, bits: 128, label: /^[0-9a-f]$/ },
];

/** The last label of every reverse name, as it stands in front of the root. */
const ARPA = [4, 97, 114, 112, 97];

/** True when the name asked for ends in `arpa`: spares all others the rest. */
export function isReverse(query: WireName): boolean {
  const start = query.nameLength - 1 - ARPA.length;
  if (query.labels < 3 || start < 0) return false;
  for (let i = 0; i < ARPA.length; i++) if (query.name[start + i] !== ARPA[i]) return false;
  return true;
}

/**
 * Looks up a reverse name inside the Nodes' podCIDRs; `undefined` for one that is not ours. The reverse zone's apex is the CIDR's
 * enclosing octet or nibble boundary; inside the CIDR an address without endpoint does not exist, outside it is somebody else's.
 */
export function lookUpReverse(zone: Zone, query: WireName): ReversePlace | undefined {
  const labels = textLabels(query);
  const branch = BRANCHES.find(({ suffix }) => labels.slice(-2).join('.') === suffix);
  const parts = labels.slice(0, -2).reverse();
  if (!branch || !parts.every((part) => branch.label.test(part)) || parts.length * branch.labelBits > branch.bits) return undefined;
  const block = toBlock(parts, branch);
  const cidr = block && zone.nodes().allPodCidrs.find((one) => isOurs(one, block, parts.length, branch));
  if (!cidr || !block) return undefined;
  const apex = query.labels - 2 - Math.floor(cidr.bits / branch.labelBits);
  if (block.bits < branch.bits) return { apex, block, target: undefined, exists: true };
  const target = endpointAt(zone, block.address);
  return { apex, block, target, exists: target !== undefined };
}

/** Names from the apex down, as far as they have to do with the CIDR. */
function isOurs(cidr: Cidr, block: Cidr, depth: number, branch: Branch): boolean {
  return depth >= Math.floor(cidr.bits / branch.labelBits) && cidrsOverlap(cidr, block);
}

/** `['10', '244']` → 10.244.0.0/16. */
function toBlock(parts: readonly string[], { labelBits, bits }: Branch): Cidr | undefined {
  const bytes = new Uint8Array(bits / 8);
  for (const [i, part] of parts.entries()) {
    const value = Number.parseInt(part, labelBits === 8 ? 10 : 16);
    if (value > 255) return undefined;
    const at = (i * labelBits) >> 3;
    bytes[at] = (bytes[at] ?? 0) | (labelBits === 4 && i % 2 === 0 ? value << 4 : value);
  }
  return parseCidr(`${ipFromBytes(bytes)}/${parts.length * labelBits}`);
}

/** One PTR an address: that of the oldest Service, then of the first by name. */
function endpointAt(zone: Zone, ip: Ip): DnsName | undefined {
  const services = zone.reverse.servicesAt(ip).map((key) => ({ key, order: `${zone.createdAt(key)} ${key}` }));
  const [first] = services.sort((a, b) => (a.order < b.order ? -1 : 1));
  if (!first) return undefined;
  const hosts = zone.endpointNames(first.key).filter((name) => {
    const answer = zone.names.get(name)?.answer;
    return answer !== undefined && answerAddresses(answer).includes(ip);
  });
  const [namespace = '', service = ''] = first.key.split('/');
  return hosts[0] ?? endpointName(ip, `${service}.${namespace}.${zone.config.domain}` as DnsName);
}

function textLabels({ name, offsets, labels, nameLength }: WireName): readonly string[] {
  return Array.from({ length: labels }, (_, i) => {
    const end = i + 1 < labels ? (offsets[i + 1] as number) : nameLength - 1;
    return String.fromCharCode(...name.subarray((offsets[i] as number) + 1, end));
  });
}

/** `5.0.244.10.in-addr.arpa`: the name whose PTR names an address. */
export function reverseNameOf(ip: Ip): string {
  const bytes = [...ipBytes(ip)];
  if (bytes.length === 4) return `${bytes.reverse().join('.')}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}
