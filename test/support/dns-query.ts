import * as packet from 'dns-packet';

/** Builds query bytes and reads replies with an independent codec, so that our own is not its own judge. */
export interface QueryOptions {
  readonly id?: number;
  readonly rd?: boolean;
  readonly cd?: boolean;
  /** UDP size of the OPT record; no OPT when absent. */
  readonly edns?: number;
  readonly dnssecOk?: boolean;
  readonly nsid?: boolean;
  readonly ednsVersion?: number;
  readonly qclass?: string;
}

const RD = 0x100;
const CD = 0x10;
const NSID = 3;

export function queryBytes(name: string, type: string, options: QueryOptions = {}): Uint8Array {
  const additionals =
    options.edns === undefined
      ? []
      : [
          {
            name: '.',
            type: 'OPT',
            udpPayloadSize: options.edns,
            flags: options.dnssecOk ? 0x8000 : 0,
            ednsVersion: options.ednsVersion ?? 0,
            options: options.nsid ? [{ code: NSID, data: Buffer.alloc(0) }] : [],
          },
        ];
  return packet.encode({
    type: 'query',
    id: options.id ?? 0x1234,
    flags: (options.rd ? RD : 0) | (options.cd ? CD : 0),
    questions: [{ name, type, class: options.qclass ?? 'IN' }],
    additionals,
  });
}

/** A reply in words: `rcode`, the flags that are set, each section as lines `name type data`, and EDE codes. */
export interface ReplyText {
  readonly id: number;
  readonly rcode: string;
  readonly flags: readonly string[];
  readonly question: readonly string[];
  readonly answers: readonly string[];
  readonly authorities: readonly string[];
  readonly additionals: readonly string[];
  readonly ttls: readonly number[];
  readonly ede: readonly number[];
  readonly nsid: string | undefined;
  readonly opt: { readonly udpSize: number; readonly dnssecOk: boolean } | undefined;
}

interface Record {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: unknown;
}

interface Opt {
  readonly udpPayloadSize: number;
  readonly flags: number;
  readonly options: readonly { readonly code: number; readonly data: Buffer }[];
  readonly extendedRcode: number;
}

const FLAGS = ['aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const;
const EDE = 15;

export function readReply(bytes: Uint8Array): ReplyText {
  const decoded = packet.decode(Buffer.from(bytes));
  const opt = decoded.additionals.find((record) => record.type === 'OPT') as unknown as Opt | undefined;
  const lines = (records: readonly packet.Answer[]) =>
    records.filter((record) => record.type !== 'OPT').map((record) => toLine(record as unknown as Record));
  const all = [...decoded.answers, ...decoded.authorities] as unknown as readonly Record[];
  return {
    id: decoded.id,
    rcode: opt && opt.extendedRcode > 0 ? `EXT${opt.extendedRcode}` : decoded.rcode,
    flags: FLAGS.filter((flag) => decoded[`flag_${flag}`]),
    question: decoded.questions.map((question) => `${question.name} ${question.type}`),
    answers: lines(decoded.answers),
    authorities: lines(decoded.authorities),
    additionals: lines(decoded.additionals),
    ttls: all.map((record) => record.ttl),
    ede: (opt?.options ?? []).filter((option) => option.code === EDE).map((option) => option.data.readUInt16BE(0)),
    nsid: opt?.options.find((option) => option.code === NSID)?.data.toString('latin1'),
    opt: opt && { udpSize: opt.udpPayloadSize, dnssecOk: (opt.flags & 0x8000) !== 0 },
  };
}

function toLine(record: Record): string {
  return `${record.name} ${record.type} ${dataText(record)}`;
}

function dataText(record: Record): string {
  const { data } = record;
  if (record.type === 'SOA') {
    const soa = data as { readonly mname: string; readonly rname: string; readonly minimum: number };
    return `${soa.mname} ${soa.rname} ${soa.minimum}`;
  }
  if (record.type === 'SRV') {
    const srv = data as { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
    return `${srv.priority} ${srv.weight} ${srv.port} ${srv.target}`;
  }
  if (Array.isArray(data)) return data.map(String).join(' ');
  return typeof data === 'string' ? data : JSON.stringify(data);
}
