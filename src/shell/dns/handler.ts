/** Returned by a handler that took `client.later()` and will answer through it. */
export const LATER = -1;

/** Who asked, for counters and the query log. */
export type DnsAsker = Pick<DnsClient, 'address' | 'port' | 'family' | 'transport'>;

/** Who asked. One object is filled again for each query: copy what is needed longer than the call. */
export interface DnsClient {
  /** Without zone id; IPv4-mapped addresses as IPv4. */
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly transport: 'udp' | 'tcp';
  /** The address of ours that was asked. */
  readonly local: string;
  /**
   * For answers that must wait: returns a function that sends one message to this client, copied before it returns. It may
   * be called after the client or the listener has gone (nothing happens then) and works once.
   */
  readonly later: () => (reply: Uint8Array) => void;
}

/**
 * Answers one query: writes the reply into `out` from 0 on and returns its length, 0 for no reply, or `LATER`. `packet` holds
 * `length` bytes and, like `out`, belongs to the caller again when the call returns. `out.length` is the most that may be
 * written: 1232 bytes on UDP, 65,535 on TCP.
 */
export type DnsHandler = (packet: Uint8Array, length: number, out: Uint8Array, client: DnsClient) => number;

/** Counted by the listeners, read at scrape time. All only grow, but `tcpOpen`. */
export interface DnsCounters {
  udpQueries: number;
  udpReplies: number;
  /** Queries from source port 0, which cannot be answered. */
  udpPortZero: number;
  /** Errors that other clients' ICMP messages caused and that were tried again. */
  udpRetries: number;
  /** Replies that the kernel refused: too large, no route, forbidden. */
  udpRefused: number;
  /** Replies and queries given up because the socket's queue was full. */
  udpOverflow: number;
  /** Errors reported outside a send, mostly ICMP messages. */
  udpErrors: number;
  tcpConnections: number;
  tcpOpen: number;
  tcpQueries: number;
  tcpReplies: number;
  /** Connections refused or closed for room, because there were too many. */
  tcpOverflow: number;
  /** Connections closed because no whole query came in time. */
  tcpIdle: number;
  /** Connections cut because the client did not take its replies, or sent more than is kept. */
  tcpSlow: number;
  /** Exceptions in the handler: each is a bug, and a query without an answer. */
  faults: number;
}

export function createDnsCounters(): DnsCounters {
  return {
    udpQueries: 0,
    udpReplies: 0,
    udpPortZero: 0,
    udpRetries: 0,
    udpRefused: 0,
    udpOverflow: 0,
    udpErrors: 0,
    tcpConnections: 0,
    tcpOpen: 0,
    tcpQueries: 0,
    tcpReplies: 0,
    tcpOverflow: 0,
    tcpIdle: 0,
    tcpSlow: 0,
    faults: 0,
  };
}

/** The address as rules and logs should see it: no zone id (RFC 4007 §11), IPv4-mapped as IPv4 (RFC 4291 §2.5.5.2). */
export function plainAddress(address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}
