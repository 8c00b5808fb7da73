import { describe, expect, test } from 'bun:test';
import { createPaint, createProgress } from './terminal.ts';

describe('colour', () => {
  const rows: readonly [name: string, terminal: boolean, env: Readonly<Record<string, string>>, coloured: boolean][] = [
    ['a terminal gets colours', true, { TERM: 'xterm' }, true],
    ['a file or pipe gets none', false, { TERM: 'xterm' }, false],
    ['NO_COLOR with any value: none (no-color.org)', true, { NO_COLOR: '0' }, false],
    ['NO_COLOR that is empty counts as not set (no-color.org)', true, { NO_COLOR: '' }, true],
    ['a dumb terminal gets none', true, { TERM: 'dumb' }, false],
  ];
  test.each(rows)('%s', (_, terminal, env, coloured) => {
    expect(createPaint(terminal, env)('red', 'x')).toBe(coloured ? '\x1b[31mx\x1b[0m' : 'x');
  });
});

test('progress replaces its line and goes; without a terminal nothing is written', () => {
  for (const terminal of [true, false]) {
    let written = '';
    const progress = createProgress((text) => (written += text), terminal, {});
    progress.show('a');
    progress.show('b');
    progress.clear();
    expect(written).toBe(terminal ? '\r\x1b[Ka\r\x1b[Kb\r\x1b[K' : '');
  }
});
