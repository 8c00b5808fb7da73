import type { RawObject } from '../object/raw.ts';
import type { ApiPath } from './api-path.ts';
import * as say from './api-status.ts';
import { type FieldError, forbiddenField, oneOf } from './field-error.ts';
import { type ApiKind, apiVersionOf, resourceKey } from './kind.ts';
import { type Query, selectsOf } from './list.ts';
import type { Selects } from './selector.ts';
import { type ApiState, type Change, objectsOf, versioned } from './state.ts';

/** One line of a watch (meta/v1 WatchEvent). */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: RawObject;
}

/** An open watch: what it wants, and the version up to which it has been told everything. */
export interface Watch {
  readonly kind: ApiKind;
  readonly selects: Selects;
  /** `allowWatchBookmarks`. */
  readonly bookmarks: boolean;
  readonly version: number;
  /** As asked for; absent: the server chooses. */
  readonly timeoutSeconds: number | undefined;
}

export type WatchAnswer = say.ApiStatus | { readonly kind: 'watch'; readonly watch: Watch; readonly events: readonly WatchEvent[] };

/** What has happened since, and the watch moved on; `over` after an ERROR event. */
export interface WatchProgress {
  readonly watch: Watch;
  readonly events: readonly WatchEvent[];
  readonly over: boolean;
}

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Opens a watch. With `sendInitialEvents`, and without a resourceVersion (or with 0), the present objects come first as ADDED; only the
 * former, with bookmarks allowed, marks their end.
 */
export function openWatch(state: ApiState, path: ApiPath, query: Query): WatchAnswer {
  const errors = watchErrors(query);
  if (errors.length > 0) return say.invalid(LIST_OPTIONS, '', errors);
  const selects = selectsOf(path, query);
  if (!selects.ok) return say.badRequest(selects.detail);
  const asked = query['resourceVersion'] ?? '';
  if (!/^\d*$/.test(asked)) return say.failure(500, '', `resourceVersion: Invalid value: ${JSON.stringify(asked)}`);
  const streaming = query['sendInitialEvents'] === 'true';
  const bookmarks = query['allowWatchBookmarks'] === 'true' || query['allowWatchBookmarks'] === '1';
  const timeout = /^\d+$/.test(query['timeoutSeconds'] ?? '') ? Number(query['timeoutSeconds']) : undefined;
  const watch = { kind: path.kind, selects: selects.value, bookmarks, timeoutSeconds: timeout || undefined };
  const fromNow = query['sendInitialEvents'] !== 'false' && Number(asked) === 0;
  if (!streaming && !fromNow) return { kind: 'watch', watch: { ...watch, version: Number(asked) }, events: [] };
  if (Number(asked) > state.version) return say.tooLargeVersion(Number(asked), state.version);
  const events = presentObjects(state, watch.kind, watch.selects);
  const end = streaming && bookmarks ? [bookmark({ ...watch, version: state.version }, { [INITIAL_EVENTS_END]: 'true' })] : [];
  return { kind: 'watch', watch: { ...watch, version: state.version }, events: [...events, ...end] };
}

/** The events after what the watch has seen; 410 as an ERROR event when they are forgotten. */
export function advanceWatch(state: ApiState, watch: Watch): WatchProgress {
  if (watch.version < state.compacted) {
    const error: WatchEvent = { type: 'ERROR', object: say.expired(watch.version, state.compacted).body };
    return { watch, events: [error], over: true };
  }
  if (watch.version >= state.version) return { watch, events: [], over: false };
  const resource = resourceKey(watch.kind);
  const since = state.history.filter((change) => change.version > watch.version && change.resource === resource);
  const events = since.flatMap((change) => toEvent(change, watch.selects) ?? []);
  return { watch: { ...watch, version: state.version }, events, over: false };
}

/** A BOOKMARK: everything up to the watch's version has been sent. */
export function bookmark(watch: Watch, annotations?: RawObject): WatchEvent {
  const metadata = { resourceVersion: String(watch.version), ...(annotations && { annotations }) };
  return { type: 'BOOKMARK', object: { kind: watch.kind.kind, apiVersion: apiVersionOf(watch.kind), metadata } };
}

function presentObjects(state: ApiState, kind: ApiKind, selects: Selects): readonly WatchEvent[] {
  const sorted = [...objectsOf(state, kind)].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([, object]) => (selects(object) ? [{ type: 'ADDED', object } as const] : []));
}

/** An object that begins or ceases to be selected is ADDED or DELETED for this watch. */
function toEvent(change: Change, selects: Selects): WatchEvent | undefined {
  const was = change.before !== undefined && selects(change.before);
  const { after } = change;
  if (after !== undefined && selects(after)) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  if (!was || change.before === undefined) return undefined;
  return { type: 'DELETED', object: versioned(change.before, change.version) };
}

/** meta/v1 ListOptions validation for a watch (apimachinery ValidateListOptions). */
function watchErrors(query: Query): readonly FieldError[] {
  const match = query['resourceVersionMatch'];
  const initial = query['sendInitialEvents'];
  const at = 'resourceVersionMatch';
  if (query['continue']) return [forbiddenField(at, `${at} is forbidden when continue is provided`)];
  if (initial === undefined)
    return match === undefined ? [] : [forbiddenField(at, `${at} is forbidden for watch unless sendInitialEvents is provided`)];
  if (match === 'NotOlderThan') return [];
  const needed = forbiddenField(at, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  return [needed, ...(match === undefined ? [] : oneOf(at, match, ['NotOlderThan']))];
}
