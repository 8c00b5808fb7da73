import type { DnsCounters } from '../../shell/dns/handler.ts';
import type { ReflectorObserver } from '../../shell/kube/reflector.ts';
import type { Metrics, Sample } from '../../shell/telemetry/metrics.ts';
import type { ClusterFeed } from './cluster-feed.ts';
import type { QueryCounters } from './query-counters.ts';

/** Lets a scrape read what the query path and the listeners count. */
export function exposeDns(metrics: Metrics, queries: QueryCounters, counters: DnsCounters): void {
  metrics.read('dnsQueries', queries.samples);
  metrics.read('dnsDropped', () => dropped(counters));
}

/** Lets a scrape read what is known of the cluster. */
export function exposeFeed(metrics: Metrics, feed: ClusterFeed): void {
  metrics.read('kubeObjects', () => feed.kinds().map(([kind, , objects]) => [{ kind }, objects] as const));
  metrics.read('kubeSynced', () => feed.kinds().map(([kind, reflector]) => [{ kind }, reflector.state().synced ? 1 : 0] as const));
  metrics.read('ready', () => [[{}, feed.waiting().length === 0 ? 1 : 0]]);
}

/** Counts what happens to watches. */
export function watchObserver(metrics: Metrics): ReflectorObserver {
  return {
    restarted: (kind, code) => metrics.inc('kubeWatchFailures', { kind, code }),
    corrected: (kind, count) => metrics.inc('resyncCorrections', { kind }, count),
    skipped: (kind) => metrics.inc('kubeMalformed', { kind }),
    received: () => {},
  };
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
