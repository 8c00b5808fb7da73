import type { RespondContext } from '../../core/zone/reply.ts';
import type { DnsAsker } from '../../shell/dns/handler.ts';
import type { Clock } from '../../shell/system/clock.ts';
import { createLineWriter, fileWriter } from '../../shell/telemetry/line-writer.ts';
import { createLog, type Log, type LogOptions } from '../../shell/telemetry/log.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import { createQueryCounters } from './query-counters.ts';
import { createQueryLog } from './query-log.ts';

/** Counts, samples and, with `-log-queries`, logs what `respond` did; without that it costs two additions per query. */
export interface QueryObserver {
  /** Called before `respond`: the time in ms when this query is one of those that are timed, else 0. */
  readonly begin: () => number;
  /**
   * Called with the reply's length, while `ctx` still holds the query and the RCODE; nothing is counted where there is no reply, or not yet.
   * `begunMs` is what `begin` returned, 0 for an answer that was waited for.
   */
  readonly end: (ctx: RespondContext, client: DnsAsker, written: number, begunMs: number) => void;
  /** With `-log-queries`, what the role logs with: through the same buffer, because one line written to a full pipe would stop all answers. */
  readonly log: Log | undefined;
  /** Resolves when the last lines are written, or after half a second when nobody reads them. */
  readonly flushed: () => Promise<void>;
}

export interface QueryObserverOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logQueries: boolean;
  readonly logFormat: LogOptions['format'];
  readonly logLevel: LogOptions['level'];
}

/** One query of this many is timed (a power of two). */
const SAMPLE = 64;
const FLUSH_MS_MAX = 500;
const STDERR = 2;

export function createQueryObserver({ metrics, clock, logQueries, logFormat, logLevel }: QueryObserverOptions): QueryObserver {
  const counters = createQueryCounters();
  const writer = logQueries ? createLineWriter({ clock, write: fileWriter(STDERR) }) : undefined;
  const lines = writer && createQueryLog({ clock, format: logFormat, writer });
  let queries = 0;
  metrics.read('dnsQueries', counters.samples);
  if (writer) metrics.read('queryLogDropped', () => [[{}, writer.droppedLines()]]);
  return {
    begin() {
      queries = (queries + 1) & (SAMPLE - 1);
      return queries === 0 ? clock.now() : 0;
    },
    end(ctx, client, written, begunMs) {
      if (begunMs > 0) metrics.observe('dnsSeconds', {}, (clock.now() - begunMs) / 1000);
      if (written <= 0) return;
      counters.count(ctx.tcp, client.family, ctx.query.qtype, ctx.rcode);
      lines?.line(client, ctx.query, ctx.rcode, written);
    },
    log: writer && createLog({ level: logLevel, format: logFormat, clock, write: writer.put }),
    flushed: () => writer?.drained(FLUSH_MS_MAX) ?? Promise.resolve(),
  };
}
