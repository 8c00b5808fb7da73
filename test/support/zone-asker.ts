import { createRespondContext } from '../../src/core/zone/reply.ts';
import { respond } from '../../src/core/zone/respond.ts';
import type { Zone } from '../../src/core/zone/zone.ts';
import { type QueryOptions, queryBytes, type ReplyText, readReply } from './dns-query.ts';

export interface ZoneAskOptions extends QueryOptions {
  readonly tcp?: boolean;
  readonly synced?: boolean;
  readonly forwarding?: boolean;
}

/** Asks a zone as a listener does; `forward` and `drop` are what is not answered. */
export function askZone(
  zone: Zone,
  name: string,
  type: string,
  options: ZoneAskOptions = {},
): ReplyText | 'forward' | 'forward, NODATA' | 'drop' {
  const serverId = new TextEncoder().encode('pod-a');
  const ctx = createRespondContext({ maxAnswers: 16, serverId, forwarding: options.forwarding ?? false }, 7);
  ctx.tcp = options.tcp ?? false;
  ctx.synced = options.synced ?? true;
  const packet = queryBytes(name, type, { rd: options.forwarding ?? false, ...options });
  const out = new Uint8Array(65_535);
  const length = respond(packet, packet.length, out, zone, ctx);
  if (length === 0) return 'drop';
  if (length < 0) return ctx.forwardedNameExists ? 'forward, NODATA' : 'forward';
  return readReply(out.slice(0, length));
}

/**
 * A reply in one line: `A 10.0.0.1, 10.0.0.2` (sorted), `NODATA soa sko.ai`, `NXDOMAIN soa minilb`, `CNAME lb.example.com`, `REFUSED`,
 * `forward`.
 */
export function answerLine(zone: Zone, name: string, type: string, options: ZoneAskOptions = {}): string {
  const reply = askZone(zone, name, type, options);
  if (typeof reply === 'string') return reply;
  const [soa] = reply.authorities;
  const negative = soa ? ` soa ${soa.split(' ')[0]}` : '';
  if (reply.answers.length === 0) return reply.rcode === 'NOERROR' ? `NODATA${negative}` : `${reply.rcode}${negative}`;
  const lines = reply.answers.map((line) => line.split(' ').slice(1).join(' '));
  return lines.sort().join(', ');
}
