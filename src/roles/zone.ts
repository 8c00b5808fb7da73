import { OWN_CLASSES } from '../core/object/service-class.ts';
import { renderMasterFile } from '../core/zone/master-file.ts';
import { createZone } from '../core/zone/zone.ts';
import { withTimeout } from '../shell/system/clock.ts';
import { connect } from './connect.ts';
import { createClusterFeed } from './dns/cluster-feed.ts';
import { configuredNameservers } from './dns/nameservers.ts';
import { type ExitCode, giveUp, type RoleContext } from './role.ts';

/** An API server that answers has been listed by then. */
const SYNC_MS_MAX = 60_000;
const DAY_SECONDS = 86_400;

/** `minilb zone`: what `minilb dns` would serve with these flags, from one look at the cluster. */
export async function run(context: RoleContext<'zone'>): Promise<ExitCode> {
  const { settings, clock, log, random, signal } = context;
  const client = await connect(context, 'zone');
  if (!client.ok) return giveUp(context, client.detail);
  const zone = createZone({
    domain: settings.domain,
    ttlSeconds: settings.ttlSeconds,
    nameservers: configuredNameservers(settings),
    serial: Math.floor(clock.wall() / 1000),
    services: { services: settings.services, byName: settings.loadBalancerClass, ownClasses: [settings.loadBalancerClass, ...OWN_CLASSES] },
    claims: { hosts: settings.claimHosts, ingressClasses: settings.ingressClasses, gatewayClasses: settings.gatewayClasses },
  });
  const stop = new AbortController();
  const limit = withTimeout(clock, SYNC_MS_MAX, signal);
  const done = Promise.withResolvers<'synced'>();
  const feed = createClusterFeed(
    {
      client: client.value,
      clock,
      random,
      log,
      resyncSeconds: DAY_SECONDS,
      observer: { restarted: () => {}, corrected: () => {}, skipped: () => {}, received: () => {} },
      serviceChanged: (key, what) => {
        zone.update(feed.view, key);
        if (what === 'service') zone.updateClaims(feed.view, 'Service', key);
      },
      claimsChanged: (kind, key) => void zone.updateClaims(feed.view, kind, key),
      nodesChanged: () => void zone.setNodes(feed.view, [...feed.nodes.values()]),
      synced: () => done.resolve('synced'),
    },
    stop.signal,
  );
  const outcome = await Promise.race([done.promise, limit.late]);
  limit.done();
  const waiting = feed.waiting();
  stop.abort();
  if (outcome !== 'synced') return giveUp(context, `the cluster could not be read: ${waiting.join('; ')}`);
  context.stdout(renderMasterFile(zone, settings.withClaims));
  return 0;
}
