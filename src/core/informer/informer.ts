import { failFresh, failLive } from './failures.ts';
import { CATCH_UP_MS_MAX, LIST_SILENCE_MS_MAX, SETTLE_MS, SWAP_MS_MAX, WATCH_SILENCE_MS_MAX } from './limits.ts';
import { listQuery, pageQuery, watchQuery } from './requests.ts';
import type { Fresh, InformerEvent, InformerState, Lane, Moment, Step } from './state.ts';
import { isNewer } from './version.ts';

/** Nothing known, nothing asked: the first `tick` opens the first list. */
export function initialState(resyncMs: number): InformerState {
  return {
    resyncMs,
    synced: false,
    resumable: false,
    version: '',
    objectVersion: '',
    live: undefined,
    fresh: undefined,
    witness: undefined,
    liveRetry: { failures: 0, at: 0 },
    freshRetry: { failures: 0, at: 0 },
    resyncAt: 0,
    pages: 'never',
    nextLane: 1,
    problem: undefined,
  };
}

/**
 * Keeps one collection known: list, watch, list again. `now` is monotonic milliseconds, `random` in [0, 1). Lists always fill a fresh set,
 * which replaces the live one when it is complete, so nothing known is dropped meanwhile; without a connection the live set stands.
 */
export function step(state: InformerState, event: InformerEvent, now: number, random: number): Step {
  const moment: Moment = { now, random, effects: [] };
  return { state: plan(handle(state, event, moment), moment), effects: moment.effects };
}

/** When to send the next `tick`, in the milliseconds of `now`; in the past: at once. */
export function wakeAt(state: InformerState): number {
  const { live, fresh, witness } = state;
  const times: number[] = [];
  if (witness) times.push(witness.until);
  if (live) times.push(live.heardAt + WATCH_SILENCE_MS_MAX);
  if (fresh) times.push(fresh.catchUpUntil ?? fresh.lane.heardAt + LIST_SILENCE_MS_MAX);
  if (!fresh && !state.resumable) times.push(state.freshRetry.at);
  if (!live && state.resumable) times.push(state.liveRetry.at);
  if (!fresh && live?.opened) times.push(Math.max(state.resyncAt, state.freshRetry.at));
  return Math.min(...times);
}

function handle(state: InformerState, event: InformerEvent, moment: Moment): InformerState {
  if (event.kind === 'tick') return state;
  if (event.kind === 'suspects') return judgeWitness(state, event.count, moment);
  if (event.lane === state.live?.id) return handleLive(state, state.live, event, moment);
  if (event.lane === state.fresh?.lane.id) return handleFresh(state, state.fresh, event, moment);
  if (event.lane === state.witness?.lane && (event.kind === 'ended' || event.kind === 'failed')) {
    moment.effects.push({ kind: 'settle', counted: false });
    return { ...state, witness: undefined };
  }
  return state;
}

type LaneEvent = Exclude<InformerEvent, { kind: 'tick' } | { kind: 'suspects' }>;

function handleLive(state: InformerState, lane: Lane, event: LaneEvent, moment: Moment): InformerState {
  switch (event.kind) {
    case 'opened':
      return { ...state, live: openedLane(lane, moment.now), problem: undefined };
    case 'heard':
      return {
        ...state,
        live: heardLane(lane, event.version, moment.now),
        version: event.version || state.version,
        objectVersion: event.objectVersion || state.objectVersion,
      };
    case 'ended':
      return failLive(state, lane, { reason: 'closed', detail: 'the server ended the watch' }, undefined, moment);
    case 'failed':
      return failLive(state, lane, { reason: event.code, detail: event.detail }, event.retryAfterSeconds, moment);
    case 'end-mark':
    case 'page':
      return state;
  }
}

function handleFresh(state: InformerState, fresh: Fresh, event: LaneEvent, moment: Moment): InformerState {
  const { lane } = fresh;
  switch (event.kind) {
    case 'opened':
      return { ...state, fresh: { ...fresh, lane: openedLane(lane, moment.now) }, problem: state.live ? state.problem : undefined };
    case 'heard': {
      // Until a list is complete its objects come in the order of their names: their versions say nothing about where it stands.
      const version = lane.mode === 'watch' ? event.version : '';
      const heard = { ...fresh, lane: heardLane(lane, version, moment.now) };
      return fresh.catchUpUntil !== undefined && hasCaughtUp(state, heard.lane) ? swap(state, heard, moment) : { ...state, fresh: heard };
    }
    case 'end-mark':
      if (lane.mode !== 'list') return state;
      return complete(state, { ...fresh, lane: { ...lane, mode: 'watch', version: event.version, heardAt: moment.now } }, moment);
    case 'page':
      if (lane.mode !== 'pages') return state;
      if (event.next !== '') return openFresh(state, 'pages', pageQuery(event.next), moment);
      return complete(state, { ...fresh, lane: { ...lane, version: event.version, heardAt: moment.now } }, moment);
    case 'ended':
      return failFresh(state, lane, { reason: 'closed', detail: 'the server ended the list before it was complete' }, undefined, moment);
    case 'failed':
      return failFresh(state, lane, { reason: event.code, detail: event.detail }, event.retryAfterSeconds, moment);
  }
}

/**
 * The list is complete. The live set may have moved past it while it came: a swap now would bring the deleted back for a moment, so the
 * list first goes on as a watch until it has caught up.
 */
function complete(state: InformerState, fresh: Fresh, moment: Moment): InformerState {
  if (hasCaughtUp(state, fresh.lane)) return swap(state, fresh, moment);
  const catchUpUntil = moment.now + CATCH_UP_MS_MAX;
  if (fresh.lane.mode === 'watch') return { ...state, fresh: { ...fresh, catchUpUntil } };
  const { version } = fresh.lane;
  const opened = openFresh(state, 'watch', watchQuery(version, moment.random), moment);
  return opened.fresh ? { ...opened, fresh: { lane: { ...opened.fresh.lane, version }, catchUpUntil } } : opened;
}

function hasCaughtUp(state: InformerState, lane: Lane): boolean {
  return !isNewer(state.objectVersion, lane.version);
}

function swap(state: InformerState, fresh: Fresh, moment: Moment): InformerState {
  const { effects, now, random } = moment;
  const live = fresh.lane.mode === 'watch' ? fresh.lane : undefined;
  const witness = state.live?.opened ? state.live.id : undefined;
  if (state.live && !state.live.opened) effects.push({ kind: 'close', lane: state.live.id });
  if (state.witness) effects.push({ kind: 'close', lane: state.witness.lane }, { kind: 'settle', counted: false });
  effects.push({ kind: 'swap', lane: live?.id, witness });
  return {
    ...state,
    synced: true,
    resumable: true,
    version: fresh.lane.version,
    objectVersion: fresh.lane.version,
    live,
    fresh: undefined,
    witness: witness === undefined ? undefined : { lane: witness, until: now + SWAP_MS_MAX },
    liveRetry: { failures: state.liveRetry.failures, at: 0 },
    freshRetry: { failures: 0, at: 0 },
    // A little early, so that several kinds and replicas drift apart.
    resyncAt: now + state.resyncMs * (0.9 + random / 10),
    pages: state.pages === 'once' ? 'never' : state.pages,
    problem: undefined,
  };
}

function judgeWitness(state: InformerState, count: number, moment: Moment): InformerState {
  if (!state.witness) return state;
  if (count > 0) return { ...state, witness: { ...state.witness, until: moment.now + SETTLE_MS } };
  moment.effects.push({ kind: 'close', lane: state.witness.lane });
  return { ...state, witness: undefined };
}

/** What is due now, whatever happened: limits first, then what is missing. */
function plan(before: InformerState, moment: Moment): InformerState {
  const { now, random } = moment;
  let state = settleDue(before, moment);
  if (state.fresh?.catchUpUntil !== undefined && now >= state.fresh.catchUpUntil) state = swap(state, state.fresh, moment);
  if (state.live && now >= state.live.heardAt + WATCH_SILENCE_MS_MAX) {
    moment.effects.push({ kind: 'close', lane: state.live.id });
    state = failLive(state, state.live, silence(WATCH_SILENCE_MS_MAX), undefined, moment);
  }
  if (state.fresh && state.fresh.catchUpUntil === undefined && now >= state.fresh.lane.heardAt + LIST_SILENCE_MS_MAX) {
    moment.effects.push({ kind: 'close', lane: state.fresh.lane.id });
    state = failFresh(state, state.fresh.lane, silence(LIST_SILENCE_MS_MAX), undefined, moment);
  }
  if (!state.fresh && now >= state.freshRetry.at && (!state.resumable || (state.live?.opened && now >= state.resyncAt))) {
    state =
      state.pages === 'never' ? openFresh(state, 'list', listQuery(random), moment) : openFresh(state, 'pages', pageQuery(''), moment);
  }
  if (!state.live && state.resumable && now >= state.liveRetry.at) state = openLive(state, moment);
  return state;
}

function settleDue(state: InformerState, moment: Moment): InformerState {
  if (!state.witness || moment.now < state.witness.until) return state;
  moment.effects.push({ kind: 'close', lane: state.witness.lane }, { kind: 'settle', counted: true });
  return { ...state, witness: undefined };
}

function silence(ms: number): { readonly reason: 'silent'; readonly detail: string } {
  return { reason: 'silent', detail: `nothing heard for ${ms / 1000} s` };
}

function openFresh(state: InformerState, mode: Lane['mode'], query: Readonly<Record<string, string>>, moment: Moment): InformerState {
  const lane = newLane(state, mode, moment);
  moment.effects.push({ kind: 'open', lane: lane.id, mode, into: 'fresh', query });
  return { ...state, nextLane: lane.id + 1, fresh: { lane, catchUpUntil: undefined } };
}

function openLive(state: InformerState, moment: Moment): InformerState {
  const lane = newLane(state, 'watch', moment);
  moment.effects.push({ kind: 'open', lane: lane.id, mode: 'watch', into: 'live', query: watchQuery(state.version, moment.random) });
  return { ...state, nextLane: lane.id + 1, live: lane };
}

function newLane(state: InformerState, mode: Lane['mode'], moment: Moment): Lane {
  return { id: state.nextLane, mode, version: '', opened: false, openedAt: moment.now, heardAt: moment.now };
}

function openedLane(lane: Lane, now: number): Lane {
  return { ...lane, opened: true, openedAt: now, heardAt: now };
}

function heardLane(lane: Lane, version: string, now: number): Lane {
  return { ...lane, version: version || lane.version, heardAt: now };
}
