import { afterEach, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { err, ok } from '../../core/value/result.ts';
import { systemClock } from '../system/clock.ts';
import { type ApiRequest, type ApiResult, BODY_BYTES_MAX, createKubeClient, HEADERS_MS_MAX, type KubeClient } from './client.ts';
import type { Credentials } from './credentials.ts';

const TLS = `${import.meta.dirname}/../../../test/support/tls`;
const pem = (name: string) => readFileSync(`${TLS}/${name}`, 'utf8');
const GET: ApiRequest = { method: 'GET', path: '/api/v1/services' };
const never = new AbortController().signal;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** An HTTP server; `seen` has the requests it got. */
function serve(answer: (request: Request) => Response | Promise<Response>, tls = false) {
  const seen: Request[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    ...(tls && { tls: { cert: pem('server.pem'), key: pem('server.key') } }),
    fetch: (request) => {
      seen.push(request);
      return answer(request);
    },
  });
  stops.push(() => server.stop(true));
  return { url: `http${tls ? 's' : ''}://127.0.0.1:${server.port}`, seen };
}

/** A TCP server whose connections get these bytes and then nothing. */
async function serveBytes(bytes: string, then: (socket: Socket) => void = () => {}): Promise<string> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.write(bytes, () => then(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

function client(
  server: string,
  more: Partial<Credentials> = {},
  limits: { headersMsMax?: number; requestMsMax?: number } = {},
): KubeClient {
  const credentials: Credentials = {
    server,
    context: 'test',
    namespace: 'default',
    insecureSkipTlsVerify: false,
    identify: async () => ok({}),
    ...more,
  };
  return createKubeClient(credentials, { clock: systemClock, userAgent: 'minilb/test', ...limits });
}

const failureOf = (result: ApiResult<unknown>) =>
  result.ok ? 'no failure' : { code: result.code, status: result.status, detail: result.detail };

describe('a request', () => {
  test('carries the query, the user agent, the token and, for PATCH, a JSON merge patch (RFC 7396)', async () => {
    const { url, seen } = serve(async (request) => Response.json({ got: await request.text() }));
    const one = client(`${url}/prefix`, { identify: async () => ok({ token: 'secret' }) });
    const result = await one.request({ method: 'PATCH', path: '/a b', query: { labelSelector: 'a=b,c' }, body: { status: null } }, never);
    expect(result).toEqual({ ok: true, value: { got: '{"status":null}' } });
    const [request] = seen;
    expect(request?.url).toBe(`${url}/prefix/a%20b?labelSelector=a%3Db%2Cc`);
    expect(request?.headers.get('content-type')).toBe('application/merge-patch+json');
    expect(request?.headers.get('authorization')).toBe('Bearer secret');
    expect(request?.headers.get('user-agent')).toBe('minilb/test');
  });

  const statuses: readonly [status: number, code: string][] = [
    [400, 'invalid'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict'],
    [410, 'gone'],
    [422, 'invalid'],
    [429, 'too-many'],
    [500, 'server-error'],
    [503, 'server-error'],
  ];
  test.each(statuses)('HTTP %d is %s, in the server’s own words (meta/v1 Status.message)', async (status, code) => {
    const { url } = serve(() => Response.json({ kind: 'Status', message: 'the reason' }, { status }));
    expect(failureOf(await client(url).request(GET, never))).toEqual({ code, status, detail: 'the reason' } as never);
    expect(failureOf(await client(url).stream(GET, never))).toEqual({ code, status, detail: 'the reason' } as never);
  });

  test('a refusal that is no Status names the HTTP status', async () => {
    const { url } = serve(() => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }));
    expect(failureOf(await client(url).request(GET, never))).toEqual({ code: 'server-error', status: 502, detail: 'HTTP 502 Bad Gateway' });
  });

  test('Retry-After in seconds is handed on (RFC 9110, 10.2.3)', async () => {
    const { url } = serve(() => Response.json({}, { status: 429, headers: { 'retry-after': '7' } }));
    const result = await client(url).request(GET, never);
    expect(result.ok ? undefined : result.retryAfterSeconds).toBe(7);
  });

  test('a reply that is not JSON', async () => {
    const { url } = serve(() => new Response('hello'));
    expect(failureOf(await client(url).request(GET, never))).toMatchObject({
      code: 'server-error',
      detail: expect.stringContaining('not JSON'),
    });
  });

  test('a reply over the limit is not read to its end', async () => {
    const { url } = serve(() => new Response(`"${'x'.repeat(BODY_BYTES_MAX)}"`));
    expect(failureOf(await client(url).request(GET, never))).toMatchObject({
      code: 'server-error',
      detail: expect.stringContaining('more than'),
    });
  });

  test('a redirect is not followed: it could take the token elsewhere', async () => {
    const { url, seen } = serve(() => Response.redirect('/elsewhere'));
    expect(failureOf(await client(url).request(GET, never))).toMatchObject({ code: 'unreachable' });
    expect(seen.length).toBe(1);
  });
});

describe('time', () => {
  test('a server that sends no headers is given up', async () => {
    const url = await serveBytes('');
    const detail = `${url}: no answer within 0.1 s`;
    expect(failureOf(await client(url, {}, { headersMsMax: 100 }).stream(GET, never))).toEqual({ code: 'unreachable', status: 0, detail });
    expect(failureOf(await client(url, {}, { headersMsMax: 100 }).request(GET, never))).toEqual({ code: 'unreachable', status: 0, detail });
  });

  test('the limit for headers is 10 s', async () => {
    const clock = createFakeClock();
    const url = await serveBytes('');
    const credentials: Credentials = {
      server: url,
      context: '',
      namespace: '',
      insecureSkipTlsVerify: false,
      identify: async () => ok({}),
    };
    let done = false;
    const waiting = createKubeClient(credentials, { clock, userAgent: '' }).stream(GET, never);
    void waiting.then(() => {
      done = true;
    });
    await clock.advance(HEADERS_MS_MAX - 1);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(failureOf(await waiting)).toMatchObject({ code: 'unreachable', detail: expect.stringContaining('within 10 s') });
  });

  test('a body that stops half way is given up, of a reply and of a refusal', async () => {
    const half = (status: string) => `HTTP/1.1 ${status}\r\ncontent-length: 100\r\n\r\n{"message":`;
    const ok = await serveBytes(half('200 OK'));
    expect(failureOf(await client(ok, {}, { requestMsMax: 100 }).request(GET, never))).toMatchObject({ code: 'unreachable', status: 0 });
    const no = await serveBytes(half('403 Forbidden'));
    expect(failureOf(await client(no, {}, { headersMsMax: 100 }).stream(GET, never))).toMatchObject({ code: 'unreachable', status: 0 });
  });

  test('an aborted call ends at once and does not throw', async () => {
    const url = await serveBytes('');
    const abort = new AbortController();
    const waiting = client(url).request(GET, abort.signal);
    abort.abort();
    expect(await waiting).toMatchObject({ ok: false, code: 'unreachable' });
    expect(await client(url).stream(GET, abort.signal)).toMatchObject({ ok: false, code: 'unreachable' });
  });
});

describe('a stream', () => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const collect = async (result: ApiResult<{ readonly chunks: AsyncIterable<Uint8Array> }>) => {
    if (!result.ok) return result.detail;
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of result.value.chunks) text += decoder.decode(chunk);
      return `${text} end`;
    } catch {
      return `${text} broken`;
    }
  };

  test('shows what has come, then that the server has ended it', async () => {
    const url = await serveBytes(`${head}1\r\na\r\n0\r\n\r\n`);
    expect(await collect(await client(url).stream(GET, never))).toBe('a end');
  });

  test('throws when the connection breaks: that is not the end', async () => {
    const url = await serveBytes(`${head}1\r\na\r\n`, (socket) => setImmediate(() => socket.resetAndDestroy()));
    expect(await collect(await client(url).stream(GET, never))).toEndWith('broken');
  });

  test('is not limited by the time of requests, and ends with its signal', async () => {
    const abort = new AbortController();
    const url = await serveBytes(`${head}1\r\na\r\n`);
    const opened = await client(url, {}, { headersMsMax: 1000, requestMsMax: 50 }).stream(GET, abort.signal);
    const text = collect(opened);
    await systemClock.after(1200, never);
    abort.abort();
    expect(await text).toBe('a broken');
  });
});

describe('TLS', () => {
  const answer = () => Response.json({});

  test('the right authority', async () => {
    const { url } = serve(answer, true);
    expect(await client(url, { ca: pem('ca.pem') }).request(GET, never)).toEqual({ ok: true, value: {} });
  });

  test('another authority, or the system’s alone, is refused and said', async () => {
    const { url, seen } = serve(answer, true);
    const detail = expect.stringContaining('not signed by the certificate authority given');
    expect(failureOf(await client(url, { ca: pem('other-ca.pem') }).request(GET, never))).toMatchObject({ code: 'unreachable', detail });
    expect(await client(url).request(GET, never)).toMatchObject({ ok: false, code: 'unreachable' });
    expect(seen.length).toBe(0);
  });

  test('a certificate for another name, and tls-server-name that sets it right', async () => {
    const { url } = serve(answer, true);
    const ca = pem('ca.pem');
    const detail = expect.stringContaining('set tls-server-name');
    expect(failureOf(await client(url, { ca, serverName: 'wrong.example' }).request(GET, never))).toMatchObject({
      code: 'unreachable',
      detail,
    });
    expect(await client(url, { ca, serverName: 'localhost' }).request(GET, never)).toMatchObject({ ok: true });
  });

  test('insecure-skip-tls-verify takes any certificate', async () => {
    const { url } = serve(answer, true);
    expect(await client(url, { insecureSkipTlsVerify: true }).request(GET, never)).toMatchObject({ ok: true });
  });

  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const hollow = (label: string) => `-----BEGIN ${label}-----\nMAMBAgM=\n-----END ${label}-----\n`;
  const unusable: readonly [name: string, ca: string, cert: string, key: string, says: string][] = [
    [
      'a key of another certificate',
      pem('ca.pem'),
      pem('server.pem'),
      otherKey,
      'the client certificate and the client key of test do not belong together',
    ],
    [
      'a certificate that is none',
      pem('ca.pem'),
      hollow('CERTIFICATE'),
      pem('server.key'),
      'the client certificate of test cannot be read',
    ],
    ['a key that is none', pem('ca.pem'), pem('server.pem'), hollow('PRIVATE KEY'), 'the client key of test cannot be read'],
    [
      'an authority that is none',
      hollow('CERTIFICATE'),
      pem('server.pem'),
      pem('server.key'),
      'the certificate authority of test cannot be read',
    ],
  ];
  test.each(unusable)('%s is named, where Bun suspects a typo in the URL', async (_, ca, cert, key, says) => {
    const { url } = serve(answer, true);
    const result = await client(url, { ca, identify: async () => ok({ cert, key }) }).request(GET, never);
    expect(failureOf(result)).toMatchObject({ code: 'unreachable', detail: expect.stringContaining(says) });
  });

  test('a server that wants a client certificate and gets none', async () => {
    const tls = { cert: pem('server.pem'), key: pem('server.key'), ca: pem('ca.pem'), requestCert: true, rejectUnauthorized: true };
    const server = Bun.serve({ hostname: '127.0.0.1', port: 0, tls, fetch: answer });
    stops.push(() => server.stop(true));
    const result = await client(`https://127.0.0.1:${server.port}`, { ca: pem('ca.pem') }).request(GET, never);
    expect(failureOf(result)).toMatchObject({ code: 'unreachable', status: 0 });
  });

  test('two clients with different authorities share no connection', async () => {
    const { url } = serve(answer, true);
    expect(await client(url, { ca: pem('ca.pem') }).request(GET, never)).toMatchObject({ ok: true });
    expect(await client(url, { ca: pem('other-ca.pem') }).request(GET, never)).toMatchObject({ ok: false });
  });

  test('http spoken to an https server, and https to an http one', async () => {
    const plain = serve(answer);
    const secure = serve(answer, true);
    expect(await client(plain.url.replace('http', 'https')).request(GET, never)).toMatchObject({ ok: false, code: 'unreachable' });
    expect(await client(secure.url.replace('https', 'http')).request(GET, never)).toMatchObject({ ok: false });
  });
});

describe('identities', () => {
  /** A server that knows one token; credentials that show one after the other. */
  const run = async (good: string, tokens: readonly string[]) => {
    const { url, seen } = serve((request) =>
      request.headers.get('authorization') === `Bearer ${good}`
        ? Response.json({})
        : Response.json({ message: 'Unauthorized' }, { status: 401 }),
    );
    const asked: boolean[] = [];
    const identify: Credentials['identify'] = async (renew) => {
      asked.push(renew);
      return ok({ token: tokens[Math.min(asked.length - 1, tokens.length - 1)] ?? '' });
    };
    const result = await client(url, { identify }).request(GET, never);
    return { result: result.ok ? 'ok' : result.code, requests: seen.length, asked };
  };

  test('401 asks for another identity once, and shows it', async () => {
    expect(await run('new', ['old', 'new'])).toEqual({ result: 'ok', requests: 2, asked: [false, true] });
  });

  test('the same identity is not shown twice', async () => {
    expect(await run('new', ['old'])).toEqual({ result: 'unauthorized', requests: 1, asked: [false, true] });
  });

  test('a second 401 is the answer', async () => {
    expect(await run('good', ['old', 'new', 'good'])).toEqual({ result: 'unauthorized', requests: 2, asked: [false, true] });
  });

  test('no identity: nothing is sent', async () => {
    const { url, seen } = serve(() => Response.json({}));
    const identify: Credentials['identify'] = async () => err('plugin-failed', 'the exec plugin x ended with code 1');
    expect(failureOf(await client(url, { identify }).request(GET, never))).toMatchObject({
      code: 'unauthorized',
      detail: expect.stringContaining('exec plugin'),
    });
    expect(seen.length).toBe(0);
  });
});

test('proxy-url: requests go through the proxy', async () => {
  const proxy = serve((request) => Response.json({ through: request.url }));
  const result = await client('http://10.255.255.1:6443', { proxyUrl: proxy.url }).request(GET, never);
  expect(result).toEqual({ ok: true, value: { through: 'http://10.255.255.1:6443/api/v1/services' } });
});
