import { createAddressGate } from '../../core/forward/clients.ts';
import type { Cidr } from '../../core/value/ip.ts';
import type { RespondContext } from '../../core/zone/reply.ts';
import { FORWARD, respond, respondProhibited } from '../../core/zone/respond.ts';
import type { Zone } from '../../core/zone/zone.ts';
import type { DnsHandler } from '../../shell/dns/handler.ts';
import type { Forwarding } from './forwarding.ts';
import type { QueryObserver } from './query-observer.ts';

export interface QueryHandlerOptions {
  readonly zone: Zone;
  readonly ctx: RespondContext;
  readonly queries: QueryObserver;
  /** Who may ask at all; empty: anybody. */
  readonly clients: readonly Cidr[];
  readonly forwarding: Forwarding | undefined;
}

/** What the listeners call for each query. Names of ours are answered without a promise, whatever is forwarded meanwhile. */
export function createQueryHandler({ zone, ctx, queries, clients, forwarding }: QueryHandlerOptions): DnsHandler {
  const gate = clients.length > 0 ? createAddressGate(clients) : undefined;
  return (packet, length, out, client) => {
    ctx.tcp = client.transport === 'tcp';
    ctx.client = client.address;
    ctx.ra = forwarding === undefined ? 0 : forwarding.recursionFor(client.address);
    const begun = queries.begin();
    const prohibited = gate !== undefined && !gate.admits(client.address);
    let written = prohibited ? respondProhibited(packet, length, out, ctx) : respond(packet, length, out, zone, ctx);
    if (written === FORWARD && forwarding !== undefined) written = forwarding.handle(packet, length, out, client);
    queries.end(ctx, client, written, begun);
    return written;
  };
}
