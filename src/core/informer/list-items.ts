import { asObject, asString } from '../object/raw.ts';
import { TOO_LONG_SHOWN_BYTES } from './lines.ts';
import { versionOf } from './watch-event.ts';

/** Takes a LIST reply apart as it comes, so that neither its text nor its tree is ever whole in memory. */
export interface ListSplitter {
  /** `onItem` gets each element of `items`; it is valid only during the call. One over the limit gives its beginning to `onTooLong`. */
  readonly push: (chunk: Uint8Array, onItem: (item: Uint8Array) => void, onTooLong: (start: Uint8Array) => void) => void;
  /** The list's own metadata, once all has come; `undefined` when it was not a whole list. `next` is empty on the last page. */
  readonly finish: () => { readonly version: string; readonly next: string } | undefined;
}

/** What stands around the items: kind, apiVersion and metadata. More is not a list. */
const FRAME_LENGTH_MAX = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;

export function createListSplitter(itemBytesMax: number): ListSplitter {
  let frame = '';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inItems = false;
  /** Of the item that is open: what earlier chunks held of it. */
  let parts: Uint8Array[] = [];
  let held = 0;
  let tooLong = false;

  const keep = (part: Uint8Array, onTooLong: (start: Uint8Array) => void) => {
    if (tooLong) return;
    parts.push(part.slice());
    held += part.length;
    if (held <= itemBytesMax) return;
    tooLong = true;
    onTooLong(concat(parts, held).subarray(0, TOO_LONG_SHOWN_BYTES));
    parts = [];
  };
  const release = () => {
    parts = [];
    held = 0;
    tooLong = false;
  };
  /** Follows strings and nesting by one byte; returns the change of depth. */
  const follow = (byte: number): number => {
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = false;
      return 0;
    }
    if (byte === QUOTE) inString = true;
    const change = isOpening(byte) ? 1 : isClosing(byte) ? -1 : 0;
    depth += change;
    return change;
  };

  return {
    push: (chunk, onItem, onTooLong) => {
      let start = inItems && depth > 2 ? 0 : -1;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        const change = follow(byte);
        if (!inItems) {
          if (frame.length < FRAME_LENGTH_MAX) frame += String.fromCharCode(byte);
          inItems = change === 1 && depth === 2 && /"items"\s*:\s*\[$/.test(frame);
        } else if (change === 1 && depth === 3) start = at;
        else if (change === -1 && depth === 2) {
          const end = chunk.subarray(start, at + 1);
          if (held === 0 && end.length <= itemBytesMax) onItem(end);
          else {
            keep(end, onTooLong);
            if (!tooLong) onItem(concat(parts, held));
          }
          release();
          start = -1;
        } else if (change === -1 && depth === 1) {
          frame += ']';
          inItems = false;
        }
      }
      if (start >= 0) keep(chunk.subarray(start), onTooLong);
    },
    finish: () => toListMeta(frame),
  };
}

function toListMeta(frame: string): { readonly version: string; readonly next: string } | undefined {
  try {
    const list: unknown = JSON.parse(frame);
    const version = versionOf(list);
    return version === '' ? undefined : { version, next: asString(asObject(asObject(list)?.['metadata'])?.['continue']) ?? '' };
  } catch {
    return undefined;
  }
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
