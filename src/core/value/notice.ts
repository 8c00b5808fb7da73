/** Names a Kubernetes object; `namespace` is empty for cluster-scoped kinds. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * Something a plan noticed. The role turns it into a log line, a metric and, where a user should act, an Event.
 * `code` is the Event's `reason`: UpperCamelCase, stable.
 */
export interface Notice {
  readonly object: ObjectRef;
  readonly code: string;
  readonly text: string;
}
