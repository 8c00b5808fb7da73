/** Bytes of a DNS header (RFC 1035 §4.1.1). */
export const HEADER_BYTES = 12;
/** Longest name on the wire, root byte included (RFC 1035 §3.1). */
export const NAME_BYTES_MAX = 255;
/** Most labels such a name can have, the root not counted. */
export const LABELS_MAX = 127;
/** Largest UDP payload without EDNS (RFC 1035 §4.2.1). */
export const UDP_PLAIN_BYTES_MAX = 512;
/** Largest UDP payload sent or offered (RFC 9715 §3.1: no fragments on any common path). */
export const UDP_EDNS_BYTES_MAX = 1232;
/** Largest message on TCP (RFC 1035 §4.2.2). */
export const MESSAGE_BYTES_MAX = 65_535;

/** RR types and QTYPEs (IANA "DNS Parameters"). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  CAA: 257,
} as const;

/** Classes and QCLASSes. */
export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

/** Response codes; those over 15 need an OPT record for their upper bits (RFC 6891 §6.1.3). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  BADVERS: 16,
} as const;

/** Header flag bits, as masks of the second 16-bit word. */
export const FLAG = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

/** EDNS option codes. */
export const OPTION = { NSID: 3, ECS: 8, COOKIE: 10, PADDING: 12, EDE: 15 } as const;

/** Extended DNS Error codes (RFC 8914 §4). */
export const EDE = {
  OTHER: 0,
  STALE: 3,
  BLOCKED: 15,
  NOT_READY: 14,
  FILTERED: 17,
  PROHIBITED: 18,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
} as const;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(TYPE).map(([name, code]) => [code as number, name]));
const RCODE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([name, code]) => [code as number, name]));

/** `AAAA`, or `TYPE1234` for a type without a name here (RFC 3597 §5). */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** `NXDOMAIN`, or `RCODE11`. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
