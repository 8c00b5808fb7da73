import { err, ok, type Result } from '../../core/value/result.ts';
import { type DnsClient, type DnsCounters, type DnsHandler, plainAddress } from './handler.ts';
import { type Batch, createReplyQueue, type ReplyQueue } from './reply-queue.ts';

/** The part of `Bun.udpSocket` that is used; tests put a socket of their own in its place. */
export interface UdpSocket {
  readonly port: number;
  /** Missing from Bun's types, and -1 or absent where there is none. */
  readonly fd?: number;
  readonly sendMany: (batch: Batch) => number;
  readonly close: () => void;
}

export interface UdpEvents {
  readonly data: (socket: unknown, data: Uint8Array, port: number, address: string) => void;
  readonly drain: () => void;
  readonly error: () => void;
}

export type OpenUdpSocket = (address: string, port: number, events: UdpEvents) => Promise<UdpSocket>;

export interface UdpListenerOptions {
  /** A local address; IPv6 link-local with its zone (`fe80::1%eth0`). A wildcard would answer from the wrong address. */
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly handle: DnsHandler;
  readonly counters: DnsCounters;
  /** Called with what the handler threw. */
  readonly fault: (error: unknown) => void;
  readonly open?: OpenUdpSocket;
}

export interface UdpListener {
  readonly address: string;
  readonly port: number;
  /** The socket's file descriptor, for `SocketOptions`; -1 when it has none. */
  readonly fd: number;
  readonly closed: Promise<void>;
}

const openBunSocket: OpenUdpSocket = (address, port, events) =>
  Bun.udpSocket({ hostname: address, port, binaryType: 'uint8array', socket: events });

/** Binds one UDP socket and answers on it until `signal` aborts; what waits is sent before it closes. */
export async function createUdpListener(options: UdpListenerOptions, signal: AbortSignal): Promise<Result<UdpListener, 'cannot-bind'>> {
  const { counters } = options;
  let queue: ReplyQueue | undefined;
  const events: UdpEvents = {
    data: (socket, data, port, address) => receive(socket, data, port, address),
    drain: () => queue?.flush(),
    // Without this handler one ICMP message ends the process. The replies themselves are retried by the queue.
    error: () => {
      counters.udpErrors++;
    },
  };
  // The socket may deliver before `open` has returned it: such packets are dropped, and clients ask again.
  let receive: UdpEvents['data'] = () => {};
  let socket: UdpSocket;
  try {
    socket = await (options.open ?? openBunSocket)(options.address, options.port, events);
  } catch (error) {
    return err('cannot-bind', String((error as { code?: unknown }).code ?? error));
  }
  queue = createReplyQueue((batch) => socket.sendMany(batch), counters);
  receive = createReceiver(options, queue, signal);

  const closed = new Promise<void>((resolve) => {
    const close = () => {
      queue.flush();
      socket.close();
      resolve();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
  return ok({ address: options.address, port: socket.port, fd: socket.fd ?? -1, closed });
}

/** The hot path: one call per datagram, nothing made but what Bun makes. */
function createReceiver(options: UdpListenerOptions, queue: ReplyQueue, signal: AbortSignal): UdpEvents['data'] {
  const { handle, counters } = options;
  const ipv6 = options.address.includes(':');
  let peer = '';
  const client = {
    address: '',
    port: 0,
    family: 4 as 4 | 6,
    transport: 'udp' as const,
    local: plainAddress(options.address),
    later: () => {
      const port = client.port;
      const address = peer;
      let done = false;
      return (reply: Uint8Array) => {
        if (!done && !signal.aborted) queue.put(reply, port, address);
        done = true;
      };
    },
  } satisfies DnsClient;

  return (_, packet, port, address) => {
    counters.udpQueries++;
    if (port === 0) {
      counters.udpPortZero++;
      return;
    }
    const buffer = queue.acquire();
    if (buffer === undefined) return;
    peer = address;
    client.port = port;
    client.address = ipv6 ? plainAddress(address) : address;
    client.family = ipv6 && client.address.includes(':') ? 6 : 4;
    let length = 0;
    try {
      length = handle(packet, packet.length, buffer.bytes, client);
    } catch (error) {
      counters.faults++;
      options.fault(error);
    }
    if (length > 0) queue.commit(buffer, length, port, address);
    else queue.release(buffer);
  };
}
