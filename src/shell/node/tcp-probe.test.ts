import { afterAll, expect, test } from 'bun:test';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { systemClock } from '../system/clock.ts';
import { openTcpProbe, type TcpProbe } from './tcp-probe.ts';

// That silence is told from a reset is tried in test/net/reachability.test.ts, where a cable can be pulled.

const never = new AbortController().signal;
const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
const closed = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
const { port: closedPort } = closed;
closed.stop(true);
afterAll(() => listener.stop(true));

async function probe(): Promise<TcpProbe> {
  const opened = await openTcpProbe(systemClock);
  if (!opened.ok) throw new Error(opened.detail);
  return opened.value;
}
const loopback = (parseIp('127.0.0.1') ?? '') as Ip;

test('a connection is an answer', async () => {
  expect(await (await probe())(loopback, listener.port, never)).toBe('alive');
});

test('so is a reset', async () => {
  expect(await (await probe())(loopback, closedPort, never)).toBe('alive');
});

test('what our own kernel refuses at once says nothing: nothing was sent', async () => {
  expect(await (await probe())((parseIp('255.255.255.255') ?? '') as Ip, 10250, never)).toBe('unknown');
});

test('a probe ends when it is told to', async () => {
  expect(await (await probe())(loopback, closedPort, AbortSignal.abort())).toBe('unknown');
});

test('a thousand probes leave no descriptor behind', async () => {
  const { readdirSync } = await import('node:fs');
  const one = await probe();
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => one(loopback, closedPort, never)));
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10);
});

test('without a C library it says so', async () => {
  expect(await openTcpProbe(systemClock, ['libnothing.so'])).toMatchObject({ ok: false, code: 'no-libc' });
});
