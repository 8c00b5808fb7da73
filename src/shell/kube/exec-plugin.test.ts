import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { ExecPlugin } from '../../core/kubeconfig/kubeconfig.ts';
import { isoTime } from '../system/clock.ts';
import { createExecIdentity } from './exec-plugin.ts';

const never = new AbortController().signal;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exec-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const V1 = 'client.authentication.k8s.io/v1';
const plugin = (more: Partial<ExecPlugin> = {}): ExecPlugin => ({
  apiVersion: V1,
  command: './login',
  args: [],
  env: {},
  installHint: '',
  interactive: 'Never',
  provideClusterInfo: false,
  from: join(folder, 'config'),
  ...more,
});
const answer = (status: object, apiVersion = V1) => JSON.stringify({ apiVersion, kind: 'ExecCredential', status });

/** An identity by a plugin that is this shell script; each run leaves a dot in `runs`. */
function withScript(script: string, more: Partial<ExecPlugin> = {}, clock: FakeClock = createFakeClock()) {
  const command = join(folder, 'login');
  writeFileSync(command, `#!/bin/sh\nprintf . >> ${folder}/runs\n${script}\n`);
  chmodSync(command, 0o755);
  rmSync(join(folder, 'runs'), { force: true });
  const identify = createExecIdentity({
    plugin: plugin(more),
    cluster: { server: 'https://a', ca: 'CA', serverName: 'b', insecureSkipTlsVerify: false },
    fixed: { token: 'fixed' },
    env: { PATH: process.env['PATH'] },
    clock,
  });
  const runs = () => (existsSync(join(folder, 'runs')) ? readFileSync(join(folder, 'runs'), 'utf8').length : 0);
  return { identify, runs, clock };
}
const prints = (status: object) => `echo '${answer(status)}'`;

describe('an exec plugin (client.authentication.k8s.io/v1 ExecCredential)', () => {
  test('gives a token, which is kept as long as it says', async () => {
    const clock = createFakeClock();
    const expirationTimestamp = isoTime(clock.wall() + 60_000);
    const { identify, runs } = withScript(prints({ token: 'one', expirationTimestamp }), {}, clock);
    expect(await identify(false, never)).toEqual({ ok: true, value: { token: 'one' } });
    await identify(false, never);
    expect(runs()).toBe(1);
    await clock.advance(51_000);
    await identify(false, never);
    expect(runs()).toBe(2);
  });

  test('without an expiry it is asked again only when the server refused', async () => {
    const { identify, runs, clock } = withScript(prints({ token: 'one' }));
    await identify(false, never);
    await clock.advance(86_400_000);
    await identify(false, never);
    expect(runs()).toBe(1);
    await identify(true, never);
    expect(runs()).toBe(2);
  });

  test('several requests share one run', async () => {
    const { identify, runs } = withScript(`sleep 0.1; ${prints({ token: 'one' })}`);
    const all = await Promise.all([identify(false, never), identify(false, never), identify(true, never)]);
    expect(all.map((each) => each.ok)).toEqual([true, true, true]);
    expect(runs()).toBe(1);
  });

  test('a certificate with its key', async () => {
    const tls = `${import.meta.dirname}/../../../test/support/tls`;
    const pem = (name: string) => readFileSync(`${tls}/${name}`, 'utf8');
    const status = { clientCertificateData: pem('server.pem'), clientKeyData: pem('server.key') };
    const given = join(folder, 'answer');
    writeFileSync(given, answer(status));
    const { identify } = withScript(`cat ${given}`);
    expect(await identify(false, never)).toEqual({
      ok: true,
      value: { token: 'fixed', cert: status.clientCertificateData, key: status.clientKeyData },
    });
  });

  test('gets its arguments, its environment and what it may know of the cluster', async () => {
    const script = `printf '%s\\n' "$1" "$X" "$KUBERNETES_EXEC_INFO" > ${folder}/got; ${prints({ token: 'one' })}`;
    const { identify } = withScript(script, { args: ['arg'], env: { X: 'y' }, provideClusterInfo: true });
    await identify(false, never);
    const [arg, x, info] = readFileSync(join(folder, 'got'), 'utf8').split('\n');
    expect([arg, x]).toEqual(['arg', 'y']);
    expect(JSON.parse(info ?? '')).toEqual({
      apiVersion: V1,
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://a', 'certificate-authority-data': 'Q0E=', 'tls-server-name': 'b' } },
    });
  });

  const failures: readonly [name: string, script: string, more: Partial<ExecPlugin>, says: string][] = [
    ['that fails', 'exit 3', {}, 'ended with code 3'],
    ['that is not there', '', { command: './missing', installHint: 'get it there' }, 'there is no such program (get it there)'],
    ['that prints nonsense', 'echo hello', {}, 'not JSON'],
    [
      'of another version',
      `echo '${answer({ token: 'x' }, 'client.authentication.k8s.io/v1beta1')}'`,
      {},
      'instead of client.authentication.k8s.io/v1',
    ],
    ['that gives nothing', prints({}), {}, 'neither a token nor a certificate'],
    ['with an odd expiry', prints({ token: 'x', expirationTimestamp: 'soon' }), {}, 'no time: "soon"'],
    ['that must ask a person', prints({ token: 'x' }), { interactive: 'Always' }, 'there is no terminal'],
    ['with a garbage certificate', prints({ clientCertificateData: 'x', clientKeyData: 'y' }), {}, 'holds no certificate'],
  ];
  test.each(failures)('one %s is named', async (_, script, more, says) => {
    const { identify } = withScript(script, more);
    expect(await identify(false, never)).toMatchObject({ ok: false, detail: expect.stringContaining(says) });
  });

  test('one that hangs is ended after a minute, also when what it started lives on', async () => {
    const { identify, clock, runs } = withScript('sleep 2 & wait');
    const waiting = identify(false, never);
    await waitFor('the plugin to run', () => runs() === 1);
    await clock.advance(60_000);
    expect(await waiting).toMatchObject({ ok: false, code: 'plugin-failed', detail: expect.stringContaining('within 60 s') });
  });

  test('a request that is given up does not wait, and does not end the run for the others', async () => {
    const { identify, runs } = withScript(`sleep 0.2; ${prints({ token: 'one' })}`);
    const abort = new AbortController();
    const [mine, other] = [identify(false, abort.signal), identify(false, never)];
    abort.abort();
    expect(await mine).toMatchObject({ ok: false });
    expect(await other).toEqual({ ok: true, value: { token: 'one' } });
    expect(runs()).toBe(1);
  });
});
