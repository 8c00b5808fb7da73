import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort, freePorts } from '../support/child.ts';
import { askTcp, type EchoServer, startEcho } from '../support/echo.ts';
import { runMinilb } from '../support/minilb.ts';
import {
  type Answer,
  confFile,
  createProxyBox,
  LIVE,
  type ProxyBox,
  proxyMissing,
  startUpdater,
  type TestUpdater,
  updaterArgs,
} from '../support/proxy.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// Every fault is planted while one backend serves: that one must serve on, the caller must learn what is wrong, and when the cause is gone
// the same call must succeed.

const suite = await requires('proxy', proxyMissing);

for (const kind of ['nginx', 'haproxy'] as const) {
  suite(`${kind}: faults`, () => {
    let box: ProxyBox;
    let updater: TestUpdater;
    let echo: EchoServer;
    let good = 0;
    let port = 0;
    const cleanups: (() => unknown)[] = [];

    beforeEach(async () => {
      echo = await startEcho('a');
      [good = 0, port = 0] = await freePorts(2);
    });
    afterEach(async () => {
      await updater?.stop();
      await box?.close();
      await echo.close();
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    const call = (changes: Record<string, unknown> = {}) => ({
      backendName: 'default_new',
      lbPort: port,
      upstreamServers: [{ host: '127.0.0.1', port: echo.port }],
      ...changes,
    });

    /** A proxy with one backend that serves. */
    async function begin(options: { readonly folder?: string; readonly args?: readonly string[] } = {}): Promise<void> {
      box = createProxyBox(kind, options);
      await box.start();
      updater = await startUpdater(box, await freePort(), options.args);
      expect(await updater.post(call({ backendName: 'default_good', lbPort: good }))).toEqual(LIVE);
    }

    /** The last good configuration serves, in the running proxy and in one that would start now. */
    async function expectAsBefore(): Promise<void> {
      expect(await askTcp(good, 'x')).toBe('a:x');
      expect(existsSync(confFile(box, 'default_new'))).toBe(false);
      expect(existsSync(`${box.folder}/.minilb/undo`)).toBe(false);
    }

    function reasonOf(answer: Answer): string {
      expect(answer.status).toBe(500);
      return JSON.parse(answer.text).err;
    }

    async function expectHealed(): Promise<void> {
      expect(await updater.post(call())).toEqual(LIVE);
      expect([await askTcp(good, 'x'), await askTcp(port, 'x')]).toEqual(['a:x', 'a:x']);
      expect(await updater.health()).toEqual({ status: 200, text: 'ok\n' });
    }

    test.each(['0.0.0.0', '127.0.0.1', '::'])('a port taken by another process on %s', async (host) => {
      await begin();
      const thief = createServer();
      await new Promise<void>((resolve) => thief.listen(port, host, resolve));
      cleanups.push(() => thief.close());
      expect(reasonOf(await updater.post(call()))).toBe(`failed to update stream: another program holds port ${port}/TCP on this host`);
      await expectAsBefore();
      await new Promise((resolve) => thief.close(resolve));
      await expectHealed();
    });

    test('one bad file by hand: the program’s own words name it, and a restart of the proxy is known to fail', async () => {
      await begin();
      writeFileSync(confFile(box, 'hand'), 'this is { not; configuration');
      const reason = reasonOf(await updater.post(call()));
      expect(reason).toContain(confFile(box, 'hand'));
      expect(reason).not.toContain('.minilb');
      await expectAsBefore();
      expect((await updater.health()).status).toBe(503);
      rmSync(confFile(box, 'hand'));
      await expectHealed();
    });

    test('a file by hand under the name of a backend is not touched', async () => {
      await begin();
      writeFileSync(confFile(box, 'default_new'), '# by hand\n');
      for (const answer of [await updater.post(call()), await updater.delete('default_new')]) expect(answer.status).toBe(409);
      expect(readFileSync(confFile(box, 'default_new'), 'utf8')).toBe('# by hand\n');
      rmSync(confFile(box, 'default_new'));
      await expectHealed();
    });

    test('an unresolvable name; twenty calls beside it are not to blame', async () => {
      await begin();
      const bad = call({ upstreamServers: [{ host: 'no-such-host.invalid', port: 1 }] });
      const ports = await freePorts(20);
      const answers = Promise.all(ports.map((each, i) => updater.post(call({ backendName: `beside_${i}`, lbPort: each }))));
      expect(reasonOf(await updater.post(bad))).toContain('no-such-host.invalid');
      expect(new Set((await answers).map((answer) => answer.status))).toEqual(new Set([200]));
      await expectAsBefore();
      await expectHealed();
    });

    test('the proxy is dead: nothing is written; it comes back with the last good configuration and takes the call', async () => {
      await begin();
      await box.stop();
      expect(reasonOf(await updater.post(call()))).toContain(`${kind} is not running`);
      expect(await updater.health()).toMatchObject({ status: 503 });
      expect(existsSync(confFile(box, 'default_new'))).toBe(false);
      await box.start();
      await expectAsBefore();
      await waitFor('the updater to see it', async () => (await updater.health()).status === 200);
      await expectHealed();
    });

    test('the program is missing', async () => {
      const bin = mkdtempSync(`${tmpdir()}/minilb-bin-`);
      cleanups.push(() => rmSync(bin, { recursive: true }));
      symlinkSync(Bun.which(kind) ?? '', `${bin}/proxy`);
      await begin({ args: ['-proxy-program', `${bin}/proxy`] });
      renameSync(`${bin}/proxy`, `${bin}/away`);
      expect(reasonOf(await updater.post(call()))).toMatch(
        /^failed to update stream: the configuration cannot be tested: .*\/proxy cannot be started/,
      );
      await expectAsBefore();
      renameSync(`${bin}/away`, `${bin}/proxy`);
      await expectHealed();
    });

    test('the program hangs: the call is answered within the operator’s 10 s', async () => {
      const bin = mkdtempSync(`${tmpdir()}/minilb-bin-`);
      cleanups.push(() => rmSync(bin, { recursive: true }));
      symlinkSync(Bun.which(kind) ?? '', `${bin}/proxy`);
      await begin({ args: ['-proxy-program', `${bin}/proxy`] });
      rmSync(`${bin}/proxy`);
      writeFileSync(`${bin}/proxy`, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
      const started = performance.now();
      expect(reasonOf(await updater.post(call()))).toContain('did not end within');
      expect(performance.now() - started).toBeLessThan(9_500);
      await expectAsBefore();
      rmSync(`${bin}/proxy`);
      symlinkSync(Bun.which(kind) ?? '', `${bin}/proxy`);
      await expectHealed();
    });

    test('two updaters on one folder: the second one says so and ends', async () => {
      await begin();
      const second = await runMinilb(updaterArgs(box, await freePort()));
      expect(second).toMatchObject({ exitCode: 1, stdout: '' });
      expect(second.stderr).toContain(`minilb: another updater works on ${box.folder} (held by process ${updater.minilb.pid})`);
      updater.minilb.signal('SIGKILL');
      await updater.minilb.exited;
      updater = await startUpdater(box, updater.port);
      await expectAsBefore();
      await expectHealed();
    });

    test('a file system that is full, and one that has become read-only', async () => {
      const mount = mkdtempSync(`${tmpdir()}/minilb-tmpfs-`);
      cleanups.push(() => rmSync(mount, { recursive: true }));
      const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'tmpfs', mount]);
      if (mounted.exitCode !== 0) throw new Error(`tmpfs cannot be mounted: ${mounted.stderr}`);
      cleanups.push(() => Bun.spawnSync(['umount', '-l', mount]));
      mkdirSync(`${mount}/conf.d`);
      await begin({ folder: `${mount}/conf.d` });

      fill(`${mount}/filler`);
      expect(reasonOf(await updater.post(call()))).toContain('the disk is full');
      await expectAsBefore();
      rmSync(`${mount}/filler`);
      await expectHealed();

      expect(await updater.delete('default_new')).toEqual(LIVE);
      expect(Bun.spawnSync(['mount', '-o', 'remount,ro', mount]).exitCode).toBe(0);
      expect(reasonOf(await updater.post(call()))).toContain('the file system is read-only');
      await expectAsBefore();
      Bun.spawnSync(['mount', '-o', 'remount,rw', mount]);
      await expectHealed();
    });

    test('a folder that is not empty at the start is brought live, whatever the proxy ran with', async () => {
      await begin();
      await updater.stop();
      const text = readFileSync(confFile(box, 'default_good'), 'utf8');
      rmSync(confFile(box, 'default_good'));
      writeFileSync(confFile(box, 'default_new'), text.replaceAll('default_good', 'default_new').replaceAll(String(good), String(port)));
      updater = await startUpdater(box, updater.port);
      await waitFor('the folder to be live', async () => (await askTcp(port, 'x')) === 'a:x');
      await waitFor('the port of before to be closed', async () => (await askTcp(good, 'x')) === '(ECONNREFUSED)');
    });

    test('the line that includes the folder is missing: one clear line at the start', async () => {
      box = createProxyBox(kind, { include: 'stream { }' });
      if (kind === 'haproxy') {
        // HAProxy is told of folders on its command line, so only the running one can show that it was not.
        writeFileSync(`${box.root}/pid`, '');
        const other = createProxyBox('haproxy');
        cleanups.push(() => other.close());
        await other.start();
        writeFileSync(`${box.root}/pid`, `${other.pid()}\n`);
      }
      const started = await runMinilb(updaterArgs(box, await freePort()));
      expect(started.exitCode).toBe(1);
      expect(started.stderr).toContain(
        kind === 'nginx'
          ? `minilb: ${box.mainFile} lacks the line: stream { include ${box.folder}/*.conf; }`
          : `minilb: the running HAProxy does not read ${box.folder}: add "-f ${box.folder}" to its command line`,
      );
    });

    test('no folder, no main configuration: one clear line at the start', async () => {
      box = createProxyBox(kind);
      const port = await freePort();
      const missing = await runMinilb([...updaterArgs(box, port), '-conf-folder', `${box.root}/nowhere`]);
      expect([missing.exitCode, missing.stderr.trim().split('\n').at(-1)]).toEqual([
        1,
        `minilb: cannot use ${box.root}/nowhere (${box.root}/nowhere): no such file or folder`,
      ]);
      const noMain = await runMinilb([...updaterArgs(box, port), '-proxy-conf', `${box.root}/nowhere.conf`]);
      expect([noMain.exitCode, noMain.stderr.trim().split('\n').at(-1)]).toEqual([
        1,
        `minilb: cannot read ${box.root}/nowhere.conf (${box.root}/nowhere.conf): no such file or folder`,
      ]);
      expect(readdirSync(box.folder)).toEqual(['.minilb']);
    });
  });
}

/** Writes until nothing more fits. */
function fill(path: string): void {
  for (let bytes = 65_536; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
