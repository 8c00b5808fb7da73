import { expect, test } from 'bun:test';
import { ip } from '../../../test/support/values.ts';
import { cidrText } from '../../core/value/ip.ts';
import { ok } from '../../core/value/result.ts';
import type { ProcessOutput } from '../system/run-process.ts';
import { createKernelRoutes } from './kernel-routes.ts';

const never = new AbortController().signal;
/** `ip -j`, by the arguments after it. */
const routes = (outputs: Readonly<Record<string, Partial<ProcessOutput>>>) =>
  createKernelRoutes(async ([, , ...args]) => ok({ exitCode: 0, stdout: '', stderr: '', ...outputs[args.join(' ')] }));

test('both families; default is the whole of one, a destination without a length one address; what is odd is left out', async () => {
  const v4 = [
    { dst: 'default', gateway: '192.168.1.1' },
    { dst: '10.244.0.0/24', gateway: '192.168.1.10' },
    { dst: '10.9.0.1' },
    { dst: 5 },
    'x',
  ];
  const v6 = [
    { dst: 'default', gateway: 'fe80::1' },
    { dst: 'fd00:10::/64', gateway: 'fd00::10' },
  ];
  const found = await routes({ '-4 route show': { stdout: JSON.stringify(v4) }, '-6 route show': { stdout: JSON.stringify(v6) } }).read(
    never,
  );
  expect(found.ok && found.value.map(({ destination, via }) => `${cidrText(destination)} ${via ?? '-'}`)).toEqual([
    '0.0.0.0/0 192.168.1.1',
    '10.244.0.0/24 192.168.1.10',
    '10.9.0.1/32 -',
    '::/0 fe80::1',
    'fd00:10::/64 fd00::10',
  ]);
});

test('an ip that fails is no machine without routes; a kernel without IPv6 is one without those', async () => {
  const failed = { exitCode: 1, stderr: 'ip: no\nmore' };
  expect(await routes({ '-4 route show': failed }).read(never)).toMatchObject({ ok: false, detail: 'ip: no' });
  expect(await routes({ '-4 route show': { stdout: 'oops' } }).read(never)).toMatchObject({ ok: false });
  expect(await routes({ '-6 route show': failed }).read(never)).toEqual(ok([]));
});

test('the gateway to an address; none where it is on link or there is no route', async () => {
  const table = routes({
    '-4 route get 10.244.0.1': { stdout: '[{"dst":"10.244.0.1","gateway":"192.168.1.1","dev":"eth0"}]' },
    '-4 route get 192.168.1.9': { stdout: '[{"dst":"192.168.1.9","dev":"eth0"}]' },
    '-6 route get fd00::1': { exitCode: 2, stderr: 'RTNETLINK answers: Network is unreachable' },
  });
  expect(await Promise.all(['10.244.0.1', '192.168.1.9', 'fd00::1'].map((text) => table.gatewayTo(ip(text), never)))).toEqual([
    ip('192.168.1.1'),
    undefined,
    undefined,
  ]);
});
