import { RCODE, rcodeName, TYPE, typeName } from '../../core/wire/message.ts';
import { gridSamples, type Sample } from '../../shell/telemetry/metrics.ts';

const TRANSPORTS = ['udp', 'tcp'] as const;
const FAMILIES = ['ipv4', 'ipv6'] as const;
/** Types that are counted by name; any other is `other`, so that a stranger cannot make new series. */
const TYPES = [
  TYPE.A,
  TYPE.AAAA,
  TYPE.SRV,
  TYPE.PTR,
  TYPE.HTTPS,
  TYPE.SVCB,
  TYPE.SOA,
  TYPE.NS,
  TYPE.CNAME,
  TYPE.MX,
  TYPE.TXT,
  TYPE.ANY,
] as const;
const RCODES = [RCODE.NOERROR, RCODE.FORMERR, RCODE.SERVFAIL, RCODE.NXDOMAIN, RCODE.NOTIMP, RCODE.REFUSED, RCODE.BADVERS] as const;

/** Counts replies on the query path by an addition to one array; read when scraped. */
export interface QueryCounters {
  readonly count: (tcp: boolean, family: 4 | 6, qtype: number, rcode: number) => void;
  readonly samples: () => Iterable<Sample<'dnsQueries'>>;
}

export function createQueryCounters(): QueryCounters {
  const typeIndex = indexOf(TYPES, 256, TYPES.length);
  const rcodeIndex = indexOf(RCODES, 32, 0);
  const typeCount = TYPES.length + 1;
  const counts = new Float64Array(TRANSPORTS.length * FAMILIES.length * typeCount * RCODES.length);
  const axes = { transport: TRANSPORTS, family: FAMILIES, type: [...TYPES.map(typeName), 'other'], rcode: RCODES.map(rcodeName) };
  return {
    count(tcp, family, qtype, rcode) {
      const type = qtype < typeIndex.length ? (typeIndex[qtype] as number) : TYPES.length;
      const at = (((tcp ? 2 : 0) + (family === 6 ? 1 : 0)) * typeCount + type) * RCODES.length + (rcodeIndex[rcode & 31] as number);
      counts[at] = (counts[at] as number) + 1;
    },
    samples: () => gridSamples(axes, counts),
  };
}

function indexOf(codes: readonly number[], size: number, absent: number): Uint8Array {
  const index = new Uint8Array(size).fill(absent);
  codes.forEach((code, at) => {
    index[code] = at;
  });
  return index;
}
