import { asArray, asObject } from '../../src/core/object/raw.ts';
import type { AuditEvent, Cluster } from './cluster.ts';
import type { ManifestObject } from './manifest.ts';
import { pause, waitFor } from './wait.ts';

/** What a user asked the API server for, discovery left out, as `verb group/resource`. */
export function rightsUsed(cluster: Cluster, user: string): ReadonlySet<string> {
  const events = requestsOf(cluster, user).filter((event) => !isDiscovery(event.uri));
  return new Set(events.map((event) => `${event.verb} ${resourceOf(event.uri)}`));
}

/** Requests of a user that were not allowed, by RBAC or by an admission policy. */
export function refusedTo(cluster: Cluster, user: string): readonly AuditEvent[] {
  return requestsOf(cluster, user).filter((event) => [401, 403].includes(event.code) || (event.verb === 'patch' && event.code === 422));
}

/** What is said again about an object, after a look that found it gone, is counted in the Event that says it: create, then patch. */
export async function sayAndRepeat(
  used: () => ReadonlySet<string>,
  [begin, end]: readonly [() => Promise<unknown>, () => Promise<unknown>],
) {
  await begin();
  await waitFor('an Event', () => used().has('create events.k8s.io/events'));
  await waitFor('the same Event again', async () => {
    await end();
    await pause(1_500);
    await begin();
    await pause(1_500);
    return used().has('patch events.k8s.io/events');
  });
  await end();
}

/** The rights that roles give, as `verb group/resource`, sorted. */
export function rightsOf(...roles: readonly ManifestObject[]): readonly string[] {
  return roles
    .flatMap((role) => asArray(role['rules']))
    .map((rule) => asObject(rule))
    .flatMap((rule) =>
      asArray(rule?.['apiGroups']).flatMap((group) =>
        asArray(rule?.['resources']).flatMap((resource) =>
          asArray(rule?.['verbs']).map((verb) => `${verb} ${group ? `${String(group)}/` : ''}${String(resource)}`),
        ),
      ),
    )
    .sort();
}

/** Requests that minilb made, and the kubectl that it starts: not those of a test that writes with the same token. */
function requestsOf(cluster: Cluster, user: string): readonly AuditEvent[] {
  return cluster.auditEvents().filter((event) => event.user === user && /^(minilb\/.* \([\w -]+\)$|kubectl\/)/.test(event.userAgent));
}

/** `/apis/events.k8s.io/v1/namespaces/x/events/y?…` → `events.k8s.io/events`; `/api/v1/…/services/x/status` → `services/status`. */
function resourceOf(uri: string): string {
  const path = uri.split('?')[0] ?? '';
  const [, group = '', rest = ''] = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/[^/]+\/(?=.))?(.+)$/.exec(path) ?? [];
  const [resource, , subresource] = rest.split('/');
  return `${group ? `${group}/` : ''}${resource}${subresource ? `/${subresource}` : ''}`;
}

/** Everybody may ask which groups, versions and kinds are served, and what they themselves may do. */
function isDiscovery(uri: string): boolean {
  return /^\/(apis?|api\/v1|apis\/[^/]+(\/[^/]+)?|apis\/authorization\.k8s\.io\/v1\/selfsubjectaccessreviews)$/.test(
    uri.split('?')[0] ?? '',
  );
}
