import { write } from 'node:fs';
import type { Clock } from '../system/clock.ts';

/** Takes lines faster than their reader may: what does not fit is dropped and counted. */
export interface LineWriter {
  /** False while the buffer is full but for a reserve; a line that is then dropped need not be made. */
  readonly hasRoom: () => boolean;
  readonly put: (line: string) => void;
  readonly drop: () => void;
  readonly droppedLines: () => number;
  /** Resolves when all is written, or after `ms` when the reader does not take it. */
  readonly drained: (ms: number) => Promise<void>;
}

/** Writes bytes and says how many were taken, or the error's code. Never called again before it has answered. */
export type WriteBytes = (bytes: Uint8Array, done: (code: string | undefined, written: number) => void) => void;

export interface LineWriterOptions {
  readonly clock: Clock;
  readonly write: WriteBytes;
}

/** Some seconds of a busy server; a megabyte or so. */
export const LINES_MAX = 8192;
/** Room that is kept for lines that are put without asking `hasRoom`. */
const RESERVE_LINES = 256;
/** What POSIX writes into a pipe in one piece (PIPE_BUF): lines of others come between ours, never inside one. */
const CHUNK_BYTES_MAX = 4096;
/** A full pipe that does not block is tried again after this. */
const RETRY_MS = 20;
const forever = new AbortController().signal;

/** A writer on a file descriptor that leaves the waiting to another thread, also where the descriptor blocks. */
export function fileWriter(fd: number): WriteBytes {
  return (bytes, done) => write(fd, bytes, (error, written) => done(error?.code ?? (error ? 'EIO' : undefined), written));
}

/** Writes lines in the background, in order; nothing here waits. */
export function createLineWriter({ clock, write: writeBytes }: LineWriterOptions): LineWriter {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  let dropped = 0;
  let writing = false;

  const put = (line: string): void => {
    if (lines.length >= LINES_MAX) {
      dropped++;
      return;
    }
    lines.push(line);
    if (writing) return;
    writing = true;
    // Lines of one turn go out together.
    queueMicrotask(next);
  };
  const next = (): void => {
    const bytes = takeChunk(lines);
    if (bytes) {
      send(bytes);
      return;
    }
    writing = false;
    for (const resolve of waiting.splice(0)) resolve();
  };
  const send = (bytes: Uint8Array): void => {
    writeBytes(bytes, (code, written) => {
      if (code === 'EAGAIN') void clock.after(RETRY_MS, forever).then(() => send(bytes));
      else if (code === undefined && written < bytes.length) send(bytes.subarray(written));
      else {
        // The reader went away, or the disk is full: the lines are lost, the answers are not.
        if (code !== undefined) dropped += countLines(bytes);
        next();
      }
    });
  };
  return {
    hasRoom: () => lines.length < LINES_MAX - RESERVE_LINES,
    put,
    drop: () => {
      dropped++;
    },
    droppedLines: () => dropped,
    drained: (ms) => {
      if (!writing) return Promise.resolve();
      const gaveUp = new AbortController();
      const done = new Promise<void>((resolve) => waiting.push(resolve)).then(() => gaveUp.abort());
      return Promise.race([done, clock.after(ms, gaveUp.signal)]);
    },
  };
}

/** As many whole lines as fit, at least one. */
function takeChunk(lines: string[]): Uint8Array | undefined {
  let count = 0;
  let length = 0;
  while (count < lines.length) {
    const bytes = Buffer.byteLength(lines[count] ?? '');
    if (count > 0 && length + bytes > CHUNK_BYTES_MAX) break;
    length += bytes;
    count++;
  }
  return count === 0 ? undefined : Buffer.from(lines.splice(0, count).join(''));
}

function countLines(bytes: Uint8Array): number {
  return bytes.filter((byte) => byte === 10).length;
}
