import { keyOf } from '../core/object/raw.ts';
import type { Notice } from '../core/value/notice.ts';
import type { EventRecorder } from '../shell/kube/events.ts';
import type { Log } from '../shell/telemetry/log.ts';
import type { Metrics } from '../shell/telemetry/metrics.ts';

/** Says each notice once for as long as it stays true: a log line, a count and an Event. */
export function createNoticeBoard(log: Log, metrics: Metrics, events: EventRecorder): (notices: readonly Notice[]) => void {
  let said: ReadonlySet<string> = new Set();
  return (notices) => {
    const now = new Set<string>();
    for (const notice of notices) {
      const key = `${notice.object.uid}/${notice.code}/${notice.text}`;
      if (now.has(key)) continue;
      now.add(key);
      if (said.has(key)) continue;
      metrics.inc('notices', { code: notice.code });
      log.warn(notice.text, { code: notice.code, object: `${notice.object.kind} ${keyOf(notice.object)}` });
      events.emit(notice);
    }
    said = now;
  };
}
