import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { kubeconfigContext, loadCredentials } from './load-credentials.ts';

const TLS = `${import.meta.dirname}/../../../test/support/tls`;
const CA = readFileSync(`${TLS}/ca.pem`, 'utf8');
const CERT = readFileSync(`${TLS}/server.pem`, 'utf8');
const KEY = readFileSync(`${TLS}/server.key`, 'utf8');
const never = new AbortController().signal;
const base64 = (text: string) => Buffer.from(text).toString('base64');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** YAML of a kubeconfig with one context. */
function yaml(cluster: readonly string[], user: readonly string[], context = 'home'): string {
  return [
    `current-context: ${context}`,
    `contexts: [{name: ${context}, context: {cluster: c, user: u}}]`,
    'clusters:',
    '- name: c',
    '  cluster:',
    ...['server: https://a:6443', ...cluster].map((line) => `    ${line}`),
    'users:',
    '- name: u',
    `  user:${user.length === 0 ? ' {}' : ''}`,
    ...user.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

const load = (kubeconfig: string, env: Record<string, string> = {}, clock = createFakeClock()) =>
  loadCredentials({ kubeconfig, env: { HOME: join(folder, 'nobody'), ...env }, clock, serviceAccountFolder: join(folder, 'sa') });

async function must(...args: Parameters<typeof load>) {
  const loaded = await load(...args);
  if (!loaded.ok) throw new Error(loaded.detail);
  return loaded.value;
}

describe('where credentials come from', () => {
  test('-kubeconfig before KUBECONFIG before the Pod before ~/.kube/config', async () => {
    const flag = write('flag', yaml([], [], 'flag'));
    const env = write('env', yaml([], [], 'env'));
    write('home/.kube/config', yaml([], [], 'in-home'));
    write('sa/ca.crt', CA);
    write('sa/token', 'one\n');
    const HOME = join(folder, 'home');
    const pod = { HOME, KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
    expect((await must(flag, { ...pod, KUBECONFIG: env })).context).toBe('flag');
    expect((await must('', { ...pod, KUBECONFIG: env })).context).toBe('env');
    expect((await must('', pod)).context).toBe('in-cluster');
    expect((await must('', { HOME })).context).toBe('in-home');
    expect(await kubeconfigContext({ HOME })).toBe('in-home');
    expect(await kubeconfigContext({ HOME, KUBECONFIG: env })).toBe('env');
    expect(await kubeconfigContext({ HOME: folder })).toBeUndefined();
  });

  test('KUBECONFIG is a list; missing files are passed over while one is there', async () => {
    const one = write('one', 'current-context: home\n');
    const two = write('two', yaml([], ['token: x']));
    const credentials = await must('', { KUBECONFIG: `${folder}/missing:${one}::${two}` });
    expect(await credentials.identify(false, never)).toEqual({ ok: true, value: { token: 'x' } });
    expect(await load('', { KUBECONFIG: `${folder}/missing` })).toMatchObject({ ok: false, code: 'no-cluster' });
  });

  test('nothing anywhere', async () => {
    expect(await load('')).toMatchObject({ ok: false, code: 'no-cluster', detail: expect.stringContaining('-kubeconfig or KUBECONFIG') });
  });

  test('JSON is taken too', async () => {
    const json = {
      'current-context': 'j',
      contexts: [{ name: 'j', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: 'http://a:1' } }],
    };
    expect(await must(write('json', JSON.stringify(json)))).toMatchObject({ server: 'http://a:1', context: 'j', namespace: 'default' });
  });
});

describe('in a cluster', () => {
  const inPod = (host: string, clock = createFakeClock()) =>
    must('', { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '6443' }, clock);

  test('the service account: authority, namespace, token', async () => {
    write('sa/ca.crt', CA);
    write('sa/token', 'one\n');
    write('sa/namespace', 'dns');
    const credentials = await inPod('10.0.0.1');
    expect(credentials).toMatchObject({ server: 'https://10.0.0.1:6443', namespace: 'dns', ca: CA, insecureSkipTlsVerify: false });
    expect(await credentials.identify(false, never)).toEqual({ ok: true, value: { token: 'one' } });
  });

  test('an IPv6 host is bracketed', async () => {
    expect((await inPod('fd00::1')).server).toBe('https://[fd00::1]:6443');
  });

  test('the token rotates: read again after a minute, or at once when it was refused; kept while it cannot be read', async () => {
    const clock = createFakeClock();
    write('sa/token', 'one');
    const { identify } = await inPod('10.0.0.1', clock);
    const token = async (renew = false) => {
      const identity = await identify(renew, never);
      return identity.ok ? identity.value.token : identity.code;
    };
    expect(await token()).toBe('one');
    write('sa/token', 'two');
    expect(await token()).toBe('one');
    await clock.advance(61_000);
    expect(await token()).toBe('two');
    write('sa/token', 'three');
    expect(await token(true)).toBe('three');
    rmSync(join(folder, 'sa/token'));
    expect(await token(true)).toBe('three');
    write('sa/token', '');
    expect(await token(true)).toBe('three');
  });

  test('a missing token or a garbage authority is named', async () => {
    rmSync(join(folder, 'sa/token'), { force: true });
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    expect(await load('', env)).toMatchObject({ ok: false, code: 'unreadable', detail: expect.stringContaining('sa/token') });
    write('sa/ca.crt', 'garbage');
    expect(await load('', env)).toMatchObject({ ok: false, code: 'malformed', detail: expect.stringContaining('sa/ca.crt') });
  });
});

describe('files and data of a kubeconfig', () => {
  test('files lie beside the kubeconfig that names them', async () => {
    write('k/pki/ca.pem', CA);
    write('k/crt', CERT);
    write('k/key', KEY);
    const user = ['client-certificate: crt', 'client-key: ./key'];
    const credentials = await must(write('k/config', yaml(['certificate-authority: pki/ca.pem'], user)));
    expect(credentials.ca).toBe(CA);
    expect(await credentials.identify(false, never)).toEqual({ ok: true, value: { cert: CERT, key: KEY } });
  });

  test('a certificate that was renewed on disk is taken up when the server refuses the old one; a half-written one is not', async () => {
    write('k/crt', CERT);
    write('k/key', KEY);
    const { identify } = await must(write('k/config', yaml([], ['client-certificate: crt', 'client-key: key'])));
    write('k/crt', CA);
    expect(await identify(false, never)).toMatchObject({ value: { cert: CERT } });
    expect(await identify(true, never)).toMatchObject({ value: { cert: CA } });
    write('k/crt', CERT.slice(0, 100));
    expect(await identify(true, never)).toMatchObject({ value: { cert: CA } });
  });

  test('a token file is preferred to the token beside it', async () => {
    write('k/tok', ' from-file \n');
    const { identify } = await must(write('k/config', yaml([], ['token: inline', 'tokenFile: tok'])));
    expect(await identify(false, never)).toEqual({ ok: true, value: { token: 'from-file' } });
  });

  const broken: readonly [name: string, cluster: readonly string[], user: readonly string[], code: string, says: string][] = [
    ['an authority that is missing', ['certificate-authority: nowhere.pem'], [], 'unreadable', 'k/nowhere.pem: there is no such file'],
    ['a folder as authority', ['certificate-authority: pki'], [], 'unreadable', 'k/pki: it is a folder'],
    ['data that is not base64', ['certificate-authority-data: "%%%"'], [], 'malformed', 'certificate-authority-data'],
    ['garbage as authority', [`certificate-authority-data: ${base64('garbage')}`], [], 'malformed', 'holds no certificate in PEM form'],
    ['a key as authority', [`certificate-authority-data: ${base64(KEY)}`], [], 'malformed', 'certificate-authority-data'],
    [
      'a cut key',
      [],
      [`client-certificate-data: ${base64(CERT)}`, `client-key-data: ${base64(KEY.slice(0, 80))}`],
      'malformed',
      'client-key-data',
    ],
    ['a token file that is missing', [], ['tokenFile: nowhere'], 'unreadable', 'k/nowhere'],
  ];
  test.each(broken)('%s is named', async (_, cluster, user, code, says) => {
    expect(await load(write('k/config', yaml(cluster, user)))).toMatchObject({ ok: false, code, detail: expect.stringContaining(says) });
  });

  test('a file that is no YAML, or far too large, is named', async () => {
    expect(await load(write('bad', 'a: [b'))).toMatchObject({
      ok: false,
      code: 'malformed',
      detail: expect.stringContaining('bad is neither'),
    });
    const huge = write('huge', 'x'.repeat(5 * 1024 * 1024));
    expect(await load(huge)).toMatchObject({ ok: false, code: 'malformed', detail: expect.stringContaining('huge is larger') });
  });

  test('YAML that grows by aliases does not', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(10)}]`),
    ].join('\n');
    expect(await load(write('bomb', bomb))).toMatchObject({ ok: false, code: 'malformed' });
  });
});
