import { rcodeName, typeName } from '../../core/wire/message.ts';
import type { Query } from '../../core/wire/query.ts';
import { wireNameText } from '../../core/wire/text.ts';
import type { DnsAsker } from '../../shell/dns/handler.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { LineWriter } from '../../shell/telemetry/line-writer.ts';
import { createLog, type LogOptions } from '../../shell/telemetry/log.ts';

/** One line for each query, beside the log: whoever asked for it wants it whatever `-log-level` says. */
export interface QueryLog {
  readonly line: (client: DnsAsker, query: Query, rcode: number, replyBytes: number) => void;
}

export interface QueryLogOptions {
  readonly clock: Clock;
  readonly format: LogOptions['format'];
  readonly writer: LineWriter;
}

/** Never waits: where the reader is slow, lines are dropped and counted, and the next one that fits is preceded by how many. */
export function createQueryLog({ clock, format, writer }: QueryLogOptions): QueryLog {
  const log = createLog({ level: 'info', format, clock, write: writer.put });
  let said = 0;
  return {
    line(client, query, rcode, replyBytes) {
      if (!writer.hasRoom()) {
        writer.drop();
        return;
      }
      if (writer.droppedLines() > said) {
        log.warn('lines of queries were dropped: their reader is slow', { lines: writer.droppedLines() - said });
        said = writer.droppedLines();
      }
      log.info('query', {
        client: client.address,
        port: client.port,
        transport: client.transport,
        name: query.nameLength > 0 ? wireNameText(query.name.subarray(0, query.nameLength)) : undefined,
        type: query.nameLength > 0 ? typeName(query.qtype) : undefined,
        rcode: rcodeName(rcode),
        bytes: replyBytes,
      });
    },
  };
}
