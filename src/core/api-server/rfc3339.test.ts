import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { isoTime } from '../../shell/system/clock.ts';
import { rfc3339 } from './rfc3339.ts';

const YEAR_2200_MS = 7_258_118_400_000;

test('every second of 1970–2199 is written as the platform writes it, leap days included (RFC 3339 §5.6)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: YEAR_2200_MS - 1 }), (ms) => {
      expect(rfc3339(ms)).toBe(isoTime(ms).replace(/\.\d+Z$/, 'Z'));
    }),
    { numRuns: 2000, examples: [[0], [951_782_400_000], [951_868_799_000], [1_709_164_800_000], [4_107_542_400_000]] },
  );
});
