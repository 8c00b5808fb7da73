import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { addChunk, createFraming, heldBytes, keepRest, nextMessage } from './tcp-framing.ts';

const frame = (message: Uint8Array) => Uint8Array.of(message.length >> 8, message.length & 255, ...message);

function feed(chunks: readonly Uint8Array[]): Uint8Array[] {
  const framing = createFraming();
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) {
    const memory = chunk.slice();
    addChunk(framing, memory);
    for (let message = nextMessage(framing); message; message = nextMessage(framing)) messages.push(message.slice());
    keepRest(framing);
    memory.fill(0xee);
  }
  return messages;
}

describe('messages on TCP (RFC 1035 §4.2.2, RFC 7766 §8)', () => {
  test('however the stream is cut, the same messages come out, and chunk memory may be reused', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 10 }), (sent, cuts) => {
        const stream = Uint8Array.from(sent.flatMap((message) => [...frame(message)]));
        const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => stream.subarray(from, places[i] ?? stream.length));
        expect(feed(chunks)).toEqual(sent);
      }),
    );
  });

  test('one byte at a time', () => {
    const stream = [...frame(Uint8Array.of(1, 2, 3)), ...frame(Uint8Array.of()), ...frame(Uint8Array.of(4))];
    expect(feed(stream.map((byte) => Uint8Array.of(byte)))).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4)]);
  });

  test('the largest message has 65,535 bytes', () => {
    const message = new Uint8Array(65_535).fill(7);
    expect(feed([frame(message)])).toEqual([message]);
  });

  test('what waits is copied out of the chunk: five bytes do not hold a chunk of 64 KiB', () => {
    const framing = createFraming();
    const chunk = new Uint8Array(65_536);
    chunk.set(frame(new Uint8Array(65_529)));
    chunk.set([0, 9, 1, 2, 3], 65_531);
    addChunk(framing, chunk);
    expect(nextMessage(framing)?.length).toBe(65_529);
    expect(nextMessage(framing)).toBeUndefined();
    keepRest(framing);
    expect([heldBytes(framing), framing.bytes.buffer.byteLength]).toEqual([5, 5]);
  });
});
