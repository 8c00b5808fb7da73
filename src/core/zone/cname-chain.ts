import { type DnsName, isAtOrBelow, nameToWire } from '../value/dns-name.ts';
import type { DecodedRecord } from '../wire/decode.ts';
import { closeRecord, openRecord, QUESTION_POINTER, writeBytes, writeName, writeU16, writeU32 } from '../wire/encode.ts';
import { CLASS, FLAG, RCODE, TYPE } from '../wire/message.ts';
import type { Answer } from './answer.ts';
import { lookUpName, type Place } from './lookup.ts';
import { addAddresses, addRecords, addSoa, type RespondContext } from './reply.ts';
import type { Zone } from './zone.ts';

/** Longest chain that is followed; a loop ends here too. */
const CHAIN_LENGTH_MAX = 8;
const RECORD_HEAD_BYTES = 12;

/**
 * Answers a name that is an alias: the CNAME, and what its target holds as far as the zone knows it. The RCODE is that of the last
 * name (RFC 6604 §3); a target outside the zone is the client's to follow.
 */
export function addAliasChain(ctx: RespondContext, zone: Zone, first: Answer): void {
  addTarget(ctx, zone, QUESTION_POINTER, first);
}

/** Adds what the name at `owner` (a compression pointer) holds, CNAMEs followed: for the target of a CNAME already written. */
export function addTarget(ctx: RespondContext, zone: Zone, ownerOfFirst: number, first: Place): void {
  const { qtype } = ctx.query;
  let owner = ownerOfFirst;
  let place = first;
  let name: DnsName | undefined;
  for (let length = 0; place !== 'foreign'; length++) {
    if (place === 'absent') ctx.rcode = RCODE.NXDOMAIN;
    if (place === 'absent' || place === 'empty' || !place.cname) {
      addAddressesOrSoa(ctx, zone, owner, place, name);
      return;
    }
    const rdata = ctx.reply.at + RECORD_HEAD_BYTES;
    if (length >= CHAIN_LENGTH_MAX || !addCname(ctx, owner, nameToWire(place.cname), zone.config.ttlSeconds)) return;
    if (qtype === TYPE.CNAME || qtype === TYPE.ANY) return;
    name = place.cname;
    place = lookUpName(zone, name);
    owner = 0xc000 | rdata;
  }
  for (const record of ctx.foreignRecords ?? []) addForeign(ctx, record, zone.config.ttlSeconds);
}

/** The foreign name that a chain ends at; `undefined` for one that ends in the zone, or nowhere. */
export function foreignTarget(zone: Zone, first: Answer): DnsName | undefined {
  let place: Place = first;
  for (let length = 0; typeof place === 'object' && place.cname && length < CHAIN_LENGTH_MAX; length++) {
    const target: DnsName = place.cname;
    place = lookUpName(zone, target);
    if (place === 'foreign') return target;
  }
  return undefined;
}

/** A record that others gave for the end of a chain; kept no longer than our own. */
function addForeign(ctx: RespondContext, record: DecodedRecord, ttlSecondsMax: number): void {
  const { reply, query } = ctx;
  const { out, limit } = reply;
  const data = openRecord(out, reply.at, limit, record.owner, query, record.type, Math.min(record.ttlSeconds, ttlSecondsMax));
  addRecords(reply, closeRecord(out, data, writeBytes(out, data, limit, record.data)), 1);
}

/**
 * `name` is the target's: a claimed name outside the domain is a zone of its own as far as negative answers go. Absent where the caller has written the CNAME, or there is none.
 */
function addAddressesOrSoa(
  ctx: RespondContext,
  zone: Zone,
  owner: number,
  place: Answer | 'absent' | 'empty',
  name: DnsName | undefined,
): void {
  const { qtype } = ctx.query;
  const answer = typeof place === 'string' ? undefined : place;
  const words = qtype === TYPE.A ? answer?.a : qtype === TYPE.AAAA ? answer?.aaaa : undefined;
  if (answer && words && words.length > 0) addAddresses(ctx, owner, qtype, answer, zone.config.ttlSeconds);
  else addSoa(ctx, zone, 'authority', name && !isAtOrBelow(name, zone.config.domain) ? nameToWire(name) : zone.apex.wire);
}

function addCname(ctx: RespondContext, owner: number, target: Uint8Array, ttlSeconds: number): boolean {
  const { reply, query } = ctx;
  const { out, at } = reply;
  const end = at + RECORD_HEAD_BYTES > reply.limit ? -1 : writeName(out, at + RECORD_HEAD_BYTES, reply.limit, target, query);
  if (end < 0) {
    reply.flags |= FLAG.TC;
    return false;
  }
  writeU16(out, at, owner);
  writeU16(out, at + 2, TYPE.CNAME);
  writeU16(out, at + 4, CLASS.IN);
  writeU32(out, at + 6, ttlSeconds);
  reply.at = closeRecord(out, at + RECORD_HEAD_BYTES, end);
  reply.answers++;
  return true;
}
