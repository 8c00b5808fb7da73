import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asObject } from '../../src/core/object/raw.ts';
import { createKubeClient } from '../../src/shell/kube/client.ts';
import { loadCredentials } from '../../src/shell/kube/load-credentials.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { requires } from '../support/require.ts';

const suite = await requires('cluster', clusterMissing);
const never = new AbortController().signal;

suite('who a real API server takes us for', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ controllers: false });
  }, 300_000);
  afterAll(() => cluster?.stop(), 60_000);

  const load = (name: string, more: object, user: object) => {
    const path = join(cluster.folder, name);
    writeFileSync(
      path,
      JSON.stringify({
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'one', user: 'me' } }],
        clusters: [{ name: 'one', cluster: { server: cluster.server, ...more } }],
        users: [{ name: 'me', user }],
      }),
    );
    return loadCredentials({ kubeconfig: path, env: { PATH: process.env['PATH'] }, clock: systemClock });
  };
  /** The user name by which the API server knows these credentials, or why it does not (authentication.k8s.io/v1 SelfSubjectReview). */
  const whoAmI = async (credentials: Awaited<ReturnType<typeof loadCredentials>>): Promise<unknown> => {
    if (!credentials.ok) return credentials.detail;
    const client = createKubeClient(credentials.value, { clock: systemClock, userAgent: 'test' });
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const result = await client.request({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body }, never);
    if (!result.ok) return result.code;
    return asObject(asObject(asObject(result.value)?.['status'])?.['userInfo'])?.['username'];
  };
  const authority = { 'certificate-authority': 'ca.crt' };

  test('a client certificate, from files beside the kubeconfig and as data', async () => {
    const data = (name: string) => readFileSync(join(cluster.folder, name)).toString('base64');
    const files = { 'client-certificate': 'admin.crt', 'client-key': 'admin.key' };
    expect(await whoAmI(await load('files', authority, files))).toBe('admin');
    const inline = { 'client-certificate-data': data('admin.crt'), 'client-key-data': data('admin.key') };
    expect(await whoAmI(await load('data', { 'certificate-authority-data': data('ca.crt') }, inline))).toBe('admin');
  });

  test('a token, a token file, and no proof at all', async () => {
    expect(await whoAmI(await load('token', authority, { token: cluster.tokens.nobody }))).toBe('nobody');
    writeFileSync(join(cluster.folder, 'token-file'), `${cluster.tokens.nobody}\n`);
    expect(await whoAmI(await load('token-file-config', authority, { tokenFile: 'token-file' }))).toBe('nobody');
    expect(await whoAmI(await load('wrong', authority, { token: 'wrong' }))).toBe('unauthorized');
  });

  test('a token that was replaced in its file is taken up at the first 401', async () => {
    const path = join(cluster.folder, 'rotating');
    writeFileSync(path, 'expired');
    const credentials = await load('rotating-config', authority, { tokenFile: 'rotating' });
    expect(await whoAmI(credentials)).toBe('unauthorized');
    writeFileSync(path, cluster.tokens.nobody);
    expect(await whoAmI(credentials)).toBe('nobody');
  });

  test('an exec plugin beside the kubeconfig that names it', async () => {
    const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: cluster.tokens.nobody } };
    const script = join(cluster.folder, 'login');
    writeFileSync(script, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    chmodSync(script, 0o755);
    const exec = { apiVersion: answer.apiVersion, command: './login', interactiveMode: 'Never' };
    expect(await whoAmI(await load('exec', authority, { exec }))).toBe('nobody');
  });

  test('insecure-skip-tls-verify, and a server name that the certificate does not hold', async () => {
    const token = { token: cluster.tokens.nobody };
    expect(await whoAmI(await load('wrong-name', { ...authority, 'tls-server-name': 'other.example' }, token))).toBe('unreachable');
    expect(await whoAmI(await load('no-authority', {}, token))).toBe('unreachable');
    expect(await whoAmI(await load('insecure', { 'insecure-skip-tls-verify': true }, token))).toBe('nobody');
  });
});
