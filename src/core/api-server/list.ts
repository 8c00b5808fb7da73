import { asInteger, type RawObject } from '../object/raw.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ApiPath } from './api-path.ts';
import * as say from './api-status.ts';
import { type FieldError, forbiddenField, oneOf } from './field-error.ts';
import { apiVersionOf } from './kind.ts';
import { metaOf } from './object-meta.ts';
import { parseFieldSelector, parseLabelSelector, type Selects } from './selector.ts';
import { type ApiState, objectsAt, objectsOf } from './state.ts';

export type Query = Readonly<Record<string, string>>;

export type ListAnswer =
  | say.ApiStatus
  | { readonly kind: 'object'; readonly status: 200; readonly body: RawObject; readonly warnings: readonly string[] };

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };
const LIMIT_MAX = 2 ** 31 - 1;

/** Label and field selector of a request, and its namespace, as one predicate; a failure is the answer to send. */
export function selectsOf(path: ApiPath, query: Query): Result<Selects> {
  const labels = parseLabelSelector(query['labelSelector'] ?? '');
  if (!labels.ok) return err('bad-selector', labels.detail);
  const fields = parseFieldSelector(query['fieldSelector'] ?? '', path.kind);
  if (!fields.ok) return err('bad-selector', fields.detail);
  const { namespace } = path;
  return ok((object) => (namespace === '' || metaOf(object)['namespace'] === namespace) && labels.value(object) && fields.value(object));
}

/** GET of a collection: one consistent version, in pieces of `limit`; 410 when the pieces' version is forgotten. */
export function listObjects(state: ApiState, path: ApiPath, query: Query): ListAnswer {
  const errors = listErrors(query);
  if (errors.length > 0) return say.invalid(LIST_OPTIONS, '', errors);
  const selects = selectsOf(path, query);
  if (!selects.ok) return say.badRequest(selects.detail);
  const limit = query['limit'] === undefined ? 0 : asInteger(Number(query['limit']), -LIMIT_MAX, LIMIT_MAX);
  if (limit === undefined) return say.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(query['limit'])}: invalid syntax`);
  const start = startOf(state, query);
  if (!start.ok) return start.answer;
  const objects = start.version === state.version ? objectsOf(state, path.kind) : objectsAt(state, path.kind, start.version);
  if (!objects) return say.expired(start.version, state.compacted);
  const keys = [...objects.keys()].sort().filter((key) => key > start.after);
  const found = keys.flatMap((key) => {
    const object = objects.get(key);
    return object && selects.value(object) ? [{ key, object }] : [];
  });
  return { kind: 'object', status: 200, body: page(path, query, start.version, found, limit), warnings: [] };
}

interface Found {
  readonly key: string;
  readonly object: RawObject;
}

function page(path: ApiPath, query: Query, version: number, found: readonly Found[], limit: number): RawObject {
  const piece = limit > 0 ? found.slice(0, limit) : found;
  const rest = found.length - piece.length;
  const unselected = !query['labelSelector'] && !query['fieldSelector'];
  const metadata = {
    resourceVersion: String(version),
    ...(rest > 0 && { continue: tokenText(version, piece.at(-1)?.key ?? '') }),
    ...(rest > 0 && unselected && { remainingItemCount: rest }),
  };
  const items = piece.map(({ object: { kind: _kind, apiVersion: _version, ...item } }) => item);
  return { kind: `${path.kind.kind}List`, apiVersion: apiVersionOf(path.kind), metadata, items };
}

type Start =
  | { readonly ok: true; readonly version: number; readonly after: string }
  | { readonly ok: false; readonly answer: say.ApiStatus };

function startOf(state: ApiState, query: Query): Start {
  const refuse = (answer: say.ApiStatus): Start => ({ ok: false, answer });
  const asked = query['resourceVersion'] ?? '';
  if (query['continue']) {
    if (asked !== '' && asked !== '0') return refuse(say.badRequest('specifying resource version is not allowed when using continue'));
    const token = parseToken(query['continue']);
    return token ? { ok: true, ...token } : refuse(say.badRequest('invalid continue token: continue key is not valid'));
  }
  if (!/^\d*$/.test(asked))
    return refuse(say.badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(asked)}`));
  const version = Number(asked);
  if (version > state.version) return refuse(say.tooLargeVersion(version, state.version));
  return { ok: true, version: query['resourceVersionMatch'] === 'Exact' ? version : state.version, after: '' };
}

/** meta/v1 ListOptions validation for a list (apimachinery ValidateListOptions). */
function listErrors(query: Query): readonly FieldError[] {
  const match = query['resourceVersionMatch'];
  const version = query['resourceVersion'] ?? '';
  const at = 'resourceVersionMatch';
  return [
    ...(match !== undefined && query['continue'] ? [forbiddenField(at, `${at} is forbidden when continue is provided`)] : []),
    ...(match !== undefined && version === '' ? [forbiddenField(at, `${at} is forbidden unless resourceVersion is provided`)] : []),
    ...(match !== undefined && version !== '' ? oneOf(at, match, ['Exact', 'NotOlderThan']) : []),
    ...(match === 'Exact' && version === '0' ? [forbiddenField(at, `${at} "exact" is forbidden for resourceVersion "0"`)] : []),
    ...(query['sendInitialEvents'] === undefined ? [] : [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')]),
  ];
}

/** A continue token names the version and the last key; clients treat it as opaque. */
function tokenText(version: number, after: string): string {
  return `${version}.${[...after].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('')}`;
}

function parseToken(text: string): { readonly version: number; readonly after: string } | undefined {
  const match = /^(\d+)\.((?:[0-9a-f]{2})+)$/.exec(text);
  if (!match) return undefined;
  const bytes = (match[2] ?? '').match(/../g) ?? [];
  return { version: Number(match[1]), after: bytes.map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join('') };
}

/** GET of one object. */
export function getObject(state: ApiState, path: ApiPath): ListAnswer {
  const key = path.namespace === '' ? path.name : `${path.namespace}/${path.name}`;
  const object = objectsOf(state, path.kind).get(key);
  return object ? { kind: 'object', status: 200, body: object, warnings: [] } : say.notFound(path.kind, path.name);
}
