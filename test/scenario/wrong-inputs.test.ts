import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freePort } from '../support/child.ts';
import { type FakeApi, type FakeApiOptions, kubeconfigText, startFakeApi, status } from '../support/fake-api.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { waitFor } from '../support/wait.ts';

const TLS = `${import.meta.dirname}/../support/tls`;
let folder = '';
let api: FakeApi | undefined;
let minilb: Minilb | undefined;
let healthPort = 0;

beforeEach(async () => {
  folder = mkdtempSync(`${tmpdir()}/minilb-wrong-`);
  healthPort = await freePort();
});
afterEach(async () => {
  await minilb?.kill();
  await api?.stop();
  [minilb, api] = [undefined, undefined];
  rmSync(folder, { recursive: true });
});

/** Writes a kubeconfig and returns its path. */
function kubeconfig(text: string): string {
  writeFileSync(`${folder}/config`, text);
  return `${folder}/config`;
}

function base64(file: string): string {
  return readFileSync(file).toString('base64');
}

function dnsArgs(config: string, ...more: readonly string[]): readonly string[] {
  return ['dns', '-kubeconfig', config, '-listen', '127.0.0.1:0', '-health', `127.0.0.1:${healthPort}`, '-lameduck', '0', ...more];
}

/** Starts `minilb dns` against a server that stands for a cluster with something wrong. */
function serveAgainst(config: string, ...more: readonly string[]): Minilb {
  minilb = startMinilb(dnsArgs(config, ...more));
  return minilb;
}

function startApi(options: FakeApiOptions): FakeApi {
  api = startFakeApi(options);
  return api;
}

/** What /readyz says, once it says this. */
function readyz(part: string): Promise<string> {
  return waitFor(`/readyz to say ${part}`, async () => {
    const reply = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
    const text = await reply.text();
    if (!text.includes(part)) throw new Error(text);
    return `${reply.status} ${text}`;
  });
}

describe('usage: one line, exit code 2', () => {
  const rows: readonly [args: string, message: string][] = [
    ['-ttl -1', 'minilb dns: -ttl "-1" is not a whole number of seconds from 0 to 86400'],
    ['-domain ..', 'minilb dns: -domain ".." is not a domain name: "." has the label "", which is not 1–63 letters, digits, - or _'],
    [`-domain ${'a'.repeat(63)}.${'b'.repeat(63)}`, 'at most 125 characters'],
    ['-domain my_zone', 'minilb dns: -domain "my_zone" is not a host name: only letters, digits and - (RFC 1123)'],
    ['-listen localhost', 'minilb dns: -listen "localhost" is not [address]:port, for example :53, 192.168.1.5:53 or [fd00::5]:53'],
    ['-nameserver ns1', 'minilb dns: -nameserver "ns1" is not a name=address such as ns1.example.com=192.168.1.5'],
    ['-controller false', 'minilb dns: unexpected argument "false"; -controller takes its value with "=": -controller=false'],
    ['-frobnicate 9', 'minilb dns: unknown flag "-frobnicate"; "minilb help dns" lists the flags there are'],
    ['-yes', 'minilb dns: unknown flag "-yes"; it belongs to "minilb cleanup", "minilb l3", "minilb external", "minilb routes"'],
  ];
  test.each(rows)('minilb dns %s', async (args, message) => {
    const { exitCode, stdout, stderr } = await runMinilb(['dns', ...args.split(' ')]);
    expect(stderr).toContain(`${message}\n`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('a kubeconfig that cannot be used: one line that names it and the remedy, exit code 1', () => {
  const cluster = { server: 'https://127.0.0.1:1' };
  const garbage = Buffer.from('garbage').toString('base64');
  const rows: readonly [name: string, text: string, message: string][] = [
    [
      'broken YAML',
      'clusters: [',
      'CONFIG is neither YAML nor JSON: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['not a kubeconfig', '"hello"', 'CONFIG is not a kubeconfig: it holds no mapping'],
    ['empty', '', 'CONFIG: no current-context is set; choose one with kubectl config use-context NAME'],
    [
      'a context that is not there',
      kubeconfigText(cluster).replace('"current-context":"test"', '"current-context":"other"'),
      'CONFIG: the current-context "other" is not among the contexts',
    ],
    [
      'a garbage CA (what the TLS library says of it misleads)',
      kubeconfigText({ ...cluster, 'certificate-authority-data': garbage }),
      'certificate-authority-data in CONFIG holds no certificate in PEM form',
    ],
    [
      'a CA file that is not there',
      kubeconfigText({ ...cluster, 'certificate-authority': '/nonexistent/ca.pem' }),
      'cannot read /nonexistent/ca.pem: there is no such file',
    ],
    [
      'a garbage client certificate',
      kubeconfigText(cluster, { 'client-certificate-data': garbage, 'client-key-data': garbage }),
      'client-certificate-data in CONFIG holds no certificate in PEM form',
    ],
    [
      'a way to log in that minilb does not know',
      kubeconfigText(cluster, { 'auth-provider': 'gcp' }),
      'CONFIG: the user "me" uses "auth-provider", which minilb does not support',
    ],
  ];
  test.each(rows)('%s', async (_, text, message) => {
    const config = kubeconfig(text);
    const { exitCode, stderr } = await runMinilb(dnsArgs(config));
    expect(stderr).toStartWith(`minilb: ${message.replace('CONFIG', config)}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  test('one that does not exist', async () => {
    const result = await runMinilb(dnsArgs(`${folder}/missing`));
    expect(result).toEqual({ exitCode: 1, stdout: '', stderr: `minilb: cannot read ${folder}/missing: there is no such file\n` });
  });

  test('none at all, outside a cluster', async () => {
    const { exitCode, stderr } = await runMinilb(['dns', '-listen', '127.0.0.1:0', '-health', `127.0.0.1:${healthPort}`]);
    expect(stderr).toBe('minilb: not in a cluster, and no kubeconfig: give one with -kubeconfig or KUBECONFIG\n');
    expect(exitCode).toBe(1);
  });
});

describe('a port in use: one line that names it, exit code 1', () => {
  /** The lines that are not mere progress. */
  const complaints = (stderr: string) => stderr.split('\n').filter((line) => line !== '' && !/^\S+Z INFO /.test(line));

  test('-health', async () => {
    const config = kubeconfig(kubeconfigText({ server: startApi({}).url }));
    const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const address = `127.0.0.1:${taken.port}`;
    const { exitCode, stderr } = await runMinilb(['dns', '-kubeconfig', config, '-listen', '127.0.0.1:0', '-health', address]);
    await taken.stop(true);
    expect(complaints(stderr)).toEqual([`minilb: cannot listen (-health) on ${address}: the port is in use by another program`]);
    expect(exitCode).toBe(1);
  });

  test.each(['udp', 'tcp'] as const)('-listen, %s', async (transport) => {
    const config = kubeconfig(kubeconfigText({ server: startApi({}).url }));
    const udp = transport === 'udp' ? await Bun.udpSocket({ hostname: '127.0.0.1', port: 0 }) : undefined;
    const tcp = udp ? undefined : Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } });
    const address = `127.0.0.1:${udp?.port ?? tcp?.port}`;
    const { exitCode, stderr } = await runMinilb(['dns', '-kubeconfig', config, '-listen', address, '-health', `127.0.0.1:${healthPort}`]);
    udp?.close();
    tcp?.stop(true);
    expect(complaints(stderr)).toEqual([`minilb: cannot listen (-listen) on ${address}: the port is in use by another program`]);
    expect(exitCode).toBe(1);
  });
});

describe('a server that refuses: minilb waits, says why in the log and in /readyz, and is not ready', () => {
  const NOT_READY = '503 not ready\n';

  test('nobody there', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    const running = serveAgainst(kubeconfig(kubeconfigText({ server })));
    const why = `${server}: connection refused: is the API server running, and is this its port?`;
    expect(await readyz(`Service not listed yet: ${why}`)).toStartWith(NOT_READY);
    expect(await running.logged(why)).toContain(' WARN ');
  });

  test('a name that does not resolve (RFC 6761: .invalid never does)', async () => {
    serveAgainst(kubeconfig(kubeconfigText({ server: 'https://api.invalid:6443' })));
    expect(await readyz('https://api.invalid:6443: its name does not resolve')).toStartWith(NOT_READY);
  });

  test('a certificate by another authority than the kubeconfig names', async () => {
    const { url } = startApi({ tls: true });
    const running = serveAgainst(kubeconfig(kubeconfigText({ server: url, 'certificate-authority-data': base64(`${TLS}/other-ca.pem`) })));
    const why = `${url}: its certificate is not signed by the certificate authority given: is that of another cluster?`;
    expect(await running.logged(why)).toContain(' WARN ');
    expect(await readyz(why)).toStartWith(NOT_READY);
  });

  test('the right authority is accepted', async () => {
    const { url } = startApi({ tls: true });
    serveAgainst(kubeconfig(kubeconfigText({ server: url, 'certificate-authority-data': base64(`${TLS}/ca.pem`) })));
    expect(await readyz('ok')).toBe('200 ok\n');
  });

  test('an expired token', async () => {
    const { url } = startApi({ refuse: () => status(401, 'Unauthorized', 'Unauthorized') });
    const running = serveAgainst(kubeconfig(kubeconfigText({ server: url }, { token: 'expired' })));
    const why = `${url} does not accept the credentials of test: they are wrong or have expired`;
    expect(await running.logged(why)).toContain(' WARN ');
    expect(await readyz(`Service not listed yet: ${why}`)).toStartWith(NOT_READY);
  });

  test('rights without EndpointSlices: the server’s own words', async () => {
    const message = 'endpointslices.discovery.k8s.io is forbidden: User me cannot list resource endpointslices';
    const { url } = startApi({ refuse: (_, path) => (path.includes('endpointslices') ? status(403, 'Forbidden', message) : undefined) });
    const running = serveAgainst(kubeconfig(kubeconfigText({ server: url })));
    expect(await running.logged(message)).toContain('kind=EndpointSlice reason=forbidden');
    expect(await readyz(message)).toBe(`${NOT_READY}EndpointSlice not listed yet: ${message}\n`);
  });

  test('rights without Nodes: names are served, nothing is said about routes', async () => {
    const { url } = startApi({
      refuse: (_, path) => (path.endsWith('/nodes') ? status(403, 'Forbidden', 'nodes is forbidden') : undefined),
    });
    const running = serveAgainst(kubeconfig(kubeconfigText({ server: url })));
    expect(await readyz('ok')).toBe('200 ok\n');
    expect(await running.logged('nodes is forbidden')).toContain('kind=Node reason=forbidden');
    running.signal('SIGTERM');
    expect(await running.exited).toBe(0);
    expect(running.stdout()).toBe('');
  });
});

test('one malformed Service is skipped and named; the others are served', async () => {
  const metadata = (name: string) => ({
    namespace: 'default',
    name,
    uid: name,
    resourceVersion: '5',
    creationTimestamp: '2026-01-01T00:00:00Z',
  });
  const services = [
    { metadata: metadata('odd'), spec: { type: 'Teapot' } },
    { metadata: metadata('web'), spec: { type: 'ClusterIP', clusterIP: '10.96.0.7' } },
  ];
  const running = serveAgainst(kubeconfig(kubeconfigText({ server: startApi({ services }).url })));
  expect(await running.logged('default/odd')).toContain('an object is left out: it cannot be read kind=Service');
  expect(await running.logged('spec.type')).toContain('Teapot');
  expect(await readyz('ok')).toBe('200 ok\n');
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  expect(metrics).toMatch(/^minilb_kube_malformed_objects_total\{kind="Service"\} [1-9]/m);
  expect(metrics).toContain('minilb_kube_objects{kind="Service"} 1\n');
});

test('SIGTERM ends it with exit code 0 when lameduck is over', async () => {
  const running = serveAgainst(kubeconfig(kubeconfigText({ server: startApi({}).url })), '-lameduck', '1');
  await readyz('ok');
  running.signal('SIGTERM');
  expect(await readyz('shutting down')).toStartWith('503 not ready\n');
  expect((await fetch(`http://127.0.0.1:${healthPort}/healthz`)).status).toBe(200);
  expect(await running.exited).toBe(0);
});

test('a second signal does not wait for lameduck', async () => {
  const running = serveAgainst(kubeconfig(kubeconfigText({ server: startApi({}).url })), '-lameduck', '300');
  await readyz('ok');
  running.signal('SIGINT');
  await running.logged('stopping');
  running.signal('SIGINT');
  expect(await running.exited).toBe(130);
});
