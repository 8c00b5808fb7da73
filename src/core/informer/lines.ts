/** Cuts a byte stream into lines. What it hands out is valid only during the call: it may point into the chunk. */
export interface LineFramer {
  /**
   * `onLine` gets each complete line without its newline; empty ones are left out. Of a line longer than the limit `onTooLong` gets the
   * beginning, and the rest is thrown away as it comes. An unfinished last line is kept until its newline comes: a stream that ends
   * inside a line has lost it.
   */
  readonly push: (chunk: Uint8Array, onLine: (line: Uint8Array) => void, onTooLong: (start: Uint8Array) => void) => void;
}

const NEWLINE = 0x0a;

/** How much of a line that is too long is shown: enough for `metadata.name` and `metadata.namespace`, which come first. */
export const TOO_LONG_SHOWN_BYTES = 4096;

export function createLineFramer(lineBytesMax: number): LineFramer {
  let parts: Uint8Array[] = [];
  let held = 0;
  let skipping = false;

  const joined = (last: Uint8Array): Uint8Array => {
    if (held === 0) return last;
    const line = new Uint8Array(held + last.length);
    let at = 0;
    for (const part of parts) {
      line.set(part, at);
      at += part.length;
    }
    line.set(last, at);
    return line;
  };
  const forget = () => {
    parts = [];
    held = 0;
  };

  return {
    push: (chunk, onLine, onTooLong) => {
      let start = 0;
      while (start < chunk.length) {
        const newline = chunk.indexOf(NEWLINE, start);
        const part = chunk.subarray(start, newline < 0 ? chunk.length : newline);
        start += part.length + 1;
        if (!skipping && held + part.length > lineBytesMax) {
          onTooLong(joined(part.subarray(0, TOO_LONG_SHOWN_BYTES)).subarray(0, TOO_LONG_SHOWN_BYTES));
          forget();
          skipping = true;
        }
        if (newline < 0) {
          if (skipping || part.length === 0) return;
          parts.push(part.slice());
          held += part.length;
          return;
        }
        if (!skipping && held + part.length > 0) onLine(joined(part));
        forget();
        skipping = false;
      }
    },
  };
}
