import type { PathResult } from '../../core/doctor/machine-facts.ts';
import { type Ip, ipFamily } from '../../core/value/ip.ts';
import { ok, type Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import { openLibc } from '../system/libc.ts';
import { AF_INET, AF_INET6, SOCK_STREAM_NONBLOCK_CLOEXEC, socketAddress, TCP_SYMBOLS } from './tcp-probe.ts';

/** Opens one TCP connection, sends an empty line and sees whether the other side acknowledges it; never rejects. */
export type PathProbe = (address: Ip, port: number, signal: AbortSignal) => Promise<PathResult>;

// Linux: <poll.h>, <sys/socket.h>, <errno.h>, <linux/sockios.h>.
const POLLOUT = 4;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const MSG_NOSIGNAL = 0x4000;
const ECONNRESET = 104;
const ECONNREFUSED = 111;
const ENETUNREACH = 101;
/** Bytes that the other side has not acknowledged (tcp(7)). */
const SIOCOUTQ = 0x5411;

/** When a connection under way is looked at; a lost first packet is sent again after 1 s (RFC 6298 §2). */
const LOOK_AT_MS = [2, 20, 100, 500, 1_500, 3_000];
/** An empty line: HTTP servers skip one (RFC 9112 §2.2), others close or wait. */
const LINE = Uint8Array.of(13, 10);

const SYMBOLS = {
  ...TCP_SYMBOLS,
  send: { args: ['int', 'ptr', 'u64', 'int'], returns: 'i64' },
  ioctl: { args: ['int', 'u64', 'ptr'], returns: 'int' },
} as const;

type Libc = Extract<Awaited<ReturnType<typeof openLibc<typeof SYMBOLS>>>, { readonly ok: true }>['value'];

/** A connection that opens shows one direction and a half: only an acknowledgement of data shows that what we send arrives. */
export async function openPathProbe(clock: Clock): Promise<Result<PathProbe, 'no-libc'>> {
  const libc = await openLibc(SYMBOLS);
  return libc.ok ? ok(createPathProbe(libc.value, clock)) : libc;
}

function createPathProbe(libc: Libc, clock: Clock): PathProbe {
  return async (address, port, signal) => {
    const fd = libc.socket(ipFamily(address) === 4 ? AF_INET : AF_INET6, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) return 'no-route';
    try {
      const to = socketAddress(address, port);
      libc.connect(fd, to, to.length);
      const opened = await lookUntil(clock, signal, () => connectionState(libc, fd));
      if (opened !== 'open') return opened ?? 'silent';
      libc.send(fd, LINE, LINE.length, MSG_NOSIGNAL);
      return (await lookUntil(clock, signal, () => (isAcknowledged(libc, fd) ? 'passes' : undefined))) ?? 'stuck';
    } finally {
      libc.close(fd);
    }
  };
}

/** The first thing that `look` says, or `undefined` when the time is over. */
async function lookUntil<T>(clock: Clock, signal: AbortSignal, look: () => T | undefined): Promise<T | undefined> {
  let waitedMs = 0;
  for (const atMs of LOOK_AT_MS) {
    await clock.after(atMs - waitedMs, signal);
    if (signal.aborted) return undefined;
    waitedMs = atMs;
    const seen = look();
    if (seen !== undefined) return seen;
  }
  return undefined;
}

function connectionState(libc: Libc, fd: number): 'open' | 'refused' | 'silent' | 'no-route' | undefined {
  const polled = Int32Array.of(fd, POLLOUT);
  if (libc.poll(polled, 1, 0) === 0) return undefined;
  const events = (polled[1] ?? 0) >>> 16;
  if (events === POLLOUT) return 'open';
  const error = errorOf(libc, fd);
  if (error === ECONNREFUSED || error === ECONNRESET) return 'refused';
  // Without an error of the socket's own, our kernel refused at once: there is no route.
  return error === 0 || error === ENETUNREACH ? 'no-route' : 'silent';
}

/** A peer that resets has had the data, too. */
function isAcknowledged(libc: Libc, fd: number): boolean {
  const left = Int32Array.of(0);
  return libc.ioctl(fd, SIOCOUTQ, left) !== 0 || left[0] === 0;
}

function errorOf(libc: Libc, fd: number): number {
  const error = new Int32Array(1);
  libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, error, Int32Array.of(4));
  return error[0] ?? 0;
}
