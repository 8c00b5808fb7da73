/** Bytes before each message on TCP (RFC 1035 §4.2.2). */
export const LENGTH_BYTES = 2;

const NOTHING = new Uint8Array(0);

/**
 * What came on one connection and was not taken yet. Chunks go in with `addChunk`, messages come out of `nextMessage`;
 * `keepRest` must follow before the next chunk's memory is reused.
 */
export interface Framing {
  bytes: Uint8Array;
  from: number;
  to: number;
}

export function createFraming(): Framing {
  return { bytes: NOTHING, from: 0, to: 0 };
}

/** Bytes that wait. */
export function heldBytes(framing: Framing): number {
  return framing.to - framing.from;
}

/** Takes a chunk, however it was cut. It is not copied when nothing waits, as is usual. */
export function addChunk(framing: Framing, chunk: Uint8Array): void {
  const held = heldBytes(framing);
  if (held === 0) {
    framing.bytes = chunk;
    framing.to = chunk.length;
  } else {
    const joined = new Uint8Array(held + chunk.length);
    joined.set(framing.bytes.subarray(framing.from, framing.to));
    joined.set(chunk, held);
    framing.bytes = joined;
    framing.to = joined.length;
  }
  framing.from = 0;
}

/** The next whole message without its length, valid until the next `addChunk`; `undefined` when more bytes must come first. */
export function nextMessage(framing: Framing): Uint8Array | undefined {
  const { bytes, from, to } = framing;
  if (to - from < LENGTH_BYTES) return undefined;
  const end = from + LENGTH_BYTES + (((bytes[from] as number) << 8) | (bytes[from + 1] as number));
  if (end > to) return undefined;
  framing.from = end;
  return bytes.subarray(from + LENGTH_BYTES, end);
}

/** Copies what waits out of the last chunk, so that a large chunk is not kept for a few bytes. */
export function keepRest(framing: Framing): void {
  framing.bytes = heldBytes(framing) === 0 ? NOTHING : framing.bytes.slice(framing.from, framing.to);
  framing.to -= framing.from;
  framing.from = 0;
}
