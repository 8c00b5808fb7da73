import type { Notice } from '../../core/value/notice.ts';
import { NOTICES } from '../../core/value/notice-table.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { ApiFailure, KubeClient } from './client.ts';
import { microTime } from './micro-time.ts';

/** What became of an Event: `known` was already there (another replica's, or ours from before a restart). */
export type EventOutcome = 'created' | 'repeated' | 'known' | 'forbidden' | 'refused' | 'unreachable' | 'queue-full';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Reported as `minilb/<role>`. */
  readonly role: string;
  /** `reportingInstance`: the Pod's or host's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once for each Event that was written or given up; for counters. */
  readonly observer?: (outcome: EventOutcome) => void;
}

export interface EventRecorder {
  /** Never waits and never throws; the Event is written later, or given up and counted. */
  readonly emit: (notice: Notice) => void;
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
}

/** One thing said about one object: `count` times so far, of which the API server knows `written`. */
interface Series {
  readonly notice: Notice;
  count: number;
  written: number;
  writtenAt: number;
  waiting: boolean;
}

const NOTE_BYTES_MAX = 1024;
const NAME_PREFIX_MAX = 200;
const INSTANCE_LENGTH_MAX = 128;
const QUEUE_MAX = 1000;
const KNOWN_MAX = 4096;
/** After the first repeat a series is written at most this often; what is emitted in between is added up. */
const SERIES_INTERVAL_MS = 60_000;
const BURST = 25;
const REFILL_MS = 1000;
const ATTEMPTS_MAX = 5;
const RETRY_MS = 2000;

/**
 * Writes notices as events.k8s.io/v1 Events. The name is a hash of what is said about which object, so that replicas which notice
 * the same thing collide (409) instead of doubling it; repeats are counted in `series`.
 */
export function createEventRecorder(options: EventRecorderOptions, signal: AbortSignal): EventRecorder {
  const { clock, observer = () => {} } = options;
  const known = new Map<string, Series>();
  const queue = new Set<string>();
  const takeToken = createBucket(clock);
  const write = createWriter(options, signal);
  let running: Promise<void> | undefined;

  const emit = (notice: Notice) => {
    if (signal.aborted) return;
    const name = eventName(notice);
    const old = known.get(name);
    if (!old && (queue.size >= QUEUE_MAX || (known.size >= KNOWN_MAX && !forgetOldest()))) return observer('queue-full');
    const series = old ?? { notice, count: 0, written: 0, writtenAt: 0, waiting: false };
    series.count++;
    known.delete(name);
    known.set(name, series);
    schedule(name, series);
  };

  /** At worst it is said again, and the API server answers 409. */
  const forgetOldest = () => {
    for (const [name, series] of known) if (!series.waiting) return known.delete(name);
    return false;
  };

  const schedule = (name: string, series: Series) => {
    if (series.waiting) return;
    series.waiting = true;
    const waitMs = series.written < 2 ? 0 : series.writtenAt + SERIES_INTERVAL_MS - clock.now();
    if (waitMs <= 0) enqueue(name);
    else void clock.after(waitMs, signal).then(() => enqueue(name));
  };

  const enqueue = (name: string) => {
    if (signal.aborted) return;
    queue.add(name);
    running ??= drain();
  };

  const drain = async () => {
    // Names added meanwhile are visited too.
    for (const name of queue) {
      await takeToken(signal);
      if (signal.aborted) break;
      queue.delete(name);
      const series = known.get(name);
      if (series) await record(name, series);
    }
    running = undefined;
  };

  const record = async (name: string, series: Series) => {
    const count = series.count;
    const outcome = await write(name, series);
    observer(outcome);
    series.waiting = false;
    if (outcome !== 'created' && outcome !== 'repeated' && outcome !== 'known') return known.delete(name);
    series.written = count;
    series.writtenAt = clock.now();
    if (series.count > count) schedule(name, series);
    return true;
  };

  const closed = new Promise<void>((resolve) => {
    const stop = () => resolve(running);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return { emit, ready: Promise.resolve(), closed };
}

/** Returns the function that gets one series to the API server: created, or its `series` patched. */
function createWriter(options: EventRecorderOptions, signal: AbortSignal) {
  const { client, clock, log } = options;
  let forbiddenLogged = false;

  const giveUp = (failure: ApiFailure, { notice }: Series): EventOutcome => {
    const fields = { reason: notice.code, object: `${notice.object.namespace}/${notice.object.name}`, detail: failure.detail };
    // A namespace that is going away answers 403 or 404 to every creation in it.
    if (failure.code === 'not-found' || /being terminated/.test(failure.detail)) return 'refused';
    if (failure.code === 'forbidden') {
      if (!forbiddenLogged) log.warn('writing Events is forbidden; notices appear in this log only', fields);
      forbiddenLogged = true;
      return 'forbidden';
    }
    log.warn('an Event was not written', fields);
    return isPassing(failure) ? 'unreachable' : 'refused';
  };

  return async (name: string, series: Series): Promise<EventOutcome> => {
    const path = `/apis/events.k8s.io/v1/namespaces/${namespaceOf(series.notice)}/events`;
    for (let attempt = 1, create = series.written === 0; ; attempt++) {
      const now = microTime(clock.wall());
      const result = await (create
        ? client.request({ method: 'POST', path, body: toEvent(name, series, options, now) }, signal)
        : client.request({ method: 'PATCH', path: `${path}/${name}`, body: seriesPatch(series, now) }, signal));
      if (result.ok) return create ? 'created' : 'repeated';
      if (create && result.code === 'conflict') return 'known';
      if (!create && result.code === 'not-found') create = true;
      else if (!isPassing(result) || attempt >= ATTEMPTS_MAX) return giveUp(result, series);
      else await clock.after(result.retryAfterSeconds ? result.retryAfterSeconds * 1000 : RETRY_MS * attempt, signal);
      if (signal.aborted) return 'unreachable';
    }
  };
}

function isPassing(failure: ApiFailure): boolean {
  return ['unreachable', 'unauthorized', 'too-many', 'server-error'].includes(failure.code);
}

/** events.k8s.io/v1 Event; `eventTime`, `action` and `reason` are mandatory. */
function toEvent(name: string, { notice }: Series, { role, instance }: EventRecorderOptions, now: string) {
  const { apiVersion, kind, namespace, name: regarding, uid } = notice.object;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: namespaceOf(notice) },
    eventTime: now,
    reportingController: `minilb/${role}`,
    reportingInstance: instance.slice(0, INSTANCE_LENGTH_MAX) || role,
    action: notice.code,
    reason: notice.code,
    regarding: { apiVersion, kind, name: regarding, ...(namespace && { namespace }), ...(uid && { uid }) },
    note: cutToBytes(notice.text, NOTE_BYTES_MAX),
    type: NOTICES[notice.code].type,
  };
}

/** `count` is what this process emitted: replicas do not add theirs up. The API demands at least 2. */
function seriesPatch(series: Series, now: string) {
  return { series: { count: Math.max(2, series.count), lastObservedTime: now } };
}

/** Events about cluster-scoped objects belong into `default` (API validation). */
function namespaceOf(notice: Notice): string {
  return notice.object.namespace || 'default';
}

/** `<object>.<16 hex digits>`: a DNS-1123 subdomain, the same in every replica. */
function eventName({ object, code, text }: Notice): string {
  const about = object.uid || `${object.apiVersion} ${object.kind} ${object.namespace}/${object.name}`;
  const hash = new Bun.CryptoHasher('sha256')
    .update(JSON.stringify([about, code, text]))
    .digest('hex')
    .slice(0, 16);
  const prefix = object.name.slice(0, NAME_PREFIX_MAX).replace(/[^a-z0-9]+$/, '');
  return prefix === '' ? hash : `${prefix}.${hash}`;
}

/** Cuts between characters, so that at most `max` bytes of UTF-8 remain, the ellipsis included. */
export function cutToBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  const ellipsis = '…';
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(max - Buffer.byteLength(ellipsis)));
  return text.slice(0, read) + ellipsis;
}

/** A token bucket: `BURST` at once, then one every `REFILL_MS`. Resolves when a token was taken, or the signal aborted. */
function createBucket(clock: Clock): (signal: AbortSignal) => Promise<void> {
  let tokens = BURST;
  let filledAt = clock.now();
  const refill = () => {
    const gained = Math.floor((clock.now() - filledAt) / REFILL_MS);
    filledAt += gained * REFILL_MS;
    tokens = Math.min(BURST, tokens + gained);
  };
  return async (signal) => {
    refill();
    while (tokens < 1 && !signal.aborted) {
      await clock.after(filledAt + REFILL_MS - clock.now(), signal);
      refill();
    }
    tokens--;
  };
}
