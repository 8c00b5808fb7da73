import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.ts';

/** Bearer tokens of a test cluster: `admin` may do anything, `nobody` is known and may do nothing. */
export interface ClusterTokens {
  readonly admin: string;
  readonly nobody: string;
}

const AUDIT_POLICY = (level: string) => `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: ${level}
`;

/** Makes the CA (`ca.crt`, `ca.key`), the server's certificate, the service account key and an admin client certificate. */
export async function writeCertificates(folder: string, sans: readonly string[]): Promise<void> {
  const openssl = (...args: readonly string[]) => run(['openssl', ...args], { cwd: folder });
  const names = ['DNS:localhost', 'DNS:kubernetes', 'DNS:kubernetes.default.svc', 'IP:127.0.0.1', 'IP:10.96.0.1', ...sans].join(',');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  await openssl('req', '-x509', ...key, '-subj', '/CN=minilb-test-ca', '-keyout', 'ca.key', '-out', 'ca.crt');
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key'];
  await Promise.all([
    openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-subj',
      '/CN=kube-apiserver',
      '-addext',
      `subjectAltName=${names}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-keyout',
      'server.key',
      '-out',
      'server.crt',
    ),
    openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-subj',
      '/O=system:masters/CN=admin',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-addext',
      'extendedKeyUsage=clientAuth',
      '-keyout',
      'admin.key',
      '-out',
      'admin.crt',
    ),
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'service-account.key'),
  ]);
  await openssl('pkey', '-in', 'service-account.key', '-pubout', '-out', 'service-account.pub');
}

/** Writes `tokens.csv`. */
export function writeTokens(folder: string): ClusterTokens {
  const tokens = { admin: randomBytes(16).toString('hex'), nobody: randomBytes(16).toString('hex') };
  writeFileSync(join(folder, 'tokens.csv'), `${tokens.admin},admin,1,"system:masters"\n${tokens.nobody},nobody,2\n`);
  return tokens;
}

/** Writes `audit-policy.yaml`. */
export function writeAuditPolicy(folder: string, level: string): void {
  writeFileSync(join(folder, 'audit-policy.yaml'), AUDIT_POLICY(level));
}

/** Writes a kubeconfig with the CA as data and a bearer token; returns its path. */
export function writeKubeconfig(path: string, server: string, ca: string, token: string): string {
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'current-context: minilb-test',
    'clusters:',
    `- {name: minilb-test, cluster: {server: "${server}", certificate-authority-data: ${Buffer.from(ca).toString('base64')}}}`,
    'users:',
    `- {name: minilb-test, user: {token: "${token}"}}`,
    'contexts:',
    '- {name: minilb-test, context: {cluster: minilb-test, user: minilb-test}}',
    '',
  ];
  writeFileSync(path, lines.join('\n'));
  chmodSync(path, 0o600);
  return path;
}

export interface ApiServerOptions {
  readonly port: number;
  readonly etcdPort: number;
  readonly bind: string;
  readonly audit: boolean;
  readonly extra: readonly string[];
}

/** Arguments of kube-apiserver for a folder that `writeCertificates` and `writeTokens` filled. */
export function apiServerArgs(folder: string, options: ApiServerOptions): readonly string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${options.etcdPort}`,
    `--bind-address=${options.bind}`,
    `--secure-port=${options.port}`,
    // The address that the `kubernetes` Service's endpoints name must not be a loopback one.
    '--advertise-address=192.0.2.1',
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-account.pub')}`,
    `--service-account-signing-key-file=${file('service-account.key')}`,
    '--disable-admission-plugins=ServiceAccount',
    ...(options.audit ? [`--audit-log-path=${file('audit.log')}`, `--audit-policy-file=${file('audit-policy.yaml')}`] : []),
    ...options.extra,
  ];
}

/** Arguments of etcd with all it keeps in the folder. */
export function etcdArgs(folder: string, clientPort: number, peerPort: number): readonly string[] {
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=warn',
  ];
}

/** The last lines of a process's log, for a message. */
export function logTail(path: string, lines = 15): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
