import type { Listen } from '../../core/proxy/backend.ts';
import {
  type Caller,
  type Change,
  type FileChange,
  type HeldFile,
  heldListens,
  type PortRules,
  planChange,
  toHeldFile,
} from '../../core/proxy/plan-change.ts';
import { missingListens } from '../../core/proxy/proc-net.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type GoLiveErrorCode, goLive, type ProxyHost, testConfiguration } from './go-live.ts';
import { readBoundPorts } from './program.ts';

/** `busy`: too many calls wait. `gone`: the caller hung up before its turn. */
export type SubmitErrorCode = 'conflict' | 'refused' | 'busy' | 'gone' | GoLiveErrorCode;
type Outcome = Result<void, SubmitErrorCode>;

export interface QueueOptions {
  readonly host: ProxyHost;
  readonly rules: PortRules;
  readonly families: readonly (4 | 6)[];
  /** Told how a reload went and how many calls it served. */
  readonly applied: (code: 'ok' | GoLiveErrorCode, calls: number, seconds: number) => void;
}

export interface ChangeQueue {
  /** Resolves when the change is live, or with the reason why it is not. */
  readonly submit: (change: Change, caller: Caller, callSignal: AbortSignal) => Promise<Outcome>;
  /** Whether the proxy runs with what the folder holds, as far as the last attempt saw. */
  readonly fault: () => string | undefined;
  readonly waiting: () => number;
  /** Resolves when the change under way has ended, after `signal` aborted. */
  readonly closed: Promise<void>;
}

interface Call {
  readonly change: Change;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Outcome) => void;
}

const CALLS_MAX = 2_000;
/**
 * Calls that come together share one reload: how long the first one waits for others, and the pause that ends the waiting. The longer the last
 * reload took, the more it is worth to wait for one more call.
 */
const GATHER_MS_MAX = 500;
const GATHER_PAUSE_MS_MIN = 25;
const GATHER_PAUSE_SHARE = 1 / 4;
/** One bad change among many is looked for by halves, for so long; callers wait no longer than that. */
const SEARCH_MS_MAX = 8_000;
const HEAL_EVERY_MS = 2_000;

/** Codes that one change of several can be the cause of. */
const ONE_MAY_BE_AT_FAULT: readonly GoLiveErrorCode[] = ['test-failed', 'port-taken', 'not-live'];

/** Puts changes live one batch after the other, and looks every 2 s whether a proxy that was out of step can be brought back. */
export function createChangeQueue(options: QueueOptions, signal: AbortSignal): ChangeQueue {
  const { host } = options;
  const waiting: Call[] = [];
  let fault: string | undefined = 'not looked at yet';
  let lastMs = 0;
  let wake = new AbortController();
  // Not the role's: a change under way is finished or rolled back, not dropped in the middle.
  const unbroken = new AbortController().signal;

  const attempt = async (batch: readonly Call[], untilMs: number): Promise<void> => {
    const plan = await planBatch(options, batch);
    if (!plan.ok) return settleAll(batch, plan);
    for (const [call, outcome] of plan.value.refused) call.settle(outcome);
    const { calls, changes, held, wanted } = plan.value;
    if (batch.length > 0 && calls.length === 0) return;
    if (changes.length === 0 && fault === undefined && missingListens(readBoundPorts(), wanted).length === 0)
      return settleAll(calls, ok(undefined));
    const started = host.clock.now();
    const outcome = await goLive(host, changes, held, wanted, unbroken);
    lastMs = host.clock.now() - started;
    options.applied(outcome.ok ? 'ok' : outcome.code, calls.length, lastMs / 1000);
    const split = !outcome.ok && calls.length > 1 && ONE_MAY_BE_AT_FAULT.includes(outcome.code) && host.clock.now() < untilMs;
    fault = faultAfter(outcome, changes.length, fault);
    if (!outcome.ok && outcome.code === 'test-failed' && changes.length > 0) {
      // When the folder as it is fails too, no call is to blame, and a restart of the proxy would fail.
      const asItIs = await testConfiguration(host, [], unbroken);
      if (!asItIs.ok) {
        fault = asItIs.detail;
        return settleAll(calls, outcome);
      }
    }
    if (!split) return settleAll(calls, outcome);
    const middle = calls.length >> 1;
    await attempt(calls.slice(0, middle), untilMs);
    await attempt(calls.slice(middle), untilMs);
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      if (waiting.length === 0) {
        wake = new AbortController();
        const either = AbortSignal.any([wake.signal, signal]);
        if (fault === undefined) await untilAborted(either);
        else await host.clock.after(HEAL_EVERY_MS, either);
      }
      if (signal.aborted) break;
      if (waiting.length > 0) await gather(waiting, Math.max(GATHER_PAUSE_MS_MIN, lastMs * GATHER_PAUSE_SHARE), host.clock, signal);
      const batch = takeBatch(waiting);
      if (batch.length > 0 || fault !== undefined) await attempt(batch, host.clock.now() + SEARCH_MS_MAX);
    }
    settleAll(waiting.splice(0), err('busy', 'the updater is shutting down'));
  };

  return {
    submit: (change, caller, callSignal) =>
      new Promise((settle) => {
        if (signal.aborted || waiting.length >= CALLS_MAX) return settle(err('busy', 'too many calls wait; try again'));
        waiting.push({ change, caller, signal: callSignal, settle });
        wake.abort();
      }),
    fault: () => fault,
    waiting: () => waiting.length,
    closed: attempt([], 0).then(loop),
  };
}

interface BatchPlan {
  readonly calls: readonly Call[];
  readonly changes: readonly FileChange[];
  readonly refused: readonly (readonly [Call, Outcome])[];
  readonly held: readonly Listen[];
  readonly wanted: readonly Listen[];
}

/** Reads the folder as it is now, since a person may have worked in it, and plans each call on what the ones before it leave. */
async function planBatch({ host, rules, families }: QueueOptions, batch: readonly Call[]): Promise<Result<BatchPlan, GoLiveErrorCode>> {
  const texts = await host.files.read();
  if (!texts.ok) return texts;
  const files = new Map<string, HeldFile>([...texts.value].map(([name, text]) => [name, toHeldFile(name, text, host.adapter)]));
  const held = [...files.values()].flatMap(heldListens);
  const calls: Call[] = [];
  const changes: FileChange[] = [];
  const refused: (readonly [Call, Outcome])[] = [];
  for (const call of batch) {
    const planned = planChange(files, call.change, call.caller, rules, host.adapter, families);
    if (!planned.ok) {
      refused.push([call, planned]);
      continue;
    }
    calls.push(call);
    if (!planned.value) continue;
    const { name, after } = planned.value;
    changes.push(planned.value);
    if (after === undefined) files.delete(name);
    else files.set(name, toHeldFile(name, after, host.adapter));
  }
  return ok({ calls, changes, refused, held, wanted: [...files.values()].flatMap(heldListens) });
}

/** A failure that was rolled back leaves the proxy as it was, in step or not. */
function faultAfter(outcome: Result<void, GoLiveErrorCode>, changes: number, before: string | undefined): string | undefined {
  if (outcome.ok) return undefined;
  if (outcome.code === 'roll-back-failed' || changes === 0) return outcome.detail;
  return outcome.code === 'not-running' ? outcome.detail : before;
}

function settleAll(calls: readonly Call[], outcome: Outcome): void {
  for (const call of calls) call.settle(outcome);
}

/** Waits while more calls keep coming, so that a burst shares one reload. */
async function gather(waiting: readonly Call[], pauseMs: number, clock: ProxyHost['clock'], signal: AbortSignal): Promise<void> {
  const until = clock.now() + GATHER_MS_MAX;
  for (let before = 0; waiting.length > before && clock.now() < until && !signal.aborted; ) {
    before = waiting.length;
    await clock.after(Math.min(pauseMs, until - clock.now()), signal);
  }
}

/** The longest run of calls, in order, that are about different backends: each file is then written once and each step leaves valid files. */
function takeBatch(waiting: Call[]): readonly Call[] {
  const names = new Set<string>();
  let count = 0;
  for (const { change } of waiting) {
    const name = change.kind === 'put' ? change.backend.name : change.name;
    if (names.has(name)) break;
    names.add(name);
    count++;
  }
  const batch = waiting.splice(0, count);
  for (const call of batch.filter((each) => each.signal.aborted)) call.settle(err('gone', 'the caller hung up'));
  return batch.filter((call) => !call.signal.aborted);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
