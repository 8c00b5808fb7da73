import { err, ok, type Result } from '../../core/value/result.ts';
import { LENGTH_BYTES } from '../../core/wire/tcp-framing.ts';
import type { Clock } from '../system/clock.ts';
import { type DnsClient, type DnsCounters, type DnsHandler, plainAddress } from './handler.ts';
import { type Answer, createConnection, type TcpConnection, type TcpPool, type TcpSocket } from './tcp-connection.ts';

/** Connections at once; at the cap the longest idle one makes room (RFC 7766 §6.2.3). */
export const CONNECTIONS_MAX = 512;
/** Connections of one client address at once, so that one client cannot take the room of all. */
export const CONNECTIONS_PER_CLIENT_MAX = 32;
const SWEEP_MS = 1000;

export interface TcpListenerOptions {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly handle: DnsHandler;
  readonly counters: DnsCounters;
  readonly fault: (error: unknown) => void;
  readonly clock: Clock;
  /** Shared by all listeners of a program, and so are its limits. */
  readonly pool: TcpPool;
  readonly limits?: Partial<TcpLimits>;
}

export interface TcpLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** Without a whole query for so long, a connection is closed; a client that dribbles counts as idle (RFC 7766 §6.2.3). */
  readonly idleMs: number;
  /** A client that does not take its replies for so long is cut off. */
  readonly stallMs: number;
}

const LIMITS: TcpLimits = {
  connections: CONNECTIONS_MAX,
  connectionsPerClient: CONNECTIONS_PER_CLIENT_MAX,
  idleMs: 10_000,
  stallMs: 10_000,
};

export interface TcpListener {
  readonly address: string;
  readonly port: number;
  readonly closed: Promise<void>;
}

/** Listens for DNS over TCP (RFC 7766) until `signal` aborts: pipelined queries, answers in any order, half-closed clients. */
export function createTcpListener(options: TcpListenerOptions, signal: AbortSignal): Result<TcpListener, 'cannot-bind'> {
  const limits = { ...LIMITS, ...options.limits };
  const { counters, clock, pool } = options;
  const mine = new Set<TcpConnection>();
  const answer = createAnswerer(options);

  const open = (socket: TcpSocket): void => {
    const address = plainAddress(socket.remoteAddress);
    counters.tcpConnections++;
    const connection = createConnection({ socket, address, counters, clock, answer, pool, closed: forget });
    socket.data = connection;
    if (!makeRoom(pool.connections, address, limits)) {
      counters.tcpOverflow++;
      connection.cut();
      return;
    }
    mine.add(connection);
    pool.connections.add(connection);
    counters.tcpOpen++;
    if (!sweeping) void sweep();
  };
  const forget = (connection: TcpConnection): void => {
    mine.delete(connection);
    if (pool.connections.delete(connection)) counters.tcpOpen--;
  };

  /** Runs while there are connections: an idle program must not wake up. */
  let sweeping = false;
  const sweep = async () => {
    sweeping = true;
    while (mine.size > 0 && !signal.aborted) {
      await clock.after(SWEEP_MS, signal);
      for (const connection of mine) connection.expire(limits.idleMs, limits.stallMs);
    }
    sweeping = false;
  };

  let listener: { readonly port: number; readonly stop: (force?: boolean) => void };
  try {
    listener = Bun.listen<TcpConnection | undefined>({
      hostname: options.address,
      port: options.port,
      exclusive: true,
      // Or a client that half-closes after its query gets nothing.
      allowHalfOpen: true,
      data: undefined,
      socket: {
        binaryType: 'uint8array',
        open,
        data: (socket, chunk) => socket.data?.received(chunk),
        drain: (socket) => socket.data?.drained(),
        end: (socket) => socket.data?.ended(),
        close: (socket) => socket.data?.gone(),
        error: (socket) => socket.data?.cut(),
      },
    });
  } catch (error) {
    return err('cannot-bind', String((error as { code?: unknown }).code ?? error));
  }

  const closed = new Promise<void>((resolve) => {
    const close = () => {
      for (const connection of mine) connection.close();
      listener.stop(true);
      resolve();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
  return ok({ address: options.address, port: listener.port, closed });
}

/** True when one more connection of this client may stay; the longest idle one is closed for it where that helps. */
function makeRoom(connections: ReadonlySet<TcpConnection>, address: string, limits: TcpLimits): boolean {
  let own = 0;
  let idle: TcpConnection | undefined;
  let ownIdle: TcpConnection | undefined;
  for (const connection of connections) {
    const better = (than: TcpConnection | undefined) => connection.isIdle() && (!than || connection.activeAt() < than.activeAt());
    if (better(idle)) idle = connection;
    if (connection.address !== address) continue;
    own++;
    if (better(ownIdle)) ownIdle = connection;
  }
  if (own < limits.connectionsPerClient && connections.size < limits.connections) return true;
  const leaving = own < limits.connectionsPerClient ? idle : ownIdle;
  leaving?.evict();
  return leaving !== undefined;
}

/** Calls the handler with the reused client and buffer. */
function createAnswerer(options: TcpListenerOptions): Answer {
  const { framed } = options.pool;
  const out = framed.subarray(LENGTH_BYTES);
  let current: TcpConnection | undefined;
  const client = {
    address: '',
    port: 0,
    family: 4 as 4 | 6,
    transport: 'tcp' as const,
    local: plainAddress(options.address),
    later: () => {
      if (current === undefined) throw new Error('later() is for the time of the call');
      return current.later();
    },
  } satisfies DnsClient;

  return (packet, connection, port) => {
    current = connection;
    client.address = connection.address;
    client.port = port;
    client.family = connection.address.includes(':') ? 6 : 4;
    let length = 0;
    try {
      length = options.handle(packet, packet.length, out, client);
    } catch (error) {
      options.counters.faults++;
      options.fault(error);
    }
    current = undefined;
    if (length <= 0) return undefined;
    framed[0] = length >> 8;
    framed[1] = length;
    return framed.subarray(0, LENGTH_BYTES + length);
  };
}
