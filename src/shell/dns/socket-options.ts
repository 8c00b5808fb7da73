import { err, ok, type Result } from '../../core/value/result.ts';
import { openLibc } from '../system/libc.ts';

/** Asked of the kernel for each UDP socket: the default holds 256 queries, which a 13 ms stall at 20,000 q/s overflows. */
export const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

// <asm-generic/socket.h>, the same on x64 and arm64.
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

export interface SocketOptions {
  /**
   * Enlarges the receive buffer and the send buffer (replies to neighbours that do not answer ARP wait there, at the cost of
   * everybody else's). Returns the receive buffer's size in bytes; `too-small` when the kernel allows less.
   */
  readonly enlargeBuffers: (fd: number) => Result<number, 'too-small'>;
}

/** Opens the C library. Bun has no call for socket options. */
export async function openSocketOptions(libraries?: readonly string[]): Promise<Result<SocketOptions, 'no-libc'>> {
  const symbols = {
    setsockopt: { args: ['int', 'int', 'int', 'ptr', 'u32'], returns: 'int' },
    getsockopt: { args: ['int', 'int', 'int', 'ptr', 'ptr'], returns: 'int' },
  } as const;
  const libc = await openLibc(symbols, libraries);
  return libc.ok ? ok(socketOptions(libc.value.setsockopt, libc.value.getsockopt)) : libc;
}

type SetOption = (fd: number, level: number, option: number, value: Int32Array, length: number) => number;
type GetOption = (fd: number, level: number, option: number, value: Int32Array, length: Int32Array) => number;

function socketOptions(setsockopt: SetOption, getsockopt: GetOption): SocketOptions {
  const wanted = Int32Array.of(SOCKET_BUFFER_BYTES);
  const enlarge = (fd: number, force: number, plain: number): void => {
    // The forced form passes net.core.rmem_max and needs CAP_NET_ADMIN.
    if (setsockopt(fd, SOL_SOCKET, force, wanted, 4) !== 0) setsockopt(fd, SOL_SOCKET, plain, wanted, 4);
  };
  return {
    enlargeBuffers: (fd) => {
      enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
      enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
      const got = new Int32Array(1);
      // The kernel doubles the value for its own bookkeeping (socket(7)).
      const bytes = getsockopt(fd, SOL_SOCKET, SO_RCVBUF, got, Int32Array.of(4)) === 0 ? (got[0] ?? 0) / 2 : 0;
      if (bytes >= SOCKET_BUFFER_BYTES) return ok(bytes);
      return err('too-small', `${bytes} bytes instead of ${SOCKET_BUFFER_BYTES}: raise net.core.rmem_max`);
    },
  };
}
