import { describe, expect, test } from 'bun:test';
import type { Clock } from '../system/clock.ts';
import { createLog, type LogLevel } from './log.ts';

const clock: Clock = { now: () => 0, wall: () => 1_795_255_200_000, after: async () => {} };

function lines(level: LogLevel, format: 'text' | 'json', use: (log: ReturnType<typeof createLog>) => void): readonly string[] {
  const written: string[] = [];
  use(createLog({ level, format, clock, write: (line) => written.push(line) }));
  return written;
}

describe('log', () => {
  test('text: time, level, message, fields; undefined fields are left out', () => {
    expect(lines('info', 'text', (log) => log.info('watching', { kind: 'Service', count: 3, error: undefined }))).toEqual([
      '2026-11-21T10:00:00.000Z INFO  watching kind=Service count=3\n',
    ]);
  });

  test('json: one object a line, fields cannot overwrite time, level and message', () => {
    const [line] = lines('info', 'json', (log) => log.warn('odd', { object: 'default/web', level: 'x' }));
    expect(JSON.parse(line ?? '')).toEqual({ time: '2026-11-21T10:00:00.000Z', level: 'warn', message: 'odd', object: 'default/web' });
  });

  test('lines below the level are not written', () => {
    const all = (log: ReturnType<typeof createLog>) => {
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
    };
    expect(lines('warn', 'text', all).map((line) => line.slice(25, 30))).toEqual(['WARN ', 'ERROR']);
    expect(lines('debug', 'text', all)).toHaveLength(4);
  });

  test('values with spaces are quoted', () => {
    expect(lines('info', 'text', (log) => log.info('m', { detail: 'a b' }))[0]).toEndWith(' detail="a b"\n');
  });

  test('one call is one line, whatever the cluster holds', () => {
    for (const format of ['text', 'json'] as const) {
      const [line] = lines('info', format, (log) => log.info('a\nb', { detail: 'c\r\nd\u001b[31m\u2028e' }));
      for (const control of ['\n', '\r', '\u001b']) expect(line?.slice(0, -1)).not.toContain(control);
      expect(line).toEndWith('\n');
    }
  });

  test('long values are cut', () => {
    expect(lines('info', 'text', (log) => log.info('m', { detail: 'x'.repeat(5000) }))[0]?.length).toBeLessThan(2200);
  });
});
