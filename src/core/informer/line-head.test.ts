import { describe, expect, test } from 'bun:test';
import { type LineHead, readLineHead } from './line-head.ts';

const head: LineHead = { namespace: 'ns', name: 'web', uid: 'u-1', version: '42' };
const meta = '"metadata":{"name":"web","namespace":"ns","uid":"u-1","resourceVersion":"42","creationTimestamp":"x"}';

const rows: readonly [name: string, start: string, expected: LineHead | undefined][] = [
  ['a watch line', `{"type":"ADDED","object":{"kind":"Service","apiVersion":"v1",${meta}`, head],
  ['a group with dots', `{"type":"MODIFIED","object":{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",${meta}`, head],
  ['an item of a list has neither kind nor apiVersion', `{${meta}`, head],
  [
    'a generated name',
    '{"metadata":{"name":"web-x","generateName":"web-","namespace":"ns","uid":"u-1","resourceVersion":"42"',
    { ...head, name: 'web-x' },
  ],
  ['a cluster-scoped object', '{"metadata":{"name":"n1","uid":"u-1","resourceVersion":"42"', { ...head, namespace: '', name: 'n1' }],
  [
    'a deletion is never taken for an object that is there',
    `{"type":"DELETED","object":{"kind":"Service","apiVersion":"v1",${meta}`,
    undefined,
  ],
  [
    'a bookmark has no name',
    '{"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"42"',
    undefined,
  ],
  ['keys in another order', '{"metadata":{"namespace":"ns","name":"web","uid":"u-1","resourceVersion":"42"', undefined],
  ['a custom resource, whose keys are sorted', '{"apiVersion":"a/v1","kind":"X","metadata":{"name":"web","uid":"u-1"', undefined],
  ['an escape', '{"metadata":{"name":"we\\"b","namespace":"ns","uid":"u-1","resourceVersion":"42"', undefined],
  ['metadata further in', '{"spec":{"metadata":{"name":"web","namespace":"ns","uid":"u-1","resourceVersion":"42"', undefined],
  ['cut before the version ends', '{"metadata":{"name":"web","namespace":"ns","uid":"u-1","resourceVersion":"4', undefined],
];

describe('the beginning of a line', () => {
  test.each(rows)('%s', (_, start, expected) => {
    expect(readLineHead(start)).toEqual(expected as never);
  });
});
