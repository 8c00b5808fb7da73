import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createLineFramer, TOO_LONG_SHOWN_BYTES } from './lines.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (line: Uint8Array) => new TextDecoder().decode(line);

/** What a framer with this limit makes of these chunks; lines over the limit appear as `!` and their beginning. */
function frame(max: number, chunks: readonly string[]): readonly string[] {
  const framer = createLineFramer(max);
  const seen: string[] = [];
  for (const chunk of chunks)
    framer.push(
      bytes(chunk),
      (line) => seen.push(text(line)),
      (start) => seen.push(`!${text(start)}`),
    );
  return seen;
}

const rows: readonly [name: string, chunks: readonly string[], lines: readonly string[]][] = [
  ['two lines in one chunk', ['a\nb\n'], ['a', 'b']],
  ['a line over three chunks', ['ab', 'cd', 'e\nf\n'], ['abcde', 'f']],
  ['a newline at the beginning of a chunk ends the line before', ['ab', '\ncd\n'], ['ab', 'cd']],
  ['empty lines are left out', ['\n\na\n\n'], ['a']],
  ['an unfinished last line is not a line', ['a\nb'], ['a']],
  ['a line of exactly the limit passes', ['12345678\n'], ['12345678']],
  ['one byte more does not, and the next line is not harmed', ['123456789\nb\n'], ['!123456789', 'b']],
  ['too long over many chunks: told once, the rest thrown away', ['12345', '67890', 'more', 'more\nb\n'], ['!1234567890', 'b']],
  ['too long, and its end at the beginning of a chunk', ['1234567890', '\nb\n'], ['!1234567890', 'b']],
  ['too long without an end', ['1234567890', '1234567890'], ['!1234567890']],
];

describe('lines of a watch', () => {
  test.each(rows)('%s', (_, chunks, lines) => {
    expect(frame(8, chunks)).toEqual([...lines]);
  });

  test('of a line that is too long only the beginning is shown', () => {
    expect(frame(8, ['x'.repeat(100_000)])).toEqual([`!${'x'.repeat(TOO_LONG_SHOWN_BYTES)}`]);
  });

  test('however a stream is cut, its lines are the same', () => {
    const line = fc.string({ maxLength: 20 }).map((value) => value.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
        const whole = lines.map((each) => `${each}\n`).join('');
        const stream = bytes(whole);
        const framer = createLineFramer(1000);
        const seen: string[] = [];
        const take = (part: Uint8Array) =>
          framer.push(
            part,
            (each) => seen.push(text(each)),
            () => seen.push('too long'),
          );
        let at = 0;
        for (const cut of cuts) {
          take(stream.subarray(at, at + cut));
          at += cut;
        }
        take(stream.subarray(at));
        expect(seen).toEqual(lines.filter((each) => each !== ''));
      }),
    );
  });
});
