import type { ApiErrorCode } from '../value/api-error.ts';

/** Why a watch or list was begun again. */
export type RestartReason = ApiErrorCode | 'closed' | 'silent' | 'no-end-mark';

/** One request that feeds the informer. */
export interface Lane {
  readonly id: number;
  /** A streaming list is `list` until its end mark, then it is a watch like any other; a LIST in pages is `pages`. */
  readonly mode: 'list' | 'pages' | 'watch';
  /** The newest resourceVersion it has shown, bookmarks included: where a watch goes on. */
  readonly version: string;
  readonly opened: boolean;
  /** Milliseconds: when its headers came, before that when it was asked for. */
  readonly openedAt: number;
  readonly heardAt: number;
}

/** A set being filled beside the live one. */
export interface Fresh {
  readonly lane: Lane;
  /** Set once the list is complete, but the live set stands at a newer version: swap when it has caught up, at the latest then. */
  readonly catchUpUntil: number | undefined;
}

/** Consecutive failures of one kind of request, and when it may be tried again. */
export interface Retry {
  readonly failures: number;
  /** Milliseconds; 0: at once. */
  readonly at: number;
}

export interface Problem {
  readonly reason: RestartReason;
  readonly detail: string;
}

export interface InformerState {
  readonly resyncMs: number;
  /** The live set has once been complete. */
  readonly synced: boolean;
  /** The live set has a version that a watch can start from. */
  readonly resumable: boolean;
  /** What the live set stands at; the last object event that went into it. */
  readonly version: string;
  readonly objectVersion: string;
  /** The watch that keeps the live set. */
  readonly live: Lane | undefined;
  readonly fresh: Fresh | undefined;
  /** The watch that kept the live set before a swap: it may still show what it owes, until then (milliseconds). */
  readonly witness: { readonly lane: number; readonly until: number } | undefined;
  readonly liveRetry: Retry;
  readonly freshRetry: Retry;
  /** Milliseconds. */
  readonly resyncAt: number;
  /** `always`: the server refuses streaming lists; `once`: the last one stayed without its end mark. */
  readonly pages: 'never' | 'once' | 'always';
  readonly nextLane: number;
  /** Why there is no watch now. */
  readonly problem: Problem | undefined;
}

/** What has happened. `lane` names the request it is about; what comes from a lane that is no longer wanted is ignored. */
export type InformerEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'opened'; readonly lane: number }
  /** Bytes came; the last version among them and that of the last object, empty when there were none. */
  | { readonly kind: 'heard'; readonly lane: number; readonly version: string; readonly objectVersion: string }
  | { readonly kind: 'end-mark'; readonly lane: number; readonly version: string }
  | { readonly kind: 'page'; readonly lane: number; readonly version: string; readonly next: string }
  | { readonly kind: 'ended'; readonly lane: number }
  | {
      readonly kind: 'failed';
      readonly lane: number;
      readonly code: ApiErrorCode;
      readonly detail: string;
      readonly retryAfterSeconds: number | undefined;
    }
  /** How many differences, found at the swap, the old watch has not yet shown. */
  | { readonly kind: 'suspects'; readonly count: number };

export type InformerEffect =
  /** Send a GET; `into` is the set that what it shows goes to. */
  | {
      readonly kind: 'open';
      readonly lane: number;
      readonly mode: Lane['mode'];
      readonly into: 'live' | 'fresh';
      readonly query: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'close'; readonly lane: number }
  /** The fresh set is the truth now, and `lane`, if there is one, feeds the live set from here on. Report `suspects` when there is a witness. */
  | { readonly kind: 'swap'; readonly lane: number | undefined; readonly witness: number | undefined }
  /** Throw the fresh set away. */
  | { readonly kind: 'discard' }
  /** The old watch had its time: what is still suspect was lost by it (`counted`), or it ended before it could show it. */
  | { readonly kind: 'settle'; readonly counted: boolean }
  | { readonly kind: 'restarted'; readonly into: 'live' | 'fresh'; readonly problem: Problem; readonly afterMs: number };

export interface Step {
  readonly state: InformerState;
  readonly effects: readonly InformerEffect[];
}

/** What a step works with: when it is (monotonic milliseconds), a number in [0, 1), and where its effects go. */
export interface Moment {
  readonly now: number;
  readonly random: number;
  readonly effects: InformerEffect[];
}
