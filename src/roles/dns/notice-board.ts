import { claimsOf, isClaimKind } from '../../core/claim/claim-book.ts';
import { decisionNotices, faultNotices } from '../../core/claim/notices.ts';
import { keyOf } from '../../core/object/raw.ts';
import type { Notice } from '../../core/value/notice.ts';
import { serviceNotices } from '../../core/zone/service-notices.ts';
import type { ClusterView, Zone } from '../../core/zone/zone.ts';
import { serviceAliasNotices, zoneNotices } from '../../core/zone/zone-notices.ts';
import type { Clock } from '../../shell/system/clock.ts';
import { yieldTurn } from '../../shell/system/yield-turn.ts';

export interface NoticeBoardOptions {
  readonly zone: Zone;
  readonly view: ClusterView;
  readonly clock: Clock;
  /** True when nobody is asked for the names that a CNAME leads to. */
  readonly alone: boolean;
  /** A notice that was not true before; not repeated while it stays true. */
  readonly tell: (notice: Notice) => void;
}

/** Tells users once what they should know about their objects, and again only when it has become untrue in between. */
export interface NoticeBoard {
  /** Who has these names may have changed. */
  readonly namesChanged: (patterns: Iterable<string>) => void;
  /** This object may say something else. */
  readonly objectChanged: (kind: string, key: string) => void;
  /** Nothing is told before this: until everything is known, the wrong one may seem to be the owner. */
  readonly synced: () => void;
  /** How many notices stand. */
  readonly standing: () => number;
  readonly closed: Promise<void>;
}

/** Changes are looked at together, and off the way of queries. */
const SETTLE_MS = 1_000;
/** Then queries get their turn. */
const SUBJECTS_A_TURN = 50;
/** A cluster in which more is wrong has other worries; the rest is told when these are gone. */
const STANDING_MAX = 10_000;

export function createNoticeBoard(options: NoticeBoardOptions, signal: AbortSignal): NoticeBoard {
  const { clock } = options;
  const told = new Map<string, ReadonlySet<string>>();
  const waiting = new Set<string>();
  let open = false;
  let running: Promise<void> | undefined;

  function changed(subject: string): void {
    waiting.add(subject);
    if (open) running ??= settle();
  }

  async function settle(): Promise<void> {
    while (waiting.size > 0 && !signal.aborted) {
      await clock.after(SETTLE_MS, signal);
      let looked = 0;
      for (const subject of waiting) {
        if (signal.aborted) break;
        waiting.delete(subject);
        look(subject);
        if (++looked % SUBJECTS_A_TURN === 0) await yieldTurn();
      }
    }
    running = undefined;
  }

  function look(subject: string): void {
    const before = told.get(subject);
    const now = new Map(noticesOf(subject, options).map((notice) => [idOf(notice), notice]));
    if (now.size === 0) {
      told.delete(subject);
      return;
    }
    if (!before && told.size >= STANDING_MAX) return;
    told.set(subject, new Set(now.keys()));
    for (const [id, notice] of now) if (!before?.has(id)) options.tell(notice);
  }

  return {
    namesChanged: (patterns) => {
      for (const pattern of patterns) changed(`name ${pattern}`);
    },
    objectChanged: (kind, key) => changed(`${kind} ${key}`),
    synced: () => {
      open = true;
      if (waiting.size > 0) running ??= settle();
    },
    standing: () => [...told.values()].reduce((sum, notices) => sum + notices.size, 0),
    closed: new Promise((resolve) => {
      const stop = () => resolve(running);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    }),
  };
}

function noticesOf(subject: string, { zone, view, alone }: NoticeBoardOptions): readonly Notice[] {
  const space = subject.indexOf(' ');
  const [kind, key] = [subject.slice(0, space), subject.slice(space + 1)];
  if (kind === 'name') {
    const decision = zone.claims.decide(key as Parameters<typeof zone.claims.decide>[0]);
    return [...decisionNotices(decision), ...(alone ? zoneNotices(zone, decision) : [])];
  }
  if (!isClaimKind(kind)) return [];
  const found = claimsOf(view, kind, key, zone.claims.options);
  const faults = found ? faultNotices(found.source, found.faults) : [];
  const service = kind === 'Service' ? view.service(key) : undefined;
  if (!service) return faults;
  const aliases = alone ? serviceAliasNotices(zone, service) : [];
  return [...faults, ...serviceNotices(service, view.slices(key), zone.naming, zone.nodes()), ...aliases];
}

function idOf({ object, code, text }: Notice): string {
  return `${object.kind} ${keyOf(object)} ${object.uid} ${code} ${text}`;
}
