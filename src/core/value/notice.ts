import type { NOTICES } from './notice-table.ts';

/** Names a Kubernetes object; `namespace` is empty for cluster-scoped kinds. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The codes that `notice-table.ts` declares: UpperCamelCase, stable. */
export type NoticeCode = keyof typeof NOTICES;

/**
 * Something a plan noticed. The role turns it into a log line, a metric and, where a user should act, an Event.
 * `code` is the Event's `reason`.
 */
export interface Notice {
  readonly object: ObjectRef;
  readonly code: NoticeCode;
  readonly text: string;
}

/** A notice whose object is known from where it stands. */
export type Remark = readonly [code: NoticeCode, text: string];
