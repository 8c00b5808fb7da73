import type { Zone } from '../../core/zone/zone.ts';
import type { DnsCounters } from '../../shell/dns/handler.ts';
import type { ReflectorObserver } from '../../shell/kube/reflector.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { Metrics, Sample } from '../../shell/telemetry/metrics.ts';
import type { ClusterFeed } from './cluster-feed.ts';

/** Lets a scrape read what the listeners count. */
export function exposeDns(metrics: Metrics, counters: DnsCounters): void {
  metrics.read('dnsDropped', () => dropped(counters));
  metrics.read('dnsReceived', () => byTransport(counters.udpQueries, counters.tcpQueries));
  metrics.read('dnsReplies', () => byTransport(counters.udpReplies, counters.tcpReplies));
  metrics.read('dnsSocketErrors', () => [
    [{ kind: 'retried' }, counters.udpRetries],
    [{ kind: 'reported' }, counters.udpErrors],
  ]);
  metrics.read('dnsTcpConnections', () => [[{}, counters.tcpConnections]]);
  metrics.read('dnsTcpOpen', () => [[{}, counters.tcpOpen]]);
  metrics.read('dnsFaults', () => [[{}, counters.faults]]);
}

/** Lets a scrape read what is known of the cluster, and what it became. */
export function exposeFeed(metrics: Metrics, feed: ClusterFeed, zone: Zone, clock: Clock): void {
  metrics.read('kubeObjects', () => feed.kinds().map(([kind, , objects]) => [{ kind }, objects] as const));
  metrics.read('kubeSynced', () => feed.kinds().map(([kind, reflector]) => [{ kind }, reflector.state().synced ? 1 : 0] as const));
  metrics.read('kubeConnected', () => feed.kinds().map(([kind, reflector]) => [{ kind }, reflector.state().connected ? 1 : 0] as const));
  metrics.read('kubeHeardAge', () => heardAges(feed, clock.now()));
  metrics.read('ready', () => [[{}, feed.waiting().length === 0 ? 1 : 0]]);
  metrics.read('zoneNames', () => [[{}, zone.names.size()]]);
}

/** Counts what happens to watches, and when something of a kind last arrived. */
export interface WatchObserver extends ReflectorObserver {
  /** Monotonic milliseconds; the time of the call for a kind that has not been heard of. */
  readonly arrivedAtMs: (kind: string) => number;
}

export function watchObserver(metrics: Metrics, clock: Clock): WatchObserver {
  const arrived = new Map<string, number>();
  return {
    restarted: (kind, code) => metrics.inc('kubeWatchFailures', { kind, code }),
    corrected: (kind, count) => metrics.inc('resyncCorrections', { kind }, count),
    skipped: (kind) => metrics.inc('kubeMalformed', { kind }),
    received: (kind, bytes) => {
      arrived.set(kind, clock.now());
      metrics.inc('kubeReceived', { kind }, bytes);
    },
    arrivedAtMs: (kind) => arrived.get(kind) ?? clock.now(),
  };
}

/** A kind that was never heard of has no age: `minilb_kube_synced` says so. */
function heardAges(feed: ClusterFeed, nowMs: number): readonly Sample<'kubeHeardAge'>[] {
  return feed.kinds().flatMap(([kind, reflector]) => {
    const { heardAtMs } = reflector.state();
    return heardAtMs === undefined ? [] : [[{ kind }, (nowMs - heardAtMs) / 1000] as const];
  });
}

function byTransport(udp: number, tcp: number): readonly (readonly [{ readonly transport: string }, number])[] {
  return [
    [{ transport: 'udp' }, udp],
    [{ transport: 'tcp' }, tcp],
  ];
}

function* dropped(counters: DnsCounters): Iterable<Sample<'dnsDropped'>> {
  const rows = [
    ['udp', 'source-port-0', counters.udpPortZero],
    ['udp', 'send-refused', counters.udpRefused],
    ['udp', 'queue-full', counters.udpOverflow],
    ['tcp', 'too-many-connections', counters.tcpOverflow],
    ['tcp', 'idle', counters.tcpIdle],
    ['tcp', 'slow-client', counters.tcpSlow],
  ] as const;
  for (const [transport, reason, value] of rows) yield [{ transport, reason }, value];
}
