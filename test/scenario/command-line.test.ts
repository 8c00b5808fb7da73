import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import manifest from '../../package.json' with { type: 'json' };
import { kubeconfigText } from '../support/fake-api.ts';
import { runMinilb } from '../support/minilb.ts';

describe('minilb as a command', () => {
  test('no arguments outside a cluster: help', async () => {
    const { exitCode, stdout, stderr } = await runMinilb([]);
    expect(stdout).toStartWith(`minilb ${manifest.version}: `);
    expect(stdout).toContain('Usage: minilb [command] [flags]');
    expect(stdout).toEndWith('There is no kubeconfig here: "minilb dns" needs one, by -kubeconfig, KUBECONFIG or ~/.kube/config.\n');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test.each(['KUBECONFIG', 'MINILB_KUBECONFIG'])(
    'no arguments outside a cluster: the context that would be used, by %s',
    async (variable) => {
      const folder = mkdtempSync(`${tmpdir()}/minilb-help-`);
      writeFileSync(`${folder}/config`, kubeconfigText({ server: 'https://127.0.0.1:1' }));
      const { stdout } = await runMinilb([], { env: { [variable]: `${folder}/config` } });
      rmSync(folder, { recursive: true });
      expect(stdout).toEndWith('Here "minilb dns" would use the kubeconfig context "test".\n');
    },
  );

  test('no arguments in a cluster: dns, which here lacks its service account', async () => {
    const { exitCode, stderr } = await runMinilb([], { env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' } });
    expect(stderr).toBe('minilb: cannot read /var/run/secrets/kubernetes.io/serviceaccount/ca.crt: there is no such file\n');
    expect(exitCode).toBe(1);
  });

  test.each([['help'], ['-h'], ['-help'], ['--help']])('%s is help', async (word) => {
    const { exitCode, stdout } = await runMinilb([word]);
    expect(stdout).toContain('Usage: minilb [command] [flags]');
    expect(exitCode).toBe(0);
  });

  test.each([['version'], ['-version'], ['--version']])('%s is the version', async (word) => {
    const { exitCode, stdout } = await runMinilb([word]);
    expect(stdout).toStartWith(`minilb ${manifest.version} (Bun `);
    expect(exitCode).toBe(0);
  });

  test('-h after a command is that command’s help', async () => {
    expect((await runMinilb(['version', '-h'])).stdout).toStartWith('Usage: minilb version\n');
  });

  test('it starts the same whatever the folder it is started from', async () => {
    expect((await runMinilb(['version'], { cwd: import.meta.dirname })).exitCode).toBe(0);
  });

  test('a reader that goes away is not an error: minilb help | head -n 0', async () => {
    const main = `${import.meta.dirname}/../../src/main.ts`;
    const command = ['sh', '-c', `{ "$0" "$1" help; echo "ended with $?" >&2; } | head -n 0`, process.execPath, main];
    const child = Bun.spawn(command, { env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'ignore', 'pipe'] });
    expect(await child.stderr.text()).toBe('ended with 0\n');
  });
});

describe('a usage error is one line on standard error, and exit code 2', () => {
  const rows: readonly [args: readonly string[], message: string][] = [
    [['frobnicate'], 'minilb: unknown command "frobnicate"; the commands are '],
    [['versoin'], 'minilb: unknown command "versoin"; did you mean "minilb version"?\n'],
    [['version', '-x'], 'minilb version: unknown flag "-x"; "minilb help version" lists the flags there are\n'],
    [['version', 'now'], 'minilb version: unexpected argument "now"\n'],
    [['help', 'versoin'], 'minilb help: unknown command "versoin"; did you mean version?\n'],
  ];
  test.each(rows)('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await runMinilb(args);
    expect(stderr).toStartWith(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('an unknown MINILB_ variable warns and does not stop', async () => {
    const { exitCode, stderr } = await runMinilb(['version'], { env: { MINILB_TLL: '3' } });
    expect(stderr).toContain('WARN  unknown environment variable "MINILB_TLL" is ignored; did you mean MINILB_TTL?\n');
    expect(exitCode).toBe(0);
  });
});
