import { type Cidr, cidrContains, type Ip, ipFamily } from '../value/ip.ts';

/**
 * The address metric that marks an address as minilb's: the kernel keeps it for both families and it can be set in place. Labels are
 * ignored for IPv6, and `proto` needs a newer iproute2.
 */
export const MARK_METRIC = 7710;

/** One address of one of the node's interfaces, as the kernel has it. */
export interface HeldAddress {
  readonly interface: string;
  readonly ip: Ip;
  readonly bits: number;
  /** The address metric; 0 when it has none. */
  readonly metric: number;
}

export interface NodeAddressInputs {
  /** All addresses of all interfaces. */
  readonly held: readonly HeldAddress[];
  /** Addresses that this node is to hold. */
  readonly desired: ReadonlySet<Ip>;
  /** Addresses that may stay where they are, but are not added: see `judgeAnnouncement`. */
  readonly keep: ReadonlySet<Ip>;
  /** Addresses of managed Services, announced here or not: an unmarked one of them is adopted. */
  readonly managed: ReadonlySet<Ip>;
  readonly prefixes: readonly Cidr[];
  /** `-interface`. */
  readonly interface: string;
  /** Addresses of Nodes and gateways: never added, never removed. */
  readonly untouchable: ReadonlySet<Ip>;
}

/** Why an address is left as it is; also the reason of the notice. */
export type AddressNoticeCode = 'AddressOfNode' | 'AddressForeign' | 'AddressOutsidePrefix';

export interface AddressNotice {
  readonly code: AddressNoticeCode;
  readonly ip: Ip;
  readonly text: string;
}

export interface NodeAddressPlan {
  readonly add: readonly Ip[];
  /** There, of full width, but without the mark. */
  readonly adopt: readonly Ip[];
  readonly remove: readonly Ip[];
  /** What is ours and stays. */
  readonly hold: readonly Ip[];
  readonly notices: readonly AddressNotice[];
}

/**
 * Decides how the addresses on the interface become those that are desired. Never removes one that is not ours: ours is inside a
 * prefix, /32 or /128, on our interface, marked, and no address of a Node.
 *
 * | on our interface | desired | result |
 * |---|---|---|
 * | nothing | yes | add; an address of a Node: notice |
 * | ours | yes, or keep | hold |
 * | ours | no | remove |
 * | full width, no mark, of a managed Service | yes, or keep | adopt |
 * | full width, no mark, of a managed Service | no | adopt: the next plan removes it |
 * | full width, no mark, of no managed Service | – | notice |
 * | of another width, in a prefix | – | notice; it is not added a second time |
 * | marked, outside the prefixes | – | notice |
 *
 * The same address on another interface (kube-proxy’s `kube-ipvs0`) counts for nothing.
 */
export function planAddresses(inputs: NodeAddressInputs): NodeAddressPlan {
  const mine = inputs.held.filter((one) => one.interface === inputs.interface);
  const plan = { add: [] as Ip[], adopt: [] as Ip[], remove: [] as Ip[], hold: [] as Ip[], notices: [] as AddressNotice[] };
  const present = new Set<Ip>();
  for (const one of mine) {
    const inside = isInside(one.ip, inputs.prefixes);
    if (inside) present.add(one.ip);
    if (inside && inputs.untouchable.has(one.ip)) continue;
    if (inside) sortHeld(one, inputs, plan);
    else if (one.metric === MARK_METRIC && isFull(one)) plan.notices.push(outside(one));
  }
  for (const ip of inputs.desired) {
    if (present.has(ip) && !inputs.untouchable.has(ip)) continue;
    if (inputs.untouchable.has(ip)) plan.notices.push(ofNode(ip));
    else if (isInside(ip, inputs.prefixes)) plan.add.push(ip);
  }
  return plan;
}

function sortHeld(
  one: HeldAddress,
  inputs: NodeAddressInputs,
  plan: { adopt: Ip[]; remove: Ip[]; hold: Ip[]; notices: AddressNotice[] },
): void {
  const wanted = inputs.desired.has(one.ip) || inputs.keep.has(one.ip);
  if (!isFull(one)) plan.notices.push(foreign(one, `has /${one.bits}`));
  else if (one.metric === MARK_METRIC) (wanted ? plan.hold : plan.remove).push(one.ip);
  else if (inputs.managed.has(one.ip)) plan.adopt.push(one.ip);
  else plan.notices.push(foreign(one, 'is not marked as minilb’s'));
}

/** Ours, as the plan has it; for `cleanup`. With `adopt` also unmarked ones of full width inside the prefixes. */
export function ownedAddresses(
  held: readonly HeldAddress[],
  options: Pick<NodeAddressInputs, 'prefixes' | 'interface' | 'untouchable'> & { readonly adopt: boolean },
): readonly Ip[] {
  const owned = held.filter((one) => {
    const full = one.interface === options.interface && isFull(one) && isInside(one.ip, options.prefixes);
    return full && !options.untouchable.has(one.ip) && (one.metric === MARK_METRIC || options.adopt);
  });
  return owned.map((one) => one.ip);
}

export function isInside(ip: Ip, prefixes: readonly Cidr[]): boolean {
  return prefixes.some((prefix) => cidrContains(prefix, ip));
}

function isFull(one: HeldAddress): boolean {
  return one.bits === (ipFamily(one.ip) === 4 ? 32 : 128);
}

function foreign(one: HeldAddress, what: string): AddressNotice {
  const text = `${one.ip} on ${one.interface} lies in the prefix, but ${what}: it is left alone. minilb l3 cleanup -adopt would remove unmarked ones.`;
  return { code: 'AddressForeign', ip: one.ip, text };
}

function outside(one: HeldAddress): AddressNotice {
  const text = `${one.ip} on ${one.interface} is marked as minilb’s and lies outside the prefixes: it is left alone. Was -prefix changed?`;
  return { code: 'AddressOutsidePrefix', ip: one.ip, text };
}

function ofNode(ip: Ip): AddressNotice {
  return { code: 'AddressOfNode', ip, text: `${ip} is an address of a Node or a gateway: it is not announced.` };
}
