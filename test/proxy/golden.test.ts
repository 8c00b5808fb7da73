import { afterAll, expect, test } from 'bun:test';
import { copyFileSync, readdirSync } from 'node:fs';
import { ADAPTERS } from '../../src/core/proxy/adapters.ts';
import { createProxyBox, proxyMissing } from '../support/proxy.ts';
import { requires } from '../support/require.ts';

const suite = await requires('proxy', proxyMissing);
const GOLDEN = `${import.meta.dirname}/../golden/proxy`;

suite('the golden files are what the real programs accept', () => {
  const boxes = (['nginx', 'haproxy'] as const).map((kind) => createProxyBox(kind));
  afterAll(async () => {
    for (const box of boxes) await box.close();
  });

  test.each(boxes.map((box) => [box.kind, box] as const))('%s, all of them in one folder', async (kind, box) => {
    const files = readdirSync(GOLDEN).filter((file) => file.endsWith(ADAPTERS[kind].suffix));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) copyFileSync(`${GOLDEN}/${file}`, `${box.folder}/${file}`);
    const command = [kind, ...ADAPTERS[kind].testArguments(box.mainFile, { folder: box.folder, pidFile: '' })];
    const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'pipe' });
    const output = `${await child.stdout.text()}${await child.stderr.text()}`;
    expect({ exitCode: await child.exited, output: /emerg|ALERT/.test(output) ? output : '' }).toEqual({ exitCode: 0, output: '' });
  });
});
