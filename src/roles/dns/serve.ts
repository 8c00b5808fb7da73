import { hostname } from 'node:os';
import type { ClaimInput } from '../../core/claim/claim-book.ts';
import { addressesByRoute } from '../../core/object/addresses-by-route.ts';
import { compact, keyOf } from '../../core/object/raw.ts';
import { ENDPOINT_SLICES } from '../../core/object/resources.ts';
import { OWN_CLASSES } from '../../core/object/service-class.ts';
import { renderRoutes } from '../../core/plan/render-routes.ts';
import { parseIp } from '../../core/value/ip.ts';
import type { Notice } from '../../core/value/notice.ts';
import { createRespondContext } from '../../core/zone/reply.ts';
import { createZone } from '../../core/zone/zone.ts';
import { createDnsCounters, type DnsAsker } from '../../shell/dns/handler.ts';
import { createListenSet } from '../../shell/dns/listen-set.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createMemoryKeeper } from '../../shell/system/memory.ts';
import { createHealthServer, type Readiness } from '../../shell/telemetry/health-server.ts';
import { addProcessMetrics, createMetrics } from '../../shell/telemetry/metrics.ts';
import { aborted, closeAll } from '../closing.ts';
import { watchObserver } from '../kube-metrics.ts';
import { servePage } from '../page.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createRoutePlanner, whenChanged } from '../route-planner.ts';
import { createClusterFeed } from './cluster-feed.ts';
import { exposeDns, exposeFeed } from './dns-metrics.ts';
import { warnOfIdleFlags, warnOfOpenClaims } from './forward-warnings.ts';
import { configuredNameservers, defaultNameserver } from './nameservers.ts';
import type { NodeReachability } from './node-reachability.ts';

import { createNoticeBoard } from './notice-board.ts';
import { createQueryHandler } from './query-handler.ts';
import { createQueryObserver } from './query-observer.ts';
import { checkRealZone, ownPod } from './real-zone-check.ts';
import { createStatusWriter } from './status-writer.ts';

/** What the heap grows by, some of it for good, when the zone takes in one Service or EndpointSlice. */
const CHANGE_BYTES = 4096;

/**
 * Serves DNS from this cluster until `given.signal` aborts, and for `-lameduck` after that. An API server that is away is waited for:
 * SERVFAIL before the first sync, the last known answers after it. `serving` is called once, when it listens and knows the cluster.
 */
export async function serveDns(given: RoleContext<'dns'>, client: KubeClient, serving: () => void = () => {}): Promise<ExitCode> {
  const { settings, clock, random, signal } = given;
  const stop = new AbortController();
  const startedAtMs = clock.now();
  const synced = Promise.withResolvers<void>();
  let syncedAtMs: number | undefined;
  let revision = 0;
  const metrics = createMetrics();
  const counters = createDnsCounters();
  exposeDns(metrics, counters);
  const observer = watchObserver(metrics, clock);
  const memory = createMemoryKeeper(clock, stop.signal);
  const queries = createQueryObserver({ ...settings, metrics, clock });
  const context = queries.log ? { ...given, log: queries.log } : given;
  const { log } = context;
  addProcessMetrics(metrics, context.version, clock.wall());

  const zone = createZone({
    domain: settings.domain,
    ttlSeconds: settings.ttlSeconds,
    nameservers: configuredNameservers(settings),
    serial: Math.floor(clock.wall() / 1000),
    services: { services: settings.services, byName: settings.loadBalancerClass, ownClasses: [settings.loadBalancerClass, ...OWN_CLASSES] },
    claims: { hosts: settings.claimHosts, ingressClasses: settings.ingressClasses, gatewayClasses: settings.gatewayClasses },
  });
  const serverId = new TextEncoder().encode(settings.serverId || hostname());
  const ctx = createRespondContext(
    { maxAnswers: settings.maxAnswers, serverId, forwarding: settings.upstreams.length > 0, fallthrough: settings.fallthrough },
    Math.floor(random() * 0x1_0000_0000),
  );

  const notice = (each: Notice) => {
    metrics.inc('notices', { code: each.code });
    log.warn(each.text, { code: each.code, object: `${each.object.kind} ${keyOf(each.object)}` });
  };
  const writer = settings.controller
    ? createStatusWriter({ context, client, metrics, notice, services: (key) => feed.services.get(key) }, stop.signal)
    : undefined;
  const tell = (each: Notice) => {
    notice(each);
    writer?.emit(each);
  };
  let reachability: NodeReachability | undefined;
  const feed = createClusterFeed(
    {
      client,
      clock,
      random,
      log,
      resyncSeconds: settings.resyncSeconds,
      observer: {
        ...observer,
        received: (kind, bytes) => {
          observer.received(kind, bytes);
          memory.filled(bytes);
        },
      },
      serviceChanged: (key, what) => {
        revision++;
        memory.filled(CHANGE_BYTES);
        update(key);
        if (what === 'service') claimsChanged('Service', key);
        board.objectChanged('Service', key);
        if (what === 'endpoints' && ctx.synced)
          metrics.observe('programmingSeconds', {}, (clock.now() - observer.arrivedAtMs(ENDPOINT_SLICES.kind)) / 1000);
        writer?.changed(key);
        if (what === 'endpoints') lookAtRoutes('endpoints');
      },
      claimsChanged: (kind, key) => claimsChanged(kind, key),
      nodesChanged: () => {
        revision++;
        for (const key of zone.setNodes(feed.view, [...feed.nodes.values()])) board.objectChanged('Service', key);
        lookAtRoutes('nodes');
        reachability?.nodesChanged();
      },
      synced: () => {
        ctx.synced = true;
        syncedAtMs = clock.now();
        board.synced();
        warnOfOpenClaims(settings, zone, log);
        memory.started();
        log.info('synced', Object.fromEntries(feed.kinds().map(([kind, , objects]) => [kind, objects])));
        lookAtRoutes('nodes');
        synced.resolve();
      },
    },
    stop.signal,
  );
  const board = createNoticeBoard(
    {
      zone,
      view: feed.view,
      clock,
      alone: !ctx.forwarding,
      tell,
    },
    stop.signal,
  );
  const claimsChanged = (kind: ClaimInput, key: string) => {
    revision++;
    const patterns = zone.updateClaims(feed.view, kind, key);
    metrics.inc('zoneChanges', {}, patterns.length);
    board.namesChanged(patterns);
    board.objectChanged(kind, key);
  };
  const update = (key: string) => metrics.inc('zoneChanges', {}, zone.update(feed.view, key).length);
  const lookAtRoutes = (what: 'nodes' | 'endpoints') => {
    if (ctx.synced && feed.nodesKnown()) routes.changed(what);
  };
  const printRoutes = whenChanged(context.stdout);
  const routes = createRoutePlanner(
    {
      nodes: feed.nodes.values,
      slices: feed.slices.values,
      via: settings.via,
      cidrs: settings.cidrs,
      clock,
      planned: (plan) => printRoutes(renderRoutes(plan)),
      notice: tell,
    },
    stop.signal,
  );
  exposeFeed(metrics, feed, zone, clock);

  const readiness = (): Readiness => {
    const reasons = signal.aborted ? ['shutting down'] : feed.waiting();
    return { ready: reasons.length === 0, reasons };
  };
  const health = createHealthServer({ listen: settings.health, readiness, synced: () => ctx.synced, metrics }, stop.signal);
  const answered = (asker: DnsAsker, replyBytes: number) => queries.end(ctx, asker, replyBytes, 0);
  const nodeIps = () => [...feed.nodes.values()].flatMap((node) => node.internalIps);
  const forwarding = ctx.forwarding
    ? (await import('./forwarding.ts')).createForwarding(
        { context, zone, ctx, metrics, networks: () => listeners.networks(), nodeIps, answered },
        stop.signal,
      )
    : undefined;
  const handle = createQueryHandler({ zone, ctx, queries, clients: settings.clients, forwarding });
  const excluded = () => addressesByRoute(feed.services.values(), new Set(nodeIps()));
  const listeners = createListenSet({ listen: settings.listen, handle, counters, clock, log, excluded }, stop.signal);
  let page: Promise<void> | undefined;
  let zoneCheck: Promise<void> | undefined;
  const end = async (code: ExitCode): Promise<ExitCode> => {
    stop.abort();
    const closed = await closeAll(
      [
        health.closed,
        listeners.closed,
        feed.closed,
        routes.closed,
        board.closed,
        writer?.closed,
        reachability?.closed,
        forwarding?.closed(),
        zoneCheck,
        page,
      ],
      clock,
    );
    await queries.flushed();
    if (!closed) log.warn('not everything had closed in time');
    return code;
  };
  for (const started of [await health.ready, await listeners.ready]) if (!started.ok) return end(giveUp(context, started.detail));
  if (settings.nameServers.length === 0 && settings.hostIps.length === 0)
    zone.setNameservers([defaultNameserver(settings.domain, compact(listeners.networks().map((local) => parseIp(local.address))))]);
  log.info('serving', { domain: settings.domain, on: listeners.bound().join(','), cluster: client.server, context: client.context });

  const { values: nodes } = feed.nodes;
  reachability =
    settings.probePort > 0
      ? await (await import('./node-reachability.ts')).createNodeReachability(
          { port: settings.probePort, nodes, slices: feed.slices.values, zone, update, metrics, clock, log },
          stop.signal,
        )
      : undefined;
  reachability?.nodesChanged();
  warnOfIdleFlags(settings, log);
  forwarding?.start();
  const pod = ownPod(client, settings.serverId);
  zoneCheck = checkRealZone(context, { zone, metrics, pod, emit: (each) => writer?.emit(each) }, stop.signal);
  const { upstreams } = forwarding ?? {};
  const facts = { context, client, zone, feed, startedAtMs, syncedAtMs: () => syncedAtMs, revision: () => revision, routes: routes.plan };
  page = servePage(context, async () => (await import('./page.ts')).dnsPage({ ...facts, ...(upstreams && { upstreams }) }), stop.signal);
  void synced.promise.then(serving);
  await aborted(signal);
  log.info('stopping', { lameduckSeconds: settings.lameduckSeconds });
  await clock.after(settings.lameduckSeconds * 1000, stop.signal);
  return end(0);
}
