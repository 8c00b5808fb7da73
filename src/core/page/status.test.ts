import { describe, expect, test } from 'bun:test';
import { STATUS } from './api-schema.ts';
import { forwarderRows } from './forwarder-rows.ts';
import { describeShape, faultsOf } from './shape.ts';
import { type KindFacts, toStatusReport } from './status.ts';

const watched: KindFacts = { kind: 'Service', objects: 3, synced: true, connected: true, heardAtMs: 90, error: undefined, code: undefined };

function statusWith(...kinds: readonly KindFacts[]) {
  return toStatusReport({
    version: '1',
    role: 'dns',
    instance: 'a',
    subject: 'zone minilb',
    cluster: 'https://k',
    nowMs: 100,
    startedAtMs: 10,
    syncedAtMs: 20,
    waiting: [],
    kinds,
    facts: [],
    sections: [],
    timeOf: (ms) => `2026-01-01T00:00:${String(ms % 60).padStart(2, '0')}Z`,
  });
}

describe('whether the API server answers', () => {
  const rows: readonly [rule: string, kinds: readonly KindFacts[], answers: boolean, detail: string, heardAt: string][] = [
    ['every watch is open', [watched, { ...watched, heardAtMs: 70 }], true, '', '10'],
    ['a watch that ended by itself is about to open again: no outage', [{ ...watched, connected: false }], true, '', '30'],
    [
      'one that failed is an outage',
      [watched, { ...watched, connected: false, error: 'refused', code: 'unreachable', heardAtMs: 5 }],
      false,
      'refused',
      '05',
    ],
    [
      'what may not be read is none',
      [watched, { ...watched, synced: false, connected: false, error: 'no', code: 'forbidden', heardAtMs: undefined }],
      true,
      '',
      '30',
    ],
  ];
  test.each(rows)('%s', (_, kinds, answers, detail, heard) => {
    const { api } = statusWith(...kinds);
    expect(api).toEqual({ answers, detail, heardAt: `2026-01-01T00:00:${heard}Z` });
  });

  test('the report is as documented', () => {
    expect(faultsOf(STATUS, statusWith(watched))).toEqual([]);
  });
});

describe('upstreams', () => {
  const up = { text: '192.0.2.1', answers: 1, failures: 0, silences: 0, health: { failures: 0, retryAtMs: 0, looping: false } };
  test.each([
    ['answers', up, 'answers', 'good'],
    ['was silent once', { ...up, health: { ...up.health, failures: 1 } }, 'answers', 'notice'],
    ['rests', { ...up, health: { ...up.health, failures: 3, retryAtMs: 1500 } }, 'rests', 'trouble'],
    ['its rest is over', { ...up, health: { ...up.health, failures: 3, retryAtMs: 900 } }, 'answers', 'notice'],
    ['sends our queries back', { ...up, health: { ...up.health, looping: true } }, 'loops', 'trouble'],
    ['has not been asked', { ...up, answers: 0 }, 'unasked', 'none'],
  ] as const)('one that %s', (_, upstream, state, level) => {
    expect(forwarderRows([upstream], 1000)[0]).toMatchObject({ state, level });
  });
});

describe('shapes', () => {
  test('missing, other and undeclared fields are said with their path', () => {
    const report = { ...statusWith(watched), version: 7, synced: { done: true, at: 'yesterday' }, extra: 1 };
    expect(faultsOf(STATUS, report)).toEqual([
      '$.extra is not declared',
      '$.version is no text',
      '$.synced.at is no time',
      '$.synced.waiting is no list',
    ]);
  });

  test('each field has a line in the documentation', () => {
    expect(describeShape(STATUS).map(([path]) => path)).toContain('kinds[].heardAt');
  });
});
