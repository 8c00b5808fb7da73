import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { type ApiServer, createApi, createWatch } from './api.ts';
import { asset, assetsMissing } from './assets.ts';
import { type Child, freePort, run, startChild } from './child.ts';
import {
  apiServerArgs,
  type ClusterTokens,
  etcdArgs,
  logTail,
  writeAuditPolicy,
  writeCertificates,
  writeKubeconfig,
  writeTokens,
} from './cluster-files.ts';
import { waitFor } from './wait.ts';

export interface ClusterOptions {
  /** Level of the audit log (`auditEvents`); absent: none is written. */
  readonly audit?: 'Metadata' | 'Request' | 'RequestResponse';
  /** Further arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
  /**
   * Further arguments of kube-controller-manager, which win over ours: `--node-monitor-grace-period=10s` for tests of node loss, which then
   * renew Leases in kube-node-lease themselves.
   */
  readonly controllerArgs?: readonly string[];
  /** Without: no EndpointSlices are made. */
  readonly controllers?: boolean;
  /** Where kube-apiserver listens; 127.0.0.1. */
  readonly bind?: string;
  /** Further names in the server's certificate, for example `IP:10.1.0.1`. */
  readonly sans?: readonly string[];
  /** Keep everything here and leave the processes running when this one ends. */
  readonly detachedIn?: string;
}

/** A real API server with etcd and the controllers minilb relies on; everything lies in a folder of its own. */
export interface Cluster extends ApiServer {
  readonly folder: string;
  /** The CA certificate, PEM. */
  readonly ca: string;
  readonly tokens: ClusterTokens;
  readonly pids: Readonly<Record<string, number>>;
  /** Runs kubectl as admin and returns its stdout; throws with its stderr. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** Writes a kubeconfig for another token beside the admin's; returns its path. */
  readonly kubeconfigFor: (name: string, token: string) => string;
  /** Lines of the audit log so far. */
  readonly auditEvents: () => readonly AuditEvent[];
  readonly stop: () => Promise<void>;
}

/** An audit.k8s.io/v1 Event, as far as tests look. */
export interface AuditEvent {
  readonly verb: string;
  readonly user: string;
  readonly uri: string;
  readonly code: number;
  readonly userAgent: string;
  readonly requestObject: unknown;
}

const CONTROLLERS =
  'endpointslice-controller,namespace-controller,node-lifecycle-controller,garbage-collector-controller,serviceaccount-controller';
const START_MS_MAX = 120_000;

/** A probe for `requires('cluster', …)`. */
export function clusterMissing(): string | undefined {
  if (!Bun.which('openssl')) return 'no openssl on this machine';
  return assetsMissing(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl']);
}

/** Starts etcd, kube-apiserver and kube-controller-manager on free ports and waits until they are ready. Call `stop` in `afterAll`. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = options.detachedIn ?? mkdtempSync(join(tmpdir(), 'minilb-cluster-'));
  mkdirSync(folder, { recursive: true });
  const children = new Map<string, Child>();
  const start = async (name: string, args: readonly string[]) => {
    const command = [await asset(name), ...args];
    children.set(name, startChild({ name, command, log: join(folder, `${name}.log`), detached: options.detachedIn !== undefined }));
  };
  const stop = async () => {
    for (const name of ['kube-controller-manager', 'kube-apiserver', 'etcd']) await children.get(name)?.stop();
    if (options.detachedIn === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await startInside(folder, options, children, start, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startInside(
  folder: string,
  options: ClusterOptions,
  children: ReadonlyMap<string, Child>,
  start: (name: string, args: readonly string[]) => Promise<void>,
  stop: () => Promise<void>,
): Promise<Cluster> {
  const [etcdPort, peerPort, port, controllerPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  await writeCertificates(folder, options.sans ?? []);
  const tokens = writeTokens(folder);
  writeAuditPolicy(folder, options.audit ?? 'None');
  const ca = readFileSync(join(folder, 'ca.crt'), 'utf8');
  const server = `https://127.0.0.1:${port}`;
  const kubeconfig = writeKubeconfig(join(folder, 'admin.kubeconfig'), server, ca, tokens.admin);
  const api = createApi(server, { ca, token: tokens.admin });

  const alive = (name: string) => {
    if (children.get(name)?.exitCode() !== undefined) throw new Error(`${name} ended:\n${logTail(join(folder, `${name}.log`))}`);
  };
  const ready = (name: string, probe: () => Promise<boolean>) => waitForProcess(name, () => alive(name), probe);
  const startApiServer = async () => {
    const extra = options.apiServerArgs ?? [];
    await start(
      'kube-apiserver',
      apiServerArgs(folder, { port, etcdPort, bind: options.bind ?? '127.0.0.1', audit: options.audit !== undefined, extra }),
    );
    await ready('kube-apiserver', async () => (await api({ path: '/readyz' })).status === 200);
    await ready('kube-apiserver', async () => (await api({ path: '/api/v1/namespaces/default' })).status === 200);
  };

  await start('etcd', etcdArgs(folder, etcdPort, peerPort));
  await ready('etcd', async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok);
  await startApiServer();
  if (options.controllers !== false) {
    await start('kube-controller-manager', controllerArgs(folder, controllerPort, options.controllerArgs ?? []));
    const url = `https://127.0.0.1:${controllerPort}/healthz`;
    await ready('kube-controller-manager', async () => (await fetch(url, { tls: { rejectUnauthorized: false } })).ok);
  }
  return {
    folder,
    kubeconfig,
    server,
    ca,
    tokens,
    pids: Object.fromEntries([...children].map(([name, child]) => [name, child.pid])),
    access: { ca, token: tokens.admin },
    kubeconfigAt: (name, url) => writeKubeconfig(join(folder, `${name}.kubeconfig`), url, ca, tokens.admin),
    request: api,
    watch: createWatch(server, { ca, token: tokens.admin }),
    kubectl: async (args, input) =>
      run([await asset('kubectl'), `--kubeconfig=${kubeconfig}`, ...args], input === undefined ? {} : { input }),
    kubeconfigFor: (name, token) => writeKubeconfig(join(folder, `${name}.kubeconfig`), server, ca, token),
    stopApiServer: async () => children.get('kube-apiserver')?.stop(),
    startApiServer,
    compact: () => compactEtcd(etcdPort),
    auditEvents: () => readAudit(join(folder, 'audit.log')),
    stop,
  };
}

function controllerArgs(folder: string, port: number, extra: readonly string[]): readonly string[] {
  const kubeconfig = join(folder, 'admin.kubeconfig');
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--controllers=${CONTROLLERS}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
    // No kubelet sends heartbeats: without this the Pods of every Node would be made unready 50 s after it was created.
    '--node-monitor-grace-period=24h',
    `--cert-dir=${folder}`,
    ...extra,
  ];
}

function waitForProcess(name: string, alive: () => void, probe: () => Promise<boolean>): Promise<boolean> {
  let ended: unknown;
  const attempt = async () => {
    try {
      alive();
    } catch (error) {
      ended = error;
      return true;
    }
    return await probe();
  };
  return waitFor(`${name} to be ready`, attempt, START_MS_MAX, 50).then(() => {
    if (ended) throw ended;
    return true;
  });
}

/** etcd's JSON gateway (`/v3/kv/…`) knows the revision from any range request. */
async function compactEtcd(port: number): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`etcd ${path}: ${reply.status} ${await reply.text()}`);
    return asObject(await reply.json());
  };
  const header = asObject((await post('/v3/kv/range', { key: Buffer.from('/').toString('base64') }))?.['header']);
  await post('/v3/kv/compaction', { revision: asString(header?.['revision']), physical: true });
}

function readAudit(path: string): readonly AuditEvent[] {
  if (!existsSync(path)) return [];
  return asArray(
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
  ).map((raw) => {
    const event = asObject(raw);
    return {
      verb: asString(event?.['verb']) ?? '',
      user: asString(asObject(event?.['user'])?.['username']) ?? '',
      uri: asString(event?.['requestURI']) ?? '',
      code: Number(asObject(event?.['responseStatus'])?.['code'] ?? 0),
      userAgent: asString(event?.['userAgent']) ?? '',
      requestObject: event?.['requestObject'],
    };
  });
}
