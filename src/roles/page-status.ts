import type { SectionReport, StatusReport } from '../core/page/api-schema.ts';
import { type KindFacts, toStatusReport } from '../core/page/status.ts';
import type { KubeClient } from '../shell/kube/client.ts';
import type { Reflector } from '../shell/kube/reflector.ts';
import { type Clock, isoTime } from '../shell/system/clock.ts';

/** What any role tells of itself at the head of the page. */
export interface PageHead {
  readonly role: string;
  readonly instance: string;
  readonly subject: string;
  readonly client: KubeClient;
  readonly startedAtMs: number;
  readonly kinds: () => readonly (readonly [kind: string, reflector: Reflector, objects: number])[];
  readonly syncedAtMs: () => number | undefined;
  readonly waiting: () => readonly string[];
  readonly facts: () => StatusReport['facts'];
  readonly sections: () => readonly SectionReport[];
}

/** Makes the report that `GET /api/v1/status` answers with. */
export function statusOf(head: PageHead, version: string, clock: Clock): StatusReport {
  const nowMs = clock.now();
  const wallMs = clock.wall();
  return toStatusReport({
    version,
    role: head.role,
    instance: head.instance,
    subject: head.subject,
    cluster: head.client.server,
    nowMs,
    startedAtMs: head.startedAtMs,
    syncedAtMs: head.syncedAtMs(),
    waiting: head.waiting(),
    kinds: head.kinds().map(toKindFacts),
    facts: head.facts(),
    sections: head.sections(),
    timeOf: (ms) => isoTime(wallMs - (nowMs - ms)),
  });
}

function toKindFacts([kind, reflector, objects]: readonly [string, Reflector, number]): KindFacts {
  const { synced, connected, heardAtMs, error, code } = reflector.state();
  return { kind, objects, synced, connected, heardAtMs, error, code };
}
