import { describe, expect, test } from 'bun:test';
import type { Clock } from '../system/clock.ts';
import { createLineWriter, LINES_MAX, type WriteBytes } from './line-writer.ts';

const clock: Clock = { now: () => 0, wall: () => 0, after: async () => {} };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A reader that answers when told to. */
function scripted() {
  const chunks: string[] = [];
  let answer: Parameters<WriteBytes>[1] | undefined;
  const write: WriteBytes = (bytes, done) => {
    chunks.push(new TextDecoder().decode(bytes));
    answer = done;
  };
  return { write, chunks, answer: (code: string | undefined, written: number) => answer?.(code, written) };
}

describe('line writer', () => {
  test('lines of one turn go out in one piece, later ones in order after it', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock, write: reader.write });
    writer.put('a\n');
    writer.put('b\n');
    await turn();
    writer.put('c\n');
    expect(reader.chunks).toEqual(['a\nb\n']);
    reader.answer(undefined, 4);
    expect(reader.chunks).toEqual(['a\nb\n', 'c\n']);
  });

  test('pieces hold whole lines and at most what a pipe takes at once (POSIX PIPE_BUF)', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock, write: reader.write });
    const line = `${'x'.repeat(1499)}\n`;
    for (let i = 0; i < 5; i++) writer.put(line);
    await turn();
    reader.answer(undefined, 3000);
    expect(reader.chunks).toEqual([line + line, line + line]);
  });

  test('the rest of a piece that was taken in part follows', async () => {
    const reader = scripted();
    createLineWriter({ clock, write: reader.write }).put('abc\n');
    await turn();
    reader.answer(undefined, 1);
    expect(reader.chunks).toEqual(['abc\n', 'bc\n']);
  });

  test('a full pipe is tried again', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock, write: reader.write });
    writer.put('a\n');
    await turn();
    reader.answer('EAGAIN', 0);
    await turn();
    expect([reader.chunks, writer.droppedLines()]).toEqual([['a\n', 'a\n'], 0]);
  });

  test('a reader that takes nothing costs lines, counted, never more memory than the bound', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock, write: reader.write });
    writer.put('first\n');
    await turn();
    for (let i = 0; i < LINES_MAX + 3; i++) writer.put('x\n');
    expect([writer.hasRoom(), writer.droppedLines()]).toEqual([false, 3]);
    writer.drop();
    expect(writer.droppedLines()).toBe(4);
  });

  test('a reader that went away costs the lines and ends nothing', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock, write: reader.write });
    writer.put('a\n');
    writer.put('b\n');
    await turn();
    reader.answer('EPIPE', 0);
    expect(writer.droppedLines()).toBe(2);
    await writer.drained(1000);
  });

  test('the end waits for the reader, and no longer than it was told', async () => {
    const reader = scripted();
    const writer = createLineWriter({ clock: { ...clock, after: (_, signal) => until(signal) }, write: reader.write });
    writer.put('a\n');
    await turn();
    let drained = false;
    const waiting = writer.drained(1000).then(() => {
      drained = true;
    });
    await turn();
    expect(drained).toBe(false);
    reader.answer(undefined, 2);
    await waiting;
    const stuck = createLineWriter({ clock, write: () => {} });
    stuck.put('a\n');
    await stuck.drained(1000);
  });
});

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
