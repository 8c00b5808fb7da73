import { asArray, asInteger, asObject, asString, type RawObject } from '../object/raw.ts';
import type { ApiPath } from './api-path.ts';
import * as say from './api-status.ts';
import { jsonEqual, parseJson } from './json.ts';
import type { ApiKind } from './kind.ts';
import { NAMESPACE } from './kind-node.ts';
import { metaOf } from './object-meta.ts';
import { rfc3339 } from './rfc3339.ts';
import type { Selects } from './selector.ts';
import { type ApiState, objectsOf, storeKey, withObject, withoutObject } from './state.ts';
import type { WriteContext, Written } from './write.ts';

const GRACE_SECONDS_MAX = 2 ** 31 - 1;
const PROTECTED_NAMESPACES = ['default', 'kube-system', 'kube-public'];

/** meta/v1 DeleteOptions, as far as they are read; `gracePeriodSeconds` may stand in the query instead. */
interface DeleteOptions {
  readonly graceSeconds: number | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/**
 * DELETE of one object. Finalizers and a grace period keep it, marked with `deletionTimestamp`; a Pod's grace is ended by a second DELETE
 * with 0, as a kubelet sends it.
 */
export function deleteObject(state: ApiState, path: ApiPath, text: string, graceQuery: string | undefined, context: WriteContext): Written {
  const { kind, name } = path;
  const held = objectsOf(state, kind).get(storeKey(path.namespace, name));
  if (!held) return { state, answer: say.notFound(kind, name) };
  if (kind === NAMESPACE && PROTECTED_NAMESPACES.includes(name))
    return { state, answer: say.forbidden(kind, name, 'this namespace may not be deleted') };
  const options = readOptions(text, graceQuery);
  const unmet = preconditionUnmet(options, metaOf(held));
  if (unmet) return { state, answer: say.conflict({ ...kind, plural: kind.kind }, name, unmet) };
  const marked = mark(state, kind, held, options, context);
  if (kind !== NAMESPACE || marked.answer.kind !== 'object') return marked;
  return { state: emptyNamespace(marked.state, name, context), answer: marked.answer };
}

/** DELETE of a collection: each object that is selected, and the list of them as the answer. */
export function deleteCollection(
  state: ApiState,
  kinds: { readonly kind: ApiKind; readonly namespace: string },
  selects: Selects,
  text: string,
  graceQuery: string | undefined,
  context: WriteContext,
): { readonly state: ApiState; readonly deleted: readonly RawObject[] } {
  const { kind, namespace } = kinds;
  const deleted = [...objectsOf(state, kind).values()].filter(
    (object) => (namespace === '' || metaOf(object)['namespace'] === namespace) && selects(object),
  );
  let next = state;
  for (const object of deleted) {
    const path = { kind, namespace: String(metaOf(object)['namespace'] ?? ''), name: String(metaOf(object)['name']), subresource: '' };
    next = deleteObject(next, path, text, graceQuery, context).state;
  }
  return { state: next, deleted };
}

function readOptions(text: string, graceQuery: string | undefined): DeleteOptions {
  const options = asObject(parseJson(text));
  const preconditions = asObject(options?.['preconditions']);
  const grace = graceQuery === undefined ? options?.['gracePeriodSeconds'] : Number(graceQuery);
  return {
    // A negative period counts as one second (registry/rest BeforeDelete).
    graceSeconds: typeof grace === 'number' && grace < 0 ? 1 : asInteger(grace, 0, GRACE_SECONDS_MAX),
    uid: asString(preconditions?.['uid']),
    resourceVersion: asString(preconditions?.['resourceVersion']),
  };
}

function preconditionUnmet(options: DeleteOptions, meta: RawObject): string | undefined {
  if (options.uid !== undefined && options.uid !== meta['uid'])
    return `the UID in the precondition (${options.uid}) does not match the UID in record (${meta['uid']}). The object might have been deleted and then recreated`;
  if (options.resourceVersion !== undefined && options.resourceVersion !== meta['resourceVersion'])
    return `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${meta['resourceVersion']}). The object might have been modified`;
  return undefined;
}

function mark(state: ApiState, kind: ApiKind, held: RawObject, options: DeleteOptions, context: WriteContext): Written {
  const meta = metaOf(held);
  const key = storeKey(String(meta['namespace'] ?? ''), String(meta['name']));
  const answered = (next: ApiState, body: RawObject): Written => ({
    state: next,
    answer: { kind: 'object', status: 200, body, warnings: [] },
  });
  const most = kind.graceSeconds(held);
  const current = asInteger(meta['deletionGracePeriodSeconds'], 0, GRACE_SECONDS_MAX);
  const wanted = most === 0 ? 0 : (options.graceSeconds ?? current ?? most);
  const grace = current === undefined ? wanted : Math.min(wanted, current);
  const stays = grace > 0 || asArray(meta['finalizers']).length > 0 || kind === NAMESPACE;
  const doomed = {
    ...held,
    metadata: {
      ...meta,
      ...(kind.generation && meta['deletionTimestamp'] === undefined && { generation: Number(meta['generation'] ?? 0) + 1 }),
      deletionTimestamp: current === grace ? meta['deletionTimestamp'] : rfc3339(context.wallMs + grace * 1000),
      deletionGracePeriodSeconds: grace,
    },
    ...(kind === NAMESPACE && { status: { ...asObject(held['status']), phase: 'Terminating' } }),
  };
  if (!stays) {
    const removed = withoutObject(state, kind, key);
    if (kind.returnsDeleted) return answered(removed.state, removed.object);
    return { state: removed.state, answer: say.success(kind, String(meta['name']), String(meta['uid'])) };
  }
  if (jsonEqual(doomed, held)) return answered(state, held);
  const stored = withObject(state, kind, key, doomed);
  return answered(stored.state, stored.object);
}

/** Does the namespace controller's work in the same request: removes what the namespace holds, then the namespace. */
function emptyNamespace(state: ApiState, name: string, context: WriteContext): ApiState {
  let next = state;
  for (const [resource, objects] of state.objects) {
    const [group = '', plural = ''] = resource.split('/');
    for (const object of objects.values()) {
      const meta = metaOf(object);
      if (meta['namespace'] !== name) continue;
      const kind: ApiKind = { ...NAMESPACE, group, plural, graceSeconds: () => 0 };
      next = mark(next, kind, object, { graceSeconds: 0, uid: undefined, resourceVersion: undefined }, context).state;
    }
  }
  const empty = [...next.objects].every(([, objects]) => [...objects.values()].every((object) => metaOf(object)['namespace'] !== name));
  return empty ? withoutObject(next, NAMESPACE, name).state : next;
}
