import { PROBE_TIMEOUT_MS, type ProbeResult } from '../../core/reachability/reachability.ts';
import { type Ip, ipBytes, ipFamily } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';

/** Opens one TCP connection and closes it at once; never rejects. */
export type TcpProbe = (address: Ip, port: number, signal: AbortSignal) => Promise<ProbeResult>;

// Linux, the same on x64 and arm64: <sys/socket.h>, <poll.h>, <errno.h>.
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const POLLOUT = 4;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/** When a connection under way is looked at: most answer in the first millisecond. */
const LOOK_AT_MS = [2, 20, 100, 300, PROBE_TIMEOUT_MS];

export const TCP_SYMBOLS = {
  socket: { args: ['int', 'int', 'int'], returns: 'int' },
  connect: { args: ['int', 'ptr', 'u32'], returns: 'int' },
  poll: { args: ['ptr', 'u64', 'int'], returns: 'int' },
  getsockopt: { args: ['int', 'int', 'int', 'ptr', 'ptr'], returns: 'int' },
  close: { args: ['int'], returns: 'int' },
} as const;

/**
 * Opens the C library for probes: Bun's own `connect` reports every failure as ECONNREFUSED, and a Node that is gone (no answer to ARP) must
 * not pass for one that refuses.
 */
export async function openTcpProbe(clock: Clock, libraries: readonly string[] = LIBRARIES): Promise<Result<TcpProbe, 'no-libc'>> {
  const { dlopen } = await import('bun:ffi');
  const failures: string[] = [];
  for (const library of libraries) {
    try {
      return ok(createProbe(dlopen(library, TCP_SYMBOLS).symbols, clock));
    } catch (error) {
      failures.push(String(error));
    }
  }
  return err('no-libc', failures.join('; '));
}

interface Libc {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly connect: (fd: number, address: Uint8Array, length: number) => number;
  readonly poll: (fds: Int32Array, count: number, timeoutMs: number) => number;
  readonly getsockopt: (fd: number, level: number, option: number, value: Int32Array, length: Int32Array) => number;
  readonly close: (fd: number) => number;
}

function createProbe(libc: Libc, clock: Clock): TcpProbe {
  return async (address, port, signal) => {
    const fd = libc.socket(ipFamily(address) === 4 ? AF_INET : AF_INET6, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) return 'unknown';
    try {
      const to = socketAddress(address, port);
      libc.connect(fd, to, to.length);
      let waitedMs = 0;
      for (const atMs of LOOK_AT_MS) {
        await clock.after(atMs - waitedMs, signal);
        if (signal.aborted) return 'unknown';
        waitedMs = atMs;
        const result = look(libc, fd);
        if (result) return result;
      }
      return 'silent';
    } finally {
      libc.close(fd);
    }
  };
}

/** What has become of a connection; `undefined` while it is under way. */
function look(libc: Libc, fd: number): ProbeResult | undefined {
  const polled = Int32Array.of(fd, POLLOUT);
  if (libc.poll(polled, 1, 0) === 0) return undefined;
  const events = (polled[1] ?? 0) >>> 16;
  if (events === POLLOUT) return 'alive';
  const error = new Int32Array(1);
  libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, error, Int32Array.of(4));
  switch (error[0]) {
    case ECONNREFUSED:
    case ECONNRESET:
      return 'alive';
    case EHOSTUNREACH:
    case ETIMEDOUT:
      return 'silent';
    default:
      // Refused by our own kernel at once (no route, no permission): nothing was sent.
      return 'unknown';
  }
}

/** struct sockaddr_in or sockaddr_in6: the family in the machine's order (little endian), port and address in the network's. */
export function socketAddress(address: Ip, port: number): Uint8Array {
  const bytes = ipBytes(address);
  const v4 = bytes.length === 4;
  const out = new Uint8Array(v4 ? 16 : 28);
  out[0] = v4 ? AF_INET : AF_INET6;
  out[2] = port >> 8;
  out[3] = port & 0xff;
  out.set(bytes, v4 ? 4 : 8);
  return out;
}
