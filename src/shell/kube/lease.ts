import { type Clock, withTimeout } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { ApiRequest, ApiResult, KubeClient } from './client.ts';
import { heldSpec, type LeaseRecord, releasedSpec, toLeaseRecord } from './lease-record.ts';
import { microTime } from './micro-time.ts';

export interface LeaseOptions {
  readonly client: KubeClient;
  /** The Pod's own. */
  readonly namespace: string;
  readonly name: string;
  /** Unique for each process, also after a restart: the Pod's name and something random. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** What a leader does. It ends soon after its signal aborts; if it throws, the lease is given back and tried for again. */
export type LeaderTask = (signal: AbortSignal) => Promise<void>;

export interface Lease {
  /**
   * Runs `task` each time leadership is won, for as long as it lasts. Everything the task writes takes the signal it was given, so
   * that writes in flight are aborted when leadership is lost. A Lease is no fence: a write that has left may still arrive.
   */
  readonly runWhileLeader: (task: LeaderTask) => void;
  /** The signal of the present leadership; undefined when another leads or the last renewal is too old. */
  readonly leadership: () => AbortSignal | undefined;
  /** Who held it when it was last read; empty when nobody did. */
  readonly holder: () => string;
  /** Resolves when the Lease was first read or made. */
  readonly ready: Promise<void>;
  /** Resolves when the tasks have ended and the lease is released. */
  readonly closed: Promise<void>;
}

/** As client-go's defaults: others wait this long after the last renewal they saw, */
const LEASE_SECONDS = 15;
/** the leader stops this long after its last successful one, */
const RENEW_DEADLINE_MS = 10_000;
/** and everybody looks this often; followers up to JITTER times later. */
const RETRY_MS = 2000;
const JITTER = 1.2;
const REQUEST_MS = 5000;
/** How long tasks may take to end before the lease is left to expire by itself. */
const TASKS_END_MS = 5000;
const RELEASE_MS = 2000;

type Attempt = 'held' | 'held-by-other' | 'failed';
type End = 'closing' | 'lost' | 'task-failed';

/** Takes part in an election for a coordination.k8s.io/v1 Lease until `signal` aborts. */
export function createLease(options: LeaseOptions, signal: AbortSignal): Lease {
  const { client, namespace, name, identity, clock, random, log } = options;
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
  const tasks: LeaderTask[] = [];
  const running = new Set<Promise<void>>();
  let record: LeaseRecord | undefined;
  /** When `record` last changed, by our own clock: the other's clock plays no part. */
  let changedAt = 0;
  /** Start of the last request that made or kept us leader. */
  let heldAt = 0;
  let tenure: { readonly controller: AbortController; readonly failed: AbortController } | undefined;
  let complaint = '';

  const ask = async (request: ApiRequest, ms: number, until: AbortSignal): Promise<ApiResult<unknown>> => {
    const limit = withTimeout(clock, ms, until);
    const result = await Promise.race([client.request(request, limit.signal), limit.late]);
    limit.done();
    return result ?? { ok: false, code: 'unreachable', status: 0, detail: 'no answer in time' };
  };

  const observe = (raw: unknown): boolean => {
    const seen = toLeaseRecord(raw);
    if (!seen) return complain('the answer is no Lease');
    if (seen.mark !== record?.mark) changedAt = clock.now();
    record = seen;
    complaint = '';
    becomeReady();
    return true;
  };

  const complain = (detail: string): false => {
    if (detail !== complaint && !signal.aborted)
      log.warn('the Lease could not be read or written', { lease: `${namespace}/${name}`, detail });
    complaint = detail;
    return false;
  };

  const read = async (ms: number, until: AbortSignal): Promise<boolean> => {
    const result = await ask({ method: 'GET', path: `${leases}/${name}` }, ms, until);
    if (result.ok) return observe(result.value);
    if (result.code !== 'not-found') return complain(result.detail);
    record = undefined;
    return true;
  };

  const write = async (ms: number, until: AbortSignal): Promise<'written' | 'conflict' | 'failed'> => {
    const startedAt = clock.now();
    const spec = heldSpec(record, identity, LEASE_SECONDS, microTime(clock.wall()));
    const result = await ask(
      record
        ? { method: 'PATCH', path: `${leases}/${name}`, body: { metadata: { resourceVersion: record.resourceVersion }, spec } }
        : {
            method: 'POST',
            path: leases,
            body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec },
          },
      ms,
      until,
    );
    if (!result.ok) {
      if (result.code === 'conflict') return 'conflict';
      // Deleted by somebody while we held it: made again at the next try.
      if (result.code === 'not-found') record = undefined;
      complain(result.detail);
      return 'failed';
    }
    if (!observe(result.value)) return 'failed';
    heldAt = startedAt;
    return 'written';
  };

  const heldByOther = () => record !== undefined && record.holder !== '' && record.holder !== identity;
  const expired = () => clock.now() - changedAt >= (record?.durationSeconds || LEASE_SECONDS) * 1000;

  const acquire = async (until: AbortSignal): Promise<Attempt> => {
    if (!(await read(REQUEST_MS, until))) return 'failed';
    if (heldByOther() && !expired()) return 'held-by-other';
    return (await write(REQUEST_MS, until)) === 'written' ? 'held' : 'failed';
  };

  const renew = async (until: AbortSignal): Promise<Attempt> => {
    const left = () => Math.min(REQUEST_MS, heldAt + RENEW_DEADLINE_MS - clock.now());
    const first = await write(left(), until);
    if (first !== 'conflict') return first === 'written' ? 'held' : 'failed';
    if (!(await read(left(), until))) return 'failed';
    if (record?.holder !== identity) return 'held-by-other';
    return (await write(left(), until)) === 'written' ? 'held' : 'failed';
  };

  const keep = async (failed: AbortSignal): Promise<End> => {
    const until = AbortSignal.any([signal, failed]);
    for (;;) {
      await clock.after(Math.min(RETRY_MS, heldAt + RENEW_DEADLINE_MS - clock.now()), until);
      const overdue = clock.now() >= heldAt + RENEW_DEADLINE_MS;
      if (!until.aborted && !overdue && (await renew(until)) === 'held-by-other') return 'lost';
      if (signal.aborted) return 'closing';
      if (failed.aborted) return 'task-failed';
      if (clock.now() >= heldAt + RENEW_DEADLINE_MS) return 'lost';
    }
  };

  const start = (task: LeaderTask) => {
    if (!tenure) return;
    const { controller, failed } = tenure;
    const run = Promise.resolve()
      .then(() => task(controller.signal))
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        log.error('what the leader does has failed; the Lease is given back', { lease: `${namespace}/${name}`, error: String(error) });
        failed.abort();
      })
      .finally(() => running.delete(run));
    running.add(run);
  };

  const lead = async () => {
    const failed = new AbortController();
    const controller = new AbortController();
    tenure = { controller, failed };
    log.info('leading', { lease: `${namespace}/${name}`, identity });
    for (const task of tasks) start(task);
    const end = await keep(failed.signal);
    tenure = undefined;
    controller.abort(new Error('leadership ended'));
    log.info('no longer leading', { lease: `${namespace}/${name}`, reason: end });
    if ((await tasksEnded()) && end !== 'lost') await release();
  };

  const tasksEnded = async (): Promise<boolean> => {
    const limit = new AbortController();
    await Promise.race([Promise.all(running), clock.after(TASKS_END_MS, limit.signal)]);
    limit.abort();
    if (running.size > 0)
      log.warn('what the leader does has not ended in time; the Lease is left to expire', { lease: `${namespace}/${name}` });
    return running.size === 0;
  };

  const release = async () => {
    const never = new AbortController().signal;
    for (let again = false; record?.holder === identity; again = true) {
      const body = { metadata: { resourceVersion: record.resourceVersion }, spec: releasedSpec(microTime(clock.wall())) };
      const result = await ask({ method: 'PATCH', path: `${leases}/${name}`, body }, RELEASE_MS, never);
      if (result.ok) return void observe(result.value);
      // A renewal that was cut off by the end may have arrived all the same.
      if (!again && result.code === 'conflict' && (await read(RELEASE_MS, never))) continue;
      return log.warn('the Lease was not released; it expires by itself', { lease: `${namespace}/${name}`, detail: result.detail });
    }
  };

  const elect = async () => {
    while (!signal.aborted) {
      // Never two runs of one task, even of one that would not end.
      if (running.size === 0 && (await acquire(signal)) === 'held') await lead();
      await clock.after(RETRY_MS * (1 + JITTER * random()), signal);
    }
    becomeReady();
  };

  return {
    runWhileLeader: (task) => {
      tasks.push(task);
      start(task);
    },
    leadership: () => (tenure && clock.now() < heldAt + RENEW_DEADLINE_MS ? tenure.controller.signal : undefined),
    holder: () => record?.holder ?? '',
    ready,
    closed: elect(),
  };
}
