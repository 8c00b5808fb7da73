import type { ClusterFacts } from '../../core/doctor/facts.ts';
import { INSPECTED_INGRESSES } from '../../core/object/inspected-ingress.ts';
import { INSPECTED_PODS, type InspectedPod } from '../../core/object/inspected-pod.ts';
import { INSPECTED_SERVICES } from '../../core/object/inspected-service.ts';
import type { Meta } from '../../core/object/raw.ts';
import { CILIUM_NODES, ENDPOINT_SLICES, type Resource } from '../../core/object/resources.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { listAll } from '../../shell/kube/list.ts';
import { lookAtCluster } from '../explain/look-at-cluster.ts';
import { chooseRunningPod, MANIFEST_NAMESPACE, type RunningPod } from '../explain/running-pods.ts';
import { PLAIN, zoneOf } from '../explain/work-out.ts';
import type { RoleContext } from '../role.ts';
import type { Look } from './look.ts';
import { lookAtAccess, lookAtGatewayKinds } from './look-at-access.ts';

/** What was read of the cluster, and the Pod whose settings count. */
export interface ClusterLookup {
  readonly facts: ClusterFacts;
  readonly running: RunningPod | undefined;
}

/** Reads all that findings about the cluster need; `err` when Services or EndpointSlices cannot be read. */
export async function lookAtObjects(
  client: KubeClient,
  settings: RoleContext<'doctor'>['settings'],
  look: Look,
): Promise<Result<ClusterLookup, 'cannot-look'>> {
  look.doing('names and claims');
  const cluster = await lookAtCluster(client, look.log, look.signal);
  if (!cluster.ok) return cluster;
  const list = async <T extends Meta>(resource: Resource<T>): Promise<readonly T[]> => {
    const listed = await listAll(client, resource, look.log, look.signal);
    if (!listed.ok && listed.code !== 'not-found') look.missed(`${resource.kind} objects`, listed.detail);
    return listed.ok ? listed.value : [];
  };
  look.doing('pods');
  const pods = await listPods(client, look);
  const running = chooseRunningPod((pods ?? []).flatMap(({ minilb }) => minilb ?? []));
  const used = running.ok ? running.value.settings : { ...PLAIN, via: [], cidrs: [], ...settings };
  const services = await list(INSPECTED_SERVICES);
  const slices = await list(ENDPOINT_SLICES);
  if (look.signal.aborted) return err('cannot-look', 'interrupted');
  look.doing('rights and versions');
  const facts: ClusterFacts = {
    zone: zoneOf(cluster.value, used),
    view: cluster.value.view,
    inputs: cluster.value.inputs,
    settings: {
      forwarding: used.upstreams.length > 0,
      fallthrough: used.fallthrough,
      claimHosts: used.claimHosts.length > 0,
      via: used.via,
      cidrs: used.cidrs,
    },
    services,
    slices,
    ingresses: await list(INSPECTED_INGRESSES),
    nodes: cluster.value.nodes,
    ciliumNodes: await list(CILIUM_NODES),
    pods: pods ?? [],
    podsKnown: pods !== undefined,
    access: await lookAtAccess(client, pods ?? [], look),
    gatewayKinds: await lookAtGatewayKinds(client, look),
  };
  return ok({ facts, running: running.ok ? running.value : undefined });
}

/** Whoever may not list Pods everywhere may where the manifest puts them; `undefined`: nowhere. */
async function listPods(client: KubeClient, look: Look): Promise<readonly InspectedPod[] | undefined> {
  const everywhere = await listAll(client, INSPECTED_PODS, look.log, look.signal);
  if (everywhere.ok) return everywhere.value;
  look.missed('Pods of all namespaces', everywhere.detail);
  if (everywhere.code !== 'forbidden') return undefined;
  const path = `/api/v1/namespaces/${MANIFEST_NAMESPACE}/pods`;
  const own = await listAll(client, { ...INSPECTED_PODS, path }, look.log, look.signal);
  return own.ok ? own.value : undefined;
}
