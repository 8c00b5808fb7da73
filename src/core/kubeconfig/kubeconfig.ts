import { asArray, asBoolean, asObject, asString, type RawObject } from '../object/raw.ts';
import { err, ok, type Result } from '../value/result.ts';

/** One kubeconfig file, parsed. `path` is where relative file names in it start from, and what errors name. */
export interface KubeconfigFile {
  readonly path: string;
  readonly raw: unknown;
}

/** A certificate, key or token: inline (already decoded from base64), or in a file whose path is as written beside `from`. */
export type Material =
  | { readonly kind: 'data'; readonly base64: string; readonly field: string }
  | { readonly kind: 'file'; readonly path: string; readonly from: string };

export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string;
  readonly interactive: 'Never' | 'IfAvailable' | 'Always';
  readonly provideClusterInfo: boolean;
  /** The kubeconfig that names it: a command with a slash is relative to it. */
  readonly from: string;
}

/** What one context of the merged files says. */
export interface KubeconfigContext {
  readonly name: string;
  readonly namespace: string;
  readonly server: string;
  readonly ca?: Material;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly proxyUrl?: string;
  readonly cert?: Material;
  readonly key?: Material;
  readonly token?: string;
  readonly tokenFile?: Material;
  readonly exec?: ExecPlugin;
}

export type KubeconfigErrorCode = 'malformed' | 'unsupported';

const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;
const INTERACTIVE = ['Never', 'IfAvailable', 'Always'] as const;
const CLUSTER_FIELDS = [
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'insecure-skip-tls-verify',
  'tls-server-name',
  'proxy-url',
  'disable-compression',
  'extensions',
];
const USER_FIELDS = [
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
  'tokenFile',
  'exec',
  'extensions',
];

interface Entry {
  readonly body: RawObject;
  readonly from: string;
}

/** The context that would be used: the first `current-context` that any of the files sets; empty when none does. */
export function currentContext(files: readonly KubeconfigFile[]): string {
  for (const { raw } of files) {
    const name = asString(asObject(raw)?.['current-context']);
    if (name) return name;
  }
  return '';
}

/**
 * Reads the current context out of merged files, as kubectl does: the first file that sets a name wins. A field that changes how to connect
 * and is not known here is an error that names it, because leaving it out would connect in another way than asked.
 */
export function resolveKubeconfig(files: readonly KubeconfigFile[]): Result<KubeconfigContext, KubeconfigErrorCode> {
  const paths = files.map((file) => file.path).join(', ');
  for (const { path, raw } of files)
    if (raw !== null && !asObject(raw)) return err('malformed', `${path} is not a kubeconfig: it holds no mapping`);
  const name = currentContext(files);
  if (!name) return err('malformed', `${paths}: no current-context is set; choose one with kubectl config use-context NAME`);
  const context = find(files, 'contexts', 'context', name);
  if (!context) return err('malformed', `${paths}: the current-context "${name}" is not among the contexts`);
  const clusterName = asString(context.body['cluster']) ?? '';
  const cluster = find(files, 'clusters', 'cluster', clusterName);
  if (!cluster) return err('malformed', `${context.from}: the context "${name}" names the cluster "${clusterName}", which is not there`);
  const userName = asString(context.body['user']) ?? '';
  const user = userName === '' ? { body: {}, from: context.from } : find(files, 'users', 'user', userName);
  if (!user) return err('malformed', `${context.from}: the context "${name}" names the user "${userName}", which is not there`);
  const odd = unknownField(cluster, CLUSTER_FIELDS, `cluster "${clusterName}"`) ?? unknownField(user, USER_FIELDS, `user "${userName}"`);
  if (odd) return err('unsupported', odd);
  return toContext(name, asString(context.body['namespace']) || 'default', cluster, clusterName, user, userName);
}

function toContext(
  name: string,
  namespace: string,
  cluster: Entry,
  clusterName: string,
  user: Entry,
  userName: string,
): Result<KubeconfigContext, KubeconfigErrorCode> {
  const server = (asString(cluster.body['server']) ?? '').replace(/\/+$/, '');
  if (!/^https?:\/\/[^/\s]+/.test(server))
    return err('malformed', `${cluster.from}: the cluster "${clusterName}" has the server "${server}", which is no http or https URL`);
  const proxyUrl = asString(cluster.body['proxy-url']) || undefined;
  if (proxyUrl && !/^https?:\/\/[^/\s]+/.test(proxyUrl))
    return err(
      'unsupported',
      `${cluster.from}: the cluster "${clusterName}" has the proxy-url "${proxyUrl}"; minilb knows http and https proxies`,
    );
  const exec = toExec(user, userName);
  if (exec && !exec.ok) return exec;
  const text = (entry: Entry, field: string) => asString(entry.body[field]) || undefined;
  const ca = material(cluster, 'certificate-authority');
  const cert = material(user, 'client-certificate');
  const key = material(user, 'client-key');
  if (!cert !== !key)
    return err(
      'malformed',
      `${user.from}: the user "${userName}" has a client certificate without its key, or a key without its certificate`,
    );
  const tokenFile = text(user, 'tokenFile');
  const token = text(user, 'token');
  const serverName = text(cluster, 'tls-server-name');
  return ok({
    name,
    namespace,
    server,
    insecureSkipTlsVerify: asBoolean(cluster.body['insecure-skip-tls-verify']) ?? false,
    ...(ca && { ca }),
    ...(serverName && { serverName }),
    ...(proxyUrl && { proxyUrl }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(token && { token }),
    ...(tokenFile && { tokenFile: { kind: 'file' as const, path: tokenFile, from: user.from } }),
    ...(exec?.ok && { exec: exec.value }),
  });
}

function find(files: readonly KubeconfigFile[], list: string, field: string, name: string): Entry | undefined {
  for (const { path, raw } of files) {
    for (const item of asArray(asObject(raw)?.[list])) {
      const entry = asObject(item);
      if (entry?.['name'] === name) return { body: asObject(entry[field]) ?? {}, from: path };
    }
  }
  return undefined;
}

function unknownField(entry: Entry, known: readonly string[], what: string): string | undefined {
  const field = Object.keys(entry.body).find((each) => !known.includes(each));
  return field === undefined ? undefined : `${entry.from}: the ${what} uses "${field}", which minilb does not support`;
}

/** `-data` wins over the file, as in kubectl. */
function material(entry: Entry, field: string): Material | undefined {
  const base64 = asString(entry.body[`${field}-data`]);
  if (base64) return { kind: 'data', base64, field: `${field}-data in ${entry.from}` };
  const path = asString(entry.body[field]);
  return path ? { kind: 'file', path, from: entry.from } : undefined;
}

function toExec(user: Entry, userName: string): Result<ExecPlugin, KubeconfigErrorCode> | undefined {
  const raw = asObject(user.body['exec']);
  if (!raw) return undefined;
  const where = `${user.from}: the exec plugin of user "${userName}"`;
  const apiVersion = EXEC_VERSIONS.find((each) => each === raw['apiVersion']);
  if (!apiVersion)
    return err(
      'unsupported',
      `${where} has the apiVersion "${asString(raw['apiVersion']) ?? ''}"; minilb knows ${EXEC_VERSIONS.join(' and ')}`,
    );
  const command = asString(raw['command']);
  if (!command) return err('malformed', `${where} has no command`);
  const interactive = INTERACTIVE.find((each) => each === (raw['interactiveMode'] ?? 'IfAvailable'));
  if (!interactive) return err('malformed', `${where} has an unknown interactiveMode`);
  const env: Record<string, string> = {};
  for (const item of asArray(raw['env'])) {
    const variable = asString(asObject(item)?.['name']);
    if (variable) env[variable] = asString(asObject(item)?.['value']) ?? '';
  }
  return ok({
    apiVersion,
    command,
    args: asArray(raw['args']).filter((arg) => typeof arg === 'string'),
    env,
    installHint: asString(raw['installHint']) ?? '',
    interactive,
    provideClusterInfo: asBoolean(raw['provideClusterInfo']) ?? false,
    from: user.from,
  });
}
