import { afterEach, describe, expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { createScriptedClient, type ScriptedStream } from '../../../test/support/scripted-client.ts';
import { OBJECT_BYTES_MAX } from '../../core/informer/limits.ts';
import { asObject, asString, type Meta, toMeta } from '../../core/object/raw.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { type Change, createReflector } from './reflector.ts';
import { createStore } from './store.ts';

interface Thing extends Meta {
  readonly text: string;
}

function toThing(raw: unknown): Result<Thing, 'malformed' | 'not-ours'> {
  const meta = toMeta(raw);
  const text = asString(asObject(raw)?.['text']);
  if (!meta || text === undefined) return err('malformed', 'no text');
  return text === 'foreign' ? err('not-ours') : ok({ ...meta, text });
}

const raw = (name: string, version: number, text = name) => ({
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: String(version) },
  text,
});
const added = (name: string, version: number, text?: string) => ({ type: 'ADDED', object: raw(name, version, text) });
const modified = (name: string, version: number, text?: string) => ({ type: 'MODIFIED', object: raw(name, version, text) });
const deleted = (name: string, version: number) => ({ type: 'DELETED', object: raw(name, version) });
const bookmark = (version: number) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } });
const endMark = (version: number) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } } },
});
const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } };

const abort: AbortController[] = [];
afterEach(() => {
  for (const each of abort.splice(0)) each.abort();
});

/** `refuse`: the status with which streaming lists are refused. */
function start(refuse?: number) {
  const client = createScriptedClient();
  if (refuse)
    client.answer((query) => (query['sendInitialEvents'] ? { ok: false, code: 'invalid', status: refuse, detail: 'not here' } : undefined));
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createStore<Thing>();
  const changes: string[] = [];
  const counted: string[] = [];
  const closing = new AbortController();
  abort.push(closing);
  const reflector = createReflector<Thing>(
    {
      client,
      path: '/things',
      query: { labelSelector: 'a=b' },
      kind: 'Thing',
      project: toThing,
      store,
      onChange: ({ key, before, after }: Change<Thing>) => {
        expect(store.get(key)).toBe(after);
        changes.push(`${key}: ${before?.text ?? '-'} > ${after?.text ?? '-'}`);
      },
      observer: {
        restarted: (_, reason) => counted.push(reason),
        corrected: (_, count) => counted.push(`corrected ${count}`),
        skipped: (_, reason) => counted.push(`skipped ${reason}`),
        received: () => {},
      },
      clock,
      random: () => 0,
      resyncSeconds: 300,
      log,
    },
    closing.signal,
  );
  const stream = (index: number): ScriptedStream => {
    const found = client.streams[index];
    if (!found) throw new Error(`stream ${index} was not asked for; there are ${client.streams.length}`);
    return found;
  };
  const held = () => [...store.values()].map((thing) => `${thing.name}@${thing.resourceVersion}`).sort();
  const taken = () => changes.splice(0);
  /** Sends, and lets it arrive. */
  const send = async (index: number, ...parts: readonly (string | object)[]) => {
    stream(index).send(...parts);
    await clock.settle();
  };
  return { client, clock, log, reflector, stream, held, taken, counted, send, closing, store };
}

/** The first list is done: a and b are known at version 10. */
async function startSynced() {
  const all = start();
  await all.clock.settle();
  await all.send(0, added('a', 1), added('b', 2), endMark(10));
  await all.reflector.ready;
  expect(all.held()).toEqual(['a@1', 'b@2']);
  all.taken();
  return all;
}

describe('the first list', () => {
  test('nothing is known before its end mark; then all is, and the same stream goes on as the watch', async () => {
    const { clock, send, held, taken, reflector, client } = start();
    await clock.settle();
    await send(0, added('a', 1), added('b', 2));
    expect(held()).toEqual([]);
    expect(reflector.state()).toMatchObject({ synced: false, connected: false, error: undefined });
    await send(0, endMark(10), modified('a', 11, 'new'));
    await reflector.ready;
    expect(taken()).toEqual(['ns/a: - > a', 'ns/b: - > b', 'ns/a: a > new']);
    expect(reflector.state()).toMatchObject({ synced: true, connected: true });
    expect(client.streams.length).toBe(1);
  });

  test('the query of the caller is part of each request', async () => {
    const { clock, stream } = start();
    await clock.settle();
    expect(stream(0).query).toMatchObject({ labelSelector: 'a=b', sendInitialEvents: 'true' });
  });

  test('what is deleted while it comes is not in it', async () => {
    const { clock, send, held } = start();
    await clock.settle();
    await send(0, added('a', 1), added('b', 2), deleted('a', 5), endMark(10));
    expect(held()).toEqual(['b@2']);
  });

  test('one that breaks is begun again, and what it had shown is forgotten', async () => {
    const { clock, send, stream, held } = start();
    await clock.settle();
    await send(0, added('old', 1));
    stream(0).break();
    await clock.advance(1000);
    await send(1, added('a', 2), endMark(10));
    expect(held()).toEqual(['a@2']);
  });

  test('thousands of objects become known some a turn, and none is lost', async () => {
    const { clock, send, held, taken, reflector } = start();
    await clock.settle();
    const names = Array.from({ length: 3000 }, (_, i) => added(`n${i}`, i + 1));
    await send(0, ...names, endMark(5000), deleted('n7', 5001), added('late', 5002));
    await reflector.ready;
    await clock.settle();
    expect(held().length).toBe(3000);
    expect(held()).toContain('late@5002');
    expect(held()).not.toContain('n7@8');
    expect(taken().length).toBeLessThanOrEqual(3002);
  });
});

describe('the watch', () => {
  test('puts and deletes; a repeated event changes nothing', async () => {
    const { send, taken } = await startSynced();
    await send(0, modified('a', 11, 'new'), modified('a', 11, 'new'), added('c', 12), deleted('b', 13), deleted('b', 13), bookmark(20));
    expect(taken()).toEqual(['ns/a: a > new', 'ns/c: - > c', 'ns/b: b > -']);
  });

  test('an object that stops being ours leaves the store', async () => {
    const { send, taken } = await startSynced();
    await send(0, modified('a', 11, 'foreign'));
    expect(taken()).toEqual(['ns/a: a > -']);
  });

  test('one malformed object stops nobody: left out, counted, logged once a version with its name (external-dns#4023)', async () => {
    const { send, taken, counted, log } = await startSynced();
    const broken = { type: 'ADDED', object: { metadata: { namespace: 'ns', name: 'broken', uid: 'x', resourceVersion: '11' } } };
    await send(0, broken, broken, 'not json\n', { type: 'ODD', object: {} }, added('c', 12));
    expect(taken()).toEqual(['ns/c: - > c']);
    expect(counted).toEqual(['skipped malformed', 'skipped malformed', 'skipped not-json', 'skipped not-json']);
    expect(log.lines.filter((line) => line.fields['object'] === 'ns/broken').length).toBe(1);
  });

  test('an object over the limit is left out, and named', async () => {
    const { send, taken, counted, log, clock } = await startSynced();
    const huge = JSON.stringify({ type: 'ADDED', object: raw('huge', 11, 'x'.repeat(OBJECT_BYTES_MAX)) });
    await send(0, `${huge}\n`, added('c', 12));
    for (let i = 0; i < 200 && counted.length === 0; i++) await clock.settle();
    for (let i = 0; i < 20; i++) await clock.settle();
    expect(counted).toEqual(['skipped too-long']);
    expect(taken()).toEqual(['ns/c: - > c']);
    expect(log.lines.some((line) => line.fields['object'] === 'ns/huge')).toBe(true);
  });

  test('a line cut anywhere is one line', async () => {
    const { send, taken } = await startSynced();
    const line = `${JSON.stringify(added('ü', 11))}\n`;
    await send(0, line.slice(0, 40));
    await send(0, line.slice(40));
    expect(taken()).toEqual(['ns/ü: - > ü']);
  });
});

describe('an outage is never an empty cluster', () => {
  test('everything stays known; state and log say why; it goes on from the last version', async () => {
    const { send, stream, held, taken, clock, client, reflector, log, counted } = await startSynced();
    await send(0, modified('a', 11), bookmark(15));
    client.answer(() => ({ ok: false, code: 'unreachable', status: 0, detail: 'connection refused' }));
    stream(0).break();
    await clock.advance(60_000);
    expect(held()).toEqual(['a@11', 'b@2']);
    expect(reflector.state()).toMatchObject({ synced: true, connected: false, code: 'unreachable', error: 'connection refused' });
    client.answer(undefined);
    await clock.advance(30_000);
    expect(stream(1).query).toMatchObject({ resourceVersion: '15', watch: 'true' });
    expect(reflector.state()).toMatchObject({ connected: true, error: undefined, code: undefined });
    await send(1, deleted('b', 16));
    expect(taken()).toEqual(['ns/a: a > a', 'ns/b: b > -']);
    expect(counted.every((each) => each === 'unreachable')).toBe(true);
    expect(log.lines.filter((line) => line.level === 'warn').length).toBe(2);
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', message: 'watching again' });
  });

  test('410 Gone: what is known stays until the new list is complete; only differences are told', async () => {
    const { send, held, taken, clock, counted } = await startSynced();
    await send(0, gone);
    await clock.advance(1000);
    await send(1, added('a', 1), added('c', 30));
    expect(held()).toEqual(['a@1', 'b@2']);
    await send(1, endMark(40));
    expect(taken().sort()).toEqual(['ns/b: b > -', 'ns/c: - > c']);
    expect(counted).toEqual(['gone']);
  });

  test('an object made anew under its name is another one, even at the same version', async () => {
    const { send, taken, clock } = await startSynced();
    await send(0, gone);
    await clock.advance(1000);
    const other = added('a', 1, 'other');
    await send(
      1,
      { ...other, object: { ...other.object, metadata: { ...other.object.metadata, uid: 'new' } } },
      added('b', 2),
      endMark(40),
    );
    expect(taken()).toEqual(['ns/a: a > other']);
  });

  test('after an ERROR event the connection is let go', async () => {
    const { send, stream } = await startSynced();
    await send(0, gone, added('after', 99));
    expect(stream(0).aborted()).toBe(true);
  });

  test('a silent watch is given up after 150 s', async () => {
    const { stream, clock, client } = await startSynced();
    await clock.advance(149_000);
    expect(client.streams.length).toBe(1);
    await clock.advance(2_000);
    expect(stream(0).aborted()).toBe(true);
    expect(client.streams.length).toBe(2);
  });
});

describe('a true re-list', () => {
  /** Bookmarks keep the watch alive until the re-list is open as stream 1. */
  const relist = async () => {
    const all = await startSynced();
    for (let i = 0; i < 3; i++) {
      await all.clock.advance(90_000);
      await all.send(0, bookmark(20 + i));
    }
    expect(all.stream(1).query).toMatchObject({ sendInitialEvents: 'true' });
    return all;
  };

  test('heals what the watch lost, counts it once the watch had its second, and goes on with the new watch', async () => {
    const { send, taken, counted, clock, stream } = await relist();
    await send(1, added('a', 1), added('lost', 15), endMark(30));
    expect(taken().sort()).toEqual(['ns/b: b > -', 'ns/lost: - > lost']);
    expect(counted).toEqual([]);
    await clock.advance(1_100);
    expect(counted).toEqual(['corrected 2']);
    expect(stream(0).aborted()).toBe(true);
    await send(1, modified('a', 31, 'new'));
    expect(taken()).toEqual(['ns/a: a > new']);
  });

  test('what the old watch still shows was not lost; it changes nothing any more', async () => {
    const { send, taken, counted, clock } = await relist();
    await send(1, added('a', 25, 'newer'), added('b', 2), endMark(30));
    expect(taken()).toEqual(['ns/a: a > newer']);
    await send(0, modified('a', 24, 'older'), modified('a', 25, 'newer'));
    await clock.advance(2_000);
    expect(taken()).toEqual([]);
    expect(counted).toEqual([]);
  });

  test('no differences: the old watch is closed at once', async () => {
    const { send, taken, counted, stream } = await relist();
    await send(1, added('a', 1), added('b', 2), endMark(30));
    expect(taken()).toEqual([]);
    expect(counted).toEqual([]);
    expect(stream(0).aborted()).toBe(true);
    expect(stream(1).aborted()).toBe(false);
  });

  test('what is known already is not even parsed; written in another order it is, to the same end', async () => {
    const { send, taken, counted, held } = await relist();
    const known = '{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"ns","uid":"uid-a","resourceVersion":"1"},"broken":}}\n';
    const { metadata, text } = raw('b', 2);
    const { name, ...rest } = metadata;
    await send(1, known, { type: 'ADDED', object: { text, metadata: { ...rest, name } } }, endMark(30));
    expect(taken()).toEqual([]);
    expect(counted).toEqual([]);
    expect(held()).toEqual(['a@1', 'b@2']);
  });

  test('one that breaks leaves the watch and the store alone', async () => {
    const { send, taken, stream, held } = await relist();
    await send(1, added('lost', 15));
    stream(1).break();
    await send(0, added('c', 40));
    expect(taken()).toEqual(['ns/c: - > c']);
    expect(held()).toEqual(['a@1', 'b@2', 'c@40']);
  });

  test('a deletion seen meanwhile is not undone by an older list', async () => {
    const { send, taken } = await relist();
    await send(0, deleted('b', 35));
    await send(1, added('a', 1), added('b', 2), endMark(30));
    expect(taken()).toEqual(['ns/b: b > -']);
    await send(1, deleted('b', 35));
    expect(taken()).toEqual([]);
  });
});

describe('without streaming lists', () => {
  test('pages, taken apart as they come, then a watch', async () => {
    const { clock, send, stream, held, taken } = start(422);
    await clock.settle();
    const page = (metadata: object, ...items: readonly object[]) => JSON.stringify({ kind: 'ThingList', metadata, items });
    expect(stream(0).query).toEqual({ labelSelector: 'a=b', limit: '500' });
    await send(0, page({ resourceVersion: '10', continue: 'more' }, raw('a', 1)));
    stream(0).end();
    await clock.settle();
    expect(stream(1).query).toMatchObject({ continue: 'more' });
    await send(1, page({ resourceVersion: '10' }, raw('b', 2)));
    expect(held()).toEqual([]);
    stream(1).end();
    await clock.settle();
    expect(held()).toEqual(['a@1', 'b@2']);
    expect(stream(2).query).toMatchObject({ watch: 'true', resourceVersion: '10' });
    await send(2, deleted('a', 11));
    expect(taken()).toEqual(['ns/a: - > a', 'ns/b: - > b', 'ns/a: a > -']);
  });

  test('a reply that is no list is the server’s fault, and tried again', async () => {
    const { client, clock, send, stream, reflector } = start(400);
    await clock.settle();
    await send(0, '<html>');
    stream(0).end();
    await clock.settle();
    expect(reflector.state()).toMatchObject({ code: 'server-error', synced: false });
    await clock.advance(1_000);
    expect(client.streams.length).toBe(2);
  });
});

test('the end: streams aborted, no timer left, nothing more told', async () => {
  const { closing, reflector, stream, clock, taken, client } = await startSynced();
  closing.abort();
  await reflector.closed;
  stream(0).send(added('late', 99));
  await clock.advance(1_000_000);
  expect(taken()).toEqual([]);
  expect(client.streams.length).toBe(1);
  expect(stream(0).aborted()).toBe(true);
  expect(clock.pending()).toBe(0);
});
