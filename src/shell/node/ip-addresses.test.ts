import { describe, expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { ip } from '../../../test/support/values.ts';
import { isInterfaceName, renderAddressBatch } from '../../core/plan/address-batch.ts';
import { ok } from '../../core/value/result.ts';
import type { ProcessOutput, RunProcess } from '../system/run-process.ts';
import { createProcessRunner } from '../system/run-process.ts';
import { createNodeAddresses, toNodeState } from './ip-addresses.ts';

const never = new AbortController().signal;
const fake =
  (output: Partial<ProcessOutput>): RunProcess =>
  async () =>
    ok({ exitCode: 0, stdout: '', stderr: '', ...output });

describe('ip -j address show', () => {
  test('interfaces, widths and marks; what is no address is left out', () => {
    const state = toNodeState([
      {
        ifname: 'lo',
        addr_info: [{ local: '10.0.100.1', prefixlen: 32, metric: 7710 }, { local: '127.0.0.1', prefixlen: 8 }, { prefixlen: 1 }, 5],
      },
      { ifname: 'eth0', addr_info: [{ local: 'fd00::1', prefixlen: 64 }] },
      'odd',
    ]);
    expect(state.interfaces).toEqual(['lo', 'eth0']);
    expect(state.addresses.map((one) => `${one.interface} ${one.ip}/${one.bits} ${one.metric}`)).toEqual([
      'lo 10.0.100.1/32 7710',
      'lo 127.0.0.1/8 0',
      'eth0 fd00::1/64 0',
    ]);
  });

  test('an exit code or something that is not JSON is a failure, not an empty node', async () => {
    expect((await createNodeAddresses(fake({ exitCode: 1, stderr: 'no' }), 'lo').read(never)).ok).toBe(false);
    expect((await createNodeAddresses(fake({ stdout: '[{' }), 'lo').read(never)).ok).toBe(false);
  });
});

describe('the batch', () => {
  test('additions before removals; scope host and preferred_lft 0 keep the address from being a source', () => {
    const plan = { add: [ip('10.0.100.1'), ip('fd00:100::1')], adopt: [ip('10.0.100.2')], remove: [ip('10.0.100.3')] };
    expect(renderAddressBatch(plan, 'lo').split('\n')).toEqual([
      'address add 10.0.100.1/32 dev lo scope host metric 7710',
      'address add fd00:100::1/128 dev lo preferred_lft 0 nodad metric 7710',
      'address replace 10.0.100.2/32 dev lo scope host metric 7710',
      'address del 10.0.100.3/32 dev lo',
      '',
    ]);
  });

  test('lines that the kernel refused are counted; the exit code alone is a failure', async () => {
    const plan = { add: [ip('10.0.100.1')], adopt: [], remove: [] };
    const refused = fake({ exitCode: 1, stderr: 'Error: ipv4: Address already assigned.\nCommand failed -:1\n' });
    expect(await createNodeAddresses(refused, 'lo').apply(plan, never)).toEqual({
      ok: true,
      value: { failed: 1, detail: 'Error: ipv4: Address already assigned.' },
    });
    expect((await createNodeAddresses(fake({ exitCode: 255, stderr: 'Killed' }), 'lo').apply(plan, never)).ok).toBe(false);
  });

  test.each(['lo', 'eth0.100', 'br-lan_1'])('%s is the name of an interface', (name) => expect(isInterfaceName(name)).toBe(true));
  test.each(['', '-x', 'lo; reboot', 'a\nb', 'sixteen-letters0', 'a/b'])('%j is not', (name) => expect(isInterfaceName(name)).toBe(false));
});

describe('programs are started without a shell', () => {
  const run = createProcessRunner(createFakeClock());

  test('arguments and standard input arrive as they are', async () => {
    const result = await run(['cat', '-'], { input: '$(reboot); `x` "\n' }, never);
    expect(result.ok && result.value.stdout).toBe('$(reboot); `x` "\n');
  });

  test('an exit code is a result; a program that is not there, too much output and an abort are failures', async () => {
    const failing = await run(['false'], {}, never);
    expect(failing.ok && failing.value.exitCode).toBe(1);
    const codes = await Promise.all([
      run(['/nonexistent/program'], {}, never),
      run(['yes'], { outputBytesMax: 1000 }, never),
      run(['sleep', '60'], {}, AbortSignal.abort()),
    ]);
    expect(codes.map((result) => (result.ok ? 'ok' : result.code))).toEqual(['cannot-start', 'too-much-output', 'timed-out']);
  });

  test('a program that does not end is killed when its time is over', async () => {
    const clock = createFakeClock();
    const result = createProcessRunner(clock)(['sleep', '60'], { timeoutMs: 1000 }, never);
    await clock.advance(1000);
    expect(await result).toMatchObject({ ok: false, code: 'timed-out' });
  });
});
