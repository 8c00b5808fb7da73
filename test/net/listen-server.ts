// A listen set on port 53 of every local address, run inside a namespace by listen.test.ts. It answers with the reply code REFUSED and
// logs to stdout. Addresses named as arguments are excluded.
import { writeError } from '../../src/core/wire/encode.ts';
import { RCODE, UDP_EDNS_BYTES_MAX } from '../../src/core/wire/message.ts';
import { createQuery, parseQuery } from '../../src/core/wire/query.ts';
import { createDnsCounters } from '../../src/shell/dns/handler.ts';
import { createListenSet } from '../../src/shell/dns/listen-set.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { createLog } from '../../src/shell/telemetry/log.ts';

const query = createQuery();
const log = createLog({ level: 'info', format: 'text', clock: systemClock, write: (line) => process.stdout.write(line) });
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const set = createListenSet(
  {
    listen: [{ port: 53 }],
    handle: (packet, length, out) =>
      parseQuery(packet, length, query) === 'ok'
        ? writeError(out, UDP_EDNS_BYTES_MAX, packet, query, RCODE.REFUSED, UDP_EDNS_BYTES_MAX)
        : 0,
    counters: createDnsCounters(),
    clock: systemClock,
    log,
    excluded: () => new Set(process.argv.slice(2)),
  },
  stop.signal,
);
const ready = await set.ready;
if (!ready.ok) {
  log.error(ready.detail);
  process.exitCode = 1;
}
await set.closed;
log.info('closed');
