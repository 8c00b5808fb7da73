import { describe, expect, test } from 'bun:test';
import { suggest } from './suggest.ts';

const rows: readonly [name: string, word: string, meant: string | undefined][] = [
  ['a letter too many', 'ttll', 'ttl'],
  ['a letter missing', 'lisen', 'listen'],
  ['two letters swapped count as one mistake', 'lsiten', 'listen'],
  ['case is not a mistake', 'TTL', 'ttl'],
  ['the nearest of several', 'healthy', 'health'],
  ['a short word must be near', 'x', undefined],
  ['another word is not a mistake', 'upstream', undefined],
  ['a very long word is not compared', 'x'.repeat(65), undefined],
];

describe('did you mean', () => {
  test.each(rows)('%s', (_, word, meant) => {
    expect(suggest(word, ['ttl', 'listen', 'health', 'lameduck', 'resync'])).toBe(meant);
  });
});
