import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import type { Child } from './child.ts';
import type { Cluster } from './cluster.ts';
import type { Containers, PodFacts } from './kubelet.ts';
import type { Netns } from './netns.ts';

export interface PodRunnerOptions {
  readonly cluster: Cluster;
  /** A folder of the test's own for logs and kubeconfigs. */
  readonly folder: string;
  /** The program that the image holds; others than root must be able to read and run it. */
  readonly binary: string;
  /** The network that a Pod is in, from which the API server is reached at the cluster's own address. */
  readonly networkOf: (pod: PodFacts) => Netns;
  /** `status.hostIPs` of a node, joined. */
  readonly hostIps: (node: string) => string;
}

export interface PodRunner extends Containers {
  /** `start NAME`, `stop NAME`, `gone NAME CODE`, in the order in which it happened. */
  readonly history: readonly string[];
  readonly logOf: (name: string) => string;
  /** Gets tokens for those ServiceAccounts; before the first Pod. */
  readonly prepare: (namespace: string, accounts: readonly string[]) => Promise<void>;
}

/**
 * Runs minilb as a Pod says: its arguments, environment and ServiceAccount (by a kubeconfig with its token), its user, no capabilities but those added, no
 * new privileges. What is not done: the image's file system, cgroups, seccomp.
 */
export function createPodRunner(options: PodRunnerOptions): PodRunner {
  const { cluster, folder } = options;
  const history: string[] = [];
  const children = new Map<string, Child>();
  const told = new Set<string>();
  const kubeconfigs = new Map<string, string>();
  const program = join(folder, 'minilb');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  copyFileSync(options.binary, program);
  chmodSync(program, 0o755);
  const log = (name: string) => join(folder, `${name}.log`);

  const prepare = async (namespace: string, accounts: readonly string[]) => {
    for (const account of accounts) {
      const token = (await cluster.kubectl(['-n', namespace, 'create', 'token', account])).trim();
      const path = join(folder, `${account}.kubeconfig`);
      copyFileSync(cluster.kubeconfigFor(account, token), path);
      chmodSync(path, 0o644);
      kubeconfigs.set(account, path);
    }
  };

  const start = (pod: PodFacts) => {
    if (children.has(pod.name)) return;
    const { user, group, capabilities, args, account } = toProcess(pod);
    const caps = capabilities.map((name) => `+${name.toLowerCase()}`).join(',');
    const dropped = ['--no-new-privs', `--bounding-set=-all${caps && `,${caps}`}`, '--inh-caps=-all'];
    const command = ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups', ...dropped, program, ...args];
    const env = {
      HOME: '/nonexistent',
      KUBECONFIG: undefined,
      MINILB_KUBECONFIG: kubeconfigs.get(account) ?? '',
      HOST_IPS: options.hostIps(pod.node),
      POD_NAME: pod.name,
    };
    history.push(`start ${pod.name}`);
    const child = options.networkOf(pod).start({ name: pod.name, command, log: log(pod.name), env, cwd: '/' });
    children.set(pod.name, child);
    void child.exited.then((code) => history.push(`gone ${pod.name} ${code}`));
  };

  const stop = (pod: PodFacts) => {
    const child = children.get(pod.name);
    if (!child || child.exitCode() !== undefined) return true;
    if (!told.has(pod.name)) {
      told.add(pod.name);
      history.push(`stop ${pod.name}`);
      // `ip netns exec` becomes setpriv and that the program, so the signal reaches it.
      child.signal('SIGTERM');
    }
    return false;
  };

  const isReady = async (pod: PodFacts) => {
    const url = toProcess(pod).readiness;
    if (url === undefined) return true;
    const probe = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '2', url];
    const code = await options
      .networkOf(pod)
      .run(probe)
      .catch(() => '');
    return code === '200';
  };

  return {
    history,
    prepare,
    start,
    stop,
    isReady,
    exitCode: (pod) => (told.has(pod.name) ? undefined : children.get(pod.name)?.exitCode()),
    logOf: (name) => readFileSync(log(name), 'utf8'),
  };
}

interface PodProcess {
  readonly user: number;
  readonly group: number;
  readonly capabilities: readonly string[];
  readonly args: readonly string[];
  readonly account: string;
  /** As seen from inside the Pod. */
  readonly readiness: string | undefined;
}

function toProcess(pod: PodFacts): PodProcess {
  const container = asObject(asArray(pod.spec['containers'])[0]) ?? {};
  const security = { ...asObject(pod.spec['securityContext']), ...asObject(container['securityContext']) };
  if (security['runAsUser'] === undefined) throw new Error(`${pod.name}: no runAsUser`);
  const capabilities = asObject(security['capabilities']);
  if (!asArray(capabilities?.['drop']).includes('ALL')) throw new Error(`${pod.name} keeps capabilities`);
  const get = asObject(asObject(container['readinessProbe'])?.['httpGet']);
  const ports = asArray(container['ports']).map((port) => asObject(port));
  const port = ports.find((each) => each?.['name'] === get?.['port'])?.['containerPort'];
  return {
    user: Number(security['runAsUser']),
    group: Number(security['runAsGroup'] ?? 0),
    capabilities: asArray(capabilities?.['add']).map(String),
    args: asArray(container['args']).map(String),
    account: asString(pod.spec['serviceAccountName']) ?? '',
    readiness: get && `http://${asString(get['host']) ?? '127.0.0.1'}:${port}${asString(get['path'])}`,
  };
}
