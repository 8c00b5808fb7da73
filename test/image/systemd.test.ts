import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/child.ts';
import { writeKubeconfig } from '../support/cluster-files.ts';
import { createTestNetwork, netnsMissing } from '../support/netns.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = `${import.meta.dirname}/../..`;
const UNIT = `${ROOT}/deploy/systemd/minilb.service`;
/** `systemd-analyze security` gives 9.6 to a unit without any of this and 0 to one that may do nothing. */
const EXPOSURE_MAX = 2;

const suite = await requires('image', async () => (await programs('systemd-analyze', 'setpriv', 'dig')()) ?? netnsMissing());

suite('the systemd unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-unit-'));
  const unit = join(folder, 'minilb.service');

  beforeAll(() => {
    const text = readFileSync(UNIT, 'utf8');
    expect(text).toContain('ExecStart=/usr/local/bin/minilb ');
    // systemd looks whether the program is there; this one is.
    writeFileSync(unit, text.replace('/usr/local/bin/minilb ', `${process.execPath} `));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('systemd finds nothing wrong with it', async () => {
    const child = Bun.spawn(['systemd-analyze', 'verify', '--man=no', unit], { stdout: 'pipe', stderr: 'pipe' });
    const output = `${await child.stdout.text()}${await child.stderr.text()}`;
    expect({ output, exitCode: await child.exited }).toEqual({ output: '', exitCode: 0 });
  });

  test('it may do little', async () => {
    const output = await run(['systemd-analyze', 'security', '--offline=yes', '--no-pager', unit]);
    expect(Number(/Overall exposure level for minilb\.service: ([\d.]+)/.exec(output)?.[1])).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  test('with its user and its one capability minilb binds port 53, on every address of both families', async () => {
    const network = await createTestNetwork();
    try {
      const [box, lan] = [await network.namespace('box'), await network.namespace('lan')];
      const addresses = ['192.168.1.2/24', 'fd00:1::2/64'];
      await network.veth({ ns: box, name: 'eth0', addresses }, { ns: lan, name: 'eth0', addresses: ['192.168.1.9/24', 'fd00:1::9/64'] });
      chmodSync(folder, 0o755);
      await run([process.execPath, 'scripts/build.ts', `--outdir=${folder}`], { cwd: ROOT });
      const kubeconfig = writeKubeconfig(join(folder, 'kubeconfig'), 'https://127.0.0.1:1', '', 'none');
      chmodSync(kubeconfig, 0o644);
      const cap = '+net_bind_service';
      const user = ['--reuid=65532', '--regid=65532', '--clear-groups', '--no-new-privs'];
      const caps = [`--inh-caps=-all,${cap}`, `--ambient-caps=${cap}`, `--bounding-set=-all,${cap}`];
      const minilb = [join(folder, 'minilb'), 'dns', `-kubeconfig=${kubeconfig}`, '-controller=false', '-lameduck=0'];
      const log = join(folder, 'minilb.log');
      const child = box.start({ name: 'minilb', log, command: ['setpriv', ...user, ...caps, ...minilb] });
      // There is no cluster, and it says so itself (RFC 8914 code 14): not ready.
      for (const server of ['192.168.1.2', 'fd00:1::2']) {
        for (const flag of ['+notcp', '+tcp']) {
          const ask = () => lan.run(['dig', `@${server}`, '+time=1', '+tries=1', flag, 'web.default.minilb']);
          await waitFor(`an answer from ${server} ${flag}`, async () => /EDE: 14/.test(await ask()), 20_000, 100);
        }
      }
      child.signal('SIGTERM');
      expect(await child.exited, readFileSync(log, 'utf8')).toBe(0);
    } finally {
      await network.close();
    }
  }, 60_000);
});
