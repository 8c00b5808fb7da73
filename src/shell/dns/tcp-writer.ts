import type { Clock } from '../system/clock.ts';

/** The part of Bun's socket that writing needs. */
export interface WritableSocket {
  /** Returns how many bytes the kernel took, less than `length` when its buffer is full; -1 on a dead socket. */
  readonly write: (bytes: Uint8Array, offset: number, length: number) => number;
  /** Stops and goes on reading from the client. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Writes to one client and keeps what its kernel buffer does not take; while anything is kept, the client is not read. */
export interface TcpWriter {
  /** Takes a copy of what cannot be written now. */
  readonly write: (bytes: Uint8Array, length: number) => void;
  /** Called on the socket's `drain`; true when nothing is kept any more. */
  readonly drained: () => boolean;
  readonly unsentBytes: () => number;
  /** Since when (`Clock.now`) something has been kept without a break. */
  readonly stalledSince: () => number;
}

const NOTHING = new Uint8Array(0);

export function createTcpWriter(socket: WritableSocket, clock: Clock): TcpWriter {
  let unsent: Uint8Array = NOTHING;
  let stalledSince = 0;

  const write = (bytes: Uint8Array, length: number): void => {
    const sent = unsent.length > 0 ? 0 : Math.max(0, socket.write(bytes, 0, length));
    if (sent === length) return;
    if (unsent.length === 0) {
      stalledSince = clock.now();
      socket.pause();
    }
    const kept = new Uint8Array(unsent.length + length - sent);
    kept.set(unsent);
    kept.set(bytes.subarray(sent, length), unsent.length);
    unsent = kept;
  };

  const drained = (): boolean => {
    if (unsent.length === 0) return true;
    unsent = unsent.slice(Math.max(0, socket.write(unsent, 0, unsent.length)));
    if (unsent.length > 0) return false;
    unsent = NOTHING;
    socket.resume();
    return true;
  };

  return { write, drained, unsentBytes: () => unsent.length, stalledSince: () => stalledSince };
}
