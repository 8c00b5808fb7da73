import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ADAPTERS } from '../../src/core/proxy/adapters.ts';
import { type Child, startChild } from './child.ts';
import { type Minilb, startMinilb } from './minilb.ts';
import { type Probe, programs } from './require.ts';
import { waitFor } from './wait.ts';

/** An nginx or HAProxy of a test's own, on its own folder; not as root. */
export interface ProxyBox {
  readonly kind: 'nginx' | 'haproxy';
  readonly root: string;
  /** What the updater writes into. */
  readonly folder: string;
  readonly mainFile: string;
  readonly start: () => Promise<void>;
  /** Ends it as an init system would. */
  readonly stop: () => Promise<void>;
  readonly pid: () => number;
  readonly log: () => string;
  readonly close: () => Promise<void>;
}

const STREAM_MODULE = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules']
  .map((folder) => `${folder}/ngx_stream_module.so`)
  .find(existsSync);
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** A probe for `requires('proxy', …)`. */
export const proxyMissing: Probe = async () =>
  (await programs('nginx', 'haproxy', 'setpriv', 'mount')()) ??
  (STREAM_MODULE ? undefined : "nginx's stream module is not on this machine");

export interface BoxOptions {
  /** Where the folder is, when the test has made one itself. */
  readonly folder?: string;
  /** Replaces the line that includes the folder. */
  readonly include?: string;
}

/** Makes the folder and the main configuration; starts nothing. */
export function createProxyBox(kind: 'nginx' | 'haproxy', options: BoxOptions = {}): ProxyBox {
  const root = mkdtempSync(`${tmpdir()}/minilb-${kind}-`);
  chmodSync(root, 0o777);
  const folder = options.folder ?? `${root}/conf.d`;
  mkdirSync(folder, { recursive: true });
  const mainFile = `${root}/main.conf`;
  const include = options.include ?? `stream { include ${folder}/*.conf; }`;
  writeFileSync(mainFile, kind === 'nginx' ? nginxMain(root, include) : haproxyMain(root));
  const command =
    kind === 'nginx'
      ? ['nginx', '-e', `${root}/error.log`, '-c', mainFile, '-g', 'daemon off;']
      : ['haproxy', '-W', '-f', mainFile, '-f', folder];
  let child: Child | undefined;
  const pidFile = `${root}/pid`;
  const pid = () => Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const asNobody = process.getuid?.() === 0 ? NOBODY : [];
  return {
    kind,
    root,
    folder,
    mainFile,
    start: async () => {
      rmSync(pidFile, { force: true });
      const started = startChild({ name: kind, command: [...asNobody, ...command], log: `${root}/out.log` });
      child = started;
      await waitFor(`${kind} to start`, () => {
        if (started.exitCode() !== undefined) throw new Error(`it ended: ${readFileSync(`${root}/out.log`, 'utf8')}`);
        const main = existsSync(pidFile) && pid();
        return main && readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').trim() !== '';
      });
    },
    stop: async () => {
      await child?.stop();
      child = undefined;
    },
    pid,
    log: () =>
      ['out.log', 'error.log'].map((name) => (existsSync(`${root}/${name}`) ? readFileSync(`${root}/${name}`, 'utf8') : '')).join(''),
    close: async () => {
      await child?.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function nginxMain(root: string, include: string): string {
  return `load_module ${STREAM_MODULE};
pid ${root}/pid;
error_log ${root}/error.log notice;
worker_processes 2;
events { worker_connections 4096; }
${include}
`;
}

function haproxyMain(root: string): string {
  return `global
  pidfile ${root}/pid
  maxconn 1000
  nbthread 2
defaults
  mode http
  option httplog
  timeout connect 5s
  timeout client 50s
  timeout server 50s
`;
}

/** An answer of the API, as bytes came. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface TestUpdater {
  readonly minilb: Minilb;
  readonly url: string;
  readonly port: number;
  readonly post: (body: unknown) => Promise<Answer>;
  readonly delete: (name: string) => Promise<Answer>;
  readonly list: () => Promise<readonly { readonly backendName: string; readonly state: string }[]>;
  readonly health: () => Promise<Answer>;
  readonly stop: () => Promise<void>;
}

export const TOKEN = '0123456789abcdef0123';

/** Arguments that lead the updater to the box; a token file lets upstreams be on loopback. */
export function updaterArgs(box: ProxyBox, port: number): readonly string[] {
  writeFileSync(`${box.root}/tokens`, `tests ${TOKEN}\nothers fedcba9876543210fedc\n`, { mode: 0o600 });
  return [
    'updater',
    ...['-proxy', box.kind, '-proxy-conf', box.mainFile, '-conf-folder', box.folder],
    ...['-api-host', '127.0.0.1', '-api-port', String(port), '-token-file', `${box.root}/tokens`, '-log-level', 'debug'],
  ];
}

/** Starts `minilb updater` and waits until it answers. */
export async function startUpdater(box: ProxyBox, port: number, more: readonly string[] = []): Promise<TestUpdater> {
  const minilb = startMinilb([...updaterArgs(box, port), ...more]);
  await minilb.logged('serving');
  const url = `http://127.0.0.1:${port}`;
  const call = async (method: string, body: unknown): Promise<Answer> => {
    const init = { method, headers: { authorization: `Bearer ${TOKEN}` }, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${url}/api/v1/lb`, init);
    return { status: response.status, text: await response.text() };
  };
  return {
    minilb,
    url,
    port,
    post: (body) => call('POST', body),
    delete: (backendName) => call('DELETE', { backendName }),
    list: async () => JSON.parse((await call('GET', undefined)).text).backends,
    health: async () => {
      const response = await fetch(`${url}/healthz`);
      return { status: response.status, text: await response.text() };
    },
    stop: async () => {
      minilb.signal('SIGTERM');
      await minilb.exited;
    },
  };
}

/** What a file of the box's folder is called. */
export function confFile(box: ProxyBox, name: string): string {
  return `${box.folder}/${name}${ADAPTERS[box.kind].suffix}`;
}

export const LIVE = { status: 200, text: '{}\n' };
