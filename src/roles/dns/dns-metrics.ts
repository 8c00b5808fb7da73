import type { Zone } from '../../core/zone/zone.ts';
import type { DnsCounters } from '../../shell/dns/handler.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { Metrics, Sample } from '../../shell/telemetry/metrics.ts';
import { exposeKinds } from '../kube-metrics.ts';
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
  exposeKinds(metrics, feed.kinds, clock);
  metrics.read('ready', () => [[{}, feed.waiting().length === 0 ? 1 : 0]]);
  metrics.read('zoneNames', () => [[{}, zone.names.size()]]);
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
