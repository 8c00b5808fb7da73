/** Questions that no upstream could answer: not asked again for a while (RFC 9520 §3.2). */
export interface FailureCache {
  readonly isFailing: (key: string, nowMs: number) => boolean;
  /** Takes note of one more failure; returns for how long the question rests now, in milliseconds. */
  readonly failed: (key: string, nowMs: number) => number;
  readonly answered: (key: string) => void;
  readonly size: () => number;
}

export const FAILURE_MS_MIN = 1_000;
export const FAILURE_MS_MAX = 30_000;
export const FAILURES_MAX = 2_000;

interface Failure {
  readonly times: number;
  readonly untilMs: number;
}

/** One second, doubling with each failure in a row up to thirty. A failure is forgotten as long after its end as it lasted at most. */
export function createFailureCache(failuresMax = FAILURES_MAX): FailureCache {
  const failures = new Map<string, Failure>();
  return {
    isFailing(key, nowMs) {
      const known = failures.get(key);
      return known !== undefined && nowMs < known.untilMs;
    },
    failed(key, nowMs) {
      const known = failures.get(key);
      const recent = known && nowMs < known.untilMs + FAILURE_MS_MAX ? known.times : 0;
      const restMs = Math.min(FAILURE_MS_MIN * 2 ** Math.min(recent, 10), FAILURE_MS_MAX);
      failures.delete(key);
      failures.set(key, { times: recent + 1, untilMs: nowMs + restMs });
      const [oldest] = failures.keys();
      if (failures.size > failuresMax && oldest !== undefined) failures.delete(oldest);
      return restMs;
    },
    answered: (key) => void failures.delete(key),
    size: () => failures.size,
  };
}
