import { expect, test } from 'bun:test';
import { queryBytes } from '../../../test/support/dns-query.ts';
import { RCODE } from '../../core/wire/message.ts';
import { createQuery, parseQuery } from '../../core/wire/query.ts';
import type { DnsClient } from '../../shell/dns/handler.ts';
import type { Clock } from '../../shell/system/clock.ts';
import type { LineWriter } from '../../shell/telemetry/line-writer.ts';
import { createQueryLog } from './query-log.ts';

const clock: Clock = { now: () => 0, wall: () => 1_795_255_200_000, after: async () => {} };
const client: DnsClient = { address: '192.168.1.7', port: 4711, family: 4, transport: 'udp', local: '192.168.1.10', later: () => () => {} };

function asked(name: string, type: string) {
  const query = createQuery();
  const bytes = queryBytes(name, type);
  parseQuery(bytes, bytes.length, query);
  return query;
}

function createLog(format: 'text' | 'json') {
  const lines: string[] = [];
  const state = { room: true, dropped: 0 };
  const writer: LineWriter = {
    hasRoom: () => state.room,
    put: (line) => void lines.push(line),
    drop: () => void state.dropped++,
    droppedLines: () => state.dropped,
    drained: async () => {},
  };
  return { log: createQueryLog({ clock, format, writer }), lines, state };
}

test('a line names client, name, type, rcode and size; the name in lower case', () => {
  const { log, lines } = createLog('text');
  log.line(client, asked('Web.default.minilb', 'AAAA'), RCODE.NXDOMAIN, 93);
  expect(lines).toEqual([
    '2026-11-21T10:00:00.000Z INFO  query client=192.168.1.7 port=4711 transport=udp name=web.default.minilb type=AAAA rcode=NXDOMAIN bytes=93\n',
  ]);
});

test('as JSON it is one object', () => {
  const { log, lines } = createLog('json');
  log.line(client, asked('web.minilb', 'A'), RCODE.NOERROR, 50);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'query', name: 'web.minilb', type: 'A', rcode: 'NOERROR', bytes: 50 });
});

test('what a stranger puts into a name stays inside its line', () => {
  const { log, lines } = createLog('text');
  const query = asked('a\nb x.minilb', 'A');
  log.line(client, query, RCODE.NXDOMAIN, 93);
  expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
  expect(lines[0]).toContain(String.raw`name="a\\010b\\ x.minilb"`);
});

test('what cannot be parsed is logged without a name', () => {
  const { log, lines } = createLog('text');
  log.line(client, createQuery(), RCODE.FORMERR, 12);
  expect(lines[0]).toContain('transport=udp rcode=FORMERR bytes=12');
});

test('while the reader is slow nothing is formatted, and afterwards the log says how many lines are missing', () => {
  const { log, lines, state } = createLog('text');
  state.room = false;
  for (let i = 0; i < 3; i++) log.line(client, asked('a.minilb', 'A'), RCODE.NOERROR, 50);
  expect(lines).toEqual([]);
  state.room = true;
  log.line(client, asked('a.minilb', 'A'), RCODE.NOERROR, 50);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('lines=3');
});
