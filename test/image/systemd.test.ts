import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/child.ts';
import { programs, requires } from '../support/require.ts';

const UNIT = `${import.meta.dirname}/../../deploy/systemd/minilb.service`;
/** `systemd-analyze security` gives 9.6 to a unit without any of this and 0 to one that may do nothing. */
const EXPOSURE_MAX = 2;

const suite = await requires('image', programs('systemd-analyze'));

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
});
