import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { asObject, asString, type RawObject } from '../object/raw.ts';
import type { ApiPath } from './api-path.ts';
import { LEASE } from './kind-lease.ts';
import { listObjects } from './list.ts';
import { metaOf } from './object-meta.ts';
import { type ApiState, compacted, EMPTY_STATE, HISTORY_CHANGES_MAX, objectsAt, withObject, withoutObject } from './state.ts';
import { advanceWatch, openWatch, type Watch } from './watch.ts';

const PATH: ApiPath = { kind: LEASE, namespace: '', name: '', subresource: '' };
const lease = (name: string, app: string): RawObject => ({ metadata: { namespace: 'default', name, labels: { app } } });

interface Write {
  readonly name: string;
  /** Empty removes. */
  readonly app: string;
}

function write(state: ApiState, { name, app }: Write): ApiState {
  const key = `default/${name}`;
  if (app !== '') return withObject(state, LEASE, key, lease(name, app)).state;
  const there = state.objects.get('coordination.k8s.io/leases')?.has(key);
  return there ? withoutObject(state, LEASE, key).state : state;
}

const writes = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), app: fc.constantFrom('', 'x', 'y') }), { maxLength: 40 });

function opened(state: ApiState, query: Readonly<Record<string, string>>): { readonly watch: Watch; readonly names: Map<string, string> } {
  const answer = openWatch(state, PATH, query);
  if (answer.kind !== 'watch') throw new Error(JSON.stringify(answer.body));
  const names = new Map(answer.events.filter((event) => event.type === 'ADDED').map((event) => entry(event.object)));
  return { watch: answer.watch, names };
}

function entry(object: RawObject): [string, string] {
  const meta = metaOf(object);
  return [String(meta['name']), String(asObject(meta['labels'])?.['app'])];
}

function listed(state: ApiState, labelSelector: string): Map<string, string> {
  const answer = listObjects(state, PATH, { labelSelector });
  return new Map(((answer.body['items'] ?? []) as readonly RawObject[]).map(entry));
}

describe('watches', () => {
  test.each(['', 'app=x', 'app!=x'])('who follows a watch (%p) holds what a list says, however often it looks', (labelSelector) => {
    fc.assert(
      fc.property(writes, writes, fc.nat(5), (before, after, step) => {
        let state = before.reduce(write, EMPTY_STATE);
        let { watch, names } = opened(state, { labelSelector });
        for (const [i, one] of after.entries()) {
          state = write(state, one);
          if (i % (step + 1) !== 0) continue;
          const progress = advanceWatch(state, watch);
          watch = progress.watch;
          for (const event of progress.events) {
            const [name, app] = entry(event.object);
            if (event.type === 'DELETED') expect(names.delete(name)).toBe(true);
            else {
              expect(names.has(name)).toBe(event.type === 'MODIFIED');
              names.set(name, app);
            }
          }
          expect(new Map([...names].sort())).toEqual(listed(state, labelSelector));
        }
      }),
    );
  });

  test('versions of a watch only grow, the removal included', () => {
    let state = [
      { name: 'a', app: 'x' },
      { name: 'a', app: 'y' },
      { name: 'a', app: '' },
    ].reduce(write, EMPTY_STATE);
    const { watch } = opened(EMPTY_STATE, { resourceVersion: String(EMPTY_STATE.version) });
    const versions = advanceWatch(state, watch).events.map((event) => Number(asString(metaOf(event.object)['resourceVersion'])));
    expect(versions).toEqual([2, 3, 4]);
    state = compacted(state);
    const gone = advanceWatch(state, watch);
    expect(gone).toMatchObject({ over: true, events: [{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }] });
  });

  test(`history is bounded to ${HISTORY_CHANGES_MAX} changes; who watches from before gets 410`, () => {
    const first = write(EMPTY_STATE, { name: 'a', app: 'x' });
    const { watch } = opened(first, { resourceVersion: String(first.version) });
    let state = first;
    for (let i = 0; i < HISTORY_CHANGES_MAX + 1; i++) state = write(state, { name: 'a', app: i % 2 === 0 ? 'y' : 'x' });
    expect(state.history.length).toBe(HISTORY_CHANGES_MAX);
    expect(advanceWatch(state, watch).over).toBe(true);
  });
});

test('the objects at any version that history reaches are those of then', () => {
  fc.assert(
    fc.property(writes, (all) => {
      const states = [EMPTY_STATE];
      for (const one of all) states.push(write(states.at(-1) ?? EMPTY_STATE, one));
      const last = states.at(-1) ?? EMPTY_STATE;
      for (const state of states)
        expect(new Map(objectsAt(last, LEASE, state.version))).toEqual(new Map(objectsAt(state, LEASE, state.version)));
      expect(objectsAt(compacted(last), LEASE, last.version - 1)).toBeUndefined();
    }),
  );
});

test('a continue token of a version that is forgotten gets 410, so that the client lists again (meta/v1 ListMeta.continue)', () => {
  const state = ['a', 'b'].reduce((held, name) => write(held, { name, app: 'x' }), EMPTY_STATE);
  const first = listObjects(state, PATH, { limit: '1' });
  const token = String(metaOf(first.body)['continue']);
  const later = compacted(write(state, { name: 'c', app: 'x' }));
  expect(listObjects(later, PATH, { limit: '1', continue: token })).toMatchObject({ status: 410, body: { reason: 'Expired' } });
});
