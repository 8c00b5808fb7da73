import type { AccessFact, Need, ServedVersions } from '../../core/doctor/facts.ts';
import { AGENT_NEEDS, ALLOCATOR_NEEDS, INSTALL_NEEDS, OPERATOR_NEEDS, readerNeeds, WRITER_NEEDS } from '../../core/doctor/permissions.ts';
import { serversOf } from '../../core/doctor/server-pods.ts';
import { GATEWAY_GROUP } from '../../core/object/gateway.ts';
import type { InspectedPod } from '../../core/object/inspected-pod.ts';
import { asObject } from '../../core/object/raw.ts';
import { EXPERIMENTAL_GROUP } from '../../core/object/route.ts';
import type { ApiResult, KubeClient } from '../../shell/kube/client.ts';
import { discoverKinds, kindId, servedVersionsOf } from '../../shell/kube/discovery.ts';
import { OPTIONAL } from '../explain/look-at-cluster.ts';
import { withSettings } from '../explain/running-pods.ts';
import type { Look } from './look.ts';

const AUTHORIZATION = '/apis/authorization.k8s.io/v1';
/** Reviews under way at a time. */
const REVIEWS_MAX = 8;

type Asked = Pick<AccessFact, 'serviceAccount' | 'need'>;

/**
 * Asks for each right that is needed whether it is there: of the Pods' ServiceAccounts (SubjectAccessReview, for which few may ask), and before
 * installation of ourselves (SelfSubjectAccessReview, which everybody may).
 */
export async function lookAtAccess(client: KubeClient, pods: readonly InspectedPod[], look: Look): Promise<readonly AccessFact[]> {
  const served = await discoverKinds(client, OPTIONAL, look.signal);
  const optional = OPTIONAL.filter((kind) => served.ok && served.value.has(kindId(kind)));
  const reading = readerNeeds(optional);
  const own = serversOf({ pods }).length === 0 ? [...reading, ...INSTALL_NEEDS] : [];
  const wanted: readonly Asked[] = [...own.map((need) => ({ need })), ...pods.flatMap((pod) => needsOf(pod, reading))];
  const unique = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()];
  const facts: AccessFact[] = [];
  for (let at = 0; at < unique.length; at += REVIEWS_MAX) {
    const some = unique.slice(at, at + REVIEWS_MAX);
    const replies = await Promise.all(some.map((one) => review(client, one, look.signal)));
    for (const [i, one] of some.entries()) {
      const reply = replies[i];
      const allowed = reply?.ok ? asObject(asObject(reply.value)?.['status'])?.['allowed'] : undefined;
      if (typeof allowed === 'boolean') facts.push({ ...one, allowed });
      else look.missed(`the rights of ${one.serviceAccount === undefined ? 'these credentials' : one.serviceAccount}`, reasonOf(reply));
    }
  }
  return facts;
}

/** The kinds of the Gateway API, with the versions that are served and those that are read. */
export async function lookAtGatewayKinds(client: KubeClient, look: Look): Promise<readonly ServedVersions[]> {
  const kinds: ServedVersions[] = [];
  for (const group of [GATEWAY_GROUP, EXPERIMENTAL_GROUP]) {
    const served = await servedVersionsOf(client, group, look.signal);
    if (!served.ok) look.missed(`the versions of ${group}`, served.detail);
    else
      for (const { kind, versions } of OPTIONAL.filter((one) => one.group === group))
        kinds.push({ kind, served: served.value.get(kind) ?? [], read: versions });
  }
  return kinds;
}

function needsOf(pod: InspectedPod, reading: readonly Need[]): readonly Asked[] {
  const { minilb, namespace, serviceAccount } = pod;
  if (!minilb) return [];
  const asked = (needs: readonly Need[]) => needs.map((need) => ({ serviceAccount: `${namespace}/${serviceAccount}`, need }));
  if (minilb.words[0] === 'external') return asked(OPERATOR_NEEDS);
  if (minilb.words[0] === 'l3')
    return asked(minilb.words.some((word) => /^--?allocate(=true)?$/.test(word)) ? ALLOCATOR_NEEDS : AGENT_NEEDS);
  const running = withSettings(minilb);
  return running ? asked([...reading, ...(running.settings.controller ? WRITER_NEEDS : [])]) : [];
}

function review(client: KubeClient, { serviceAccount, need }: Asked, signal: AbortSignal): Promise<ApiResult<unknown>> {
  const { group, resource, subresource, verb } = need;
  const resourceAttributes = { group, resource, verb, ...(subresource !== '' && { subresource }) };
  const kind = serviceAccount === undefined ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const body = { apiVersion: 'authorization.k8s.io/v1', kind, spec: { ...subjectOf(serviceAccount), resourceAttributes } };
  return client.request({ method: 'POST', path: `${AUTHORIZATION}/${kind.toLowerCase()}s`, body }, signal);
}

/** User and groups as a ServiceAccount's token has them. */
function subjectOf(serviceAccount: string | undefined) {
  if (serviceAccount === undefined) return {};
  const [namespace = '', name = ''] = serviceAccount.split('/');
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { user: `system:serviceaccount:${namespace}:${name}`, groups };
}

function reasonOf(reply: ApiResult<unknown> | undefined): string {
  return reply && !reply.ok ? reply.detail : 'the API server’s answer to the review cannot be read';
}
