import { afterAll, afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { Caller, Change } from '../../core/proxy/plan-change.ts';
import { err, ok, type Result } from '../../core/value/result.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { SubmitErrorCode } from './change-queue.ts';
import { loadTls } from './tls-files.ts';
import { openTokenFile } from './token-file.ts';
import { createUpdaterServer, type UpdaterServerOptions } from './updater-server.ts';

const TLS = `${import.meta.dirname}/../../../test/support/tls`;
const A = 'aaaaaaaaaaaaaaaaaaaa';
const B = 'bbbbbbbbbbbbbbbbbbbb';

interface Rig {
  readonly port: number;
  readonly clock: FakeClock;
  readonly submitted: { readonly change: Change; readonly caller: Caller }[];
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** The API in front of a queue that answers as the test wants. */
async function start(
  options: Partial<UpdaterServerOptions> = {},
  outcome: () => Promise<Result<void, SubmitErrorCode>> = async () => ok(undefined),
): Promise<Rig> {
  const stop = new AbortController();
  const clock = createFakeClock();
  const submitted: Rig['submitted'] = [];
  const server = createUpdaterServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      tokens: undefined,
      defaults: { timeoutSeconds: 5, connectTimeoutSeconds: 2 },
      check: async () => ok(undefined),
      submit: (change, caller) => {
        submitted.push({ change, caller });
        return outcome();
      },
      list: async () => ok([]),
      fault: () => undefined,
      metrics: createMetrics(),
      clock,
      log: createMemoryLog(),
      version: '1.2.3',
      ...options,
    },
    stop.signal,
  );
  stops.push(() => stop.abort());
  const ready = await server.ready;
  if (!ready.ok) throw new Error(ready.detail);
  return { port: ready.value.port, clock, submitted };
}

/** Sends bytes as they are; what came back until the server closed or fell silent with a whole answer. */
async function raw(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = netConnect(port, '127.0.0.1');
  let received = '';
  let closed = false;
  socket.on('data', (data) => {
    received += data;
  });
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => {});
  for (const part of parts) socket.write(part);
  await waitFor('an answer', () => closed || /\r\n\r\n[\s\S]*\n$/.test(received), 5_000);
  socket.destroy();
  return received;
}

/** The operator's call as it was seen on the wire: no Content-Type, Go's agent, a body that ends in a newline. */
function goCall(method: string, body: string): string {
  return [
    `${method} /api/v1/lb HTTP/1.1`,
    'Host: 127.0.0.1',
    'User-Agent: Go-http-client/1.1',
    `Content-Length: ${body.length}`,
    'Accept-Encoding: gzip',
    '',
    body,
  ].join('\r\n');
}

/** Status and body of an answer, and that it says what the original's say of their kind. */
function read(answer: string): readonly [status: number, body: string] {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head.toLowerCase()).toContain('content-type: text/plain; charset=utf-8');
  return [Number(head.split(' ')[1]), body];
}

const POST =
  '{"backendName":"default_web","lbPort":8103,"lbProtocol":"TCP","upstreamServers":[{"host":"192.168.64.5","port":30291}],"proxyTimeoutSeconds":0,"proxyConnectTimeoutSeconds":0}\n';

describe('the original’s wire traffic', () => {
  const rows: readonly [name: string, method: string, body: string, status: number, answer: string][] = [
    ['POST as PaperLB sends it', 'POST', POST, 200, '{}\n'],
    ['the same again', 'POST', POST, 200, '{}\n'],
    ['DELETE as PaperLB sends it', 'DELETE', '{"backendName":"default_web"}\n', 200, '{}\n'],
    [
      'a port in quotes',
      'POST',
      '{"backendName":"x","lbPort":"8103"}\n',
      400,
      '{"err":"failed to decode request: lbPort is not a whole number"}\n',
    ],
    ['no body', 'POST', '', 400, '{"err":"failed to decode request: EOF"}\n'],
    ['POST without a name', 'POST', '{}', 500, '{"err":"failed to update stream: empty backend name"}\n'],
    ['DELETE without a name', 'DELETE', '{}', 500, '{"err":"failed to delete stream: empty backend name"}\n'],
    ['PUT', 'PUT', POST, 405, '{"err":"only GET, POST and DELETE"}\n'],
  ];
  test.each(rows)('%s', async (_, method, body, status, answer) => {
    const { port } = await start();
    expect(read(await raw(port, goCall(method, body)))).toEqual([status, answer]);
  });

  test('two calls on one connection', async () => {
    const { port, submitted } = await start();
    const answer = await raw(port, goCall('POST', POST), goCall('DELETE', '{"backendName":"default_web"}\n'));
    await waitFor('both', () => submitted.length === 2);
    expect(answer).toStartWith('HTTP/1.1 200 OK\r\n');
    expect(submitted.map(({ change }) => change.kind)).toEqual(['put', 'delete']);
  });

  test('a body in chunks', async () => {
    const { port } = await start();
    const chunks = `${POST.length.toString(16)}\r\n${POST}\r\n0\r\n\r\n`;
    expect(read(await raw(port, `POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`))).toEqual([
      200,
      '{}\n',
    ]);
  });
});

describe('what comes of a change', () => {
  const rows: readonly [SubmitErrorCode, number][] = [
    ['conflict', 409],
    ['refused', 500],
    ['test-failed', 500],
    ['not-live', 500],
    ['not-running', 500],
    ['busy', 503],
  ];
  test.each(rows)('%s is %p', async (code, status) => {
    const { port } = await start({}, async () => err(code, 'the "reason"'));
    expect(read(await raw(port, goCall('POST', POST)))).toEqual([status, '{"err":"failed to update stream: the \\"reason\\""}\n']);
  });

  test('an upstream that is not allowed never reaches the queue', async () => {
    const { port, submitted } = await start({ check: async () => err('refused', 'upstream 127.0.0.1 is not allowed') });
    expect(read(await raw(port, goCall('POST', POST)))[0]).toBe(500);
    expect(submitted).toEqual([]);
  });

  test('/healthz and /metrics are for everybody, the API is not', async () => {
    let fault: string | undefined;
    const { port } = await start({ fault: () => fault });
    const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect((await get('/healthz')).status).toBe(200);
    fault = 'nginx is not running';
    const sick = await get('/healthz');
    expect([sick.status, await sick.text()]).toEqual([503, 'nginx is not running\n']);
    expect(await (await get('/metrics')).text()).toContain('minilb_updater_calls_total');
    expect(await (await get('/api/v1/lb')).json()).toEqual({ version: '1.2.3', healthy: false, reason: fault, backends: [] });
    expect((await get('/api/v1/lb/')).status).toBe(404);
    expect((await get('/healthz', 'POST')).status).toBe(405);
  });
});

describe('abuse', () => {
  test('10 MB: refused by its length, without being read', async () => {
    const { port } = await start();
    const answer = await raw(port, `POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n`);
    expect(answer).toStartWith('HTTP/1.1 413 ');
  });

  test('10 MB in chunks: refused at 1 MiB', async () => {
    const { port, submitted } = await start();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const answer = await raw(
      port,
      'POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
      chunk.repeat(160),
      '0\r\n\r\n',
    );
    expect(answer === '' || answer.startsWith('HTTP/1.1 413 ') || answer.startsWith('HTTP/1.1 400 ')).toBe(true);
    expect(submitted).toEqual([]);
  });

  test('a body that drips is cut after 10 s, and others are served meanwhile', async () => {
    const { port, clock } = await start();
    const slow = raw(port, 'POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"backend');
    await waitFor('the body to be waited for', () => clock.pending() > 0);
    expect(read(await raw(port, goCall('POST', POST)))).toEqual([200, '{}\n']);
    await clock.advance(10_000);
    expect(await slow).toStartWith('HTTP/1.1 408 ');
  });

  test('forty bodies of 1 MiB that never end hold 16 MiB at most', async () => {
    const { port, clock } = await start();
    const head = `POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n`;
    const sockets = Array.from({ length: 40 }, () => netConnect(port, '127.0.0.1'));
    let busy = 0;
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        if (String(data).includes(' 503 ')) busy++;
      });
      socket.write(head);
      socket.write('x'.repeat(1_000_000));
    }
    await waitFor('some to be turned away', () => busy > 10);
    for (const socket of sockets) socket.destroy();
    await waitFor('nothing to wait any more', () => clock.pending() === 0);
    expect(read(await raw(port, goCall('POST', POST)))).toEqual([200, '{}\n']);
  });

  test.each([
    ['a NUL in the path', 'GET /api/v1/lb%00 HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 404 /],
    ['a way out of the path', 'GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 (404|400) /],
    ['no HTTP at all', 'hello\r\n\r\n', /^(HTTP\/1.1 400 |$)/],
    ['two lengths', 'POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x', /^(HTTP\/1.1 400 |$)/],
    [
      'invalid UTF-8',
      Buffer.concat([
        Buffer.from('POST /api/v1/lb HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{"backendName":"'),
        Buffer.from([0xff, 0xfe, 0x22, 0x7d, 0x20, 0x20, 0x20]),
      ]),
      /^HTTP\/1.1 500 /,
    ],
  ])('%s', async (_, bytes, expected) => {
    const { port, submitted } = await start();
    expect(await raw(port, bytes)).toMatch(expected);
    expect(submitted).toEqual([]);
  });
});

describe('who may call', () => {
  const folder = mkdtempSync(`${tmpdir()}/minilb-tokens-`);
  const file = `${folder}/tokens`;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function tokens(text: string, clock: FakeClock) {
    writeFileSync(file, text, { mode: 0o600 });
    const opened = openTokenFile(file, clock, createMemoryLog());
    if (!opened.ok) throw new Error(opened.detail);
    return opened.value;
  }
  const ask = async (port: number, authorization?: string) =>
    (await fetch(`http://127.0.0.1:${port}/api/v1/lb`, { method: 'POST', body: POST, headers: authorization ? { authorization } : {} }))
      .status;

  test('a call without a token, with a wrong one or another scheme is 401; a right one brings its name along', async () => {
    const { port, submitted } = await start({ tokens: tokens(`a ${A}\nb ${B}\n`, createFakeClock()) });
    expect([await ask(port), await ask(port, `Bearer ${A}x`), await ask(port, `Basic ${A}`), await ask(port, 'Bearer a')]).toEqual([
      401, 401, 401, 401,
    ]);
    expect([await ask(port, `Bearer ${A}`), await ask(port, `bearer ${B}`)]).toEqual([200, 200]);
    expect(submitted.map(({ caller }) => caller)).toEqual([
      { owner: 'a', owners: ['a', 'b'] },
      { owner: 'b', owners: ['a', 'b'] },
    ]);
  });

  test('the list shows one’s own backends, and nobody’s', async () => {
    const listed = ['a', 'b', ''].map((owner) => ({
      backendName: `of_${owner}`,
      lbPort: 1,
      lbProtocol: 'TCP' as const,
      upstreamServers: [],
      sourceRanges: [],
      owner,
      state: 'idle' as const,
    }));
    const { port } = await start({ tokens: tokens(`a ${A}\nb ${B}\n`, createFakeClock()), list: async () => ok(listed) });
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/lb`, { headers: { authorization: `Bearer ${A}` } });
    const { backends } = (await response.json()) as { backends: { backendName: string }[] };
    expect(backends.map(({ backendName }) => backendName)).toEqual(['of_a', 'of_']);
  });

  test('a token that is replaced in the file holds from the next second on; a file that cannot be read changes nothing', async () => {
    const clock = createFakeClock();
    const { port } = await start({ tokens: tokens(`a ${A}\n`, clock) });
    writeFileSync(file, `a ${B}\n\n`);
    await clock.advance(1_000);
    expect([await ask(port, `Bearer ${A}`), await ask(port, `Bearer ${B}`)]).toEqual([401, 200]);
    writeFileSync(file, 'rubbish');
    await clock.advance(1_000);
    expect([await ask(port, `Bearer ${A}`), await ask(port, `Bearer ${B}`)]).toEqual([401, 200]);
  });
});

describe('TLS', () => {
  const files = { certFile: `${TLS}/server.pem`, keyFile: `${TLS}/server.key`, clientCaFile: '' };
  const load = (changes: Partial<typeof files> = {}) => {
    const loaded = loadTls({ ...files, ...changes });
    if (!loaded.ok) throw new Error(loaded.detail);
    return loaded.value;
  };
  const ca = readFileSync(`${TLS}/ca.pem`, 'utf8');
  const ask = (port: number, tls: Record<string, unknown>) =>
    fetch(`https://127.0.0.1:${port}/api/v1/lb`, { method: 'POST', body: POST, tls: { ca, ...tls }, keepalive: false }).then(
      (response) => String(response.status),
      () => 'refused',
    );

  test('a client that knows the authority gets through, one that does not refuses', async () => {
    const { port } = await start({ tls: load() });
    expect(await ask(port, {})).toBe('200');
    expect(await ask(port, { ca: readFileSync(`${TLS}/other-ca.pem`, 'utf8') })).toBe('refused');
  });

  const client = { cert: readFileSync(`${TLS}/client.pem`, 'utf8'), key: readFileSync(`${TLS}/client.key`, 'utf8') };

  test('mutual TLS: a client without a certificate gets nothing at all, one with a certificate of the authority gets through', async () => {
    const { port, submitted } = await start({ tls: load({ clientCaFile: `${TLS}/client-ca.pem` }) });
    expect(await ask(port, {})).toBe('refused');
    expect(submitted).toEqual([]);
    expect(await ask(port, client)).toBe('200');
  });

  test('mutual TLS: a certificate of another authority gets nothing, nor does one that is only for servers', async () => {
    const other = await start({ tls: load({ clientCaFile: `${TLS}/other-ca.pem` }) });
    expect(await ask(other.port, client)).toBe('refused');
    const same = await start({ tls: load({ clientCaFile: `${TLS}/ca.pem` }) });
    const server = { cert: readFileSync(`${TLS}/server.pem`, 'utf8'), key: readFileSync(`${TLS}/server.key`, 'utf8') };
    expect(await ask(same.port, server)).toBe('refused');
    expect([...other.submitted, ...same.submitted]).toEqual([]);
  });

  test.each([
    ['a certificate without a key', { keyFile: '' }, 'TLS needs both -tls-cert and -tls-key'],
    ['a client authority without a certificate', { certFile: '', keyFile: '', clientCaFile: `${TLS}/ca.pem` }, 'TLS needs both'],
    ['a key of another certificate', { certFile: `${TLS}/ca.pem` }, 'is not the key of'],
    ['a file that is not there', { certFile: '/nowhere/cert.pem' }, '/nowhere/cert.pem'],
    ['a file that is no certificate', { certFile: `${TLS}/README.md` }, 'README.md'],
  ])('%s: the message names it', (_, changes, detail) => {
    expect(loadTls({ ...files, ...changes })).toMatchObject({ ok: false, detail: expect.stringContaining(detail) });
  });
});
