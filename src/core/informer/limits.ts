/** A list that is silent for so long is given up. */
export const LIST_SILENCE_MS_MAX = 30_000;
/** The same for a watch: bookmarks come every minute, so two were missed. */
export const WATCH_SILENCE_MS_MAX = 150_000;
/** Watches ask to be ended after a random time between these, so that they do not all come back at once. */
export const WATCH_SECONDS_MIN = 300;
export const WATCH_SECONDS_MAX = 600;
/** Objects a page of a LIST. */
export const PAGE_ITEMS_MAX = 500;
export const BACKOFF_MS_MIN = 200;
export const BACKOFF_MS_MAX = 30_000;
/** The longest `Retry-After` that is obeyed. */
export const RETRY_AFTER_MS_MAX = 300_000;
/** A request that lived so long was well: the next failure is the first again, and a clean end is followed at once. */
export const HEALTHY_AFTER_MS = 5_000;
/** How long a complete list waits for its watch to come to where the live set stands. */
export const CATCH_UP_MS_MAX = 5_000;
/** How long the shell may take to say what a swap found. */
export const SWAP_MS_MAX = 30_000;
/** How long the old watch may take to show what a re-list already knows. */
export const SETTLE_MS = 1_000;

/** Milliseconds to wait after this many failures in a row (1 = the first): doubling, with jitter between half and all of it. */
export function backoffMs(failures: number, random: number, retryAfterSeconds?: number): number {
  const full = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures, 16));
  const own = Math.max(BACKOFF_MS_MIN, full * (0.5 + random / 2));
  return retryAfterSeconds === undefined ? own : Math.max(own, Math.min(retryAfterSeconds * 1000, RETRY_AFTER_MS_MAX));
}

/** The longest line of a watch, or item of a list: etcd takes objects of 1.5 MiB, and JSON may be larger than what it stores. */
export const OBJECT_BYTES_MAX = 8 * 1024 * 1024;
