import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { currentContext, type KubeconfigContext, type KubeconfigFile, resolveKubeconfig } from '../../core/kubeconfig/kubeconfig.ts';
import { parseIp } from '../../core/value/ip.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import type { Clock } from '../system/clock.ts';
import type { Credentials, CredentialsErrorCode, Identity } from './credentials.ts';
import type { ExecOptions } from './exec-plugin.ts';
import { checkPem, readMaterial, readTextFile } from './material.ts';

export interface LoadOptions {
  /** `-kubeconfig`; empty: KUBECONFIG, the Pod's service account, or ~/.kube/config. */
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Where a Pod finds its service account. */
  readonly serviceAccountFolder?: string;
}

type Loaded<T> = Promise<Result<T, CredentialsErrorCode>>;

/** What the context is called where a Pod's own ServiceAccount is used. */
export const IN_CLUSTER = 'in-cluster';
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A service account's token rotates about once an hour; reading it again is cheap. */
const TOKEN_FRESH_MS = 60_000;
const KUBECONFIG_FILES_MAX = 32;

/**
 * Finds the API server and who we are there: `-kubeconfig`, then KUBECONFIG, then the Pod's service account, then ~/.kube/config.
 * Certificates and keys are parsed here, so that an error names the file or field and not a TLS alert.
 */
export async function loadCredentials(options: LoadOptions): Loaded<Credentials> {
  const { kubeconfig, env } = options;
  const named = kubeconfig !== '' ? [kubeconfig] : (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  if (named.length === 0 && env['KUBERNETES_SERVICE_HOST']) return inCluster(options);
  const files = await readKubeconfigs(
    named.length > 0 ? named : [join(env['HOME'] ?? homedir(), '.kube', 'config')],
    named.length > 0,
    kubeconfig !== '',
  );
  if (!files.ok) return files;
  const context = resolveKubeconfig(files.value);
  return context.ok ? fromContext(context.value, options) : context;
}

/** The kubeconfig context that `minilb` would use outside a cluster; undefined when there is none. */
export async function kubeconfigContext(env: LoadOptions['env']): Promise<string | undefined> {
  const named = (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  const files = await readKubeconfigs(
    named.length > 0 ? named : [join(env['HOME'] ?? homedir(), '.kube', 'config')],
    named.length > 0,
    false,
  );
  return files.ok ? currentContext(files.value) || undefined : undefined;
}

async function inCluster({ env, clock, serviceAccountFolder = SERVICE_ACCOUNT_FOLDER }: LoadOptions): Loaded<Credentials> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const ca = readTextFile(join(serviceAccountFolder, 'ca.crt'));
  if (!ca.ok) return ca;
  const checked = checkPem('certificate', ca.value, join(serviceAccountFolder, 'ca.crt'));
  if (!checked.ok) return checked;
  const tokenPath = join(serviceAccountFolder, 'token');
  const token = readTextFile(tokenPath);
  if (!token.ok) return token;
  const namespace = readTextFile(join(serviceAccountFolder, 'namespace'));
  const bracketed = parseIp(host)?.includes(':') ? `[${host}]` : host;
  return ok({
    server: `https://${bracketed}:${port}`,
    context: IN_CLUSTER,
    namespace: namespace.ok && namespace.value.trim() !== '' ? namespace.value.trim() : 'default',
    ca: ca.value,
    insecureSkipTlsVerify: false,
    identify: tokenFileIdentity(tokenPath, {}, clock),
  });
}

/** Missing files of KUBECONFIG are passed over while another is there, as kubectl does; the one that `-kubeconfig` names must be there. */
async function readKubeconfigs(paths: readonly string[], named: boolean, required: boolean): Loaded<readonly KubeconfigFile[]> {
  const files: KubeconfigFile[] = [];
  for (const path of paths.slice(0, KUBECONFIG_FILES_MAX)) {
    if (!required && !existsSync(path)) continue;
    const text = readTextFile(path);
    if (!text.ok) return text;
    const raw = await parseYaml(text.value, path);
    if (!raw.ok) return raw;
    files.push({ path, raw: raw.value });
  }
  if (files.length > 0) return ok(files);
  const where = named
    ? `KUBECONFIG names ${paths.join(', ')}, which cannot be found`
    : 'not in a cluster, and no kubeconfig: give one with -kubeconfig or KUBECONFIG';
  return err('no-cluster', where);
}

async function parseYaml(text: string, path: string): Loaded<unknown> {
  try {
    // JSON is YAML, and needs no library: the one for YAML costs 14 MB. A Pod with a service account never comes here.
    if (text.trimStart().startsWith('{')) return ok(JSON.parse(text) as unknown);
    const { parse } = await import('yaml');
    const raw: unknown = parse(text, { maxAliasCount: 100 });
    return ok(raw);
  } catch (error) {
    return err('malformed', `${path} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0]?.replace(/:$/, '')}`);
  }
}

async function fromContext(context: KubeconfigContext, options: LoadOptions): Loaded<Credentials> {
  const ca = readMaterial(context.ca, 'certificate');
  if (!ca.ok) return ca;
  const fixed = readFixed(context);
  if (!fixed.ok) return fixed;
  const cluster = {
    server: context.server,
    insecureSkipTlsVerify: context.insecureSkipTlsVerify,
    ...(ca.value !== undefined && { ca: ca.value }),
    ...(context.serverName !== undefined && { serverName: context.serverName }),
    ...(context.proxyUrl !== undefined && { proxyUrl: context.proxyUrl }),
  };
  const identify = await identityOf(context, fixed.value, options, cluster);
  return identify.ok ? ok({ ...cluster, context: context.name, namespace: context.namespace, identify: identify.value }) : identify;
}

/** The certificate, key and token that the kubeconfig holds or names. */
function readFixed(context: KubeconfigContext): Result<Identity, CredentialsErrorCode> {
  const cert = readMaterial(context.cert, 'certificate');
  if (!cert.ok) return cert;
  const key = readMaterial(context.key, 'key');
  if (!key.ok) return key;
  return ok({
    ...(cert.value !== undefined && key.value !== undefined && { cert: cert.value, key: key.value }),
    ...(context.token !== undefined && { token: context.token }),
  });
}

async function identityOf(
  context: KubeconfigContext,
  fixed: Identity,
  { clock, env }: LoadOptions,
  cluster: ExecOptions['cluster'],
): Loaded<Credentials['identify']> {
  if (context.exec) {
    const { createExecIdentity } = await import('./exec-plugin.ts');
    return ok(createExecIdentity({ plugin: context.exec, cluster, fixed, env, clock }));
  }
  // As in client-go a token file is preferred to the token that stands beside it.
  if (!context.tokenFile) return ok(fileIdentity(context, fixed));
  const token = readMaterial(context.tokenFile, 'token');
  return token.ok ? ok(tokenFileIdentity(token.path, fixed, clock)) : token;
}

/** Refused by the server, certificate and key files are read again: something outside may renew them. Half-written ones are not taken. */
function fileIdentity(context: KubeconfigContext, fixed: Identity): Credentials['identify'] {
  let held = fixed;
  return async (renew) => {
    const read = renew ? readFixed(context) : undefined;
    if (read?.ok) held = read.value;
    return ok(held);
  };
}

/** Reads the token again when it is a minute old, or at once when the server refused it; while the file cannot be read the old one is used. */
function tokenFileIdentity(path: string, fixed: Identity, clock: Clock): Credentials['identify'] {
  let held: { readonly token: string; readonly at: number } | undefined;
  return async (renew) => {
    if (!held || renew || clock.now() - held.at > TOKEN_FRESH_MS) {
      const read = readTextFile(path);
      if (read.ok && read.value.trim() !== '') held = { token: read.value.trim(), at: clock.now() };
      else if (!held) return read.ok ? err('malformed', `${path} holds no token`) : read;
    }
    return ok({ ...fixed, token: held.token });
  };
}
