import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import type { ApiPath } from './api-path.ts';
import * as say from './api-status.ts';
import { readBody, readPatched } from './body.ts';
import { jsonEqual, mergePatch, parseJson, withoutUndefined } from './json.ts';
import type { ApiKind } from './kind.ts';
import { NAMESPACE } from './kind-node.ts';
import { generatedName, metaOf, randomUid, validateMeta } from './object-meta.ts';
import { rfc3339 } from './rfc3339.ts';
import { type ApiState, objectsOf, storeKey, withObject, withoutObject } from './state.ts';

/** What a write takes from outside. */
export interface WriteContext {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** A number in [0, 1): uids, generated names, allocated addresses. */
  readonly random: () => number;
  /** `fieldValidation=Strict`: unknown fields are refused instead of warned of. */
  readonly strict: boolean;
}

export type WriteAnswer =
  | say.ApiStatus
  | { readonly kind: 'object'; readonly status: number; readonly body: RawObject; readonly warnings: readonly string[] };

export interface Written {
  readonly state: ApiState;
  readonly answer: WriteAnswer;
}

const VERSION = /^\d+$/;

/** POST to a collection. */
export function createObject(state: ApiState, path: ApiPath, text: string, context: WriteContext): Written {
  const body = readBody(text, path, context.strict);
  if (!body.ok) return { state, answer: body.answer };
  return storeNew(state, path, body.object, body.warnings, context);
}

function storeNew(state: ApiState, path: ApiPath, object: RawObject, warnings: readonly string[], context: WriteContext): Written {
  const { kind, namespace } = path;
  const refuse = (answer: say.ApiStatus): Written => ({ state, answer });
  const sent = metaOf(object);
  if (asString(sent['resourceVersion'])) return refuse(say.failure(500, '', 'resourceVersion should not be set on objects to be created'));
  const base = asString(sent['generateName']);
  const name = asString(sent['name']) ?? (base === undefined ? undefined : generatedName(base, context.random));
  const closed = kind.namespaced ? namespaceClosed(state, kind, namespace, name ?? '') : undefined;
  if (closed) return refuse(closed);
  const metadata = withoutUndefined({
    ...sent,
    name,
    uid: randomUid(context.random),
    creationTimestamp: rfc3339(context.wallMs),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    generation: kind.generation ? 1 : undefined,
  });
  // Only Nodes may be created with a status: kubelets do.
  const { status: _status, ...withoutStatus } = object;
  const plain = kind.statusSubresource && kind.kind !== 'Node' ? withoutStatus : object;
  const filled = kind.fill({ ...plain, metadata }, undefined, factsFor(state, kind, context));
  const errors = [...validateMeta(metadata, undefined, kind.nameRule), ...kind.validate(filled, undefined)];
  if (errors.length > 0) return refuse(say.invalid(errorKind(kind), name ?? '', errors));
  const key = storeKey(namespace, name ?? '');
  if (objectsOf(state, kind).has(key)) return refuse(say.alreadyExists(kind, name ?? ''));
  const stored = withObject(state, kind, key, filled);
  return { state: stored.state, answer: { kind: 'object', status: 201, body: stored.object, warnings } };
}

/** PUT: replaces the object (or with the subresource its status) and, for some kinds, creates it. */
export function replaceObject(state: ApiState, path: ApiPath, text: string, context: WriteContext): Written {
  const { kind, name } = path;
  const held = objectsOf(state, kind).get(storeKey(path.namespace, name));
  const body = readBody(text, path, context.strict);
  if (!body.ok) return { state, answer: body.answer };
  if (!held) {
    if (!kind.createsOnUpdate || path.subresource !== '') return { state, answer: say.notFound(kind, name) };
    return storeNew(state, { ...path, name: '' }, body.object, body.warnings, context);
  }
  const meta = metaOf(body.object);
  if (kind.updateNeedsVersion && !asString(meta['resourceVersion'])) {
    const error = {
      field: 'metadata.resourceVersion',
      reason: 'FieldValueInvalid',
      message: 'Invalid value: 0: must be specified for an update',
    } as const;
    return { state, answer: say.invalid({ group: kind.group, kind: kind.plural }, name, [error]) };
  }
  if (meta['uid'] !== undefined && meta['uid'] !== metaOf(held)['uid'])
    return { state, answer: say.conflict(kind, name, `Precondition failed: UID in precondition: ${meta['uid']}`) };
  return storeChanged(state, path, held, body.object, body.warnings, context);
}

/** PATCH with a JSON merge patch. */
export function patchObject(state: ApiState, path: ApiPath, text: string, context: WriteContext): Written {
  const held = objectsOf(state, path.kind).get(storeKey(path.namespace, path.name));
  const patch = asObject(parseJson(text));
  if (!patch) return { state, answer: say.badRequest('error decoding patch: not a JSON object') };
  if (!held) return { state, answer: say.notFound(path.kind, path.name) };
  const body = readPatched(mergePatch(held, patch), path, context.strict);
  if (!body.ok) return { state, answer: body.answer };
  return storeChanged(state, path, held, body.object, body.warnings, context);
}

function storeChanged(
  state: ApiState,
  path: ApiPath,
  held: RawObject,
  sent: RawObject,
  warnings: readonly string[],
  context: WriteContext,
): Written {
  const { kind, name } = path;
  const old = metaOf(held);
  const version = asString(metaOf(sent)['resourceVersion']) ?? String(old['resourceVersion']);
  if (!VERSION.test(version)) return { state, answer: say.failure(500, '', `parsing ${JSON.stringify(version)}: invalid syntax`) };
  if (version !== old['resourceVersion']) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    return { state, answer: say.conflict(kind, name, why) };
  }
  const onlyStatus = path.subresource === 'status';
  const parts = onlyStatus ? { ...held, status: sent['status'] } : kind.statusSubresource ? { ...sent, status: held['status'] } : sent;
  const draft = withoutUndefined({ ...parts, metadata: keptMeta(metaOf(sent), old) });
  const filled = kind.fill(draft, held, factsFor(state, kind, context));
  const errors = [
    ...validateMeta({ ...metaOf(filled), uid: metaOf(sent)['uid'] }, old, kind.nameRule),
    ...(onlyStatus ? kind.validateStatus(filled, held) : kind.validate(filled, held)),
  ];
  if (errors.length > 0) return { state, answer: say.invalid(errorKind(kind), name, errors) };
  return storeUnlessEqual(state, path, held, filled, warnings);
}

/** What no writer may set stays as it was. */
function keptMeta(meta: RawObject, old: RawObject): RawObject {
  const { creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, generateName, generation, resourceVersion, uid } = old;
  const fixed = { creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, generateName, generation, resourceVersion, uid };
  return withoutUndefined({ ...meta, ...fixed });
}

/** A write that changes nothing gets no version; one that takes the last finalizer of a deleted object removes it. */
function storeUnlessEqual(state: ApiState, path: ApiPath, held: RawObject, filled: RawObject, warnings: readonly string[]): Written {
  const { kind } = path;
  const done = (next: ApiState, body: RawObject): Written => ({ state: next, answer: { kind: 'object', status: 200, body, warnings } });
  const key = storeKey(path.namespace, path.name);
  const meta = metaOf(filled);
  const over = meta['deletionTimestamp'] !== undefined && asArray(meta['finalizers']).length === 0 && !meta['deletionGracePeriodSeconds'];
  if (over) {
    const removed = withoutObject(state, kind, key);
    return done(removed.state, filled);
  }
  if (jsonEqual(held, filled)) return done(state, held);
  const stored = withObject(state, kind, key, kind.generation ? withGeneration(held, filled) : filled);
  return done(stored.state, stored.object);
}

function withGeneration(held: RawObject, filled: RawObject): RawObject {
  const { metadata: _m, status: _s, ...before } = held;
  const { metadata: _n, status: _t, ...after } = filled;
  if (jsonEqual(before, after)) return filled;
  return { ...filled, metadata: { ...metaOf(filled), generation: Number(metaOf(held)['generation'] ?? 0) + 1 } };
}

function factsFor(state: ApiState, kind: ApiKind, context: WriteContext) {
  return { others: () => objectsOf(state, kind).values(), random: context.random };
}

/** Events are validated under their core/v1 name. */
function errorKind(kind: ApiKind): Pick<ApiKind, 'group' | 'kind'> {
  return kind.group === 'events.k8s.io' ? { group: '', kind: kind.kind } : kind;
}

/** Nothing may be created in a namespace that is not there or on its way out. */
function namespaceClosed(state: ApiState, kind: ApiKind, namespace: string, name: string): say.ApiStatus | undefined {
  const held = objectsOf(state, NAMESPACE).get(namespace);
  if (!held) return say.notFound(NAMESPACE, namespace);
  if (asObject(held['status'])?.['phase'] !== 'Terminating') return undefined;
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return say.forbidden(kind, name, why, [cause]);
}
