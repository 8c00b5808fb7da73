import type { RawObject } from '../object/raw.ts';
import { type ApiPath, parseApiPath } from './api-path.ts';
import * as say from './api-status.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import { AGGREGATED, aggregatedDiscovery, apiGroup, apiGroups, apiResources, apiVersions } from './discovery.ts';
import type { ApiKind } from './kind.ts';
import { apiVersionOf } from './kind.ts';
import { getObject, listObjects, type Query, selectsOf } from './list.ts';
import type { ApiState } from './state.ts';
import { openWatch, type WatchAnswer } from './watch.ts';
import { createObject, patchObject, replaceObject, type WriteAnswer, type WriteContext } from './write.ts';

/** One HTTP request as text; header values are empty when absent. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Query;
  readonly accept: string;
  readonly contentType: string;
  readonly body: string;
}

export type ApiAnswer =
  | WriteAnswer
  | WatchAnswer
  | { readonly kind: 'text'; readonly status: number; readonly text: string }
  | { readonly kind: 'discovery'; readonly contentType: string; readonly body: RawObject };

export interface Handled {
  readonly state: ApiState;
  readonly answer: ApiAnswer;
}

/** Answers one request: the next state and what to send. A watch's further events come from `advanceWatch`. */
export function handleRequest(
  state: ApiState,
  kinds: readonly ApiKind[],
  request: ApiRequest,
  context: Omit<WriteContext, 'strict'>,
): Handled {
  const stays = (answer: ApiAnswer): Handled => ({ state, answer });
  const fixed = handleFixed(kinds, request);
  if (fixed) return stays(fixed);
  const path = parseApiPath(request.path, kinds);
  if (path === 'no-group') return stays({ kind: 'text', status: 404, text: '404 page not found\n' });
  if (path === 'no-resource') return stays(say.unknownResource());
  if (!acceptsJson(request.accept)) return stays(say.failure(406, 'NotAcceptable', 'only application/json is served', {}));
  const jsonBody = /^(application\/json)?\s*(;|$)/.test(request.contentType);
  if (!jsonBody && (request.method === 'POST' || request.method === 'PUT')) return stays(unsupportedMediaType('application/json'));
  const strict = request.query['fieldValidation'] === 'Strict';
  const handled =
    path.name === '' ? onCollection(state, path, request, { ...context, strict }) : onObject(state, path, request, { ...context, strict });
  return request.query['dryRun'] === 'All' ? { state, answer: handled.answer } : handled;
}

function onCollection(state: ApiState, path: ApiPath, request: ApiRequest, context: WriteContext): Handled {
  const { query } = request;
  if (request.method === 'GET') {
    const watching = query['watch'] === 'true' || query['watch'] === '1';
    return { state, answer: watching ? openWatch(state, path, query) : listObjects(state, path, query) };
  }
  const ambiguous = path.kind.namespaced && path.namespace === '';
  if (request.method === 'POST' && !ambiguous) return createObject(state, path, request.body, context);
  if (request.method !== 'DELETE' || ambiguous) return { state, answer: say.methodNotAllowed() };
  const selects = selectsOf(path, query);
  if (!selects.ok) return { state, answer: say.badRequest(selects.detail) };
  const done = deleteCollection(state, path, selects.value, request.body, query['gracePeriodSeconds'], context);
  const metadata = { resourceVersion: String(done.state.version) };
  const body = { kind: `${path.kind.kind}List`, apiVersion: apiVersionOf(path.kind), metadata, items: done.deleted };
  return { state: done.state, answer: { kind: 'object', status: 200, body, warnings: [] } };
}

function onObject(state: ApiState, path: ApiPath, request: ApiRequest, context: WriteContext): Handled {
  switch (request.method) {
    case 'GET':
      return { state, answer: getObject(state, path) };
    case 'PUT':
      return replaceObject(state, path, request.body, context);
    case 'PATCH':
      if (request.contentType.split(';')[0]?.trim() !== 'application/merge-patch+json')
        return {
          state,
          answer: say.failure(415, 'UnsupportedMediaType', 'the embedded server knows application/merge-patch+json only', {}),
        };
      return patchObject(state, path, request.body, context);
    case 'DELETE':
      if (path.subresource !== '') return { state, answer: say.methodNotAllowed() };
      return deleteObject(state, path, request.body, request.query['gracePeriodSeconds'], context);
    default:
      return { state, answer: say.methodNotAllowed() };
  }
}

/** The real server takes YAML, protobuf and further patches as well. */
function unsupportedMediaType(known: string): say.ApiStatus {
  return say.failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${known}`,
    {},
  );
}

/** Health, version and discovery. */
function handleFixed(kinds: readonly ApiKind[], request: ApiRequest): ApiAnswer | undefined {
  const path = request.path.replace(/\/$/, '');
  if (request.method !== 'GET') return undefined;
  if (path === '/healthz' || path === '/readyz' || path === '/livez') return { kind: 'text', status: 200, text: 'ok' };
  if (path === '/version')
    return discovery({ major: '1', minor: '36', gitVersion: 'v1.36.3+minilb-embedded', platform: 'minilb/embedded' });
  const aggregated = request.accept.includes('as=APIGroupDiscoveryList') && request.accept.includes('v=v2');
  if (path === '/api' || path === '/apis') {
    const core = path === '/api';
    if (aggregated) return { kind: 'discovery', contentType: AGGREGATED, body: aggregatedDiscovery(kinds, core) };
    return discovery(core ? apiVersions() : apiGroups(kinds));
  }
  const [, root, group = '', version = '', further] = path.split('/');
  if (further !== undefined) return undefined;
  const body =
    root === 'api' && version === ''
      ? apiResources(kinds, '', group)
      : root !== 'apis'
        ? undefined
        : version === ''
          ? apiGroup(kinds, group)
          : apiResources(kinds, group, version);
  return body && discovery(body);
}

function discovery(body: RawObject): ApiAnswer {
  return { kind: 'discovery', contentType: 'application/json', body };
}

/** True when plain JSON is among what the client takes; tables and protobuf are not served. */
function acceptsJson(accept: string): boolean {
  if (accept === '') return true;
  return accept.split(',').some((part) => {
    const [type, ...parameters] = part.split(';').map((text) => text.trim());
    const plain = !parameters.some((parameter) => parameter.startsWith('as='));
    return plain && (type === 'application/json' || type === 'application/*' || type === '*/*');
  });
}
