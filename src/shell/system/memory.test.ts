import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { codeMappings, createGarbagePace, openCodeRelease } from './memory.ts';

const MAPS = `00200000-01a39000 r--p 00000000 fe:00 1234                       /usr/bin/minilb
01a39000-06843000 r-xp 01839000 fe:00 1234                       /usr/bin/minilb
06843000-06a52000 rw-p 06643000 fe:00 1234                       /usr/bin/minilb
06a52000-06a5a000 r--p 06852000 fe:00 1234                       /usr/bin/minilb
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
7f1000000000-7f1000156000 r-xp 00028000 fe:00 99                 /usr/lib/libc.so.6
`;

describe('memory', () => {
  test('the code of the program and the constants before it are given back, not data that may have been relocated', () => {
    expect(codeMappings(MAPS, '/usr/bin/minilb')).toEqual([
      { start: 0x200000, length: 0x1839000 },
      { start: 0x1a39000, length: 0x4e0a000 },
    ]);
  });

  test('a process goes on after giving back its own code, with less of it resident', async () => {
    const resident = () => Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const before = resident();
    const release = await openCodeRelease();
    release();
    expect(resident()).toBeLessThan(before);
    expect(JSON.parse('[1]')).toEqual([1]);
  });

  test.each([
    [1, 4],
    [8, 20],
    [12, 23],
    [125, 43],
  ] as const)('a list of %i MiB in pieces of 64 KiB is paced by some %i collections', (mib, collections) => {
    let count = 0;
    const pace = createGarbagePace(() => count++);
    const piece = 64 * 1024;
    for (let bytes = 0; bytes < mib * 16 * piece; bytes += piece) pace(piece);
    expect(Math.abs(count - collections)).toBeLessThanOrEqual(2);
  });
});
