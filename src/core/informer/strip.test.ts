import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { stripManagedFields } from './strip.ts';

function strip(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder().decode(bytes.subarray(0, stripManagedFields(bytes)));
}

const rows: readonly [name: string, text: string, stripped: string][] = [
  ['in the middle', '{"metadata":{"name":"a","managedFields":[{"x":[1]}],"uid":"u"}}', '{"metadata":{"name":"a","uid":"u"}}'],
  ['at the end', '{"metadata":{"name":"a","managedFields":[]},"spec":{}}', '{"metadata":{"name":"a"},"spec":{}}'],
  ['at the beginning', '{"metadata":{"managedFields":[{}],"name":"a"}}', '{"metadata":{"name":"a"}}'],
  ['alone', '{"metadata":{"managedFields":[{}]}}', '{"metadata":{}}'],
  ['brackets and quotes inside strings do not count', '{"managedFields":[{"a":"]\\"]"}],"b":1}', '{"b":1}'],
  ['a text that only mentions it stays', '{"note":"\\"managedFields\\":[x]"}', '{"note":"\\"managedFields\\":[x]"}'],
  ['without it nothing changes', '{"metadata":{"name":"a"}}', '{"metadata":{"name":"a"}}'],
  ['a text that breaks off is left for the parser to judge', '{"managedFields":[{"a":1', '{"managedFields":[{"a":1'],
];

describe('managedFields', () => {
  test.each(rows)('%s', (_, text, stripped) => {
    expect(strip(text)).toBe(stripped);
  });

  test('any object means the same without them (meta/v1 ObjectMeta)', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (managedFields, rest) => {
        const { managedFields: _, ...others } = rest;
        const object = { ...others, metadata: { managedFields, ...others } };
        if (JSON.stringify(others).includes('managedFields')) return;
        expect(JSON.parse(strip(JSON.stringify(object)))).toEqual(JSON.parse(JSON.stringify({ ...others, metadata: others })));
      }),
    );
  });
});
