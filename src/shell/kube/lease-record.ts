import { asInteger, asObject, asString } from '../../core/object/raw.ts';

/** A coordination.k8s.io/v1 Lease, as far as an election needs it. */
export interface LeaseRecord {
  readonly resourceVersion: string;
  /** `spec.holderIdentity`; empty when nobody holds it. */
  readonly holder: string;
  /** `spec.leaseDurationSeconds`; 0 when absent. */
  readonly durationSeconds: number;
  readonly transitions: number;
  /** Changes whenever somebody acquires, renews or releases, and not when only labels or annotations change. */
  readonly mark: string;
}

const DURATION_MAX_SECONDS = 3600;

/** `undefined` for anything that is not an object with a resourceVersion. */
export function toLeaseRecord(raw: unknown): LeaseRecord | undefined {
  const resourceVersion = asString(asObject(asObject(raw)?.['metadata'])?.['resourceVersion']);
  if (!resourceVersion) return undefined;
  const spec = asObject(asObject(raw)?.['spec']);
  const holder = asString(spec?.['holderIdentity']) ?? '';
  const transitions = asInteger(spec?.['leaseTransitions'], 0, Number.MAX_SAFE_INTEGER) ?? 0;
  return {
    resourceVersion,
    holder,
    durationSeconds: asInteger(spec?.['leaseDurationSeconds'], 1, DURATION_MAX_SECONDS) ?? 0,
    transitions,
    mark: JSON.stringify([holder, transitions, spec?.['acquireTime'], spec?.['renewTime'], spec?.['leaseDurationSeconds']]),
  };
}

/** The `spec` that takes or keeps the Lease; `before` is undefined when there is none yet. `now` is a MicroTime. */
export function heldSpec(before: LeaseRecord | undefined, identity: string, durationSeconds: number, now: string) {
  const renewed = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime: now };
  if (before?.holder === identity) return renewed;
  return { ...renewed, acquireTime: now, leaseTransitions: before ? before.transitions + 1 : 0 };
}

/** As a merge patch: nobody holds it, and it expires at once also for electors that look at the duration only. */
export function releasedSpec(now: string) {
  return { holderIdentity: null, leaseDurationSeconds: 1, renewTime: now };
}
