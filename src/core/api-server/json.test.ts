import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { jsonEqual, mergePatch } from './json.ts';

/** RFC 7396, Appendix A: original, patch, result. */
const APPENDIX_A: readonly [original: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

describe('merge patch (RFC 7396)', () => {
  test.each(APPENDIX_A.map((row) => [JSON.stringify(row[1]), ...row] as const))('Appendix A: %s', (_, original, patch, result) => {
    expect(mergePatch(original, patch)).toEqual(result);
  });

  test('a patch without nulls, applied twice, changes nothing more', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (original, patch) => {
        const once = mergePatch(original, patch);
        expect(jsonEqual(mergePatch(once, patch), once)).toBe(true);
      }),
    );
  });
});

describe('equality of JSON values', () => {
  const rows: readonly [a: unknown, b: unknown, equal: boolean][] = [
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [null, {}, false],
    [{ a: { b: [1] } }, { a: { b: [1] } }, true],
  ];
  test.each(rows)('%j and %j: %p', (a, b, equal) => {
    expect(jsonEqual(a, b)).toBe(equal);
  });
});
