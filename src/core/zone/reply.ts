import { type DnsName, nameToWire } from '../value/dns-name.ts';
import { ipBytes } from '../value/ip.ts';
import type { DecodedRecord } from '../wire/decode.ts';
import {
  optBytes,
  replyFlags,
  writeAddressOf,
  writeCounts,
  writeNameRecord,
  writeOpt,
  writeReplyHead,
  writeSoa,
  writeU16,
} from '../wire/encode.ts';
import { FLAG, MESSAGE_BYTES_MAX, RCODE, TYPE, UDP_EDNS_BYTES_MAX, UDP_PLAIN_BYTES_MAX } from '../wire/message.ts';
import { createQuery, type Query } from '../wire/query.ts';
import { type Answer, WORDS_PER_A, WORDS_PER_AAAA } from './answer.ts';
import { type RandomState, writeAddresses } from './shuffle.ts';
import type { Zone } from './zone.ts';

/** All that answering one query needs besides the zone. One is made at start and reused, so that a query leaves no garbage. */
export interface RespondContext {
  /** Most addresses in a UDP answer for a name that need not be complete. */
  readonly maxAnswers: number;
  /** What `id.server` and NSID say, as bytes (RFC 4892, RFC 5001). */
  readonly serverId: Uint8Array;
  /** True with `-upstream`: names that are not ours are the forwarder's, see `FORWARD`. */
  readonly forwarding: boolean;
  /** True with `-fallthrough`: so are names in the zone that no namespace, Service or claim covers. */
  readonly fallthrough: boolean;
  readonly random: RandomState;
  /** Set by the listener before each query. */
  tcp: boolean;
  /** Who asks, for answers to probes; set before each query. */
  client: string;
  /** Set once, after the first sync. */
  synced: boolean;
  /** `FLAG.RA` for a client that may be forwarded for, else 0; set before each query (RFC 1035 §4.1.1). */
  ra: number;
  /** Set with `FORWARD`: the name exists here, so an NXDOMAIN from upstream is answered as NODATA. */
  forwardedNameExists: boolean;
  /** Set with `FORWARD`: a name of ours leads to this foreign one, which is to be asked for; then `respond` again with `foreignRecords`. */
  aliasTarget: DnsName | undefined;
  /** What others say of the foreign name that a chain ends at; absent where nobody was asked yet. */
  foreignRecords: readonly DecodedRecord[] | undefined;
  /** `query.name` cut to each length that was asked for, so that an owner name needs no copy. */
  readonly asked: Uint8Array[];
  /** The query just parsed; after `respond` it tells the type that was asked, for counters. */
  readonly query: Query;
  /** The RCODE just answered, for counters. */
  rcode: number;
  readonly reply: Reply;
}

/** The reply being written. */
export interface Reply {
  out: Uint8Array;
  at: number;
  /** Where the last record must end, so that the OPT still fits. */
  limit: number;
  flags: number;
  answers: number;
  authorities: number;
  additionals: number;
}

export type RespondOptions = Pick<RespondContext, 'maxAnswers' | 'serverId'> & Partial<Pick<RespondContext, 'forwarding' | 'fallthrough'>>;

export function createRespondContext(options: RespondOptions, seed: number): RespondContext {
  const reply: Reply = { out: new Uint8Array(0), at: 0, limit: 0, flags: 0, answers: 0, authorities: 0, additionals: 0 };
  return {
    forwarding: false,
    fallthrough: false,
    ...options,
    random: Uint32Array.of(seed | 1),
    tcp: false,
    client: '',
    synced: false,
    ra: 0,
    forwardedNameExists: false,
    aliasTarget: undefined,
    foreignRecords: undefined,
    asked: [],
    query: createQuery(),
    rcode: 0,
    reply,
  };
}

/** Largest reply to this query in bytes: TCP 65,535; UDP without EDNS 512, with it what the client takes, at most 1232. */
export function replyBytesMax(ctx: RespondContext): number {
  if (ctx.tcp) return MESSAGE_BYTES_MAX;
  return ctx.query.edns ? Math.min(ctx.query.udpSize, UDP_EDNS_BYTES_MAX) : UDP_PLAIN_BYTES_MAX;
}

/** Begins a reply of our own data: header, question, and room kept for the OPT. */
export function openReply(ctx: RespondContext, packet: Uint8Array, out: Uint8Array): Reply {
  const { reply, query } = ctx;
  reply.out = out;
  reply.at = writeReplyHead(out, packet, query, 0);
  reply.limit = replyBytesMax(ctx) - (query.edns ? optBytes(-1, null, nsidOf(ctx)) : 0);
  reply.flags = FLAG.AA | ctx.ra;
  reply.answers = 0;
  reply.authorities = 0;
  reply.additionals = 0;
  ctx.rcode = RCODE.NOERROR;
  return reply;
}

/** Writes flags, counts and OPT; returns the reply's length in bytes. */
export function closeReply(ctx: RespondContext): number {
  const { reply, query } = ctx;
  writeU16(reply.out, 2, replyFlags(query, ctx.rcode, reply.flags));
  writeCounts(reply.out, reply.answers, reply.authorities, reply.additionals + (query.edns ? 1 : 0));
  if (!query.edns) return reply.at;
  return writeOpt(reply.out, reply.at, replyBytesMax(ctx), query, ctx.rcode, UDP_EDNS_BYTES_MAX, -1, null, nsidOf(ctx));
}

function nsidOf(ctx: RespondContext): Uint8Array | null {
  return ctx.query.nsid ? ctx.serverId : null;
}

/** Takes the offset behind a whole RRset; where it did not fit, the reply is marked as cut (RFC 2181 §9). */
export function addRecords(reply: Reply, end: number, count: number): void {
  if (end < 0) reply.flags |= FLAG.TC;
  else {
    reply.at = end;
    reply.answers += count;
  }
}

/**
 * Adds the addresses of one family for `owner` (a compression pointer). A fair random subset is a whole answer over UDP unless the name
 * is `complete`; a complete one that does not fit is cut and says so. Addresses that come behind the others are in no subset.
 */
export function addAddresses(ctx: RespondContext, owner: number, type: number, answer: Answer, ttlSeconds: number): void {
  const { reply } = ctx;
  const words = type === TYPE.A ? answer.a : answer.aaaa;
  const stride = type === TYPE.A ? WORDS_PER_A : WORDS_PER_AAAA;
  const total = words.length / stride;
  const behind = type === TYPE.A ? answer.behindA : answer.behindAaaa;
  const whole = ctx.tcp || answer.complete;
  const room = Math.floor((reply.limit - reply.at) / (12 + 4 * stride));
  const fitting = Math.min(total, room, whole ? total : ctx.maxAnswers);
  const count = fitting < total && !whole ? Math.min(fitting, total - behind) : fitting;
  if (count < total && (whole || count === 0)) reply.flags |= FLAG.TC;
  reply.at = writeAddresses(reply.out, reply.at, owner, ttlSeconds, words, stride, count, behind, ctx.random);
  reply.answers += count;
}

/**
 * Adds the SOA to the authority section (RFC 2308 §3), or as the answer. Its TTL is the negative TTL. `owner` is the zone's own name
 * unless given.
 */
export function addSoa(ctx: RespondContext, zone: Zone, section: 'answer' | 'authority', owner: Uint8Array = zone.apex.wire): void {
  const { reply, query } = ctx;
  const end = writeSoa(reply.out, reply.at, reply.limit, owner, query, zone.config.ttlSeconds, zone.soa);
  if (end < 0) reply.flags |= FLAG.TC;
  else {
    reply.at = end;
    if (section === 'answer') reply.answers++;
    else reply.authorities++;
  }
}

/** The name asked for, in wire form; a view that is good until the next query. */
export function askedName(ctx: RespondContext): Uint8Array {
  const { asked, query } = ctx;
  const known = asked[query.nameLength];
  if (known) return known;
  const view = query.name.subarray(0, query.nameLength);
  asked[query.nameLength] = view;
  return view;
}

/** Adds the apex NS RRset and, as far as they fit, the addresses of its names that lie in the zone. */
export function addNameservers(ctx: RespondContext, zone: Zone, owner: Uint8Array = zone.apex.wire): void {
  const { reply, query } = ctx;
  const { ttlSeconds } = zone.config;
  const servers = zone.nameservers().map((server) => ({ wire: nameToWire(server.name), addresses: server.addresses.map(ipBytes) }));
  let end = reply.at;
  for (const { wire } of servers) end = writeNameRecord(reply.out, end, reply.limit, owner, query, TYPE.NS, ttlSeconds, wire);
  addRecords(reply, end, servers.length);
  if (end < 0) return;
  for (const { wire, addresses } of servers) {
    for (const address of addresses) {
      const behind = writeAddressOf(reply.out, reply.at, reply.limit, wire, query, ttlSeconds, address);
      if (behind < 0) return;
      reply.at = behind;
      reply.additionals++;
    }
  }
}
