import { type DnsName, nameToWire } from '../value/dns-name.ts';
import type { AnswerReport } from '../value/report.ts';
import { decodeMessage } from '../wire/decode.ts';
import { writeU16 } from '../wire/encode.ts';
import { CLASS, FLAG, HEADER_BYTES, MESSAGE_BYTES_MAX, RCODE, rcodeName, TYPE, typeName } from '../wire/message.ts';
import { recordDataText } from '../wire/text.ts';
import { createRespondContext } from '../zone/reply.ts';
import { FORWARD, respond } from '../zone/respond.ts';
import type { Zone } from '../zone/zone.ts';

/** How the server that is explained deals with names that are not its own. */
export interface AskOptions {
  readonly synced: boolean;
  /** With `-upstream`. */
  readonly forwarding: boolean;
  readonly fallthrough: boolean;
}

/** The types that a report shows for a name; the key is what `AnswerReport.type` says. */
export type AskType = 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'PTR' | 'SOA' | 'NS';

/**
 * Asks the zone as a client would over TCP, through the code that answers clients: what is reported is what they get. All addresses are
 * listed, where UDP may give a part of them.
 */
export function ask(zone: Zone, name: DnsName, type: AskType, options: AskOptions): AnswerReport {
  const ctx = createRespondContext(
    { maxAnswers: 1, serverId: new Uint8Array(0), forwarding: options.forwarding, fallthrough: options.fallthrough },
    1,
  );
  ctx.tcp = true;
  ctx.synced = options.synced;
  const query = queryOf(name, TYPE[type]);
  const out = new Uint8Array(MESSAGE_BYTES_MAX);
  const length = respond(query, query.length, out, zone, ctx);
  if (length === FORWARD) return { name, type, outcome: 'forwarded', records: [] };
  const reply = decodeMessage(out.subarray(0, length));
  if (!reply.ok) throw new Error(`our own reply cannot be read: ${reply.detail}`);
  const { rcode, answers } = reply.value;
  const records = answers.map((record) => `${typeName(record.type)} ${recordDataText(record)}`).sort();
  const wanted = records.length > 0 ? 'answer' : 'NODATA';
  return { name, type, outcome: rcode === RCODE.NOERROR ? wanted : rcodeName(rcode), records };
}

/** A query with RD, without EDNS (RFC 1035 §4.1). */
function queryOf(name: DnsName, type: number): Uint8Array {
  const wire = nameToWire(name);
  const query = new Uint8Array(HEADER_BYTES + wire.length + 4);
  writeU16(query, 2, FLAG.RD);
  writeU16(query, 4, 1);
  query.set(wire, HEADER_BYTES);
  writeU16(query, HEADER_BYTES + wire.length, type);
  writeU16(query, HEADER_BYTES + wire.length + 2, CLASS.IN);
  return query;
}
