import type { Question } from '../../core/forward/question.ts';
import type { UpstreamAnswer } from '../../core/forward/upstream-answer.ts';
import {
  afterAnswer,
  afterSilence,
  HEALTHY,
  inOrderOfHealth,
  isPrivate,
  type UpstreamAddress,
  type UpstreamHealth,
} from '../../core/forward/upstreams.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { askUpstream, type Outcome } from './upstream-exchange.ts';

/** One `-upstream` address with what is known of it; counts only grow. */
export interface Upstream {
  readonly address: UpstreamAddress;
  /** As logs and metrics name it. */
  readonly text: string;
  readonly isPrivate: boolean;
  health: UpstreamHealth;
  answers: number;
  failures: number;
  silences: number;
}

export interface UpstreamPool {
  readonly upstreams: readonly Upstream[];
  /** Asks upstreams in order of health until one answers, some four seconds at most. `privateOnly`: a question no public server may see. */
  readonly resolve: (question: Question, privateOnly: boolean) => Promise<Resolved>;
  /** Asks just this one, and takes no note of what comes of it. */
  readonly send: (upstream: Upstream, question: Question, signal: AbortSignal) => Promise<Outcome>;
  readonly setLooping: (upstream: Upstream, looping: boolean) => void;
  readonly ignored: () => number;
  readonly tcp: () => number;
}

export type Resolved =
  | { readonly kind: 'answer'; readonly answer: UpstreamAnswer }
  /** `failed`: somebody answered, but with a failure; `silent`: nobody did. */
  | { readonly kind: 'failed' | 'silent'; readonly reason: string };

/** Queries for one question, over all upstreams. */
const ATTEMPTS_MAX = 3;
/** After so long without an answer the next one is asked as well. */
const PATIENCE_MS = [800, 1_200, 2_500] as const;
/** When a question is given up: stub resolvers wait five seconds. */
export const RESOLVE_MS_MAX = 4_500;

export function createUpstreamPool(addresses: readonly UpstreamAddress[], clock: Clock, log: Log, signal: AbortSignal): UpstreamPool {
  const upstreams: readonly Upstream[] = addresses.map((address) => ({
    address,
    text: upstreamText(address),
    isPrivate: isPrivate(address.ip),
    health: HEALTHY,
    answers: 0,
    failures: 0,
    silences: 0,
  }));
  let ignored = 0;
  let tcp = 0;
  const events = { ignored: () => void ignored++, tcp: () => void tcp++ };

  const note = (upstream: Upstream, health: UpstreamHealth, reason: string): void => {
    const before = upstream.health;
    upstream.health = health;
    if (before.retryAtMs === 0 && health.retryAtMs > 0) log.warn('upstream does not answer', { upstream: upstream.text, reason });
    else if (before.retryAtMs > 0 && health.retryAtMs === 0) log.info('upstream answers again', { upstream: upstream.text });
  };
  const silence = (upstream: Upstream, reason: string): void => {
    upstream.silences++;
    note(upstream, afterSilence(upstream.health, clock.now()), reason);
  };
  const count = (upstream: Upstream, outcome: Outcome): void => {
    if (outcome.kind === 'aborted') return;
    if (outcome.kind === 'silent') silence(upstream, outcome.reason);
    else {
      if (outcome.kind === 'answer') upstream.answers++;
      else upstream.failures++;
      note(upstream, afterAnswer(upstream.health), '');
    }
  };

  const resolve = async (question: Question, privateOnly: boolean): Promise<Resolved> => {
    const usable = inOrderOfHealth(privateOnly ? upstreams.filter((one) => one.isPrivate) : upstreams, clock.now());
    if (usable.length === 0) return { kind: 'failed', reason: 'no upstream that may be asked' };
    const stop = new AbortController();
    const both = AbortSignal.any([stop.signal, signal]);
    const deadline = clock.after(RESOLVE_MS_MAX, both).then(() => undefined);
    let problem: Resolved = { kind: 'silent', reason: 'no answer in time' };
    const asked: Promise<Resolved | undefined>[] = [];
    // Whoever has said that it has no answer is not asked again (RFC 9520 §3.1).
    const refused = new Set<Upstream>();
    const attempt = async (upstream: Upstream): Promise<Resolved | undefined> => {
      const outcome = await askUpstream(upstream.address, question, events, both);
      count(upstream, outcome);
      if (outcome.kind === 'answer') return outcome;
      if (outcome.kind === 'failed') refused.add(upstream);
      if (outcome.kind !== 'aborted') problem = outcome.kind === 'failed' || problem.kind === 'silent' ? outcome : problem;
      return undefined;
    };
    try {
      for (let turn = 0; turn < ATTEMPTS_MAX && !signal.aborted; turn++) {
        const upstream = nextOf(usable, turn, refused);
        if (!upstream) break;
        const latest = attempt(upstream);
        asked.push(latest);
        const late = clock.after(PATIENCE_MS[turn] ?? 0, both).then(() => LATE);
        // An earlier attempt that answers late is as good; one that failed does not end the wait for this one.
        const first = await Promise.race([firstAnswer(asked), latest, late]);
        if (typeof first === 'string') silence(upstream, 'time-out');
        else if (first) return first;
      }
      // The last one may have failed at once while an earlier one still thinks.
      const last = await Promise.race([firstAnswer(asked), Promise.all(asked).then(() => undefined), deadline]);
      return last ?? problem;
    } finally {
      stop.abort();
    }
  };

  return {
    upstreams,
    resolve,
    send: (upstream, question, until) => askUpstream(upstream.address, question, events, until),
    setLooping(upstream, looping) {
      if (upstream.health.looping === looping) return;
      upstream.health = { ...upstream.health, looping };
      if (looping) log.error('upstream sends our queries back to us: it is not used', { upstream: upstream.text });
      else log.info('upstream no longer sends our queries back: it is used again', { upstream: upstream.text });
    },
    ignored: () => ignored,
    tcp: () => tcp,
  };
}

const LATE = 'late' as const;

/** The one whose turn it is, or the next behind it that has not refused. */
function nextOf(usable: readonly Upstream[], turn: number, refused: ReadonlySet<Upstream>): Upstream | undefined {
  const from = turn % usable.length;
  return [...usable.slice(from), ...usable.slice(0, from)].find((upstream) => !refused.has(upstream));
}

/** Resolves with the first answer; never when there is none. */
function firstAnswer(asked: readonly Promise<Resolved | undefined>[]): Promise<Resolved> {
  return new Promise((resolve) => {
    for (const one of asked) void one.then((outcome) => outcome && resolve(outcome));
  });
}

/** `192.168.1.1`, `192.168.1.1:5353`, `[fd00::1]:5353`. */
export function upstreamText({ ip, port }: UpstreamAddress): string {
  if (port === 53) return ip;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
