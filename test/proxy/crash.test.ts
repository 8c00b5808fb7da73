import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { ADAPTERS } from '../../src/core/proxy/adapters.ts';
import type { Change } from '../../src/core/proxy/plan-change.ts';
import { backend } from '../support/backends.ts';
import { freePort } from '../support/child.ts';
import { askTcp, type EchoServer, openTcp, startEcho } from '../support/echo.ts';
import { createProxyBox, type ProxyBox, proxyMissing, startUpdater } from '../support/proxy.ts';
import { requires } from '../support/require.ts';
import type { StepsPlan } from '../support/updater-steps.ts';
import { waitFor } from '../support/wait.ts';

const RUNNER = realpathSync(`${import.meta.dirname}/../support/updater-steps.ts`);
const suite = await requires('proxy', proxyMissing);

// One backend is moved to another port, a second one is new on the port the first one left, a third one goes: killed after each step of
// that, the folder must at once be one that the real program takes, and after the next start everything is as it was before or as asked for.

for (const kind of ['nginx', 'haproxy'] as const) {
  const adapter = ADAPTERS[kind];

  suite(`${kind}: the updater is killed between any two steps`, () => {
    let box: ProxyBox;
    let echo: EchoServer;
    let ports: [one: number, two: number, three: number];

    beforeEach(async () => {
      box = createProxyBox(kind);
      echo = await startEcho('a');
      ports = [await freePort(), await freePort(), await freePort()];
      await box.start();
    });
    afterEach(async () => {
      await box.close();
      await echo.close();
    });

    const put = (name: string, port: number): Change => ({
      kind: 'put',
      backend: backend({ name, port, upstreams: [{ host: '127.0.0.1', port: echo.port }], timeoutSeconds: 60 }),
    });
    const before = (): readonly Change[] => [{ kind: 'delete', name: 'fresh' }, put('moved', ports[0]), put('gone', ports[1])];
    const change = (): readonly Change[] => [put('moved', ports[2]), put('fresh', ports[0]), { kind: 'delete', name: 'gone' }];

    /** Runs a change in a process of its own; what it printed, line by line. */
    async function runSteps(changes: readonly Change[], more: Partial<StepsPlan> = {}): Promise<readonly string[]> {
      const plan: StepsPlan = { kind, mainFile: box.mainFile, folder: box.folder, changes, dieAfter: 0, thiefPort: 0, ...more };
      const child = Bun.spawn([process.execPath, RUNNER, JSON.stringify(plan)], { stdout: 'pipe', stderr: 'inherit', stdin: 'ignore' });
      const lines = (await child.stdout.text()).trim().split('\n');
      expect(await child.exited).toBe(more.dieAfter ? 137 : 0);
      return lines;
    }

    const held = () =>
      readdirSync(box.folder)
        .filter((name) => name.endsWith(adapter.suffix))
        .map((name) => `${name} ${/ port (\d+)/.exec(readFileSync(`${box.folder}/${name}`, 'utf8'))?.[1]}`)
        .sort();
    const heldBefore = () => [`gone${adapter.suffix} ${ports[1]}`, `moved${adapter.suffix} ${ports[0]}`];
    const heldAfter = () => [`fresh${adapter.suffix} ${ports[0]}`, `moved${adapter.suffix} ${ports[2]}`];

    async function expectAccepted(): Promise<void> {
      const stage = { folder: box.folder, pidFile: `${box.root}/test.pid` };
      const child = Bun.spawn([kind, ...adapter.testArguments(box.mainFile, stage)], { stdout: 'pipe', stderr: 'pipe' });
      const [output, exitCode] = [await child.stderr.text(), await child.exited];
      if (exitCode !== 0) throw new Error(output);
    }

    /** As it was before any of this. */
    async function reset(): Promise<void> {
      await runSteps(before());
      expect(held()).toEqual(heldBefore());
    }

    /** Runs the change once, dying after `dieAfter` steps, and looks at what is there and at what the next start makes of it. */
    async function crash(changes: readonly Change[], dieAfter: number, thiefPort: number): Promise<void> {
      await reset();
      const connection = await openTcp(ports[0]);
      const steps = await runSteps(changes, { dieAfter, thiefPort });
      expect(steps).toHaveLength(dieAfter);
      await expectAccepted();
      expect(await connection.ask('still')).toBe('a:still');

      const updater = await startUpdater(box, await freePort());
      await waitFor('the updater to be in step', async () => (await updater.health()).status === 200);
      const done = steps.includes('committed');
      expect(held()).toEqual(done ? heldAfter() : heldBefore());
      // An nginx that was still trying to bind when it was told again has workers of three configurations for a tenth of a second.
      const open = done ? [true, false, true] : [true, true, false];
      await waitFor(`the ports to be open as ${open}`, async () => {
        const answers = await Promise.all(ports.map((port) => askTcp(port, 'x')));
        return answers.every((answer, i) => (answer === 'a:x') === open[i]);
      });
      expect(readdirSync(`${box.folder}/.minilb`)).not.toContain('undo');
      expect(await connection.ask('on')).toBe('a:on');
      connection.close();
      await updater.stop();
    }

    test('a change that goes live', async () => {
      await reset();
      const lines = await runSteps(change());
      expect(JSON.parse(lines.at(-1) ?? '')).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
      expect(held()).toEqual(heldAfter());
      const steps = lines.slice(0, -1);
      expect(steps.filter((step) => step.startsWith('written'))).toEqual(['written moved', 'written fresh', 'written gone']);
      expect(steps.length).toBeGreaterThan(9);
      for (let dieAfter = 1; dieAfter <= steps.length; dieAfter++) await crash(change(), dieAfter, 0);
    });

    test('a change that is rolled back, since another program took the port at the last moment', async () => {
      await reset();
      // One call alone: several would be tried again by halves.
      const moved = [put('moved', ports[2])];
      const lines = await runSteps(moved, { thiefPort: ports[2] });
      const [outcome] = JSON.parse(lines.at(-1) ?? '');
      expect(outcome).toMatchObject({ ok: false, code: 'not-live' });
      expect(outcome.detail).toContain(kind === 'nginx' ? 'Address already in use' : `port ${ports[2]}/TCP does not listen`);
      expect(held()).toEqual(heldBefore());
      const steps = lines.slice(0, -1);
      expect(steps.slice(-4)).toEqual(['restored', 'reloaded', 'verified', 'rolled back']);
      // Nothing that the system could see comes after the second reload.
      const from = steps.indexOf('reloaded') + 1;
      for (let dieAfter = from; dieAfter <= steps.lastIndexOf('reloaded') + 1; dieAfter++) await crash(moved, dieAfter, ports[2]);
    });
  });
}
