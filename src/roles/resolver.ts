import { keyOf } from '../core/object/raw.ts';
import { forwardZones } from '../core/router/forward-zones.ts';
import { ownedHosts } from '../core/router/owned-hosts.ts';
import { podServers, uniqueServers } from '../core/router/pod-servers.ts';
import { renderResolverLines } from '../core/router/resolver-lines.ts';
import type { ServerAddress } from '../core/settings/kinds.ts';
import { err, ok, type Result } from '../core/value/result.ts';
import type { KubeClient } from '../shell/kube/client.ts';
import { connect } from './connect.ts';
import { lookAtCluster } from './explain/look-at-cluster.ts';
import { findRunningPods, type RunningPod } from './explain/running-pods.ts';
import { PLAIN, zoneOf } from './explain/work-out.ts';
import { type ExitCode, giveUp, type RoleContext } from './role.ts';

/** `minilb resolver`: prints what the LAN's resolver must be told, from the running Pods' settings and what is claimed now. */
export async function run(context: RoleContext<'resolver'>): Promise<ExitCode> {
  const client = await connect(context, 'resolver');
  if (!client.ok) return giveUp(context, client.detail);
  const text = await resolverText(context, client.value);
  if (!text.ok) return giveUp(context, text.detail);
  context.stdout(text.value);
  return 0;
}

async function resolverText(context: RoleContext<'resolver'>, client: KubeClient): Promise<Result<string>> {
  const { settings, log, signal } = context;
  const running = await findRunningPods(client, signal);
  const pods = running.ok ? running.value : [];
  const [first] = pods;
  const servers = settings.servers.length > 0 ? ok(settings.servers) : serversOf(pods, running.ok ? '' : running.detail);
  if (!servers.ok) return servers;
  const naming = first?.settings ?? { ...PLAIN, ...settings };
  const look = await lookAtCluster(client, log, signal);
  if (!look.ok) return look;
  const zones = forwardZones(naming.domain, ownedHosts(zoneOf(look.value, naming)));
  const from = first ? `the settings of pod ${keyOf(first.pod)}` : 'the flags given here: no running Pod was found';
  return ok(`# From ${from}.\n${renderResolverLines({ zones, servers: servers.value }, settings.resolverFormat)}`);
}

/** Pods that serve the same domain as the first. */
function serversOf(pods: readonly RunningPod[], why: string): Result<readonly ServerAddress[], 'no-server'> {
  const [first] = pods;
  if (!first)
    return err(
      'no-server',
      `where minilb answers is not known: ${why || 'no Pod runs minilb dns'}. Say it: -server 192.168.1.30,192.168.1.31`,
    );
  const same = pods.filter(({ pod, settings }) => pod.component !== 'writer' && settings.domain === first.settings.domain);
  const servers = uniqueServers(same.flatMap(({ pod, settings }) => podServers(pod, settings.listen)));
  if (servers.length > 0) return ok(servers);
  const detail = `pod ${keyOf(first.pod)} has neither hostNetwork nor a hostPort: say where it is reached: -server 192.168.1.30,192.168.1.31`;
  return err('no-server', detail);
}
