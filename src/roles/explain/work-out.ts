import { explainName } from '../../core/explain/explain.ts';
import { OWN_CLASSES } from '../../core/object/service-class.ts';
import type { DnsName } from '../../core/value/dns-name.ts';
import type { NameReport } from '../../core/value/report.ts';
import { ok, type Result } from '../../core/value/result.ts';
import { createZone, type Zone } from '../../core/zone/zone.ts';
import type { SettingsFor } from '../../settings.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import { type ClusterLook, lookAtCluster } from './look-at-cluster.ts';

/** What of a server's settings the answers depend on. */
export type NamingSettings = Pick<
  SettingsFor<'dns'>,
  | 'domain'
  | 'ttlSeconds'
  | 'nameServers'
  | 'upstreams'
  | 'fallthrough'
  | 'loadBalancerClass'
  | 'services'
  | 'claimHosts'
  | 'ingressClasses'
  | 'gatewayClasses'
>;

/** A server without further flags. */
export const PLAIN = {
  ttlSeconds: 5,
  nameServers: [],
  upstreams: [],
  fallthrough: false,
  services: 'all',
  claimHosts: [],
  ingressClasses: [],
  gatewayClasses: [],
} as const;

/** Works out from the cluster what a server with these settings answers; `err` says what may not be read. */
export async function workOut(
  client: KubeClient,
  name: DnsName,
  settings: NamingSettings,
  log: Log,
  signal: AbortSignal,
): Promise<Result<NameReport, 'cannot-look'>> {
  const look = await lookAtCluster(client, log, signal);
  if (!look.ok) return look;
  const { view, services, claimants } = look.value;
  const zone = zoneOf(look.value, settings);
  const { upstreams, fallthrough } = settings;
  return ok(explainName(name, { zone, view, services, claimants, synced: true, forwarding: upstreams.length > 0, fallthrough }));
}

/** What a server with these settings would hold. */
export function zoneOf({ view, nodes, inputs }: ClusterLook, settings: NamingSettings): Zone {
  const zone = emptyZone(settings);
  zone.setNodes(view, nodes);
  for (const [kind, key] of inputs) if (kind === 'Service') zone.update(view, key);
  for (const [kind, key] of inputs) zone.updateClaims(view, kind, key);
  return zone;
}

function emptyZone(settings: NamingSettings): Zone {
  const { domain, ttlSeconds, nameServers, loadBalancerClass } = settings;
  const grouped = Map.groupBy(nameServers, (server) => server.name);
  const nameservers = [...grouped].map(([server, list]) => ({ name: server, addresses: list.map(({ address }) => address) }));
  return createZone({
    domain,
    ttlSeconds,
    nameservers,
    serial: 1,
    services: { services: settings.services, byName: loadBalancerClass, ownClasses: [loadBalancerClass, ...OWN_CLASSES] },
    claims: { hosts: settings.claimHosts, ingressClasses: settings.ingressClasses, gatewayClasses: settings.gatewayClasses },
  });
}
