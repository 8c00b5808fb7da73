import { refOf } from '../../core/object/raw.ts';
import { type Service, toService } from '../../core/object/service.ts';
import { isByName } from '../../core/object/service-class.ts';
import { planStatus, type StatusOptions, type StatusPatch } from '../../core/plan/status.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { ApiFailure, KubeClient } from '../../shell/kube/client.ts';
import { createWorkQueue, type WorkOutcome } from '../../shell/kube/work-queue.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { Log } from '../../shell/telemetry/log.ts';
import { createRewritePace, dropOldest } from '../rewrite-pace.ts';

/** What became of one attempt to write a status; `gone` and `refused` (404, 422) are dropped, `conflict` and `failed` tried again. */
export type StatusOutcome = 'written' | 'conflict' | 'gone' | 'refused' | 'failed';

export interface StatusControllerOptions extends StatusOptions {
  readonly client: KubeClient;
  /** The Service under `namespace/name` as it was last seen. */
  readonly service: (key: string) => Service | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** A notice that is new for its Service; not repeated while it stays true. */
  readonly notice: (notice: Notice) => void;
  readonly observer?: (outcome: StatusOutcome) => void;
}

export interface StatusController {
  /** Call whenever the Service under this key was added, changed or deleted. */
  readonly changed: (key: string) => void;
  /** Services that wait for a write. */
  readonly size: () => number;
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
}

const CONFLICTS_MAX = 5;
const REMEMBERED_MAX = 50_000;
const OVERWRITTEN_NOTICE_TIMES = 4;

/**
 * Keeps `status.loadBalancer` of our Services equal to their name. Any number of replicas may run: each write carries the
 * resourceVersion it was planned on, and who comes second (409) reads again and finds nothing to do.
 */
export function createStatusController(options: StatusControllerOptions, signal: AbortSignal): StatusController {
  const { client, clock, random, log, observer = () => {} } = options;
  const pace = createRewritePace(clock);
  const said = new Map<string, string>();
  let failing = false;

  const handle = async (key: string, until: AbortSignal): Promise<WorkOutcome> => {
    const service = options.service(key);
    if (!service) {
      pace.forget(key);
      said.delete(key);
      return 'done';
    }
    const { patch, notices } = planStatus(service, options);
    say(key, notices);
    if (!patch) return 'done';
    const waitMs = pace.waitMs(key, service.uid);
    return waitMs > 0 ? { retryAfterMs: waitMs } : write(key, service, patch, until);
  };

  const write = async (key: string, seen: Service, planned: StatusPatch, until: AbortSignal): Promise<WorkOutcome> => {
    let service = seen;
    let patch = planned;
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      const result = await client.request({ method: 'PATCH', path: patch.path, body: patch.body }, until);
      if (result.ok) return noteWritten(key, service);
      if (result.code !== 'conflict') return failed(key, result);
      observer('conflict');
      const read = await client.request({ method: 'GET', path: patch.path.replace(/\/status$/, '') }, until);
      if (!read.ok) return failed(key, read);
      const fresh = toService(read.value);
      const again = fresh.ok ? planStatus(fresh.value, options).patch : undefined;
      if (!fresh.ok || !again) return 'done';
      service = fresh.value;
      patch = again;
    }
    return 'retry';
  };

  const noteWritten = (key: string, service: Service): WorkOutcome => {
    const times = pace.wrote(key, service.uid);
    observer('written');
    failing = false;
    log.debug('status written', { service: key });
    if (times === OVERWRITTEN_NOTICE_TIMES) say(key, [...planStatus(service, options).notices, overwrittenNotice(service)]);
    return 'done';
  };

  const failed = (key: string, failure: ApiFailure): WorkOutcome => {
    if (failure.code === 'not-found') {
      observer('gone');
      return 'done';
    }
    if (failure.code === 'invalid') {
      observer('refused');
      log.warn('the API server refuses the status of a Service', { service: key, detail: failure.detail });
      return 'done';
    }
    observer('failed');
    // One line for an outage, not one for each Service and try.
    if (!failing) log.warn('the status of a Service was not written; trying again', { service: key, detail: failure.detail });
    failing = true;
    // Retry-After may be 0, and all Services are told the same.
    return failure.retryAfterSeconds ? { retryAfterMs: failure.retryAfterSeconds * 1000 * (1 + random() / 2) } : 'retry';
  };

  const say = (key: string, notices: readonly Notice[]) => {
    const before = said.get(key) ?? '';
    for (const notice of notices) if (!before.includes(`${notice.code};`)) options.notice(notice);
    said.delete(key);
    if (notices.length > 0) said.set(key, notices.map((notice) => `${notice.code};`).join(''));
    dropOldest(said, REMEMBERED_MAX);
  };

  const queue = createWorkQueue({ name: 'status', handle, clock, random, log }, signal);
  /** Most Services are nobody's here: they cost no turn in the queue. */
  const concernsUs = (key: string): boolean => {
    const service = options.service(key);
    return pace.knows(key) || said.has(key) || (service !== undefined && isByName(service, options.loadBalancerClass));
  };
  const changed = (key: string) => {
    if (concernsUs(key)) queue.add(key);
  };
  return { changed, size: queue.size, ready: queue.ready, closed: queue.closed };
}

function overwrittenNotice(service: Service): Notice {
  const text =
    'Something else keeps replacing the status that minilb writes: another controller, or a minilb with another -domain. ' +
    'minilb writes it less and less often.';
  return { object: refOf('v1', 'Service', service), code: 'StatusOverwritten', text };
}
