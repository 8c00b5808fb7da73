import { PAGE_ITEMS_MAX, WATCH_SECONDS_MAX, WATCH_SECONDS_MIN } from './limits.ts';

export type Query = Readonly<Record<string, string>>;

/** A streaming list that goes on as a watch (KEP-3157): without a resourceVersion it is as new as a read from etcd. */
export function listQuery(random: number): Query {
  return {
    watch: 'true',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: 'true',
    timeoutSeconds: watchSeconds(random),
  };
}

export function watchQuery(version: string, random: number): Query {
  return { watch: 'true', resourceVersion: version, allowWatchBookmarks: 'true', timeoutSeconds: watchSeconds(random) };
}

/** One page of a LIST, the first when `next` is empty. */
export function pageQuery(next: string): Query {
  return next === '' ? { limit: String(PAGE_ITEMS_MAX) } : { limit: String(PAGE_ITEMS_MAX), continue: next };
}

function watchSeconds(random: number): string {
  return String(Math.floor(WATCH_SECONDS_MIN + random * (WATCH_SECONDS_MAX - WATCH_SECONDS_MIN)));
}
