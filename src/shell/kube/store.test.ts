import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Meta } from '../../core/object/raw.ts';
import { createStore } from './store.ts';

interface Slice extends Meta {
  readonly service: string;
}

const slice = (name: string, service: string): Slice => ({ namespace: 'ns', name, uid: name, resourceVersion: '1', created: '', service });

test('the index is what a search through all objects would give, after any puts and deletes', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const service = fc.constantFrom('x', 'y', 'z');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.option(service))), (steps) => {
      const store = createStore<Slice>({ indexBy: (each) => each.service });
      const model = new Map<string, Slice>();
      for (const [key, to] of steps) {
        const before = model.get(key);
        const after = to === null ? undefined : slice(key, to);
        expect(after ? store.set(key, after) : store.delete(key)).toBe(before);
        if (after) model.set(key, after);
        else model.delete(key);
        expect(store.size()).toBe(model.size);
        expect(store.get(key)).toBe(after);
        for (const each of ['x', 'y', 'z']) {
          const expected = [...model.values()].filter((object) => object.service === each);
          expect(new Set(store.indexed(each))).toEqual(new Set(expected));
        }
      }
    }),
  );
});

test('a store without an index says so', () => {
  expect(() => createStore<Slice>().indexed('x')).toThrow('indexBy');
});
