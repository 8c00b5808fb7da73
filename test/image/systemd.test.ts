import { afterAll, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/child.ts';
import { writeKubeconfig } from '../support/cluster-files.ts';
import { createTestNetwork, netnsMissing } from '../support/netns.ts';
import { programs, requires } from '../support/require.ts';
import { asUnitUser, copyUnit, EXPOSURE_MAX, exposureOf, verifyUnit } from '../support/systemd.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = `${import.meta.dirname}/../..`;

const suite = await requires('image', async () => (await programs('systemd-analyze', 'setpriv', 'dig')()) ?? netnsMissing());

suite('the systemd unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-unit-'));
  const unit = copyUnit('minilb.service', folder);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('systemd finds nothing wrong with it', async () => {
    expect(await verifyUnit(unit)).toEqual({ output: '', exitCode: 0 });
  });

  test('it may do little', async () => {
    expect(await exposureOf(unit)).toBeLessThanOrEqual(EXPOSURE_MAX);
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
      const minilb = [join(folder, 'minilb'), ...unit.args(folder), '-lameduck=0'];
      const log = join(folder, 'minilb.log');
      const child = box.start({ name: 'minilb', log, command: [...asUnitUser(unit), ...minilb] });
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
