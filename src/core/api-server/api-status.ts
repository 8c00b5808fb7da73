import type { RawObject } from '../object/raw.ts';
import type { FieldError } from './field-error.ts';
import type { ApiKind } from './kind.ts';

/** A meta/v1 Status with the HTTP status it is sent with. */
export interface ApiStatus {
  readonly kind: 'status';
  readonly status: number;
  readonly body: RawObject;
}

interface Details {
  readonly name?: string | undefined;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly RawObject[];
  readonly retryAfterSeconds?: number;
}

/** Builds a failure; `reason` is one of meta/v1's StatusReason values, or empty for an internal one. */
export function failure(status: number, reason: string, message: string, details?: Details): ApiStatus {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason && { reason }),
    ...(details && { details: withoutEmpty(details) }),
    code: status,
  };
  return { kind: 'status', status, body };
}

export function success(kind: ApiKind, name: string, uid: string): ApiStatus {
  const details = withoutEmpty({ name, group: kind.group, kind: kind.plural, uid });
  return { kind: 'status', status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

export function badRequest(message: string): ApiStatus {
  return failure(400, 'BadRequest', message);
}

export function notFound(kind: ApiKind, name: string): ApiStatus {
  return failure(404, 'NotFound', `${resourceName(kind)} ${quoted(name)} not found`, { name, group: kind.group, kind: kind.plural });
}

/** The path names no resource of this server. */
export function unknownResource(): ApiStatus {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): ApiStatus {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function alreadyExists(kind: ApiKind, name: string): ApiStatus {
  const message = `${resourceName(kind)} ${quoted(name)} already exists`;
  return failure(409, 'AlreadyExists', message, { name, group: kind.group, kind: kind.plural });
}

export function conflict(kind: ApiKind, name: string, why: string): ApiStatus {
  const message = `Operation cannot be fulfilled on ${resourceName(kind)} ${quoted(name)}: ${why}`;
  return failure(409, 'Conflict', message, { name, group: kind.group, kind: kind.plural });
}

export function forbidden(kind: ApiKind, name: string, why: string, causes: readonly RawObject[] = []): ApiStatus {
  const message = `${resourceName(kind)} ${quoted(name)} is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, { name, group: kind.group, kind: kind.plural, causes });
}

/** History before `oldest` is gone (meta/v1 reason Expired): list again. */
export function expired(version: number, oldest: number): ApiStatus {
  return failure(410, 'Expired', `too old resource version: ${version} (${oldest})`);
}

export function tooLargeVersion(version: number, current: number): ApiStatus {
  const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' };
  const message = `Timeout: Too large resource version: ${version}, current: ${current}`;
  return failure(504, 'Timeout', message, { causes: [cause], retryAfterSeconds: 1 });
}

/** 422 with one cause per field. `of` is the kind, or the name of what is not an object of the API (ListOptions). */
export function invalid(of: Pick<ApiKind, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): ApiStatus {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const kind = of.group ? `${of.kind}.${of.group}` : of.kind;
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }));
  return failure(422, 'Invalid', `${kind} ${quoted(name)} is invalid: ${list}`, { name, group: of.group, kind: of.kind, causes });
}

function resourceName(kind: ApiKind): string {
  return kind.group ? `${kind.plural}.${kind.group}` : kind.plural;
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function withoutEmpty(details: Details): RawObject {
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)),
  );
}
