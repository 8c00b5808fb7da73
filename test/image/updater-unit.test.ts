import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePort, run, startChild } from '../support/child.ts';
import { askTcp, type EchoServer, startEcho } from '../support/echo.ts';
import { TOKEN } from '../support/proxy.ts';
import { programs, requires } from '../support/require.ts';
import { asUnitUser, copyUnit, EXPOSURE_MAX, exposureOf, verifyUnit } from '../support/systemd.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = `${import.meta.dirname}/../..`;
const EXAMPLES = `${ROOT}/deploy/updater/examples`;

const suite = await requires('image', async () => {
  const missing = await programs('systemd-analyze', 'setpriv', 'unshare', 'mount', 'nginx', 'haproxy')();
  return missing ?? (process.getuid?.() === 0 ? undefined : 'the proxy’s main process is to be root’s, and the updater is not');
});

/**
 * A mount namespace in which $1/NAME lies over /etc/NAME, /run and /var/log/nginx are the test's own, and, as ProtectSystem=strict has it, only
 * the folder can be written. The proxy starts before, as root, and ends with the updater.
 */
const BOX = `set -e
mount --bind "$1/$2" "/etc/$2"
mount --bind "$1/run" /run
mount --bind "$1/log" /var/log/nginx
setpriv --pdeathsig KILL sh -c "exec $4" &
mount --bind "/etc/$2/$3" "/etc/$2/$3"
mount -o remount,bind,ro "/etc/$2"
mount -o remount,bind,ro /
shift 4
exec "$@"`;

const NGINX = 'nginx -g "daemon off;"';
const HAPROXY = 'haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/haproxy-master.sock -f /etc/haproxy/minilb.d';

suite('the systemd unit of the updater', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-updater-unit-'));
  const unit = copyUnit('minilb-updater.service', folder);
  let child: Child | undefined;
  let echo: EchoServer;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    await run([process.execPath, 'scripts/build.ts', `--outdir=${folder}`], { cwd: ROOT });
    writeFileSync(join(folder, 'tokens'), `tests ${TOKEN}\n`, { mode: 0o600 });
    await run(['chown', '65532:65532', join(folder, 'tokens')]);
    echo = await startEcho('a');
  }, 60_000);
  afterEach(async () => {
    child?.signal('SIGKILL');
    await child?.exited;
  });
  afterAll(async () => {
    await echo.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('systemd finds nothing wrong with it', async () => {
    expect(await verifyUnit(unit)).toEqual({ output: '', exitCode: 0 });
  });

  test('it may do little', async () => {
    expect(await exposureOf(unit)).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  /** Starts the proxy as root, with `main` as its main configuration, and the updater with the unit's rights. */
  async function begin(kind: 'nginx' | 'haproxy', main: string) {
    const box = mkdtempSync(join(folder, 'box-'));
    chmodSync(box, 0o755);
    const confFolder = kind === 'nginx' ? 'streams.d' : 'minilb.d';
    cpSync(`/etc/${kind}`, join(box, kind), { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(box, kind, `${kind === 'nginx' ? 'nginx.conf' : 'haproxy.cfg'}`), main);
    for (const name of ['run', 'run/haproxy', 'log']) mkdirSync(join(box, name));
    // As Debian's package has it.
    writeFileSync(join(box, 'log', 'error.log'), '', { mode: 0o640 });
    await run(['chgrp', 'adm', join(box, 'log', 'error.log')]);
    mkdirSync(join(box, kind, confFolder));
    await run(['chown', '65532:65532', join(box, kind, confFolder)]);
    const port = await freePort();
    const updater = [...asUnitUser(unit), join(folder, 'minilb'), ...unit.args(folder)];
    // In a process namespace all end together, the proxy's workers too.
    const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const command = [...namespaces, 'sh', '-c', BOX, 'sh', box, kind, confFolder, kind === 'nginx' ? NGINX : HAPROXY, ...updater];
    const env = { HOST: '127.0.0.1', PORT: String(port), MINILB_PROXY: kind };
    const log = join(box, 'log.txt');
    child = startChild({ name: 'updater', command, log, env });
    const health = async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.status === 200;
    await waitFor('the updater to be in step with the proxy', health).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(log, 'utf8')}`);
    });
    const post = async (backendName: string, lbPort: number) => {
      const body = JSON.stringify({ backendName, lbPort, upstreamServers: [{ host: '127.0.0.1', port: echo.port }] });
      const headers = { authorization: `Bearer ${TOKEN}` };
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/lb`, { method: 'POST', headers, body });
      return [response.status, await response.text()];
    };
    const pid = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    return { box, post, pid };
  }

  const debians = () => readFileSync('/etc/nginx/nginx.conf', 'utf8').replace(/^\s*include .*sites-enabled.*$/m, '');
  const include = readFileSync(`${EXAMPLES}/nginx.conf`, 'utf8').trim().split('\n').at(-1);
  const rows = [
    ['nginx with the example’s configuration', 'nginx', () => readFileSync(`${EXAMPLES}/nginx.conf`, 'utf8')],
    ['nginx with Debian’s configuration and the one line', 'nginx', () => `${debians()}\n${include}\n`],
    ['HAProxy with the example’s configuration', 'haproxy', () => readFileSync(`${EXAMPLES}/haproxy.cfg`, 'utf8')],
    ['HAProxy with Debian’s configuration', 'haproxy', () => readFileSync('/etc/haproxy/haproxy.cfg', 'utf8')],
  ] as const;
  test.each(rows)(
    'not as root, it programs %s',
    async (_, kind, main) => {
      const { post, pid } = await begin(kind, main());
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65532\t65532/m);
      const port = await freePort();
      expect(await post('default_web', port)).toEqual([200, '{}\n']);
      expect(await askTcp(port, 'x')).toBe('a:x');
    },
    60_000,
  );

  test('a fault in a website, which is not tested without root, is what nginx says when it does not take the change; it is rolled back', async () => {
    const { box, post } = await begin('nginx', `${debians()}\n${include}\n`);
    const [good, port] = [await freePort(), await freePort()];
    expect(await post('default_good', good)).toEqual([200, '{}\n']);
    writeFileSync(join(box, 'nginx', 'conf.d', 'broken.conf'), 'no_such_directive on;\n');
    expect(await post('default_web', port)).toEqual([500, expect.stringContaining('unknown directive \\"no_such_directive\\"')]);
    expect([await askTcp(good, 'x'), await askTcp(port, 'x')]).toEqual(['a:x', '(ECONNREFUSED)']);
    rmSync(join(box, 'nginx', 'conf.d', 'broken.conf'));
    expect(await post('default_web', port)).toEqual([200, '{}\n']);
    expect(await askTcp(port, 'x')).toBe('a:x');
  }, 60_000);
});
