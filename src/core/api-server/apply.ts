import { asObject, asString, type RawObject } from '../object/raw.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ApiPath } from './api-path.ts';
import { deleteObject } from './delete.ts';
import { type ApiKind, apiVersionOf } from './kind.ts';
import { metaOf } from './object-meta.ts';
import { type ApiState, EMPTY_STATE, objectsOf, storeKey } from './state.ts';
import { createObject, replaceObject, type WriteContext } from './write.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** A new cluster: the four namespaces, and nothing else. */
export function initialState(kinds: readonly ApiKind[], context: WriteContext): ApiState {
  return NAMESPACES.reduce((state, name) => {
    const applied = applyObject(state, kinds, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, context);
    if (!applied.ok) throw new Error(applied.detail);
    return applied.value;
  }, EMPTY_STATE);
}

/**
 * Creates or replaces an object together with its status, past the division of object and `/status` but not past validation. `refused`
 * says what the API would have said.
 */
export function applyObject(
  state: ApiState,
  kinds: readonly ApiKind[],
  object: RawObject,
  context: WriteContext,
): Result<ApiState, 'refused'> {
  const path = pathOf(kinds, object);
  if (!path) return err('refused', `${object['apiVersion']} ${object['kind']} is not a kind of this server, or has no name`);
  const { resourceVersion: _version, uid: _uid, ...metadata } = metaOf(object);
  const text = JSON.stringify({ ...object, metadata });
  const exists = objectsOf(state, path.kind).has(storeKey(path.namespace, path.name));
  const main = exists ? replaceObject(state, path, text, context) : createObject(state, path, text, context);
  if (main.answer.kind === 'status') return err('refused', String(main.answer.body['message']));
  if (!path.kind.statusSubresource || object['status'] === undefined) return ok(main.state);
  const status = replaceObject(main.state, { ...path, subresource: 'status' }, text, context);
  return status.answer.kind === 'status' ? err('refused', String(status.answer.body['message'])) : ok(status.state);
}

/** Removes an object at once, without grace; finalizers still hold it. `refused` when there is none. */
export function removeObject(
  state: ApiState,
  kinds: readonly ApiKind[],
  object: RawObject,
  context: WriteContext,
): Result<ApiState, 'refused'> {
  const path = pathOf(kinds, object);
  if (!path) return err('refused', `${object['apiVersion']} ${object['kind']} is not a kind of this server, or has no name`);
  const done = deleteObject(state, path, '', '0', context);
  const failed = done.answer.kind === 'status' && done.answer.status >= 400;
  return failed ? err('refused', String(asObject(done.answer.body)?.['message'])) : ok(done.state);
}

function pathOf(kinds: readonly ApiKind[], object: RawObject): ApiPath | undefined {
  const kind = kinds.find((known) => known.kind === object['kind'] && apiVersionOf(known) === object['apiVersion']);
  const name = asString(metaOf(object)['name']);
  if (!kind || name === undefined) return undefined;
  const namespace = kind.namespaced ? (asString(metaOf(object)['namespace']) ?? 'default') : '';
  return { kind, namespace, name, subresource: '' };
}
