import { type DnsName, isAtOrBelow } from '../value/dns-name.ts';
import { writeBytes, writeSoa, writeU32 } from '../wire/encode.ts';
import { FLAG, RCODE, TYPE } from '../wire/message.ts';
import { addTarget } from '../zone/cname-chain.ts';
import { isCoveredName, lookUpName } from '../zone/lookup.ts';
import { closeReply, openReply, type RespondContext } from '../zone/reply.ts';
import type { Zone } from '../zone/zone.ts';
import type { Alias, UpstreamAnswer } from './upstream-answer.ts';

/** What a claim answers of the types that an alias can be followed for. */
const CLAIMED_TYPES: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.HTTPS, TYPE.SVCB]);

/** No cap on TTLs. */
export const ANY_TTL = 0x7fffffff;

/**
 * Writes a forwarded answer as the reply to the query in `ctx`, whose question it answers; returns the reply's length in bytes. A chain
 * that reaches a name of ours is completed from the zone: what the upstream said beyond that CNAME is dropped, the RCODE is that of the
 * last name (RFC 6604 §3) and no TTL is longer than the zone's. AA is never set; AD only if asked for (RFC 6840 §5.8).
 */
export function writeAnswer(
  packet: Uint8Array,
  out: Uint8Array,
  zone: Zone,
  ctx: RespondContext,
  answer: UpstreamAnswer,
  ageSeconds: number,
  ttlSecondsMax: number,
): number {
  const { query } = ctx;
  const reply = openReply(ctx, packet, out);
  reply.flags = ctx.ra;
  const local = firstLocal(zone, ctx, answer.aliases);
  if (local === undefined) {
    if (answer.authentic && (query.do || (query.flags & FLAG.AD) !== 0)) reply.flags |= FLAG.AD;
    ctx.rcode = answer.rcode === RCODE.NXDOMAIN && ctx.forwardedNameExists ? RCODE.NOERROR : answer.rcode;
    if (addBody(ctx, answer, answer.body.length, ageSeconds, ttlSecondsMax)) {
      reply.answers = answer.answers;
      reply.authorities = answer.authorities;
    }
    return closeReply(ctx);
  }
  const place = local.target === undefined ? 'foreign' : lookUpName(zone, local.target);
  if (addBody(ctx, answer, local.end, ageSeconds, Math.min(ttlSecondsMax, zone.config.ttlSeconds))) {
    reply.answers = local.answers;
    addTarget(ctx, zone, 0xc000 | local.targetAt, place);
  }
  return closeReply(ctx);
}

/** NXDOMAIN of our own making, with an SOA at the name itself for its TTL (RFC 2308 §3): names that must not exist here. */
export function writeNoSuchName(packet: Uint8Array, out: Uint8Array, zone: Zone, ctx: RespondContext): number {
  const { query } = ctx;
  const reply = openReply(ctx, packet, out);
  reply.flags = ctx.ra;
  ctx.rcode = RCODE.NXDOMAIN;
  const name = query.name.subarray(0, query.nameLength);
  const end = writeSoa(out, reply.at, reply.limit, name, query, zone.config.ttlSeconds, zone.soa);
  if (end >= 0) {
    reply.at = end;
    reply.authorities = 1;
  }
  return closeReply(ctx);
}

function firstLocal(zone: Zone, ctx: RespondContext, aliases: readonly Alias[]): Alias | undefined {
  for (const alias of aliases) if (alias.target !== undefined && isLocal(zone, ctx, alias.target)) return alias;
  return undefined;
}

/** Whether the zone speaks for this name and the type asked for: as `respond` would for a query. */
function isLocal(zone: Zone, ctx: RespondContext, name: DnsName): boolean {
  const place = lookUpName(zone, name);
  if (place === 'foreign') return false;
  if (isAtOrBelow(name, zone.config.domain)) return !(place === 'absent' && ctx.fallthrough && !isCoveredName(zone, name));
  // Outside the zone a claim owns addresses; the rest is the real zone's.
  return typeof place === 'object' && CLAIMED_TYPES.has(ctx.query.qtype);
}

/** Copies the first `end` bytes with their TTLs lowered; where they do not fit, the reply is marked as cut and stays empty (RFC 2181 §9). */
function addBody(ctx: RespondContext, answer: UpstreamAnswer, end: number, ageSeconds: number, ttlSecondsMax: number): boolean {
  const { reply } = ctx;
  const { body, ttlAt } = answer;
  const behind = writeBytes(reply.out, reply.at, reply.limit, end === body.length ? body : body.subarray(0, end));
  if (behind < 0) {
    reply.flags |= FLAG.TC;
    return false;
  }
  for (let i = 0; i < ttlAt.length && (ttlAt[i] as number) < end; i++) {
    const at = ttlAt[i] as number;
    const given =
      (((body[at] as number) << 24) | ((body[at + 1] as number) << 16) | ((body[at + 2] as number) << 8) | (body[at + 3] as number)) >>> 0;
    writeU32(reply.out, reply.at + at, Math.min(Math.max(0, given - ageSeconds), ttlSecondsMax));
  }
  reply.at = behind;
  return true;
}
