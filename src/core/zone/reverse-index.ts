import { type Ip, ipBytes } from '../value/ip.ts';
import { type Answer, WORDS_PER_A, WORDS_PER_AAAA } from './answer.ts';

/** Which Services have an endpoint at an address. */
export interface ReverseIndex {
  /** `namespace/name` of each Service, in no order. */
  readonly servicesAt: (ip: Ip) => readonly string[];
  /** Notes that a Service's own name answers otherwise now. */
  readonly replace: (serviceKey: string, before: Answer | undefined, after: Answer | undefined) => void;
}

/** IPv4 by number, IPv6 by its words as text. */
type AddressKey = number | string;

const NONE: readonly string[] = [];

/**
 * The index costs as much as all addresses together, and most clusters are never asked for a PTR: it is made from `all` when somebody
 * first asks, and kept up to date from then on.
 */
export function createReverseIndex(all: () => Iterable<readonly [serviceKey: string, answer: Answer]>): ReverseIndex {
  let index: Map<AddressKey, string | readonly string[]> | undefined;

  function built(): Map<AddressKey, string | readonly string[]> {
    if (index) return index;
    index = new Map();
    for (const [key, answer] of all()) for (const address of addressKeys(answer)) add(index, address, key);
    return index;
  }

  return {
    servicesAt: (ip) => asList(built().get(addressKeyOf(ip))),
    replace(serviceKey, before, after) {
      if (!index) return;
      const old = new Set(addressKeys(before));
      const now = new Set(addressKeys(after));
      for (const address of old) if (!now.has(address)) remove(index, address, serviceKey);
      for (const address of now) if (!old.has(address)) add(index, address, serviceKey);
    },
  };
}

function add(index: Map<AddressKey, string | readonly string[]>, address: AddressKey, serviceKey: string): void {
  const held = index.get(address);
  index.set(address, held === undefined ? serviceKey : [...asList(held), serviceKey]);
}

function remove(index: Map<AddressKey, string | readonly string[]>, address: AddressKey, serviceKey: string): void {
  const rest = asList(index.get(address)).filter((key) => key !== serviceKey);
  const [only] = rest;
  if (only === undefined) index.delete(address);
  else index.set(address, rest.length === 1 ? only : rest);
}

function asList(held: string | readonly string[] | undefined): readonly string[] {
  if (held === undefined) return NONE;
  return typeof held === 'string' ? [held] : held;
}

/** Only names of endpoints count: a load balancer's address is not its Service's. */
function* addressKeys(answer: Answer | undefined): Generator<AddressKey> {
  if (!answer?.endpointNames) return;
  for (let at = 0; at < answer.a.length; at += WORDS_PER_A) yield answer.a[at] as number;
  for (let at = 0; at < answer.aaaa.length; at += WORDS_PER_AAAA) yield answer.aaaa.subarray(at, at + WORDS_PER_AAAA).join();
}

function addressKeyOf(ip: Ip): AddressKey {
  const bytes = ipBytes(ip);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (bytes.length === 4) return view.getUint32(0);
  return [0, 4, 8, 12].map((at) => view.getUint32(at)).join();
}
