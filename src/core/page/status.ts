import type { SectionReport, StatusReport } from './api-schema.ts';

/** One watched kind; times are monotonic milliseconds. */
export interface KindFacts {
  readonly kind: string;
  readonly objects: number;
  readonly synced: boolean;
  readonly connected: boolean;
  readonly heardAtMs: number | undefined;
  /** Why it is not connected, and the code that goes with it. */
  readonly error: string | undefined;
  readonly code: string | undefined;
}

export interface StatusFacts {
  readonly version: string;
  readonly role: string;
  readonly instance: string;
  readonly subject: string;
  readonly cluster: string;
  readonly nowMs: number;
  readonly startedAtMs: number;
  /** Undefined before. */
  readonly syncedAtMs: number | undefined;
  readonly waiting: readonly string[];
  readonly kinds: readonly KindFacts[];
  readonly facts: StatusReport['facts'];
  readonly sections: readonly SectionReport[];
  /** RFC 3339 text of a monotonic time. */
  readonly timeOf: (ms: number) => string;
}

/** What the head of the page says. A kind that was known and cannot be watched is an outage; one that may not be read is not. */
export function toStatusReport(facts: StatusFacts): StatusReport {
  const { timeOf } = facts;
  const timeOrNone = (ms: number | undefined) => (ms === undefined ? '' : timeOf(ms));
  const away = facts.kinds.filter((kind) => !kind.connected && kind.error !== undefined && kind.code !== 'forbidden');
  const heard = (away.length > 0 ? away : facts.kinds).flatMap(({ heardAtMs }) => heardAtMs ?? []);
  return {
    version: facts.version,
    role: facts.role,
    instance: facts.instance,
    subject: facts.subject,
    cluster: facts.cluster,
    now: timeOf(facts.nowMs),
    startedAt: timeOf(facts.startedAtMs),
    synced: { done: facts.syncedAtMs !== undefined, at: timeOrNone(facts.syncedAtMs), waiting: facts.waiting },
    api: {
      answers: away.length === 0,
      heardAt: heard.length === 0 ? '' : timeOf(Math.min(...heard)),
      detail: away[0]?.error ?? '',
    },
    kinds: facts.kinds.map(({ kind, objects, synced, connected, heardAtMs, error }) => ({
      kind,
      objects,
      synced,
      watching: connected,
      heardAt: timeOrNone(heardAtMs),
      error: connected ? '' : (error ?? ''),
    })),
    facts: facts.facts,
    sections: facts.sections,
  };
}
