import { nameToWire } from '../value/dns-name.ts';
import { writeNameRecord } from '../wire/encode.ts';
import { RCODE, TYPE } from '../wire/message.ts';
import { addNameservers, addRecords, addSoa, askedName, closeReply, openReply, type RespondContext } from './reply.ts';
import type { ReversePlace } from './reverse-lookup.ts';
import type { Zone } from './zone.ts';

/** Answers for a name in one of the reverse zones: PTR of endpoints, SOA and NS at the apex. */
export function respondReverse(packet: Uint8Array, out: Uint8Array, zone: Zone, ctx: RespondContext, place: ReversePlace): number {
  const { query } = ctx;
  const { qtype } = query;
  const reply = openReply(ctx, packet, out);
  const apex = query.name.subarray(query.offsets[place.apex], query.nameLength);
  const isApex = place.apex === 0;
  if (!place.exists) {
    ctx.rcode = RCODE.NXDOMAIN;
    addSoa(ctx, zone, 'authority', apex);
  } else if (place.target && (qtype === TYPE.PTR || qtype === TYPE.ANY)) {
    const { ttlSeconds } = zone.config;
    const target = nameToWire(place.target);
    addRecords(reply, writeNameRecord(reply.out, reply.at, reply.limit, askedName(ctx), query, TYPE.PTR, ttlSeconds, target), 1);
  } else if (isApex && (qtype === TYPE.SOA || qtype === TYPE.ANY)) addSoa(ctx, zone, 'answer', apex);
  else if (isApex && qtype === TYPE.NS) addNameservers(ctx, zone, apex);
  else addSoa(ctx, zone, 'authority', apex);
  return closeReply(ctx);
}
