import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { systemClock } from '../system/clock.ts';
import { getThroughKubectl } from './port-forward.ts';

// A stand-in says what kubectl says; the real one is run by test/cluster/explain.test.ts.

const folder = mkdtempSync(join(tmpdir(), 'minilb-forward-'));
const page = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request) => (new URL(request.url).pathname === '/ok' ? Response.json({ answer: 1 }) : new Response('no', { status: 404 })),
});
afterAll(async () => {
  await page.stop(true);
  rmSync(folder, { recursive: true });
});

/** PATH with a kubectl that is this script. */
function pathWith(name: string, script: string): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${bin}:/usr/bin:/bin`;
}

const target = { namespace: 'minilb', pod: 'dns-1', port: 7710 };
const get = (PATH: string, path = '/ok', clock = systemClock) =>
  getThroughKubectl(target, path, { kubeconfig: '/tmp/config', env: { PATH }, clock }, new AbortController().signal);
const forwarding = (port: number) => `echo "Forwarding from 127.0.0.1:${port} -> 7710"`;

describe('a page behind kubectl port-forward', () => {
  test('its answer, while kubectl goes on talking; kubectl is ended and reaped', async () => {
    const log = join(folder, 'args');
    const path = pathWith(
      'talks',
      `echo $$ "$@" > ${log}; ${forwarding(page.port ?? 0)}; while echo Handling connection for 7710; do sleep 0.01; done`,
    );
    expect(await get(path)).toMatchObject({ ok: true, value: { answer: 1 } });
    const [pid, ...args] = (await Bun.file(log).text()).trim().split(' ');
    expect(args.join(' ')).toBe('--kubeconfig=/tmp/config port-forward --address=127.0.0.1 --namespace=minilb pod/dns-1 :7710');
    expect(() => process.kill(Number(pid), 0)).toThrow();
  });

  const rows: readonly [name: string, script: string, path: string, code: string, detail: string][] = [
    [
      'refused',
      'echo first >&2; echo "Error from server (Forbidden): no" >&2; exit 1',
      '/ok',
      'not-forwarded',
      'kubectl port-forward failed: Error from server (Forbidden): no',
    ],
    ['silent end', 'exit 1', '/ok', 'not-forwarded', 'kubectl port-forward failed: it did not become ready'],
    ['another page', `${forwarding(page.port ?? 0)}; sleep 60`, '/other', 'no-answer', 'its page answered 404'],
    ['nobody there', `${forwarding(1)}; sleep 60`, '/ok', 'no-answer', 'its page did not answer: '],
  ];
  test.each(rows)('%s', async (name, script, path, code, detail) => {
    const result = await get(pathWith(name.replaceAll(' ', '-'), script), path);
    expect(result).toMatchObject({ ok: false, code });
    expect(result.ok ? '' : result.detail).toStartWith(detail);
  });

  test('no kubectl', async () => {
    expect(await get('/nonexistent')).toMatchObject({ ok: false, code: 'no-kubectl' });
  });

  test('one that never becomes ready is ended', async () => {
    const clock = createFakeClock();
    const result = get(pathWith('sleeps', 'exec sleep 60'), '/ok', clock);
    await waitFor('the wait for it', () => clock.pending() > 0);
    await clock.advance(15_000);
    expect(await result).toMatchObject({ ok: false, code: 'not-forwarded' });
  });
});
