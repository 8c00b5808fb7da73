import { QUESTION_POINTER, writeError, writeTxt } from '../wire/encode.ts';
import { CLASS, EDE, RCODE, TYPE, UDP_EDNS_BYTES_MAX } from '../wire/message.ts';
import { parseQuery, type Query } from '../wire/query.ts';
import type { Answer } from './answer.ts';
import { addAliasChain, foreignTarget } from './cname-chain.ts';
import { isClaimable, isCovered, isInZone, lookUp, lookUpSrv, type Place, srvBase } from './lookup.ts';
import { addProbe, isProbe } from './probe.ts';
import {
  addAddresses,
  addNameservers,
  addRecords,
  addSoa,
  askedName,
  closeReply,
  openReply,
  type RespondContext,
  replyBytesMax,
} from './reply.ts';
import { isReverse, lookUpReverse } from './reverse-lookup.ts';
import { respondReverse } from './reverse-reply.ts';
import { addSrv, asksSrv } from './srv-reply.ts';
import type { Zone } from './zone.ts';

const NO_EDE = -1;
/** What `respond` returns for a query that is to be asked upstream; `ctx.query` and `ctx.forwardedNameExists` say what. Nothing is written. */
export const FORWARD = -1;
/** `id.server` as a folded wire name (RFC 4892 §2.2). */
const ID_SERVER = Uint8Array.from([2, 105, 100, 6, 115, 101, 114, 118, 101, 114, 0]);

/**
 * Answers one query: returns the length of the reply written to `out` (at least 65,535 bytes for TCP, 1,232 for UDP), 0 for a
 * packet that gets none, or `FORWARD`. Never throws, whatever the packet holds; makes no garbage for addresses.
 *
 * The order of tests: length and QR; opcode; parse and OPT count; EDNS version; QDCOUNT; class; name; sync.
 */
export function respond(packet: Uint8Array, length: number, out: Uint8Array, zone: Zone, ctx: RespondContext): number {
  const { query } = ctx;
  switch (parseQuery(packet, length, query)) {
    case 'drop':
      return 0;
    case 'notimp':
      return fail(ctx, packet, out, RCODE.NOTIMP);
    case 'formerr':
      return fail(ctx, packet, out, RCODE.FORMERR);
    case 'badvers':
      return fail(ctx, packet, out, RCODE.BADVERS);
    case 'ok':
      break;
  }
  if (query.qclass !== CLASS.IN) return query.qclass === CLASS.CH ? respondChaos(ctx, packet, out) : fail(ctx, packet, out, RCODE.REFUSED);
  if (query.qtype === TYPE.AXFR || query.qtype === TYPE.IXFR) return fail(ctx, packet, out, RCODE.REFUSED);
  const inZone = isInZone(zone, query);
  if (!ctx.synced) {
    const ours = inZone || isClaimable(zone, query);
    return ours ? fail(ctx, packet, out, RCODE.SERVFAIL, EDE.NOT_READY) : respondForeign(packet, out, ctx);
  }
  if (!inZone && isReverse(query)) {
    const reverse = lookUpReverse(zone, query);
    if (reverse) return respondReverse(packet, out, zone, ctx, reverse);
  }
  const srv = lookUpSrv(zone, query);
  if (srv !== undefined) return respondSrv(packet, out, zone, ctx, srv, inZone);
  const place = lookUp(zone, query);
  return inZone ? respondFromZone(packet, out, zone, ctx, place) : respondOutside(packet, out, zone, ctx, place);
}

/** `FORWARD` where this query may go upstream, else 0. `exists`: an NXDOMAIN from there becomes NODATA. */
function forward(ctx: RespondContext, exists: boolean): number {
  if (!ctx.forwarding || !ctx.query.rd) return 0;
  ctx.forwardedNameExists = exists;
  ctx.aliasTarget = undefined;
  return FORWARD;
}

/**
 * `FORWARD` for an alias of ours that leads out of the zone: stub resolvers and dnsmasq do not follow a CNAME that comes alone. 0 where
 * nobody may be asked for this client, and when the target's records are there.
 */
function forwardAlias(ctx: RespondContext, zone: Zone, place: Answer): number {
  const { qtype } = ctx.query;
  if (ctx.ra === 0 || ctx.foreignRecords !== undefined || (qtype !== TYPE.A && qtype !== TYPE.AAAA)) return 0;
  const target = ctx.forwarding && ctx.query.rd ? foreignTarget(zone, place) : undefined;
  if (target === undefined) return 0;
  ctx.aliasTarget = target;
  return FORWARD;
}

/** Refuses whoever asks (RFC 8914 §4.19), with the same tests of the packet as `respond`. */
export function respondProhibited(packet: Uint8Array, length: number, out: Uint8Array, ctx: RespondContext): number {
  return parseQuery(packet, length, ctx.query) === 'drop' ? 0 : fail(ctx, packet, out, RCODE.REFUSED, EDE.PROHIBITED);
}

function respondFromZone(packet: Uint8Array, out: Uint8Array, zone: Zone, ctx: RespondContext, place: Place): number {
  const { query } = ctx;
  const probe = place === 'absent' && isProbe(zone, query);
  if (place === 'absent' && !probe && ctx.fallthrough && !isCovered(zone, query) && forward(ctx, false)) return FORWARD;
  if (typeof place === 'object' && place.cname && forwardAlias(ctx, zone, place)) return FORWARD;
  openReply(ctx, packet, out);
  if (probe) addProbe(ctx, zone);
  else if (place === 'absent') {
    ctx.rcode = RCODE.NXDOMAIN;
    addSoa(ctx, zone, 'authority');
  } else if (query.labels === zone.apex.labels && addApex(ctx, zone)) {
    // SOA and NS stand at the apex alone.
  } else if (place === 'empty' || place === 'foreign') addSoa(ctx, zone, 'authority');
  else if (place.cname) addAliasChain(ctx, zone, place);
  else addAnswer(ctx, zone, place, zone.apex.wire);
  return closeReply(ctx);
}

/**
 * Answers for a name outside the zone. A claim owns addresses and what goes with them; other types are the real zone's, and asked there
 * where they can be. Negative answers bear the asked name as the SOA's owner, so that a cache takes them for that name alone.
 */
function respondOutside(packet: Uint8Array, out: Uint8Array, zone: Zone, ctx: RespondContext, place: Place): number {
  if (place === 'foreign' || place === 'absent') return respondForeign(packet, out, ctx);
  if ((place === 'empty' || !isOwnedType(ctx.query.qtype)) && forward(ctx, true)) return FORWARD;
  if (typeof place === 'object' && place.cname && forwardAlias(ctx, zone, place)) return FORWARD;
  openReply(ctx, packet, out);
  if (place === 'empty') addSoa(ctx, zone, 'authority', askedName(ctx));
  else if (place.cname && isAliasedType(ctx.query.qtype)) addAliasChain(ctx, zone, place);
  else addAnswer(ctx, zone, place, askedName(ctx));
  return closeReply(ctx);
}

function respondForeign(packet: Uint8Array, out: Uint8Array, ctx: RespondContext): number {
  return forward(ctx, false) || fail(ctx, packet, out, RCODE.REFUSED, EDE.NOT_AUTHORITATIVE);
}

/** Types that are answered for a claimed name outside the zone, or with no data: forwarded, they would let others' addresses in. */
function isOwnedType(qtype: number): boolean {
  switch (qtype) {
    case TYPE.SOA: // ACME clients would take one for a zone cut
    case TYPE.NS:
    case TYPE.DS: // RFC 4035 §3.1.4.1
    case TYPE.DNSKEY:
    case TYPE.RRSIG:
    case TYPE.NSEC:
    case TYPE.NSEC3:
    case TYPE.NSEC3PARAM:
      return true;
    default:
      return isAliasedType(qtype);
  }
}

/** Types that a claim's CNAME stands for; the others are not the claim's. */
function isAliasedType(qtype: number): boolean {
  return (
    qtype === TYPE.A || qtype === TYPE.AAAA || qtype === TYPE.HTTPS || qtype === TYPE.SVCB || qtype === TYPE.CNAME || qtype === TYPE.ANY
  );
}

function respondSrv(
  packet: Uint8Array,
  out: Uint8Array,
  zone: Zone,
  ctx: RespondContext,
  srv: Exclude<ReturnType<typeof lookUpSrv>, undefined>,
  inZone: boolean,
): number {
  const { query } = ctx;
  if (!inZone && (srv === 'empty' || !asksSrv(query.qtype)) && forward(ctx, true)) return FORWARD;
  openReply(ctx, packet, out);
  const base = srv === 'empty' ? undefined : srvBase(zone, query);
  if (srv !== 'empty' && base && asksSrv(query.qtype)) addSrv(ctx, srv, base, zone.config.ttlSeconds);
  else addSoa(ctx, zone, 'authority', inZone ? zone.apex.wire : askedName(ctx));
  return closeReply(ctx);
}

function addAnswer(ctx: RespondContext, zone: Zone, answer: Answer, soaOwner: Uint8Array): void {
  const type = addressType(ctx.query, answer);
  if (type) addAddresses(ctx, QUESTION_POINTER, type, answer, zone.config.ttlSeconds);
  else addSoa(ctx, zone, 'authority', soaOwner);
}

/** The address type that answers the query, 0 for none. ANY gets one RRset (RFC 8482 §4.1). */
function addressType(query: Query, answer: Answer): number {
  const { qtype } = query;
  if ((qtype === TYPE.A || qtype === TYPE.ANY) && answer.a.length > 0) return TYPE.A;
  if ((qtype === TYPE.AAAA || qtype === TYPE.ANY) && answer.aaaa.length > 0) return TYPE.AAAA;
  return 0;
}

function addApex(ctx: RespondContext, zone: Zone): boolean {
  const { qtype } = ctx.query;
  if (qtype === TYPE.SOA || qtype === TYPE.ANY) addSoa(ctx, zone, 'answer');
  else if (qtype === TYPE.NS) addNameservers(ctx, zone);
  else return false;
  return true;
}

/** Class CH: `id.server` names this server; `version.bind` and all else are nobody's business (RFC 4892 §3). */
function respondChaos(ctx: RespondContext, packet: Uint8Array, out: Uint8Array): number {
  const { query } = ctx;
  if (!isIdServer(query) || (query.qtype !== TYPE.TXT && query.qtype !== TYPE.ANY)) return fail(ctx, packet, out, RCODE.REFUSED);
  const reply = openReply(ctx, packet, out);
  addRecords(reply, writeTxt(out, reply.at, reply.limit, ID_SERVER, query, 0, ctx.serverId, CLASS.CH), 1);
  return closeReply(ctx);
}

function isIdServer(query: Query): boolean {
  if (query.nameLength !== ID_SERVER.length) return false;
  for (let i = 0; i < ID_SERVER.length; i++) if (query.name[i] !== ID_SERVER[i]) return false;
  return true;
}

/** Answers the query in `ctx` by its RCODE alone, with an Extended DNS Error unless `edeCode` is -1; AA is not set. */
export function fail(ctx: RespondContext, packet: Uint8Array, out: Uint8Array, rcode: number, edeCode: number = NO_EDE): number {
  ctx.rcode = rcode;
  const end = Math.max(0, writeError(out, replyBytesMax(ctx), packet, ctx.query, rcode, UDP_EDNS_BYTES_MAX, edeCode));
  if (end > 0) out[3] = (out[3] as number) | ctx.ra;
  return end;
}
