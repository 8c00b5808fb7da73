import { type AddressGate, createAddressGate, forwardNetworks } from '../../core/forward/clients.ts';
import type { Ip } from '../../core/value/ip.ts';
import { EDE, FLAG, RCODE } from '../../core/wire/message.ts';
import type { RespondContext } from '../../core/zone/reply.ts';
import { fail } from '../../core/zone/respond.ts';
import type { Zone } from '../../core/zone/zone.ts';
import { createForwarder, type Forwarder, type ForwarderOptions } from '../../shell/dns/forwarder.ts';
import type { DnsHandler } from '../../shell/dns/handler.ts';
import type { LocalAddress } from '../../shell/dns/local-addresses.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import type { RoleContext } from '../role.ts';

export interface ForwardingOptions {
  readonly context: RoleContext<'dns'>;
  readonly zone: Zone;
  readonly ctx: RespondContext;
  readonly metrics: Metrics;
  /** On-link networks and Nodes' addresses, read anew every ten seconds. */
  readonly networks: () => readonly LocalAddress[];
  readonly nodeIps: () => Iterable<Ip>;
  readonly answered: ForwarderOptions['answered'];
}

/** The forwarder as the query path sees it. */
export interface Forwarding {
  /** `FLAG.RA` for a client that may be forwarded for, else 0. */
  readonly recursionFor: (address: string) => number;
  /** For queries that `respond` left: as `DnsHandler`. */
  readonly handle: DnsHandler;
  readonly upstreams: Forwarder['upstreams'];
  /** To be called once the listeners are there. */
  readonly start: () => void;
  readonly closed: () => Promise<void>;
}

const NETWORKS_MS = 10_000;

/** What `-upstream` adds to the DNS role; loaded only with it. */
export function createForwarding(options: ForwardingOptions, signal: AbortSignal): Forwarding {
  const { context, ctx, zone, metrics } = options;
  const { settings, clock, log } = context;
  const { syncGraceSeconds } = settings;
  const forwarder = createForwarder(
    { upstreams: settings.upstreams, zone, ctx, syncGraceSeconds, clock, log, answered: options.answered },
    signal,
  );
  expose(metrics, forwarder, clock.now);

  let gate: AddressGate | undefined;
  let gateUntilMs = 0;
  const currentGate = (): AddressGate => {
    const nowMs = clock.now();
    if (gate === undefined || nowMs >= gateUntilMs) {
      const onLink = options.networks().flatMap((local) => local.network ?? []);
      gate = createAddressGate(forwardNetworks({ forwardClients: settings.forwardClients, onLink, nodeIps: [...options.nodeIps()] }));
      gateUntilMs = nowMs + NETWORKS_MS;
    }
    return gate;
  };
  return {
    recursionFor: (address) => (currentGate().admits(address) ? FLAG.RA : 0),
    handle: (packet, length, out, client) =>
      ctx.ra === 0 ? fail(ctx, packet, out, RCODE.REFUSED, EDE.PROHIBITED) : forwarder.handle(packet, length, out, client),
    upstreams: forwarder.upstreams,
    start: forwarder.start,
    closed: forwarder.closed,
  };
}

function expose(metrics: Metrics, forwarder: Forwarder, now: () => number): void {
  const { upstreams, counters, state } = forwarder;
  metrics.read('forwardQueries', () => Object.entries(counters).map(([result, value]) => [{ result: kebab(result) }, value] as const));
  metrics.read('forwardUpstream', () =>
    upstreams.flatMap(({ text: upstream, answers, failures, silences }) => [
      [{ upstream, result: 'answer' }, answers] as const,
      [{ upstream, result: 'failure' }, failures] as const,
      [{ upstream, result: 'silence' }, silences] as const,
    ]),
  );
  metrics.read('forwardUsable', () =>
    upstreams.map(({ text: upstream, health }) => [{ upstream }, !health.looping && health.retryAtMs <= now() ? 1 : 0] as const),
  );
  metrics.read('forwardIgnored', () => [[{}, state().ignored]]);
  metrics.read('forwardTcp', () => [[{}, state().tcp]]);
  metrics.read('forwardInFlight', () => [[{}, state().inFlight]]);
  metrics.read('forwardCacheEntries', () => [[{}, state().cached]]);
  metrics.read('forwardCacheBytes', () => [[{}, state().cachedBytes]]);
}

/** `notSynced` → `not-synced`. */
function kebab(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
