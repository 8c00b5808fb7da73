import { describe, expect, test } from 'bun:test';
import { currentContext, type KubeconfigContext, type KubeconfigFile, resolveKubeconfig } from './kubeconfig.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One file with one context, `home`. */
function file(cluster: Fields, user: Fields, context: Fields = {}, path = '/k/config'): KubeconfigFile {
  return {
    path,
    raw: {
      'current-context': 'home',
      contexts: [{ name: 'home', context: { cluster: 'c', user: 'u', ...context } }],
      clusters: [{ name: 'c', cluster: { server: 'https://a:6443', ...cluster } }],
      users: [{ name: 'u', user }],
    },
  };
}

const plain: KubeconfigContext = { name: 'home', namespace: 'default', server: 'https://a:6443', insecureSkipTlsVerify: false };
const data = (base64: string, field: string) => ({ kind: 'data' as const, base64, field: `${field} in /k/config` });
const path = (name: string) => ({ kind: 'file' as const, path: name, from: '/k/config' });
const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' };
const execRead = {
  apiVersion: 'client.authentication.k8s.io/v1' as const,
  command: 'login',
  args: [],
  env: {},
  installHint: '',
  interactive: 'IfAvailable' as const,
  provideClusterInfo: false,
  from: '/k/config',
};

const read: readonly [name: string, from: KubeconfigFile, expected: KubeconfigContext][] = [
  ['the least there is', file({}, {}), plain],
  ['the namespace of the context', file({}, {}, { namespace: 'dns' }), { ...plain, namespace: 'dns' }],
  ['a slash at the end of the server is dropped', file({ server: 'https://a:6443/x/' }, {}), { ...plain, server: 'https://a:6443/x' }],
  ['a plain http server', file({ server: 'http://a:8080' }, {}), { ...plain, server: 'http://a:8080' }],
  [
    'authority, certificate and key as data',
    file({ 'certificate-authority-data': 'QQ==' }, { 'client-certificate-data': 'Qg==', 'client-key-data': 'Qw==' }),
    {
      ...plain,
      ca: data('QQ==', 'certificate-authority-data'),
      cert: data('Qg==', 'client-certificate-data'),
      key: data('Qw==', 'client-key-data'),
    },
  ],
  [
    'authority, certificate and key as files',
    file({ 'certificate-authority': 'ca' }, { 'client-certificate': 'crt', 'client-key': '/abs/key' }),
    { ...plain, ca: path('ca'), cert: path('crt'), key: path('/abs/key') },
  ],
  [
    'data wins over the file beside it',
    file({ 'certificate-authority': 'ca', 'certificate-authority-data': 'QQ==' }, {}),
    { ...plain, ca: data('QQ==', 'certificate-authority-data') },
  ],
  ['a token', file({}, { token: 't' }), { ...plain, token: 't' }],
  ['a token file', file({}, { tokenFile: 'tok' }), { ...plain, tokenFile: path('tok') }],
  [
    'TLS settings and a proxy',
    file({ 'insecure-skip-tls-verify': true, 'tls-server-name': 'b', 'proxy-url': 'http://p:3128' }, {}),
    { ...plain, insecureSkipTlsVerify: true, serverName: 'b', proxyUrl: 'http://p:3128' },
  ],
  ['what has no bearing here', file({ 'disable-compression': true, extensions: [{}] }, { extensions: [] }), plain],
  ['an exec plugin', file({}, { exec }), { ...plain, exec: execRead }],
  [
    'an exec plugin with everything (client.authentication.k8s.io/v1beta1)',
    file(
      {},
      {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1beta1',
          command: './login',
          args: ['a', 'b'],
          env: [{ name: 'X', value: 'y' }],
          installHint: 'install it',
          interactiveMode: 'Never',
          provideClusterInfo: true,
        },
      },
    ),
    {
      ...plain,
      exec: {
        ...execRead,
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: './login',
        args: ['a', 'b'],
        env: { X: 'y' },
        installHint: 'install it',
        interactive: 'Never',
        provideClusterInfo: true,
      },
    },
  ],
];

const refused: readonly [name: string, from: KubeconfigFile, code: string, says: string][] = [
  ['a text', { path: '/k/config', raw: 'hello' }, 'malformed', '/k/config is not a kubeconfig'],
  ['an empty file', { path: '/k/config', raw: null }, 'malformed', '/k/config: no current-context is set'],
  [
    'a context that is not there',
    { path: '/k/config', raw: { 'current-context': 'x' } },
    'malformed',
    'the current-context "x" is not among',
  ],
  ['a cluster that is not there', file({}, {}, { cluster: 'z' }), 'malformed', 'names the cluster "z"'],
  ['a user that is not there', file({}, {}, { user: 'z' }), 'malformed', 'names the user "z"'],
  ['a server without a scheme', file({ server: 'a:6443' }, {}), 'malformed', 'the server "a:6443", which is no http or https URL'],
  ['a certificate without its key', file({}, { 'client-certificate': 'c' }), 'malformed', 'without its key'],
  ['a key without its certificate', file({}, { 'client-key-data': 'QQ==' }), 'malformed', 'without its certificate'],
  ['an auth provider', file({}, { 'auth-provider': { name: 'oidc' } }), 'unsupported', 'the user "u" uses "auth-provider"'],
  ['a password', file({}, { username: 'me', password: 'x' }), 'unsupported', 'the user "u" uses "username"'],
  ['impersonation', file({}, { as: 'me' }), 'unsupported', 'the user "u" uses "as"'],
  ['a field of the cluster that is not known', file({ 'new-thing': 1 }, {}), 'unsupported', 'the cluster "c" uses "new-thing"'],
  ['a SOCKS proxy', file({ 'proxy-url': 'socks5://p' }, {}), 'unsupported', 'the proxy-url "socks5://p"; minilb knows http and https'],
  ['an old exec version', file({}, { exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } }), 'unsupported', 'v1alpha1'],
  ['an exec plugin without a command', file({}, { exec: { apiVersion: exec.apiVersion } }), 'malformed', 'has no command'],
  ['an unknown interactiveMode', file({}, { exec: { ...exec, interactiveMode: 'Maybe' } }), 'malformed', 'interactiveMode'],
];

describe('a kubeconfig (client-go clientcmd/api/v1 Config)', () => {
  test.each(read)('%s', (_, from, expected) => {
    expect(resolveKubeconfig([from])).toEqual({ ok: true, value: expected });
  });

  test.each(refused)('%s is refused, and named', (_, from, code, says) => {
    expect(resolveKubeconfig([from])).toMatchObject({ ok: false, code, detail: expect.stringContaining(says) });
  });
});

describe('several files are merged: the first that sets a name wins', () => {
  const first: KubeconfigFile = { path: '/k/1', raw: { 'current-context': 'home' } };
  const second = file({}, { token: 'second' }, {}, '/k/2');
  const third = file({ server: 'https://other' }, { token: 'third' }, {}, '/k/3');

  test('context from one, cluster and user from the next', () => {
    expect(resolveKubeconfig([first, second, third])).toEqual({ ok: true, value: { ...plain, token: 'second' } });
    expect(resolveKubeconfig([first, third, second])).toMatchObject({ value: { server: 'https://other', token: 'third' } });
  });

  test('relative file names belong to the file that says them', () => {
    const users = { path: '/other/users', raw: { users: [{ name: 'u', user: { tokenFile: 'tok' } }] } };
    expect(resolveKubeconfig([users, second])).toMatchObject({ value: { tokenFile: { path: 'tok', from: '/other/users' } } });
  });

  test('the context that would be used', () => {
    expect(currentContext([{ path: '', raw: { 'current-context': '' } }, first])).toBe('home');
    expect(currentContext([])).toBe('');
  });
});
