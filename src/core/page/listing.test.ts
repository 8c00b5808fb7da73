import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createSelection, LIMIT_MAX, parseListQuery } from './listing.ts';

describe('a page of rows that come in any order', () => {
  test('pages joined are all rows, sorted, each once (property)', () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 40 });
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        const seen: string[] = [];
        for (let after = '', page = 0; page <= all.length; page++) {
          const selection = createSelection<string>({ after, limit });
          for (const key of all) selection.offer(key, key);
          const rows = selection.rows().map(({ value }) => value);
          expect(rows.length).toBeLessThanOrEqual(limit);
          seen.push(...rows);
          after = selection.next();
          if (after === '') break;
        }
        expect(seen).toEqual([...all].sort());
      }),
    );
  });

  test('what is passed over as being behind the page makes a next one', () => {
    const selection = createSelection<number>({ after: '', limit: 1 });
    selection.offer('a', 1);
    expect([selection.next(), selection.end()]).toEqual(['', 'a']);
    selection.more();
    expect(selection.next()).toBe('a');
  });
});

const rows: readonly [query: string, result: unknown][] = [
  ['', { search: '', onlyTrouble: false, after: '', limit: 50 }],
  ['q= WEB.&only=trouble&after=a.b&limit=100', { search: 'web.', onlyTrouble: true, after: 'a.b', limit: LIMIT_MAX }],
  ['limit=0', { error: 'there are q, only=trouble, after and limit=1 to 100; not "limit=0"' }],
  ['limit=101', { error: 'there are q, only=trouble, after and limit=1 to 100; not "limit=101"' }],
  ['limit=1e1', { error: 'there are q, only=trouble, after and limit=1 to 100; not "limit=1e1"' }],
  ['only=all', { error: 'there are q, only=trouble, after and limit=1 to 100; not "only=all"' }],
  ['x=1', { error: 'there are q, only=trouble, after and limit=1 to 100; not "x=1"' }],
  [`q=${'a'.repeat(256)}`, { error: 'q is longer than 255 characters' }],
];

describe('what a list may be asked', () => {
  test.each(rows)('%s', (query, result) => {
    expect(parseListQuery(new URLSearchParams(query))).toEqual(result as never);
  });
});
