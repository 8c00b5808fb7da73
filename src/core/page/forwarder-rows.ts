import type { UpstreamHealth } from '../forward/upstreams.ts';
import type { ForwarderRow } from './api-schema.ts';

export interface UpstreamFacts {
  readonly text: string;
  readonly health: UpstreamHealth;
  readonly answers: number;
  readonly failures: number;
  readonly silences: number;
}

/** The upstreams as the page lists them, in the order given. */
export function forwarderRows(upstreams: readonly UpstreamFacts[], nowMs: number): readonly ForwarderRow[] {
  return upstreams.map((one) => {
    const { text: upstream, answers, failures, silences } = one;
    return { upstream, ...stateOf(one, nowMs), answers, failures, silences };
  });
}

function stateOf({ health, answers, failures, silences }: UpstreamFacts, nowMs: number): Pick<ForwarderRow, 'state' | 'detail' | 'level'> {
  if (health.looping) return { state: 'loops', detail: 'sends our queries back to us: not used', level: 'trouble' };
  const restMs = health.retryAtMs - nowMs;
  if (restMs > 0)
    return { state: 'rests', detail: `silent ${health.failures} times in a row: next in ${Math.ceil(restMs / 1000)} s`, level: 'trouble' };
  if (answers + failures + silences === 0) return { state: 'unasked', detail: 'not asked yet', level: 'none' };
  if (health.failures > 0) return { state: 'answers', detail: 'silent the last time', level: 'notice' };
  return { state: 'answers', detail: 'answers', level: 'good' };
}
