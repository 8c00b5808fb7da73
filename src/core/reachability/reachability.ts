import type { Ip } from '../value/ip.ts';

/** A Node's kubelet, as far as it is asked whether it lives. */
export interface ProbeTarget {
  readonly node: string;
  readonly address: Ip;
}

/**
 * How a probe ended: `alive` is a connection or a reset, `silent` no word in time, `unknown` a fault on our own side, which says nothing
 * about the Node.
 */
export type ProbeResult = 'alive' | 'silent' | 'unknown';

/** Which Nodes look dead, from probes alone. Times are monotonic milliseconds. */
export interface Reachability {
  /** Takes over the Nodes; what is known of one stays while its address does. */
  readonly setTargets: (targets: readonly ProbeTarget[], nowMs: number) => void;
  /** The Node to probe now, if any: it counts as under way until `finished`. */
  readonly next: (nowMs: number) => ProbeTarget | undefined;
  /** When `next` should be asked again; infinity while there is nobody to probe. */
  readonly wakeAtMs: () => number;
  /** Takes the result of a probe that began at `startedMs`; the result for a Node that has changed meanwhile is passed over. */
  readonly finished: (target: ProbeTarget, result: ProbeResult, startedMs: number, nowMs: number) => void;
  /** The Nodes that are judged dead now. */
  readonly dead: () => ReadonlySet<string>;
}

/** How often a Node is asked that answers. */
export const PROBE_INTERVAL_MS = 1300;
/** Over all Nodes; where this is too few, the interval grows. */
export const PROBES_PER_SECOND_MAX = 20;
/**
 * Longer than a round trip, shorter than the second after which TCP sends again: each probe is one packet. Three of them, the first a whole
 * interval after the Node vanished, are over in 3.85 s.
 */
export const PROBE_TIMEOUT_MS = 850;
/** Misses in a row, then a Node may be judged. */
export const MISSES_MAX = 3;

interface Watched {
  readonly target: ProbeTarget;
  /** Silent probes in a row. */
  silences: number;
  /** Those in a row that count against it: none while more than a third of the Nodes are silent. */
  misses: number;
  /** When the first of the misses began; meaningless without misses. */
  missingSinceMs: number;
  /** Minus infinity until it has answered once: such a Node is never judged. */
  answeredAtMs: number;
  dueMs: number;
  underWay: boolean;
}

/**
 * The rules that keep a wrong judgement from doing harm:
 *
 * | rule | why |
 * |------|-----|
 * | only silence is a miss; a reset is an answer | a stopped kubelet does not stop pods |
 * | three misses in a row | a packet may be lost |
 * | a Node that never answered is never judged | a firewall may stand between |
 * | more than a third of the judged look dead: none is | it is probably us |
 * | a probe lost while more than a third are silent does not count | when we are back, some answer before others have been asked |
 * | those that count as alive must have answered since the Node fell silent | when we are cut off, some Nodes reach their third miss before others reach their first |
 */
export function createReachability(): Reachability {
  const watched = new Map<string, Watched>();
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let verdict: ReadonlySet<string> = new Set();

  const setTargets: Reachability['setTargets'] = (targets, nowMs) => {
    const wanted = new Map(targets.map((target) => [target.node, target]));
    for (const [node, { target }] of watched) if (wanted.get(node)?.address !== target.address) watched.delete(node);
    for (const [node, target] of wanted) if (!watched.has(node)) watched.set(node, unknown(target, nowMs));
    verdict = judge(watched.values(), verdict);
  };

  const next: Reachability['next'] = (nowMs) => {
    if (nowMs < sentAtMs + 1000 / PROBES_PER_SECOND_MAX) return undefined;
    const first = earliest(watched.values());
    if (!first || first.dueMs > nowMs) return undefined;
    first.underWay = true;
    sentAtMs = nowMs;
    return first.target;
  };

  const finished: Reachability['finished'] = (target, result, startedMs, nowMs) => {
    const node = watched.get(target.node);
    if (!node || node.target.address !== target.address) return;
    node.underWay = false;
    const interval = Math.max(PROBE_INTERVAL_MS, (1000 / PROBES_PER_SECOND_MAX) * watched.size);
    node.dueMs = startedMs + interval;
    if (result === 'alive') {
      node.silences = 0;
      node.misses = 0;
      node.answeredAtMs = nowMs;
    } else if (result === 'silent') {
      node.silences++;
      countMiss(node, startedMs);
      // Whether it is really gone should be known soon; a Node that is can be asked as seldom as the others.
      if (node.silences < MISSES_MAX && isJudged(node)) node.dueMs = startedMs + PROBE_TIMEOUT_MS;
    }
    verdict = judge(watched.values(), verdict);
  };

  /** A probe that was lost while we were cut off says nothing, also when the others are back before it is asked again. */
  const countMiss = (node: Watched, startedMs: number) => {
    const judged = [...watched.values()].filter(isJudged);
    const silent = judged.filter((one) => one.silences >= silencesThatCount(node, verdict)).length;
    if (silent * 3 > judged.length) node.misses = 0;
    else if (node.misses++ === 0) node.missingSinceMs = startedMs;
  };

  return {
    setTargets,
    next,
    finished,
    wakeAtMs: () => Math.max(sentAtMs + 1000 / PROBES_PER_SECOND_MAX, earliest(watched.values())?.dueMs ?? Number.POSITIVE_INFINITY),
    dead: () => verdict,
  };
}

function unknown(target: ProbeTarget, nowMs: number): Watched {
  return { target, silences: 0, misses: 0, missingSinceMs: 0, answeredAtMs: Number.NEGATIVE_INFINITY, dueMs: nowMs, underWay: false };
}

function isJudged(node: Watched): boolean {
  return node.answeredAtMs !== Number.NEGATIVE_INFINITY;
}

/** Equal content gives the set that was there before. */
function judge(watched: Iterable<Watched>, before: ReadonlySet<string>): ReadonlySet<string> {
  const judged = [...watched].filter(isJudged);
  const dead = judged.filter((node) => isDead(node, judged, before)).map((node) => node.target.node);
  return dead.length === before.size && dead.every((node) => before.has(node)) ? before : new Set(dead);
}

function isDead(node: Watched, judged: readonly Watched[], before: ReadonlySet<string>): boolean {
  if (node.misses < MISSES_MAX) return false;
  const enough = silencesThatCount(node, before);
  const missing = judged.filter((one) => one.silences >= enough).length;
  const alive = judged.filter((one) => one.silences < enough && one.answeredAtMs > node.missingSinceMs).length;
  return missing * 3 <= missing + alive;
}

/** One lost packet elsewhere may delay a judgement; it does not undo one. */
function silencesThatCount(node: Watched, dead: ReadonlySet<string>): number {
  return dead.has(node.target.node) ? 2 : 1;
}

function earliest(watched: Iterable<Watched>): Watched | undefined {
  let first: Watched | undefined;
  for (const node of watched) if (!node.underWay && (!first || node.dueMs < first.dueMs)) first = node;
  return first;
}
