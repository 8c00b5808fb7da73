import { describeSource } from '../claim/notices.ts';
import { parseDnsName } from '../value/dns-name.ts';
import { type Ip, parseIp } from '../value/ip.ts';
import { type Answer, addressAnswer, addressesBehind, answerAddresses, WORDS_PER_A, WORDS_PER_AAAA } from '../zone/answer.ts';
import type { NameNode } from '../zone/name-table.ts';
import type { ClusterView, Zone } from '../zone/zone.ts';
import type { NameRow } from './api-schema.ts';
import { createSelection, type Listing, type ListQuery } from './listing.ts';

export interface NamesFacts {
  readonly zone: Zone;
  readonly view: ClusterView;
}

/** Under a millisecond. */
const NODES_A_STEP = 1_000;
const ADDRESSES_SHOWN_MAX = 16;
const TEXT_BYTES_MAX = 257;
const DOT = 46;

/**
 * The names of the zone that answer something, sorted. It looks at all of them, and makes texts of those on the page alone: names are compared
 * and searched as the bytes that the zone keeps.
 */
export function listNames(query: ListQuery, facts: NamesFacts): Listing {
  const nodes = facts.zone.names.nodes()[Symbol.iterator]();
  const selection = createSelection<{ readonly node: NameNode; readonly answer: Answer }>(query);
  const needle = asciiBytes(query.search);
  const address = parseIp(query.search);
  const wanted = address && addressAnswer([address], true);
  const after = asciiBytes(query.after);
  const text = new Uint8Array(TEXT_BYTES_MAX);
  let matched = 0;
  let end: Uint8Array | undefined;

  const offer = (node: NameNode, answer: Answer, wildcard: boolean) => {
    if (query.onlyTrouble && !isTrouble(node, answer)) return;
    const length = writeText(text, node.wire, wildcard);
    if (needle.length > 0 && !holds(text, length, needle) && !(wanted && hasAddress(answer, wanted))) return;
    matched++;
    if (compare(text, length, after) <= 0) return;
    if (end && compare(text, length, end) >= 0) return selection.more();
    selection.offer(String.fromCharCode(...text.subarray(0, length)), { node, answer });
    const last = selection.end();
    end = last === undefined ? undefined : asciiBytes(last);
  };
  const step = () => {
    for (let i = 0; i < NODES_A_STEP; i++) {
      const { done, value: node } = nodes.next();
      if (done) return true;
      if (node.answer) offer(node, node.answer, false);
      const slot = node.wildcard?.one ?? node.wildcard?.many;
      if (slot) offer(node, slot.answer, true);
    }
    return false;
  };
  const result = () => ({
    items: selection.rows().map(({ key, value }) => toRow(key, value.node, value.answer, facts)),
    matched,
    next: selection.next(),
    texts: [],
  });
  return { step, result };
}

/** No address and no other name: whoever asks gets nothing. */
function isTrouble(node: NameNode, answer: Answer): boolean {
  return node.owner !== 'zone' && answer.a.length === 0 && answer.aaaa.length === 0 && answer.cname === undefined;
}

function toRow(name: string, node: NameNode, answer: Answer, facts: NamesFacts): NameRow {
  const addresses = answerAddresses(answer);
  const shown = { name, addresses: addresses.slice(0, ADDRESSES_SHOWN_MAX), addressCount: addresses.length, ready: 0, notReady: 0 };
  const wildcard = name.startsWith('*.');
  const service = node.owner === 'service' && !wildcard ? serviceKeyOf(name, facts.zone.config.domain) : undefined;
  const source = service === undefined ? claimantOf(name, node, wildcard, facts) : `Service ${service}`;
  if (node.owner === 'zone' && !wildcard) {
    const detail = name === facts.zone.config.domain ? 'the zone itself' : 'a server of the zone';
    return { ...shown, state: 'zone', detail, level: 'none', source: '' };
  }
  if (answer.cname) return { ...shown, state: 'alias', detail: `alias of ${answer.cname}`, level: 'none', source };
  if (service !== undefined && answer.endpointNames)
    return { ...shown, ...endpointState(service, answer, addresses.length, facts), source };
  const behind = behindText(answer);
  if (addresses.length > 0) return { ...shown, state: 'addresses', detail: `${counted(addresses.length)}${behind}`, level: 'good', source };
  return { ...shown, state: 'no-address', detail: 'leads to no address', level: 'trouble', source };
}

type EndpointState = Pick<NameRow, 'state' | 'detail' | 'level' | 'ready' | 'notReady'>;

function endpointState(service: string, answer: Answer, addressCount: number, { view }: NamesFacts): EndpointState {
  const endpoints = new Map<Ip, boolean>();
  for (const slice of view.slices(service))
    for (const { address, ready } of slice.endpoints) endpoints.set(address, ready || endpoints.get(address) === true);
  const ready = [...endpoints.values()].filter(Boolean).length;
  const notReady = endpoints.size - ready;
  const numbers = { ready, notReady };
  const behind = behindText(answer);
  if (endpoints.size === 0) return { ...numbers, state: 'no-endpoints', detail: 'no endpoints', level: 'trouble' };
  if (ready === 0 && addressCount > 0)
    return { ...numbers, state: 'draining', detail: `only pods that are going away still serve${behind}`, level: 'notice' };
  if (ready === 0) return { ...numbers, state: 'not-ready', detail: `none of ${endpoints.size} ready`, level: 'trouble' };
  if (addressCount === 0)
    return { ...numbers, state: 'no-address', detail: 'ready, but out of reach from outside the cluster', level: 'trouble' };
  if (notReady > 0) return { ...numbers, state: 'partly-ready', detail: `${ready} of ${endpoints.size} ready${behind}`, level: 'notice' };
  return {
    ...numbers,
    state: 'ready',
    detail: `${ready === 1 ? 'ready' : `all ${ready} ready`}${behind}`,
    level: behind === '' ? 'good' : 'notice',
  };
}

function behindText(answer: Answer): string {
  const behind = addressesBehind(answer).length;
  return behind === 0 ? '' : `; ${behind} last, as their Node does not answer`;
}

function counted(count: number): string {
  return count === 1 ? '1 address' : `${count} addresses`;
}

function claimantOf(name: string, node: NameNode, wildcard: boolean, { zone }: NamesFacts): string {
  const pattern = node.owner === 'claim' || wildcard ? parsePattern(name) : undefined;
  const decision = pattern && zone.claims.decide(pattern);
  const winner = decision?.winner ?? decision?.deep;
  return winner ? describeSource(winner.source) : '';
}

function parsePattern(name: string) {
  const parsed = parseDnsName(name);
  return parsed.ok ? parsed.value : undefined;
}

/** `db-0.web.default.minilb` is of `default/web`. */
function serviceKeyOf(name: string, domain: string): string {
  const [namespace = '', service = ''] = name
    .slice(0, -domain.length - 1)
    .split('.')
    .reverse();
  return `${namespace}/${service}`;
}

/** Writes the presentation form of a wire name, with `*.` before it where asked; returns its length. */
function writeText(out: Uint8Array, wire: Uint8Array, wildcard: boolean): number {
  let at = 0;
  if (wildcard) {
    out[at++] = 42;
    out[at++] = DOT;
  }
  for (let from = 0; ; ) {
    const length = wire[from] ?? 0;
    if (length === 0) return at === 0 ? 0 : at - 1;
    for (let i = 1; i <= length; i++) out[at++] = wire[from + i] ?? 0;
    out[at++] = DOT;
    from += length + 1;
  }
}

function holds(text: Uint8Array, length: number, needle: Uint8Array): boolean {
  const first = needle[0];
  for (let at = 0; at + needle.length <= length; at++) {
    if (text[at] !== first) continue;
    let i = 1;
    while (i < needle.length && text[at + i] === needle[i]) i++;
    if (i === needle.length) return true;
  }
  return false;
}

/** As text: negative when `text` comes before `other`. */
function compare(text: Uint8Array, length: number, other: Uint8Array): number {
  const common = Math.min(length, other.length);
  for (let i = 0; i < common; i++) {
    const difference = (text[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return length - other.length;
}

function hasAddress(answer: Answer, wanted: Answer): boolean {
  return holdsWords(answer.a, wanted.a, WORDS_PER_A) || holdsWords(answer.aaaa, wanted.aaaa, WORDS_PER_AAAA);
}

function holdsWords(words: Uint32Array, wanted: Uint32Array, stride: number): boolean {
  if (wanted.length === 0) return false;
  for (let at = 0; at < words.length; at += stride) {
    let i = 0;
    while (i < stride && words[at + i] === wanted[i]) i++;
    if (i === stride) return true;
  }
  return false;
}

/** Names are ASCII: a text that is not finds none. */
function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => Math.min(character.charCodeAt(0), 255));
}
