import { asArray, asObject, asString } from '../../core/object/raw.ts';
import type { ApiFailure, ApiResult, KubeClient } from './client.ts';

/** What is looked for: a kind, and the versions of its group that would do, best first. */
export interface WantedKind {
  /** Empty for core/v1. */
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
}

/** Where kinds are served: `group kind` → the collection's path over all namespaces. Kinds that are not served are missing. */
export type ServedPaths = ReadonlyMap<string, string>;

/** The key of `ServedPaths`. */
export function kindId({ group, kind }: Pick<WantedKind, 'group' | 'kind'>): string {
  return `${group} ${kind}`;
}

interface ServedKind {
  readonly kind: string;
  readonly path: string;
}

/**
 * Asks where the kinds are served now, in the best version each. Only the groups that are wanted are asked for: one aggregated
 * document of a cluster with hundreds of custom resources would be a megabyte every time. A group that is not there is an answer; any
 * failure is none, so that an outage does not look like a cluster without them.
 */
export async function discoverKinds(
  client: KubeClient,
  wanted: readonly WantedKind[],
  signal: AbortSignal,
): Promise<ApiResult<ServedPaths>> {
  const paths = new Map<string, string>();
  for (const [group, kinds] of Map.groupBy(wanted, (each) => each.group)) {
    const versions = await servedVersions(client, group, signal);
    if (!versions.ok) return versions;
    const useful = versions.value.filter((version) => kinds.some((kind) => kind.versions.includes(version)));
    const served = new Map<string, readonly ServedKind[]>();
    for (const version of useful) {
      const found = await servedKinds(client, group, version, signal);
      if (!found.ok) return found;
      served.set(version, found.value);
    }
    for (const kind of kinds) {
      const path = bestPath(kind, served);
      if (path !== undefined) paths.set(kindId(kind), path);
    }
  }
  return { ok: true, value: paths };
}

function bestPath({ kind, versions }: WantedKind, served: ReadonlyMap<string, readonly ServedKind[]>): string | undefined {
  for (const version of versions) {
    const found = served.get(version)?.find((one) => one.kind === kind);
    if (found) return found.path;
  }
  return undefined;
}

async function servedVersions(client: KubeClient, group: string, signal: AbortSignal): Promise<ApiResult<readonly string[]>> {
  if (group === '') return { ok: true, value: ['v1'] };
  const reply = await client.request({ method: 'GET', path: `/apis/${group}` }, signal);
  if (!reply.ok) return absentOr(reply);
  const versions = asArray(asObject(reply.value)?.['versions']);
  return { ok: true, value: versions.flatMap((version) => asString(asObject(version)?.['version']) ?? []) };
}

async function servedKinds(
  client: KubeClient,
  group: string,
  version: string,
  signal: AbortSignal,
): Promise<ApiResult<readonly ServedKind[]>> {
  const base = group === '' ? '/api/v1' : `/apis/${group}/${version}`;
  const reply = await client.request({ method: 'GET', path: base }, signal);
  if (!reply.ok) return absentOr(reply);
  const kinds = asArray(asObject(reply.value)?.['resources']).flatMap((raw) => {
    const resource = asObject(raw);
    const name = asString(resource?.['name']);
    const kind = asString(resource?.['kind']);
    const watchable = asArray(resource?.['verbs']).includes('watch');
    // Subresources have the kind of their parent, and a slash in their name.
    return name && kind && watchable && !name.includes('/') ? [{ kind, path: `${base}/${name}` }] : [];
  });
  return { ok: true, value: kinds };
}

function absentOr(failure: ApiFailure): ApiResult<readonly never[]> {
  return failure.code === 'not-found' ? { ok: true, value: [] } : failure;
}

/** Every kind of a group with all versions that it is served in, as the server prefers them; empty for a group that is not there. */
export async function servedVersionsOf(
  client: KubeClient,
  group: string,
  signal: AbortSignal,
): Promise<ApiResult<ReadonlyMap<string, readonly string[]>>> {
  const versions = await servedVersions(client, group, signal);
  if (!versions.ok) return versions;
  const found = new Map<string, string[]>();
  for (const version of versions.value) {
    const kinds = await servedKinds(client, group, version, signal);
    if (!kinds.ok) return kinds;
    for (const { kind } of kinds.value) found.set(kind, [...(found.get(kind) ?? []), version]);
  }
  return { ok: true, value: found };
}
