import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { initialState, step, wakeAt } from './informer.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, backoffMs, RETRY_AFTER_MS_MAX } from './limits.ts';
import type { InformerEffect, InformerEvent, InformerState } from './state.ts';

/** One effect as a test says it. */
function say(effect: InformerEffect): string {
  switch (effect.kind) {
    case 'open': {
      const { resourceVersion, continue: next } = effect.query;
      return `open ${effect.lane}: ${effect.mode}${resourceVersion ? ` from ${resourceVersion}` : ''}${next ? ` after ${next}` : ''} into ${effect.into}`;
    }
    case 'close':
      return `close ${effect.lane}`;
    case 'swap':
      return `swap, live is ${effect.lane ?? 'nobody'}, witness ${effect.witness ?? 'nobody'}`;
    case 'discard':
      return 'discard';
    case 'settle':
      return effect.counted ? 'settle, counted' : 'settle';
    case 'restarted':
      return `${effect.into} ${effect.problem.reason}, again in ${effect.afterMs}`;
  }
}

type Line = readonly [atMs: number, event: InformerEvent, effects: readonly string[]];

const tick: InformerEvent = { kind: 'tick' };
const opened = (lane: number): InformerEvent => ({ kind: 'opened', lane });
const ended = (lane: number): InformerEvent => ({ kind: 'ended', lane });
const endMark = (lane: number, version: string): InformerEvent => ({ kind: 'end-mark', lane, version });
/** An object event of this version. */
const object = (lane: number, version: string): InformerEvent => ({ kind: 'heard', lane, version, objectVersion: version });
const bookmark = (lane: number, version: string): InformerEvent => ({ kind: 'heard', lane, version, objectVersion: '' });
const page = (lane: number, version: string, next = ''): InformerEvent => ({ kind: 'page', lane, version, next });
const suspects = (count: number): InformerEvent => ({ kind: 'suspects', count });
type Failed = Extract<InformerEvent, { kind: 'failed' }>;
const failed = (lane: number, code: Failed['code'], retryAfterSeconds?: number): InformerEvent => ({
  kind: 'failed',
  lane,
  code,
  detail: 'words',
  retryAfterSeconds,
});

/** `random` is 0 throughout: waits are the shortest, re-lists the earliest (270 s of 300). */
const RANDOM = 0;
const RESYNC_MS = 300_000;

function run(lines: readonly Line[], state: InformerState = initialState(RESYNC_MS)): InformerState {
  let current = state;
  for (const [at, event, effects] of lines) {
    const next = step(current, event, at, RANDOM);
    expect({ at, event, effects: next.effects.map(say) }).toEqual({ at, event, effects: [...effects] });
    current = next.state;
  }
  return current;
}

/** A first list that is complete at 1 s: the live set stands at version 10, lane 1 is its watch. */
const SYNCED: readonly Line[] = [
  [0, tick, ['open 1: list into fresh']],
  [100, opened(1), []],
  [1_000, endMark(1, '10'), ['swap, live is 1, witness nobody']],
];

const rows: readonly [name: string, lines: readonly Line[]][] = [
  ['a streaming list becomes the watch at its end mark', SYNCED],
  [
    'a watch that ends after a healthy time goes on at once from what it last showed',
    [...SYNCED, [60_000, bookmark(1, '50'), []], [300_000, ended(1), ['live closed, again in 0', 'open 2: watch from 50 into live']]],
  ],
  [
    'a watch that ends at once waits first',
    [
      ...SYNCED,
      [1_500, ended(1), ['live closed, again in 200']],
      [1_699, tick, []],
      [1_700, tick, ['open 2: watch from 10 into live']],
      [1_701, failed(2, 'unreachable'), ['live unreachable, again in 400']],
    ],
  ],
  [
    'an outage: tried again with longer and longer waits, and the live set stands',
    [
      ...SYNCED,
      [20_000, failed(1, 'unreachable'), ['live unreachable, again in 200']],
      [20_200, tick, ['open 2: watch from 10 into live']],
      [20_201, failed(2, 'unreachable'), ['live unreachable, again in 400']],
      [20_601, tick, ['open 3: watch from 10 into live']],
      [20_602, failed(3, 'unreachable'), ['live unreachable, again in 800']],
      [21_402, tick, ['open 4: watch from 10 into live']],
      [21_500, opened(4), []],
      [30_000, object(4, '12'), []],
      [31_000, failed(4, 'unreachable'), ['live unreachable, again in 200']],
      [31_200, tick, ['open 5: watch from 12 into live']],
    ],
  ],
  [
    'the first list fails: tried again, nothing is swapped',
    [
      [0, tick, ['open 1: list into fresh']],
      [1, failed(1, 'unreachable'), ['discard', 'fresh unreachable, again in 200']],
      [201, tick, ['open 2: list into fresh']],
      [202, failed(2, 'forbidden'), ['discard', 'fresh forbidden, again in 400']],
    ],
  ],
  [
    '410 Gone: listed again into a fresh set, swapped at its end mark, no witness',
    [
      ...SYNCED,
      [20_000, failed(1, 'gone'), ['live gone, again in 200']],
      [20_200, tick, ['open 2: list into fresh']],
      [20_300, opened(2), []],
      [20_400, endMark(2, '90'), ['swap, live is 2, witness nobody']],
    ],
  ],
  [
    '429 with Retry-After: not before that',
    [
      ...SYNCED,
      [20_000, failed(1, 'too-many', 7), ['live too-many, again in 7000']],
      [26_999, tick, []],
      [27_000, tick, ['open 2: watch from 10 into live']],
    ],
  ],
  [
    'a version that the server keeps refusing (after a restore of etcd): listed again at the third time',
    [
      ...SYNCED,
      [20_000, failed(1, 'server-error'), ['live server-error, again in 200']],
      [20_200, tick, ['open 2: watch from 10 into live']],
      [20_201, failed(2, 'server-error'), ['live server-error, again in 400']],
      [20_601, tick, ['open 3: watch from 10 into live']],
      [20_602, failed(3, 'server-error'), ['live server-error, again in 800']],
      [21_402, tick, ['open 4: list into fresh']],
    ],
  ],
  [
    'a watch that is silent for 150 s is given up',
    [
      ...SYNCED,
      [60_000, bookmark(1, '20'), []],
      [209_999, tick, []],
      [210_000, tick, ['close 1', 'live silent, again in 200']],
      [210_200, tick, ['open 2: watch from 20 into live']],
      [210_300, object(1, '99'), []],
    ],
  ],
  [
    'no streaming lists here (400, 406, 415, 422): LIST in pages at once, then a watch; and from then on',
    [
      [0, tick, ['open 1: list into fresh']],
      [1, failed(1, 'invalid'), ['discard', 'fresh invalid, again in 0', 'open 2: pages into fresh']],
      [2, opened(2), []],
      [3, page(2, '10', 'abc'), ['open 3: pages after abc into fresh']],
      [4, page(3, '10'), ['swap, live is nobody, witness nobody', 'open 4: watch from 10 into live']],
      [5, opened(4), []],
      [6_000, failed(4, 'gone'), ['live gone, again in 200']],
      [6_200, tick, ['open 5: pages into fresh']],
    ],
  ],
  [
    'an end mark that does not come within 30 s of the last event: LIST this once, streaming at the next re-list',
    [
      [0, tick, ['open 1: list into fresh']],
      [10, opened(1), []],
      [20_000, object(1, '3'), []],
      [49_999, tick, []],
      [50_000, tick, ['close 1', 'discard', 'fresh no-end-mark, again in 200']],
      [50_200, tick, ['open 2: pages into fresh']],
      [50_300, page(2, '10'), ['swap, live is nobody, witness nobody', 'open 3: watch from 10 into live']],
      [50_400, opened(3), []],
      [130_000, bookmark(3, '10'), []],
      [250_000, bookmark(3, '10'), []],
      [320_300, tick, ['open 4: list into fresh']],
    ],
  ],
  [
    'a page whose continue token has expired: the list begins anew',
    [
      [0, tick, ['open 1: list into fresh']],
      [1, failed(1, 'invalid'), ['discard', 'fresh invalid, again in 0', 'open 2: pages into fresh']],
      [2, page(2, '10', 'abc'), ['open 3: pages after abc into fresh']],
      [3, failed(3, 'gone'), ['discard', 'fresh gone, again in 200']],
      [203, tick, ['open 4: pages into fresh']],
    ],
  ],
  [
    'what comes late from a lane that was given up is ignored',
    [
      ...SYNCED,
      [20_000, failed(1, 'unreachable'), ['live unreachable, again in 200']],
      [20_001, object(1, '77'), []],
      [20_002, ended(1), []],
      [20_200, tick, ['open 2: watch from 10 into live']],
    ],
  ],
];

/** SYNCED, and a re-list that is under way as lane 2 beside the watch at 271 s. */
const RELISTING: readonly Line[] = [
  ...SYNCED,
  [140_000, object(1, '20'), []],
  [270_999, bookmark(1, '21'), []],
  [271_000, tick, ['open 2: list into fresh']],
  [271_001, opened(2), []],
];

const relists: readonly [name: string, lines: readonly Line[]][] = [
  [
    'a list no older than the live set: swapped at its end mark; its watch goes on, the old one is a witness',
    [
      ...RELISTING,
      [271_500, endMark(2, '25'), ['swap, live is 2, witness 1']],
      [271_510, suspects(0), ['close 1']],
      [272_600, object(2, '26'), []],
    ],
  ],
  [
    'what the old watch does not show within a second was lost by it',
    [
      ...RELISTING,
      [271_500, endMark(2, '25'), ['swap, live is 2, witness 1']],
      [271_510, suspects(3), []],
      [272_509, tick, []],
      [272_510, tick, ['close 1', 'settle, counted']],
    ],
  ],
  [
    'an old watch that ends before it could show it has not lied',
    [
      ...RELISTING,
      [271_500, endMark(2, '25'), ['swap, live is 2, witness 1']],
      [271_510, suspects(3), []],
      [271_600, ended(1), ['settle']],
    ],
  ],
  [
    'the live set has moved past the list: it catches up first, or the deleted would come back',
    [
      ...RELISTING,
      [271_400, object(1, '30'), []],
      [271_500, endMark(2, '25'), []],
      [271_510, object(2, '28'), []],
      [271_520, object(2, '30'), ['swap, live is 2, witness 1']],
    ],
  ],
  [
    'a list that does not catch up within 5 s is believed all the same',
    [
      ...RELISTING,
      [271_400, object(1, '30'), []],
      [271_500, endMark(2, '25'), []],
      [276_499, tick, []],
      [276_500, tick, ['swap, live is 2, witness 1']],
    ],
  ],
  [
    'a bookmark is no object: the list need not wait for it',
    [...RELISTING, [271_400, bookmark(1, '30'), []], [271_500, endMark(2, '25'), ['swap, live is 2, witness 1']]],
  ],
  [
    'the re-list fails: the watch goes on, and the list is tried again',
    [
      ...RELISTING,
      [271_500, failed(2, 'unreachable'), ['discard', 'fresh unreachable, again in 200']],
      [271_600, object(1, '30'), []],
      [271_700, tick, ['open 3: list into fresh']],
    ],
  ],
  [
    'the watch breaks during the re-list: both are tried, and the list heals it',
    [
      ...RELISTING,
      [271_300, failed(1, 'unreachable'), ['live unreachable, again in 200']],
      [271_500, tick, ['open 3: watch from 21 into live']],
      [271_600, endMark(2, '25'), ['close 3', 'swap, live is 2, witness nobody']],
    ],
  ],
  [
    'in pages, beside a watch that moves on: a watch from the list catches up',
    [
      [0, tick, ['open 1: list into fresh']],
      [1, failed(1, 'invalid'), ['discard', 'fresh invalid, again in 0', 'open 2: pages into fresh']],
      [2, page(2, '10'), ['swap, live is nobody, witness nobody', 'open 3: watch from 10 into live']],
      [3, opened(3), []],
      [140_000, bookmark(3, '11'), []],
      [270_002, tick, ['open 4: pages into fresh']],
      [270_003, opened(4), []],
      [270_100, object(3, '30'), []],
      [270_200, page(4, '25'), ['open 5: watch from 25 into fresh']],
      [270_201, opened(5), []],
      [270_300, object(5, '30'), ['swap, live is 5, witness 3']],
    ],
  ],
];

describe('list and watch', () => {
  test.each(rows)('%s', (_, lines) => {
    run(lines);
  });
});

describe('a true re-list beside the running watch', () => {
  test.each(relists)('%s', (_, lines) => {
    run(lines);
  });
});

describe('what is asked for', () => {
  const queryOf = (state: InformerState, event: InformerEvent, random: number) => {
    const open = step(state, event, 0, random).effects.find((effect) => effect.kind === 'open');
    return open?.query;
  };

  test('a streaming list as the API wants it (KEP-3157): without resourceVersion, matched NotOlderThan, with bookmarks', () => {
    expect(queryOf(initialState(RESYNC_MS), tick, 0)).toEqual({
      watch: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
    });
  });

  test('watches last 5 to 10 minutes, at random', () => {
    expect(queryOf(initialState(RESYNC_MS), tick, 0.999)?.['timeoutSeconds']).toBe('599');
  });

  test('pages hold 500 objects', () => {
    const state = run([[0, tick, ['open 1: list into fresh']]]);
    expect(queryOf(state, failed(1, 'invalid'), 0)).toEqual({ limit: '500' });
  });
});

describe('waits between attempts', () => {
  test('stay between 0.2 and 30 s whatever happens', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        const ms = backoffMs(failures, random);
        expect(ms).toBeGreaterThanOrEqual(BACKOFF_MS_MIN);
        expect(ms).toBeLessThanOrEqual(BACKOFF_MS_MAX);
      }),
    );
  });

  test('Retry-After lengthens them, never shortens them, and has a limit', () => {
    expect(backoffMs(1, 0, 60)).toBe(60_000);
    expect(backoffMs(20, 0, 1)).toBe(BACKOFF_MS_MAX / 2);
    expect(backoffMs(1, 0, 999_999)).toBe(RETRY_AFTER_MS_MAX);
  });
});

test('whatever a server does, there is always a next time to wake, and never more than a live, a fresh and a witness lane', () => {
  const lane = fc.integer({ min: 1, max: 12 });
  const version = fc.integer({ min: 1, max: 99 }).map(String);
  const code = fc.constantFrom<Failed['code']>('unreachable', 'gone', 'invalid', 'too-many', 'server-error', 'forbidden');
  const event: fc.Arbitrary<InformerEvent> = fc.oneof(
    fc.constant(tick),
    lane.map(opened),
    lane.map(ended),
    fc.tuple(lane, version).map(([l, v]) => endMark(l, v)),
    fc.tuple(lane, version).map(([l, v]) => object(l, v)),
    fc.tuple(lane, version, fc.constantFrom('', 'next')).map(([l, v, n]) => page(l, v, n)),
    fc.tuple(lane, code).map(([l, c]) => failed(l, c)),
    fc.nat(2).map(suspects),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(40_000)), { maxLength: 60 }), (script) => {
      let state = initialState(RESYNC_MS);
      let now = 0;
      const open = new Set<number>();
      for (const [what, later] of [[tick, 0] as const, ...script]) {
        now += later;
        const before = state;
        const next = step(state, what, now, 0.5);
        state = next.state;
        if ('lane' in what && (what.kind === 'ended' || what.kind === 'failed' || what.kind === 'page')) {
          if (before.live?.id === what.lane || before.fresh?.lane.id === what.lane || before.witness?.lane === what.lane)
            open.delete(what.lane);
        }
        for (const effect of next.effects) {
          if (effect.kind === 'open') open.add(effect.lane);
          if (effect.kind === 'close') open.delete(effect.lane);
        }
        expect(Number.isFinite(wakeAt(state))).toBe(true);
        expect(open.size).toBeLessThanOrEqual(3);
        // A set that was complete once is never thrown away for less.
        expect(before.synced && !state.synced).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});
