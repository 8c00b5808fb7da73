import { writeU16, writeU32 } from '../wire/encode.ts';
import { CLASS, TYPE } from '../wire/message.ts';
import { WORDS_PER_A } from './answer.ts';

/** Where a query's random numbers come from: one 32-bit word of state, seeded by the shell, never zero. */
export type RandomState = Uint32Array;

/** A number in [0, below); xorshift32 (Marsaglia 2003), enough to spread load, not a secret. */
export function randomBelow(state: RandomState, below: number): number {
  let x = state[0] ?? 1;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  state[0] = x;
  return Math.floor(((x >>> 0) / 0x1_0000_0000) * below);
}

/**
 * Writes up to `count` addresses of `words` as records of `owner` (a compression pointer) at `at`, in random order, and returns the new offset. The first `count`
 * places of a Fisher–Yates shuffle are drawn in place: every address comes first equally often, the next one equally often after
 * it, and a subset is a fair one, whatever earlier draws left behind. The last `behind` addresses are shuffled among themselves and follow
 * the others. The caller has made sure that they fit.
 */
export function writeAddresses(
  out: Uint8Array,
  at: number,
  owner: number,
  ttlSeconds: number,
  words: Uint32Array,
  stride: number,
  count: number,
  behind: number,
  random: RandomState,
): number {
  const total = words.length / stride;
  const front = total - behind;
  let end = at;
  for (let i = 0; i < count; i++) {
    swap(words, i * stride, (i + randomBelow(random, (i < front ? front : total) - i)) * stride, stride);
    writeU16(out, end, owner);
    writeU16(out, end + 2, stride === WORDS_PER_A ? TYPE.A : TYPE.AAAA);
    writeU16(out, end + 4, CLASS.IN);
    writeU32(out, end + 6, ttlSeconds);
    writeU16(out, end + 10, 4 * stride);
    end += 12;
    for (let w = i * stride; w < (i + 1) * stride; w++, end += 4) writeU32(out, end, words[w] as number);
  }
  return end;
}

function swap(words: Uint32Array, x: number, y: number, stride: number): void {
  if (x === y) return;
  for (let i = 0; i < stride; i++) {
    const word = words[x + i] as number;
    words[x + i] = words[y + i] as number;
    words[y + i] = word;
  }
}
