import type { RawObject } from '../object/raw.ts';
import { type ApiKind, apiVersionOf } from './kind.ts';

/** Content type of aggregated discovery, asked for in Accept. */
export const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const STATUS_VERBS = ['get', 'patch', 'update'];

/** `/api` or `/apis` as apidiscovery.k8s.io/v2 APIGroupDiscoveryList: every resource of every group in one answer. */
export function aggregatedDiscovery(kinds: readonly ApiKind[], core: boolean): RawObject {
  const items = groupsOf(kinds, core).map((group) => ({
    metadata: group === '' ? { creationTimestamp: null } : { name: group },
    versions: versionsOf(kinds, group).map((version) => ({
      version,
      resources: kinds.filter((kind) => kind.group === group && kind.version === version).map(discovered),
      freshness: 'Current',
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function discovered(kind: ApiKind): RawObject {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: VERBS,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.statusSubresource && { subresources: [{ subresource: 'status', responseKind, verbs: STATUS_VERBS }] }),
  };
}

/** `/api`. */
export function apiVersions(): RawObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis`. */
export function apiGroups(kinds: readonly ApiKind[]): RawObject {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds, false).map((group) => groupEntry(kinds, group)) };
}

/** `/apis/<group>`; `undefined` when it is not served. */
export function apiGroup(kinds: readonly ApiKind[], group: string): RawObject | undefined {
  return groupsOf(kinds, false).includes(group) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(kinds, group) } : undefined;
}

/** `/api/v1` or `/apis/<group>/<version>`; `undefined` when it is not served. */
export function apiResources(kinds: readonly ApiKind[], group: string, version: string): RawObject | undefined {
  const served = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((kind) => [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: VERBS,
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    },
    ...(kind.statusSubresource
      ? [{ name: `${kind.plural}/status`, singularName: '', namespaced: kind.namespaced, kind: kind.kind, verbs: STATUS_VERBS }]
      : []),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf({ group, version }), resources };
}

function groupEntry(kinds: readonly ApiKind[], group: string): RawObject {
  const versions = versionsOf(kinds, group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function groupsOf(kinds: readonly ApiKind[], core: boolean): readonly string[] {
  return [...new Set(kinds.map((kind) => kind.group))].filter((group) => (group === '') === core);
}

function versionsOf(kinds: readonly ApiKind[], group: string): readonly string[] {
  return [...new Set(kinds.filter((kind) => kind.group === group).map((kind) => kind.version))];
}
