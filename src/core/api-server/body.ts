import { asObject, asString, type RawObject } from '../object/raw.ts';
import type { ApiPath } from './api-path.ts';
import { type ApiStatus, badRequest, invalid } from './api-status.ts';
import { invalidValue } from './field-error.ts';
import { parseJson } from './json.ts';
import { apiVersionOf } from './kind.ts';
import { OBJECT_META } from './object-meta.ts';
import { decode, fields } from './shape.ts';

export type Body =
  | { readonly ok: true; readonly object: RawObject; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly answer: ApiStatus };

const refuse = (answer: ApiStatus): Body => ({ ok: false, answer });

/** Reads an object that a POST or PUT sends: of this path's kind, namespace and types. Unknown fields are dropped; `strict` refuses them. */
export function readBody(text: string, path: ApiPath, strict: boolean): Body {
  const raw = asObject(parseJson(text));
  if (!raw) return refuse(badRequest(`the object provided is unrecognized (must be of type ${path.kind.kind}): couldn't get version/kind`));
  return readObject(raw, path, strict);
}

/** Reads what a merge patch made of an object. Wrong types are a 422 there, as if the field were called `patch`. */
export function readPatched(merged: unknown, path: ApiPath, strict: boolean): Body {
  const body = readObject(asObject(merged) ?? {}, path, strict);
  const notDecoded = !body.ok && body.answer.status === 400 && !String(body.answer.body['message']).startsWith('the ');
  if (!notDecoded) return body;
  const why = String(body.answer.body['message']);
  return refuse(invalid({ group: '', kind: '' }, '', [invalidValue('patch', '', why)]));
}

function readObject(raw: RawObject, path: ApiPath, strict: boolean): Body {
  const { kind } = path;
  const sent = `${asString(raw['kind']) ?? kind.kind} in version ${JSON.stringify(raw['apiVersion'] ?? apiVersionOf(kind))}`;
  const wrongKind = (raw['kind'] ?? kind.kind) !== kind.kind || (raw['apiVersion'] ?? apiVersionOf(kind)) !== apiVersionOf(kind);
  if (wrongKind) return refuse(badRequest(`${sent} cannot be handled as a ${kind.kind}: no such kind is registered for this path`));
  const decoded = decode(fields({ apiVersion: 'string', kind: 'string', metadata: OBJECT_META, ...kind.shape }), raw);
  if (decoded.fault) return refuse(badRequest(`${sent} cannot be handled as a ${kind.kind}: ${decoded.fault}`));
  const unknown = decoded.unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
  if (strict && unknown.length > 0)
    return refuse(badRequest(`${sent} cannot be handled as a ${kind.kind}: strict decoding error: ${unknown.join(', ')}`));
  return placed(asObject(decoded.value) ?? {}, path, unknown);
}

/** Where the object says it belongs must be where the path says. */
function placed(object: RawObject, path: ApiPath, warnings: readonly string[]): Body {
  const { managedFields: _managed, selfLink: _self, ...meta } = asObject(object['metadata']) ?? {};
  const namespace = asString(meta['namespace']) ?? path.namespace;
  const name = asString(meta['name']);
  if (namespace !== path.namespace)
    return refuse(badRequest('the namespace of the provided object does not match the namespace sent on the request'));
  if (path.name !== '' && name !== path.name)
    return refuse(badRequest(`the name of the object (${name ?? ''}) does not match the name on the URL (${path.name})`));
  const metadata = path.kind.namespaced ? { ...meta, namespace } : meta;
  return { ok: true, object: { ...object, kind: path.kind.kind, apiVersion: apiVersionOf(path.kind), metadata }, warnings };
}
