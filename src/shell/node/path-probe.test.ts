import { afterAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { ip } from '../../../test/support/values.ts';
import { systemClock } from '../system/clock.ts';
import { openPathProbe, type PathProbe } from './path-probe.ts';

// What a firewall, a missing route and a stateful router make of a connection is tried in test/net/doctor.test.ts.

const never = new AbortController().signal;
const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
const resets = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: (socket) => socket.terminate() } });
const closed = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
const { port: closedPort } = closed;
closed.stop(true);
afterAll(() => [listener, resets].map((each) => each.stop(true)));

async function probe(): Promise<PathProbe> {
  const opened = await openPathProbe(systemClock);
  if (!opened.ok) throw new Error(opened.detail);
  return opened.value;
}

test('what is sent is acknowledged, also by a server that says nothing or resets', async () => {
  const one = await probe();
  expect(await one(ip('127.0.0.1'), listener.port, never)).toBe('passes');
  expect(await one(ip('127.0.0.1'), resets.port, never)).toBe('passes');
});

test('a reset in place of a connection: the way is there', async () => {
  expect(await (await probe())(ip('127.0.0.1'), closedPort, never)).toBe('refused');
});

test('what our own kernel refuses at once has no route', async () => {
  expect(await (await probe())(ip('255.255.255.255'), 80, never)).toBe('no-route');
});

test('probes leave no descriptor behind, and end when told to', async () => {
  const one = await probe();
  const before = readdirSync('/proc/self/fd').length;
  await Promise.all(Array.from({ length: 50 }, () => one(ip('127.0.0.1'), closedPort, never)));
  expect(await one(ip('127.0.0.1'), listener.port, AbortSignal.abort())).toBe('silent');
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10);
});
