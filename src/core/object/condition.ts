import { asArray, asObject, asString, type RawObject } from './raw.ts';

/**
 * True when meta/v1 Conditions hold this type with status True. `observedGeneration` is not compared with `metadata.generation`: until a
 * controller has looked at an edit, its verdict about the object before it stands, or every edit would drop the names.
 */
export function hasCondition(conditions: unknown, type: string): boolean {
  return findCondition(conditions, type)?.['status'] === 'True';
}

/** The condition's `reason`; empty without one. */
export function conditionReason(conditions: unknown, type: string): string {
  return asString(findCondition(conditions, type)?.['reason']) ?? '';
}

/** True when meta/v1 Conditions hold this type with status False: somebody has looked and said no. */
export function isDenied(conditions: unknown, type: string): boolean {
  return findCondition(conditions, type)?.['status'] === 'False';
}

function findCondition(conditions: unknown, type: string): RawObject | undefined {
  return asArray(conditions)
    .map(asObject)
    .find((condition) => condition?.['type'] === type);
}
