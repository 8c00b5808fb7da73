import { writeAddressOf, writeTxt } from '../wire/encode.ts';
import { TYPE } from '../wire/message.ts';
import type { WireName } from '../wire/query.ts';
import { addRecords, addSoa, askedName, type RespondContext } from './reply.ts';
import type { Searchable } from './searchable.ts';
import { randomBelow } from './shuffle.ts';
import type { Zone } from './zone.ts';

/** The label below the apex at and below which every server of the zone answers probes: no Service can have it. */
export const PROBE_LABEL = '_minilb';

/** The longest that an answer may be kept: whoever measures a cache waits for as long. */
const TTL_SECONDS_MAX = 5;
const WIRE_LABEL = Uint8Array.of(PROBE_LABEL.length, ...ascii(PROBE_LABEL));

/** True for `_minilb.<domain>` and names below it; asked only of names that nothing has. */
export function isProbe({ apex }: Searchable, query: WireName): boolean {
  const label = query.labels - apex.labels - 1;
  if (label < 0) return false;
  const start = query.offsets[label] as number;
  for (let i = 0; i < WIRE_LABEL.length; i++) if (query.name[start + i] !== WIRE_LABEL[i]) return false;
  return true;
}

/**
 * Answers a probe, of three types. TXT says who is asked (as `id.server`) and who asks. AAAA is drawn anew for each answer, so that a cache that
 * gives the same twice is seen; it lies in 100::/64, which leads nowhere (RFC 6666), for caches treat addresses unlike other data. All else
 * has no data.
 */
export function addProbe(ctx: RespondContext, zone: Zone): void {
  const { query, reply } = ctx;
  const ttlSeconds = Math.min(zone.config.ttlSeconds, TTL_SECONDS_MAX);
  if (query.qtype === TYPE.TXT) {
    const text = ascii(`client=${ctx.client} server=${String.fromCharCode(...ctx.serverId)}`);
    addRecords(reply, writeTxt(reply.out, reply.at, reply.limit, askedName(ctx), query, ttlSeconds, text), 1);
  } else if (query.qtype === TYPE.AAAA) {
    const address = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, ...Array.from({ length: 8 }, () => randomBelow(ctx.random, 256)));
    addRecords(reply, writeAddressOf(reply.out, reply.at, reply.limit, askedName(ctx), query, ttlSeconds, address), 1);
  } else addSoa(ctx, zone, 'authority');
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
