import { writeTxt } from '../wire/encode.ts';
import { TYPE } from '../wire/message.ts';
import type { WireName } from '../wire/query.ts';
import { addRecords, addSoa, askedName, type RespondContext } from './reply.ts';
import type { Searchable } from './searchable.ts';
import { randomBelow } from './shuffle.ts';
import type { Zone } from './zone.ts';

/** The label below the apex at and below which every server of the zone answers TXT (docs/decisions): no Service can have it. */
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
 * Answers a probe: TXT says who is asked (as `id.server`), who asks, and a number that is another one in each answer, so that a cache that
 * gives the same twice is seen; other types have no data.
 */
export function addProbe(ctx: RespondContext, zone: Zone): void {
  const { query, reply } = ctx;
  if (query.qtype !== TYPE.TXT && query.qtype !== TYPE.ANY) {
    addSoa(ctx, zone, 'authority');
    return;
  }
  const draw = randomBelow(ctx.random, 0x1_0000_0000).toString(16);
  const text = ascii(`draw=${draw} client=${ctx.client} server=${String.fromCharCode(...ctx.serverId)}`);
  const ttlSeconds = Math.min(zone.config.ttlSeconds, TTL_SECONDS_MAX);
  addRecords(reply, writeTxt(reply.out, reply.at, reply.limit, askedName(ctx), query, ttlSeconds, text), 1);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
