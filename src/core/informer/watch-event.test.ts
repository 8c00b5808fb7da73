import { describe, expect, test } from 'bun:test';
import { isNewer } from './version.ts';
import { toWatchEvent, type WatchEvent } from './watch-event.ts';

const object = { metadata: { name: 'a', resourceVersion: '5' } };
const error = (code: unknown, rest: object = {}) => ({ type: 'ERROR', object: { kind: 'Status', code, message: 'words', ...rest } });

const rows: readonly [name: string, raw: unknown, expected: WatchEvent | undefined][] = [
  ['ADDED', { type: 'ADDED', object }, { kind: 'put', object, version: '5' }],
  ['MODIFIED', { type: 'MODIFIED', object }, { kind: 'put', object, version: '5' }],
  ['DELETED', { type: 'DELETED', object }, { kind: 'delete', object, version: '5' }],
  ['a bookmark', { type: 'BOOKMARK', object }, { kind: 'bookmark', version: '5', endMark: false }],
  [
    'the bookmark that ends the initial objects (KEP-3157)',
    { type: 'BOOKMARK', object: { metadata: { resourceVersion: '5', annotations: { 'k8s.io/initial-events-end': 'true' } } } },
    { kind: 'bookmark', version: '5', endMark: true },
  ],
  ['410 Gone as an event', error(410), { kind: 'error', code: 'gone', status: 410, detail: 'words', retryAfterSeconds: undefined }],
  [
    '429 with retryAfterSeconds (meta/v1 StatusDetails)',
    error(429, { details: { retryAfterSeconds: 3 } }),
    { kind: 'error', code: 'too-many', status: 429, detail: 'words', retryAfterSeconds: 3 },
  ],
  [
    'an error without a code is the server’s',
    error('x'),
    { kind: 'error', code: 'server-error', status: 500, detail: 'words', retryAfterSeconds: undefined },
  ],
  ['an unknown type', { type: 'PATCHED', object }, undefined],
  ['no object', { type: 'ADDED' }, undefined],
  ['not an object', [1], undefined],
];

describe('a line of a watch (meta/v1 WatchEvent)', () => {
  test.each(rows)('%s', (_, raw, expected) => {
    expect(toWatchEvent(raw)).toEqual(expected);
  });
});

const versions: readonly [a: string, b: string, newer: boolean][] = [
  ['2', '1', true],
  ['10', '9', true],
  ['9', '10', false],
  ['1', '1', false],
  ['1', '', true],
  ['', '1', false],
  ['a', '1', false],
  ['2', 'a', false],
  ['18446744073709551615', '18446744073709551614', true],
];

describe('resourceVersions as whole numbers (KEP-5504)', () => {
  test.each(versions)('%s newer than %s: %p', (a, b, newer) => {
    expect(isNewer(a, b)).toBe(newer);
  });
});
