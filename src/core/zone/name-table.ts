import { type DnsName, nameToWire } from '../value/dns-name.ts';
import { hashWireName } from '../wire/query.ts';
import type { Answer } from './answer.ts';

/** Whose a name is: an own one of the zone (apex, servers), a Service's, or somebody's claim. */
export type NameOwner = 'zone' | 'service' | 'claim';

/** What `*.<node>` answers to names of one more label, and of several; and for which namespace it may. */
export interface Wildcard {
  readonly one: WildcardSlot | undefined;
  readonly many: WildcardSlot | undefined;
}

export interface WildcardSlot {
  readonly answer: Answer;
  readonly namespace: string;
}

/** Which namespaces' claims a pattern of `-claim-hosts` lets through; `undefined` is all. */
export interface HostGate {
  /** For the name itself; absent where no pattern is that very name. */
  readonly exact?: { readonly namespaces: ReadonlySet<string> | undefined };
  /** For names below it. */
  readonly below?: { readonly namespaces: ReadonlySet<string> | undefined };
}

/**
 * One owner name. It exists when it has an answer, or when names below it exist: then it is an empty non-terminal (RFC 8020). A node may
 * also be here for what it says about names below it.
 */
export interface NameNode {
  /** Folded wire form, with the root's zero byte. */
  readonly wire: Uint8Array;
  answer: Answer | undefined;
  owner: NameOwner | undefined;
  /** How many names with an answer, and wildcards, stand below this one. */
  below: number;
  /** How many Services have their name right below: such a node is a namespace's. */
  services: number;
  wildcard: Wildcard | undefined;
  gate: HostGate | undefined;
  /** The next node with the same hash. */
  next: NameNode | undefined;
}

/**
 * Owner names by the hash of their folded wire form, so that a query finds its node without making a string. Single writer; a reader
 * between two writes always sees a whole zone, because both run in one thread.
 */
export interface NameTable {
  /** Finds the name that begins at `start` in `wire` and ends with the zero byte at `end - 1`. */
  readonly find: (wire: Uint8Array, start: number, end: number, hash: number) => NameNode | undefined;
  readonly get: (name: DnsName) => NameNode | undefined;
  /** Sets what `name` answers; its ancestors below `top` (below the root for `''`) come to exist. */
  readonly set: (name: DnsName, top: DnsName | '', answer: Answer, owner: NameOwner) => void;
  /** Removes the name's answer; it and its ancestors vanish unless something else stands there or below. */
  readonly remove: (name: DnsName, top: DnsName | '') => void;
  /** Sets or removes what `*.<name>` answers. */
  readonly setWildcard: (name: DnsName, top: DnsName | '', wildcard: Wildcard | undefined) => void;
  readonly setGate: (name: DnsName, gate: HostGate) => void;
  /** Counts a Service right below `name`, or one that went; returns how many there are now. */
  readonly countService: (name: DnsName, change: 1 | -1) => number;
  /** How many wildcards there are; 0 spares a query the search for one. */
  readonly wildcards: () => number;
  /** All nodes, in no order. */
  readonly nodes: () => Iterable<NameNode>;
  readonly size: () => number;
}

export function createNameTable(): NameTable {
  const buckets = new Map<number, NameNode>();
  let size = 0;
  let wildcards = 0;

  function find(wire: Uint8Array, start: number, end: number, hash: number): NameNode | undefined {
    let node = buckets.get(hash);
    while (node && !sameWire(node.wire, wire, start, end)) node = node.next;
    return node;
  }

  function get(name: DnsName): NameNode | undefined {
    const wire = nameToWire(name);
    return find(wire, 0, wire.length, hashWireName(wire));
  }

  function ensure(name: DnsName): NameNode {
    const wire = nameToWire(name);
    const hash = hashWireName(wire);
    const known = find(wire, 0, wire.length, hash);
    if (known) return known;
    const node: NameNode = {
      wire,
      answer: undefined,
      owner: undefined,
      below: 0,
      services: 0,
      wildcard: undefined,
      gate: undefined,
      next: buckets.get(hash),
    };
    buckets.set(hash, node);
    size++;
    return node;
  }

  function dropIfIdle(node: NameNode): void {
    if (node.answer || node.below > 0 || node.services > 0 || node.wildcard || node.gate) return;
    const hash = hashWireName(node.wire);
    const kept: NameNode[] = [];
    let held = false;
    for (let at = buckets.get(hash); at; at = at.next) {
      if (at === node) held = true;
      else kept.push(at);
    }
    if (!held) return;
    const first = kept.reduceRight<NameNode | undefined>((next, at) => {
      at.next = next;
      return at;
    }, undefined);
    if (first) buckets.set(hash, first);
    else buckets.delete(hash);
    size--;
  }

  /** Notes that something came to stand below the names between `name` and `top`, or went. */
  function countBelow(name: string, top: string, change: 1 | -1): void {
    for (const parent of ancestors(name, top)) {
      const node = ensure(parent);
      node.below += change;
      dropIfIdle(node);
    }
  }

  return {
    find,
    get,
    size: () => size,
    wildcards: () => wildcards,
    set(name, top, answer, owner) {
      const node = ensure(name);
      if (!node.answer) countBelow(name, top, 1);
      node.answer = answer;
      node.owner = owner;
    },
    remove(name, top) {
      const node = get(name);
      if (!node?.answer) return;
      node.answer = undefined;
      node.owner = undefined;
      dropIfIdle(node);
      countBelow(name, top, -1);
    },
    setWildcard(name, top, wildcard) {
      const node = wildcard ? ensure(name) : get(name);
      if (!node) return;
      const change = Number(wildcard !== undefined) - Number(node.wildcard !== undefined);
      node.wildcard = wildcard;
      wildcards += change;
      if (change === 1 || change === -1) countBelow(`*.${name}`, top, change);
      dropIfIdle(node);
    },
    setGate(name, gate) {
      const node = ensure(name);
      node.gate = { ...node.gate, ...gate };
    },
    countService(name, change) {
      const node = ensure(name);
      node.services += change;
      const now = node.services;
      dropIfIdle(node);
      return now;
    },
    *nodes() {
      for (const first of buckets.values()) for (let node: NameNode | undefined = first; node; node = node.next) yield node;
    },
  };
}

/** True when the name is there for queries: it answers, or is an empty non-terminal. */
export function exists(node: NameNode | undefined): boolean {
  return node !== undefined && (node.answer !== undefined || node.below > 0);
}

/** The names between `name` and `top`, without both; nearest first. */
function ancestors(name: string, top: string): readonly DnsName[] {
  const found: DnsName[] = [];
  if (top !== '' && !name.endsWith(`.${top}`)) return found;
  const end = top === '' ? name.length : name.length - top.length - 1;
  for (let dot = name.indexOf('.'); dot >= 0 && dot < end; dot = name.indexOf('.', dot + 1)) found.push(name.slice(dot + 1) as DnsName);
  return found;
}

function sameWire(stored: Uint8Array, wire: Uint8Array, start: number, end: number): boolean {
  if (stored.length !== end - start) return false;
  for (let i = 0; i < stored.length; i++) if (stored[i] !== wire[start + i]) return false;
  return true;
}
