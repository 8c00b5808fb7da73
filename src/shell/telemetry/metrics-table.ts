/** One metric as /metrics shows it. Label values come from short fixed lists, never from names that a cluster's users choose. */
export interface MetricDeclaration {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the unit its name ends in. */
  readonly buckets?: readonly number[];
}

const none = [] as const;

/** Every metric, once; docs/metrics.md is written from it. */
export const METRICS = {
  buildInfo: { kind: 'gauge', name: 'minilb_build_info', help: '1; the labels say which build runs.', labels: ['version', 'bun'] },
  startTime: { kind: 'gauge', name: 'process_start_time_seconds', help: 'When the process started, in seconds since 1970.', labels: none },
  residentBytes: { kind: 'gauge', name: 'process_resident_memory_bytes', help: 'Resident memory (RSS).', labels: none },
  cpuSeconds: { kind: 'counter', name: 'process_cpu_seconds_total', help: 'User and system CPU time spent.', labels: none },
  ready: { kind: 'gauge', name: 'minilb_ready', help: '1 while /readyz says ready.', labels: none },
  dnsQueries: {
    kind: 'counter',
    name: 'minilb_dns_queries_total',
    help: 'Queries answered, by transport, address family, query type (other: outside a short list) and response code.',
    labels: ['transport', 'family', 'type', 'rcode'],
  },
  dnsReceived: { kind: 'counter', name: 'minilb_dns_received_total', help: 'Messages received, by transport.', labels: ['transport'] },
  dnsReplies: {
    kind: 'counter',
    name: 'minilb_dns_replies_total',
    help: 'Replies that the kernel took, by transport.',
    labels: ['transport'],
  },
  dnsSeconds: {
    kind: 'histogram',
    name: 'minilb_dns_answer_seconds',
    help: 'Time spent on making a reply, sampled: one query of 64.',
    labels: none,
    buckets: [0.000002, 0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.02],
  },
  dnsSocketErrors: {
    kind: 'counter',
    name: 'minilb_dns_socket_errors_total',
    help: 'Errors of UDP sockets, by kind: retried (an ICMP message of another client ended a send, which went on), reported (outside a send).',
    labels: ['kind'],
  },
  dnsTcpConnections: { kind: 'counter', name: 'minilb_dns_tcp_connections_total', help: 'TCP connections accepted.', labels: none },
  dnsTcpOpen: { kind: 'gauge', name: 'minilb_dns_tcp_connections', help: 'TCP connections open now.', labels: none },
  dnsFaults: { kind: 'counter', name: 'minilb_dns_faults_total', help: 'Queries without an answer because of a bug.', labels: none },
  queryLogDropped: {
    kind: 'counter',
    name: 'minilb_query_log_dropped_total',
    help: 'Lines of -log-queries that were dropped because their reader is slow.',
    labels: none,
  },
  zoneNames: {
    kind: 'gauge',
    name: 'minilb_zone_names',
    help: 'Names in the zone, empty non-terminals included; names of endpoints by address are derived and not counted.',
    labels: none,
  },
  nodesUnreachable: {
    kind: 'gauge',
    name: 'minilb_nodes_unreachable',
    help: 'Nodes that do not answer probes of -probe-port; their endpoints come last in answers.',
    labels: none,
  },
  zoneChanges: { kind: 'counter', name: 'minilb_zone_changes_total', help: 'Names whose answer changed.', labels: none },
  programmingSeconds: {
    kind: 'histogram',
    name: 'minilb_programming_seconds',
    help: 'From the arrival of a change of endpoints until it is served, after the first sync.',
    labels: none,
    buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
  },
  dnsDropped: {
    kind: 'counter',
    name: 'minilb_dns_dropped_total',
    help: 'Datagrams and connections that got no answer, by transport and reason.',
    labels: ['transport', 'reason'],
  },
  forwardQueries: {
    kind: 'counter',
    name: 'minilb_forward_queries_total',
    help: 'Queries for names that are not ours, by what became of them: hit, miss and shared were answered from the cache, from upstream, or together with another client’s.',
    labels: ['result'],
  },
  forwardUpstream: {
    kind: 'counter',
    name: 'minilb_forward_upstream_total',
    help: 'What upstreams said: answer, failure (SERVFAIL and the like) or silence.',
    labels: ['upstream', 'result'],
  },
  forwardUsable: {
    kind: 'gauge',
    name: 'minilb_forward_upstream_usable',
    help: '1 while an upstream is asked in its turn; 0 while it rests or sends our queries back.',
    labels: ['upstream'],
  },
  forwardIgnored: {
    kind: 'counter',
    name: 'minilb_forward_ignored_total',
    help: 'Messages from upstream addresses that were no answer to the question: wrong ID, wrong question, malformed.',
    labels: none,
  },
  forwardTcp: { kind: 'counter', name: 'minilb_forward_tcp_total', help: 'Upstream queries repeated over TCP.', labels: none },
  forwardInFlight: { kind: 'gauge', name: 'minilb_forward_in_flight', help: 'Questions under way to upstreams.', labels: none },
  forwardCacheEntries: { kind: 'gauge', name: 'minilb_forward_cache_entries', help: 'Answers in the cache.', labels: none },
  forwardCacheBytes: { kind: 'gauge', name: 'minilb_forward_cache_bytes', help: 'What they take, roughly.', labels: none },
  kubeObjects: { kind: 'gauge', name: 'minilb_kube_objects', help: 'Objects known, by kind.', labels: ['kind'] },
  kubeSynced: { kind: 'gauge', name: 'minilb_kube_synced', help: '1 once a kind has been listed in full.', labels: ['kind'] },
  kubeHeardAge: {
    kind: 'gauge',
    name: 'minilb_kube_heard_age_seconds',
    help: 'How long ago the API server was last heard on the watch of a kind; without changes it speaks every minute.',
    labels: ['kind'],
  },
  kubeConnected: { kind: 'gauge', name: 'minilb_kube_watching', help: '1 while the watch of a kind is open.', labels: ['kind'] },
  kubeReceived: {
    kind: 'counter',
    name: 'minilb_kube_received_bytes_total',
    help: 'Bytes of lists and watches received, by kind.',
    labels: ['kind'],
  },
  kubeMalformed: {
    kind: 'counter',
    name: 'minilb_kube_malformed_objects_total',
    help: 'Objects skipped because they could not be read, by kind.',
    labels: ['kind'],
  },
  kubeWatchFailures: {
    kind: 'counter',
    name: 'minilb_kube_watch_failures_total',
    help: 'Lists and watches that ended in an error, by kind and code; what is known is kept.',
    labels: ['kind', 'code'],
  },
  resyncCorrections: {
    kind: 'counter',
    name: 'minilb_resync_corrections_total',
    help: 'Differences a re-list found that the watch should have shown, by kind.',
    labels: ['kind'],
  },
  statusWrites: {
    kind: 'counter',
    name: 'minilb_status_writes_total',
    help: 'Writes to Service status, by result (ok, or the API error’s code).',
    labels: ['result'],
  },
  l3Addresses: { kind: 'gauge', name: 'minilb_l3_addresses', help: 'Addresses of Services that this node holds.', labels: none },
  l3Foreign: {
    kind: 'gauge',
    name: 'minilb_l3_foreign_addresses',
    help: 'Addresses on the interface that lie in a prefix or bear the mark, are not minilb’s, and are left alone.',
    labels: none,
  },
  l3Changes: {
    kind: 'counter',
    name: 'minilb_l3_changes_total',
    help: 'Addresses changed on the node, by action (added, removed, adopted; repaired: added again after somebody took it away).',
    labels: ['action'],
  },
  l3Failures: {
    kind: 'counter',
    name: 'minilb_l3_failures_total',
    help: 'What did not work on the node, by step (read, batch, guard); batch counts refused lines.',
    labels: ['step'],
  },
  l3EventSeconds: {
    kind: 'histogram',
    name: 'minilb_l3_event_to_kernel_seconds',
    help: 'From the first event that a change of addresses follows from until the kernel has it.',
    labels: none,
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  },
  l3Allocated: {
    kind: 'gauge',
    name: 'minilb_l3_allocated_addresses',
    help: 'Addresses that Services hold, as the allocator sees it.',
    labels: none,
  },
  leading: { kind: 'gauge', name: 'minilb_leading', help: '1 while this process holds the Lease.', labels: none },
  externalCalls: {
    kind: 'counter',
    name: 'minilb_external_calls_total',
    help: 'Calls to updaters, by method and result (ok, unreachable, unauthorized, refused).',
    labels: ['method', 'result'],
  },
  externalBalancers: {
    kind: 'gauge',
    name: 'minilb_external_load_balancers',
    help: 'LoadBalancer objects, by phase.',
    labels: ['phase'],
  },
  externalGivenUp: {
    kind: 'counter',
    name: 'minilb_external_cleanups_given_up_total',
    help: 'Backends that were left at an updater because it could not be made to remove them.',
    labels: none,
  },
  updaterCalls: {
    kind: 'counter',
    name: 'minilb_updater_calls_total',
    help: 'Calls of the updater’s API, by method and HTTP status.',
    labels: ['method', 'status'],
  },
  updaterChanges: {
    kind: 'counter',
    name: 'minilb_updater_changes_total',
    help: 'Attempts to put changes live, each with one reload at most, by result (ok, or the code of what failed).',
    labels: ['result'],
  },
  updaterChangeSeconds: {
    kind: 'histogram',
    name: 'minilb_updater_change_seconds',
    help: 'From the start of a change to the moment its ports listen, or it is rolled back.',
    labels: none,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  updaterWaiting: { kind: 'gauge', name: 'minilb_updater_waiting_calls', help: 'Calls that wait for their turn.', labels: none },
  routesHeld: {
    kind: 'gauge',
    name: 'minilb_routes_held',
    help: 'Routes to pods that minilb routes holds, in the kernel or a file.',
    labels: none,
  },
  routesRefused: {
    kind: 'gauge',
    name: 'minilb_routes_refused',
    help: 'podCIDRs without a route because something is wrong with them.',
    labels: none,
  },
  routesChanges: {
    kind: 'counter',
    name: 'minilb_routes_changes_total',
    help: 'Routes changed, by action (added, removed).',
    labels: ['action'],
  },
  routesFailures: {
    kind: 'counter',
    name: 'minilb_routes_failures_total',
    help: 'What did not work, by step (read, batch, run); batch counts routes that the kernel refused.',
    labels: ['step'],
  },
  notices: { kind: 'counter', name: 'minilb_notices_total', help: 'Notices about objects, by code.', labels: ['code'] },
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

/** docs/metrics.md. */
export function renderMetricsPage(): string {
  const rows = Object.values(METRICS).map(({ name, kind, labels, help }) => {
    return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  });
  return [
    '# Metrics',
    '',
    '<!-- Written by `npm run docs` from src/shell/telemetry/metrics-table.ts. -->',
    '',
    'Served on `-health` at `/metrics`, in Prometheus’ text format. A metric without samples yet shows only its help.',
    '',
    '| metric | kind | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
