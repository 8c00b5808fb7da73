import { backoffMs, HEALTHY_AFTER_MS } from './limits.ts';
import type { InformerState, Lane, Moment, Problem } from './state.ts';

/** After so many refusals in a row a watch is not tried again from the same version: after a restore of etcd that may lie in the future. */
const REFUSALS_MAX = 3;

/**
 * The watch on the live set is over. What is known stays.
 *
 * | why | next |
 * |-----|------|
 * | ended well after 5 s | the same watch, at once |
 * | 410, or the server calls the request invalid | a list, after the backoff |
 * | refused three times running, by other than 429 | a list, after the backoff |
 * | anything else | the same watch, after the backoff |
 */
export function failLive(
  state: InformerState,
  lane: Lane,
  problem: Problem,
  retryAfterSeconds: number | undefined,
  moment: Moment,
): InformerState {
  const { now, random, effects } = moment;
  const wasHealthy = lane.opened && now - lane.openedAt >= HEALTHY_AFTER_MS;
  if (wasHealthy && problem.reason === 'closed') {
    effects.push({ kind: 'restarted', into: 'live', problem, afterMs: 0 });
    return { ...state, live: undefined, liveRetry: { failures: 0, at: now } };
  }
  const failures = wasHealthy ? 1 : state.liveRetry.failures + 1;
  const afterMs = backoffMs(failures, random, retryAfterSeconds);
  effects.push({ kind: 'restarted', into: 'live', problem, afterMs });
  const at = now + afterMs;
  const listAgain = isOutdated(problem) || (isRefusal(problem) && failures >= REFUSALS_MAX);
  return {
    ...state,
    live: undefined,
    liveRetry: { failures, at },
    problem,
    ...(listAgain && { resumable: false, freshRetry: { failures: state.freshRetry.failures, at } }),
  };
}

/**
 * The list is over before it was complete: its set is thrown away.
 *
 * | why | next |
 * |-----|------|
 * | a streaming list is called invalid (400, 406, 415, 422) | LIST in pages, at once and from now on |
 * | a streaming list ended, or went silent, without its end mark | LIST in pages, this once, after the backoff |
 * | anything else | the same, after the backoff |
 */
export function failFresh(
  state: InformerState,
  lane: Lane,
  problem: Problem,
  retryAfterSeconds: number | undefined,
  moment: Moment,
): InformerState {
  const { now, random, effects } = moment;
  const refused = lane.mode === 'list' && problem.reason === 'invalid';
  const markMissing = lane.mode === 'list' && (problem.reason === 'closed' || problem.reason === 'silent');
  const failures = refused ? state.freshRetry.failures : state.freshRetry.failures + 1;
  const afterMs = refused ? 0 : backoffMs(failures, random, retryAfterSeconds);
  const shown: Problem = markMissing ? { reason: 'no-end-mark', detail: problem.detail } : problem;
  effects.push({ kind: 'discard' }, { kind: 'restarted', into: 'fresh', problem: shown, afterMs });
  return {
    ...state,
    fresh: undefined,
    freshRetry: { failures, at: now + afterMs },
    pages: refused ? 'always' : markMissing && state.pages === 'never' ? 'once' : state.pages,
    problem: state.live || refused ? state.problem : shown,
  };
}

function isOutdated(problem: Problem): boolean {
  return problem.reason === 'gone' || problem.reason === 'invalid';
}

function isRefusal(problem: Problem): boolean {
  return !['unreachable', 'too-many', 'closed', 'silent', 'no-end-mark'].includes(problem.reason);
}
