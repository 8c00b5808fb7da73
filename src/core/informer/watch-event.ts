import { asInteger, asObject, asString, type RawObject } from '../object/raw.ts';
import { type ApiErrorCode, toApiErrorCode } from '../value/api-error.ts';

/** One line of a watch, or one item of a list. */
export type WatchEvent =
  | { readonly kind: 'put'; readonly object: RawObject; readonly version: string }
  | { readonly kind: 'delete'; readonly object: RawObject; readonly version: string }
  /** `endMark`: the initial objects of a streaming list are complete (KEP-3157). */
  | { readonly kind: 'bookmark'; readonly version: string; readonly endMark: boolean }
  | {
      readonly kind: 'error';
      readonly code: ApiErrorCode;
      readonly status: number;
      readonly detail: string;
      readonly retryAfterSeconds: number | undefined;
    };

const END_MARK = 'k8s.io/initial-events-end';
const RETRY_AFTER_SECONDS_MAX = 3600;

/** Reads meta/v1 WatchEvent; `undefined` for what is none. */
export function toWatchEvent(raw: unknown): WatchEvent | undefined {
  const event = asObject(raw);
  const object = asObject(event?.['object']);
  if (!event || !object) return undefined;
  switch (event['type']) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'put', object, version: versionOf(object) };
    case 'DELETED':
      return { kind: 'delete', object, version: versionOf(object) };
    case 'BOOKMARK': {
      const annotations = asObject(asObject(object['metadata'])?.['annotations']);
      return { kind: 'bookmark', version: versionOf(object), endMark: annotations?.[END_MARK] === 'true' };
    }
    case 'ERROR':
      return toError(object);
    default:
      return undefined;
  }
}

/** `metadata.resourceVersion`, or empty. */
export function versionOf(raw: unknown): string {
  return asString(asObject(asObject(raw)?.['metadata'])?.['resourceVersion']) ?? '';
}

function toError(status: RawObject): WatchEvent {
  const code = asInteger(status['code'], 100, 599) ?? 500;
  const retryAfterSeconds = asInteger(asObject(status['details'])?.['retryAfterSeconds'], 1, RETRY_AFTER_SECONDS_MAX);
  const detail = asString(status['message']) ?? 'the watch ended with an error that says nothing';
  return { kind: 'error', code: toApiErrorCode(code), status: code, detail, retryAfterSeconds };
}
