import { nameToWire } from '../value/dns-name.ts';
import { ipBytes } from '../value/ip.ts';
import { writeAddressOf, writeSrv } from '../wire/encode.ts';
import { FLAG, HEADER_BYTES, TYPE } from '../wire/message.ts';
import { type Answer, type SrvPort, WORDS_PER_A, WORDS_PER_AAAA } from './answer.ts';
import { addRecords, askedName, type RespondContext } from './reply.ts';
import { writeAddresses } from './shuffle.ts';

/** Label of `_port._proto.<name>` at which the name begins. */
const NAME_LABEL = 2;

/**
 * Answers `_port._proto.<name>` with SRV records (RFC 2782): the name itself as target when one port serves all its addresses, else each
 * endpoint's own name; addresses in the additional section as far as they fit.
 */
export function addSrv(ctx: RespondContext, port: SrvPort, base: Answer, ttlSeconds: number): void {
  if (port.endpoints.length > 0) addEndpointSrv(ctx, port, ttlSeconds);
  else addNameSrv(ctx, port, base, ttlSeconds);
}

function addNameSrv(ctx: RespondContext, { port }: SrvPort, base: Answer, ttlSeconds: number): void {
  const { reply, query } = ctx;
  const start = query.offsets[NAME_LABEL] as number;
  // A target is no alias (RFC 2782): a load balancer by name is named itself, and whoever serves it has its addresses.
  const target = base.cname ? nameToWire(base.cname) : query.name.subarray(start, query.nameLength);
  const srv = { priority: 0, weight: 0, port, target };
  addRecords(reply, writeSrv(reply.out, reply.at, reply.limit, askedName(ctx), query, ttlSeconds, srv), 1);
  if ((reply.flags & FLAG.TC) !== 0 || base.cname) return;
  const owner = 0xc000 | (HEADER_BYTES + start);
  addAdditional(ctx, owner, base.a, WORDS_PER_A, base.behindA, ttlSeconds);
  addAdditional(ctx, owner, base.aaaa, WORDS_PER_AAAA, base.behindAaaa, ttlSeconds);
}

function addAdditional(ctx: RespondContext, owner: number, words: Uint32Array, stride: number, behind: number, ttlSeconds: number): void {
  const { reply } = ctx;
  const total = words.length / stride;
  const room = Math.floor((reply.limit - reply.at) / (12 + 4 * stride));
  const count = Math.min(total, room, ctx.tcp ? total : ctx.maxAnswers);
  reply.at = writeAddresses(reply.out, reply.at, owner, ttlSeconds, words, stride, count, behind, ctx.random);
  reply.additionals += count;
}

function addEndpointSrv(ctx: RespondContext, { endpoints }: SrvPort, ttlSeconds: number): void {
  const { reply, query } = ctx;
  let end = reply.at;
  for (const { port, target } of endpoints)
    end = writeSrv(reply.out, end, reply.limit, askedName(ctx), query, ttlSeconds, { priority: 0, weight: 0, port, target });
  addRecords(reply, end, endpoints.length);
  if (end < 0) return;
  for (const { address, target } of endpoints) {
    const behind = writeAddressOf(reply.out, reply.at, reply.limit, target, query, ttlSeconds, ipBytes(address));
    if (behind < 0) return;
    reply.at = behind;
    reply.additionals++;
  }
}

/** True when the query's type is answered by SRV records. */
export function asksSrv(qtype: number): boolean {
  return qtype === TYPE.SRV || qtype === TYPE.ANY;
}
