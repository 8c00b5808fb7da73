import { type DnsName, nameToWire } from '../value/dns-name.ts';
import { hashWireName } from '../wire/query.ts';
import type { Answer } from './answer.ts';

/** One owner name. A node without an answer is an empty non-terminal: it exists because names below it do (RFC 8020). */
export interface NameNode {
  /** Folded wire form, with the root's zero byte. */
  readonly wire: Uint8Array;
  answer: Answer | undefined;
  /** How many names with an answer stand below this one. */
  below: number;
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
  /** Sets what `name` answers; its ancestors below `top` come to exist. */
  readonly set: (name: DnsName, top: DnsName, answer: Answer) => void;
  /** Removes the name; it and its ancestors vanish unless something else stands there or below. */
  readonly remove: (name: DnsName, top: DnsName) => void;
  /** All nodes, in no order. */
  readonly nodes: () => Iterable<NameNode>;
  readonly size: () => number;
}

export function createNameTable(): NameTable {
  const buckets = new Map<number, NameNode>();
  let size = 0;

  function find(wire: Uint8Array, start: number, end: number, hash: number): NameNode | undefined {
    let node = buckets.get(hash);
    while (node && !sameWire(node.wire, wire, start, end)) node = node.next;
    return node;
  }

  function findWire(wire: Uint8Array): NameNode | undefined {
    return find(wire, 0, wire.length, hashWireName(wire));
  }

  function ensure(wire: Uint8Array): NameNode {
    const known = findWire(wire);
    if (known) return known;
    const hash = hashWireName(wire);
    const node: NameNode = { wire, answer: undefined, below: 0, next: buckets.get(hash) };
    buckets.set(hash, node);
    size++;
    return node;
  }

  function dropIfEmpty(node: NameNode): void {
    if (node.answer || node.below > 0) return;
    const hash = hashWireName(node.wire);
    const kept: NameNode[] = [];
    for (let at = buckets.get(hash); at; at = at.next) if (at !== node) kept.push(at);
    const first = kept.reduceRight<NameNode | undefined>((next, at) => {
      at.next = next;
      return at;
    }, undefined);
    if (first) buckets.set(hash, first);
    else buckets.delete(hash);
    size--;
  }

  return {
    find,
    get: (name) => findWire(nameToWire(name)),
    size: () => size,
    set(name, top, answer) {
      const node = ensure(nameToWire(name));
      if (!node.answer) for (const parent of ancestors(name, top)) ensure(nameToWire(parent)).below++;
      node.answer = answer;
    },
    remove(name, top) {
      const node = findWire(nameToWire(name));
      if (!node?.answer) return;
      node.answer = undefined;
      dropIfEmpty(node);
      for (const parent of ancestors(name, top)) {
        const above = ensure(nameToWire(parent));
        above.below--;
        dropIfEmpty(above);
      }
    },
    *nodes() {
      for (const first of buckets.values()) for (let node: NameNode | undefined = first; node; node = node.next) yield node;
    },
  };
}

/** The names between `name` and `top`, without both; nearest first. */
function ancestors(name: DnsName, top: DnsName): readonly DnsName[] {
  const found: DnsName[] = [];
  if (!name.endsWith(`.${top}`)) return found;
  for (let at = name.indexOf('.') + 1; name.length - at > top.length; at = name.indexOf('.', at) + 1) found.push(name.slice(at) as DnsName);
  return found;
}

function sameWire(stored: Uint8Array, wire: Uint8Array, start: number, end: number): boolean {
  if (stored.length !== end - start) return false;
  for (let i = 0; i < stored.length; i++) if (stored[i] !== wire[start + i]) return false;
  return true;
}
