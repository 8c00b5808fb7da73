import { describe, expect, test } from 'bun:test';
import { createListSplitter } from './list-items.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

interface Split {
  readonly items: readonly unknown[];
  readonly tooLong: number;
  readonly meta: { readonly version: string; readonly next: string } | undefined;
}

function split(reply: string, pieceBytes: number, max = 1000): Split {
  const splitter = createListSplitter(max);
  const items: unknown[] = [];
  let tooLong = 0;
  const stream = bytes(reply);
  for (let at = 0; at < stream.length; at += pieceBytes)
    splitter.push(
      stream.subarray(at, at + pieceBytes),
      (item) => items.push(JSON.parse(new TextDecoder().decode(item))),
      () => tooLong++,
    );
  return { items, tooLong, meta: splitter.finish() };
}

const odd = { metadata: { name: 'a', labels: { brackets: '}]{["\\"', items: '[' } }, spec: { ports: [{ port: 1 }, []], text: 'ü€😀' } };
const list = (items: unknown, metadata: unknown = { resourceVersion: '12', continue: 'abc' }) =>
  JSON.stringify({ kind: 'ServiceList', apiVersion: 'v1', metadata, items });

const rows: readonly [name: string, reply: string, expected: Split][] = [
  ['items and the list’s own metadata', list([odd, odd]), { items: [odd, odd], tooLong: 0, meta: { version: '12', next: 'abc' } }],
  ['no items', list([]), { items: [], tooLong: 0, meta: { version: '12', next: 'abc' } }],
  ['items: null, as Go writes an empty slice', list(null), { items: [], tooLong: 0, meta: { version: '12', next: 'abc' } }],
  ['the last page has no continue', list([odd], { resourceVersion: '9' }), { items: [odd], tooLong: 0, meta: { version: '9', next: '' } }],
  [
    'metadata after the items, and spaces',
    `{ "items" : [ {"a":1} , {"b":2} ] , "metadata" : {"resourceVersion":"3"} }`,
    { items: [{ a: 1 }, { b: 2 }], tooLong: 0, meta: { version: '3', next: '' } },
  ],
  ['a reply that is cut', list([odd, odd]).slice(0, -20), { items: [odd], tooLong: 0, meta: undefined }],
  ['a page of HTML', '<html>[{"items":[{}]}]</html>', { items: [], tooLong: 0, meta: undefined }],
  ['an object that is no list', '{"kind":"Status","message":"x"}', { items: [], tooLong: 0, meta: undefined }],
];

describe('a LIST taken apart as it comes', () => {
  for (const pieceBytes of [1, 7, 64 * 1024])
    test.each(rows)(`%s, in pieces of ${pieceBytes} bytes`, (_, reply, expected) => {
      expect(split(reply, pieceBytes)).toEqual(expected);
    });

  test('an item over the limit is left out, the next one is not', () => {
    const big = { spec: 'x'.repeat(2000) };
    expect(split(list([odd, big, odd]), 64)).toEqual({ items: [odd, odd], tooLong: 1, meta: { version: '12', next: 'abc' } });
  });

  test('an item that lies whole in one piece is measured too', () => {
    expect(split(list([{ spec: 'x'.repeat(2000) }]), 64 * 1024).tooLong).toBe(1);
  });
});
