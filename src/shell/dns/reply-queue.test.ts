import { describe, expect, test } from 'bun:test';
import { createDnsCounters } from './handler.ts';
import { type Batch, createReplyQueue, REPLIES_MAX } from './reply-queue.ts';

type Outcome = number | string;

/** A socket whose `sendMany` does what the script says, call by call, and takes everything once the script has ended. */
function scripted(script: readonly Outcome[]) {
  const taken: number[] = [];
  const rest = [...script];
  let calls = 0;
  const sendMany = (batch: Batch): number => {
    calls++;
    const outcome = rest.shift() ?? batch.length / 3;
    if (typeof outcome === 'string') throw Object.assign(new Error(outcome), { code: outcome });
    const sent = Math.min(outcome, batch.length / 3);
    for (let i = 0; i < sent; i++) taken.push((batch[3 * i] as Uint8Array)[0] ?? -1);
    return sent;
  };
  return { sendMany, taken, calls: () => calls };
}

const queueOf = (script: readonly Outcome[], replies: number) => {
  const counters = createDnsCounters();
  const socket = scripted(script);
  const queue = createReplyQueue(socket.sendMany, counters);
  for (let i = 1; i <= replies; i++) queue.put(Uint8Array.of(i, i, i), 1000 + i, '127.0.0.1');
  return { counters, queue, socket };
};

const rows: readonly [rule: string, script: readonly Outcome[], sent: readonly number[], counted: object][] = [
  ['all at once', [], [1, 2, 3, 4], { udpReplies: 4, udpRetries: 0, udpRefused: 0 }],
  ['a partial count goes on behind it', [1, 2], [1, 2, 3, 4], { udpReplies: 4 }],
  ['one at a time', [1, 1, 1, 1], [1, 2, 3, 4], { udpReplies: 4 }],
  ['ECONNREFUSED is of another reply: tried again', ['ECONNREFUSED'], [1, 2, 3, 4], { udpReplies: 4, udpRetries: 1, udpRefused: 0 }],
  ['EHOSTUNREACH is tried again', [2, 'EHOSTUNREACH'], [1, 2, 3, 4], { udpReplies: 4, udpRetries: 1 }],
  ['EMSGSIZE is this reply: skipped and counted', ['EMSGSIZE'], [2, 3, 4], { udpReplies: 3, udpRefused: 1 }],
  ['EACCES in the middle is skipped', [1, 'EACCES'], [1, 3, 4], { udpReplies: 3, udpRefused: 1 }],
  ['EINVAL twice', ['EINVAL', 'EINVAL'], [3, 4], { udpReplies: 2, udpRefused: 2 }],
  ['EPERM (a firewall) is skipped', ['EPERM'], [2, 3, 4], { udpRefused: 1 }],
  ['an error without a code is skipped', ['undefined'], [2, 3, 4], { udpRefused: 1 }],
  [
    'a network that stays unreachable costs its reply only',
    new Array(17).fill('ENETUNREACH'),
    [2, 3, 4],
    { udpReplies: 3, udpRetries: 16, udpRefused: 1 },
  ],
];

describe('one bad peer does not cost the others their replies', () => {
  test.each(rows)('%s', (_, script, sent, counted) => {
    const { queue, socket, counters } = queueOf(script, 4);
    queue.flush();
    expect(socket.taken).toEqual([...sent]);
    expect(counters).toMatchObject(counted);
  });
});

describe('a socket without room', () => {
  test.each([[0], ['EAGAIN'], ['ENOBUFS']])('%p: nothing is lost and nothing spins until drain', (full) => {
    const { queue, socket, counters } = queueOf([1, full], 3);
    queue.flush();
    expect([socket.taken, socket.calls()]).toEqual([[1], 2]);
    queue.flush();
    expect(socket.taken).toEqual([1, 2, 3]);
    expect(counters).toMatchObject({ udpReplies: 3, udpRefused: 0, udpOverflow: 0 });
  });

  test('replies that come meanwhile do not overwrite those that wait', () => {
    const { queue, socket } = queueOf([2, 0], 4);
    queue.flush();
    for (let i = 5; i <= 8; i++) queue.put(Uint8Array.of(i), 1, '127.0.0.1');
    queue.flush();
    expect(socket.taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('the queue is bounded: more are given up and counted, the first ones kept', () => {
    const { queue, socket, counters } = queueOf(new Array(1000).fill(0), 0);
    for (let i = 0; i < REPLIES_MAX + 10; i++) queue.put(Uint8Array.of(i & 127), 1, '127.0.0.1');
    expect(counters.udpOverflow).toBe(10);
    while (socket.taken.length === 0) queue.flush();
    expect(socket.taken).toEqual(Array.from({ length: REPLIES_MAX }, (_, i) => i & 127));
  });
});

test('one system call a turn: what one turn queues is sent together when it ends', async () => {
  const { socket } = queueOf([], 50);
  expect(socket.calls()).toBe(0);
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect([socket.calls(), socket.taken.length]).toEqual([1, 50]);
});

test('a flood is sent on the way, so that one long turn does not hold the replies', () => {
  const { socket } = queueOf([], 300);
  expect(socket.taken.length).toBe(256);
});

test('a reply over 1232 bytes is refused, not cut', () => {
  const { queue, counters, socket } = queueOf([], 0);
  queue.put(new Uint8Array(1233), 1, '127.0.0.1');
  queue.flush();
  expect([counters.udpRefused, socket.taken.length]).toEqual([1, 0]);
});
