import { afterEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { createGoUpdater } from '../../../test/support/go-updater.ts';
import type { UpdateCall } from '../../core/plan/balancer-calls.ts';
import { systemClock } from '../system/clock.ts';
import { createUpdaterClient } from './updater-client.ts';

const TLS = `${import.meta.dirname}/../../../test/support/tls`;
const pem = (name: string) => readFileSync(`${TLS}/${name}`, 'utf8');
const never = new AbortController().signal;
const CALL: UpdateCall = {
  backendName: 'default_web',
  lbPort: 8100,
  lbProtocol: 'TCP',
  upstreamServers: [{ host: '10.0.0.1', port: 30080 }],
  proxyTimeoutSeconds: 0,
  proxyConnectTimeoutSeconds: 0,
};

const servers: Bun.Server<undefined>[] = [];
const serve = (fetch: (request: Request) => Response | Promise<Response>, tls?: Bun.TLSOptions): string => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch, idleTimeout: 0, ...(tls && { tls }) });
  servers.push(server);
  return `http${tls ? 's' : ''}://127.0.0.1:${server.port}/api/v1/lb`;
};
const client = (clock = systemClock) => createUpdaterClient({ clock, userAgent: 'minilb/test (external)' });
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

describe('the updater’s client', () => {
  test('sends what the original’s operator sends: JSON and a newline, no Content-Type, DELETE with a body', async () => {
    const updater = createGoUpdater();
    const url = serve(updater.handle);
    expect(await client().update({ url, token: 'sesame' }, CALL, never)).toEqual({ ok: true, value: undefined });
    expect(await client().remove({ url }, 'default_web', never)).toEqual({ ok: true, value: undefined });
    const [post, remove] = updater.calls;
    expect(post?.body).toBe(
      '{"backendName":"default_web","lbPort":8100,"lbProtocol":"TCP","upstreamServers":[{"host":"10.0.0.1","port":30080}],"proxyTimeoutSeconds":0,"proxyConnectTimeoutSeconds":0}\n',
    );
    expect([post?.headers['content-type'], post?.headers['authorization']]).toEqual([undefined, 'Bearer sesame']);
    expect([remove?.method, remove?.body, remove?.headers['authorization']]).toEqual([
      'DELETE',
      '{"backendName":"default_web"}\n',
      undefined,
    ]);
  });

  const html = '<html>\n<head><title>502</title></head><body><h1>Bad\tGateway</h1></body></html>';
  const rows: readonly [name: string, answer: () => Response, code: string, said: string][] = [
    [
      'the original’s error',
      () => new Response('{"err":"failed to update stream: empty backend name"}\n', { status: 500 }),
      'refused',
      '500: failed to update stream: empty backend name',
    ],
    ['HTML', () => new Response(html, { status: 502 }), 'refused', '502: 502 Bad Gateway'],
    ['nothing', () => new Response(null, { status: 500 }), 'refused', '500'],
    ['JSON of another kind', () => Response.json(['x'], { status: 500 }), 'refused', '500: ["x"]'],
    ['control characters', () => new Response('a\u0000\u001b[31mb\n', { status: 400 }), 'refused', '400: a [31mb'],
    [
      'a token that is not accepted',
      () => new Response('{"err":"a valid bearer token is needed"}\n', { status: 401 }),
      'unauthorized',
      '401: a valid bearer token is needed',
    ],
    [
      'a port of somebody else',
      () => new Response('{"err":"failed to update stream: port 8100/TCP belongs to backend x"}\n', { status: 409 }),
      'refused',
      '409: failed to update stream: port 8100/TCP belongs to backend x',
    ],
    ['200 with anything', () => new Response('<html>ok</html>'), 'ok', ''],
    ['204', () => new Response(null, { status: 204 }), 'ok', ''],
  ];
  test.each(rows)('an answer with %s', async (_, answer, code, said) => {
    const url = serve(answer);
    const result = await client().update({ url }, CALL, never);
    expect(result.ok ? 'ok' : result.code).toBe(code);
    if (!result.ok) expect(result.detail).toBe(`${url} answered ${said}`);
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed: nothing, and no token, goes where it leads', async (status) => {
    const elsewhere = createGoUpdater();
    const there = serve(elsewhere.handle);
    const url = serve(() => new Response(null, { status, headers: { location: there } }));
    const result = await client().update({ url, token: 'sesame' }, CALL, never);
    expect(result).toMatchObject({ ok: false, code: 'refused', detail: expect.stringContaining('redirects are not followed') });
    expect(elsewhere.calls).toEqual([]);
  });

  test('an error of megabytes is not read to its end', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(120));
        if (sent > 64 * 1024 * 1024) controller.close();
      },
    });
    const url = serve(() => new Response(body, { status: 500 }));
    const result = await client().update({ url }, CALL, never);
    expect(result).toMatchObject({ ok: false, code: 'refused' });
    expect(result.ok || result.detail.length < 500).toBe(true);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  const tick = async (clock: FakeClock, url: string) => {
    const asked = client(clock).update({ url }, CALL, never);
    // Until the request has arrived: then time passes.
    await Bun.sleep(50);
    await clock.advance(9_999);
    expect(await Promise.race([asked, Promise.resolve('still waiting')])).toBe('still waiting');
    await clock.advance(1);
    return asked;
  };

  test.each([
    ['no headers', () => new Promise<Response>(() => {})],
    [
      'headers, and a body that does not end',
      () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }), { status: 500 }),
    ],
  ] as const)('10 s without an answer are enough: %s', async (_, answer) => {
    const clock = createFakeClock();
    const url = serve(answer);
    expect(await tick(clock, url)).toEqual({ ok: false, code: 'unreachable', detail: `${url}: no answer within 10 s` });
    expect(clock.pending()).toBe(0);
  });

  test('nobody listens', async () => {
    const url = serve(() => new Response());
    await servers.pop()?.stop(true);
    const result = await client().update({ url }, CALL, never);
    expect(result).toMatchObject({
      ok: false,
      code: 'unreachable',
      detail: expect.stringContaining('is the updater running, and is this its port?'),
    });
  });

  test('an aborted call is over at once', async () => {
    const end = new AbortController();
    const url = serve(() => new Promise<Response>(() => {}));
    const asked = client().update({ url }, CALL, end.signal);
    end.abort();
    expect(await asked).toMatchObject({ ok: false, code: 'unreachable' });
  });

  test('TLS: the authority and the client certificate of the config, and no other', async () => {
    const tls = { cert: pem('server.pem'), key: pem('server.key'), ca: pem('client-ca.pem'), requestCert: true, rejectUnauthorized: true };
    const updater = createGoUpdater();
    const url = serve(updater.handle, tls).replace('127.0.0.1', 'localhost');
    const own = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') };
    expect(await client().update({ url, tls: own }, CALL, never)).toEqual({ ok: true, value: undefined });
    for (const wrong of [{}, { ca: pem('other-ca.pem') }, { ca: pem('ca.pem') }])
      expect(await client().update({ url, tls: wrong }, CALL, never)).toMatchObject({ ok: false, code: 'unreachable' });
    expect(updater.calls).toHaveLength(1);
  });

  test('asks by GET whether it is a minilb updater, which nginx-lb-updater refuses', async () => {
    const list = { version: '0.1.0', healthy: true, backends: [] };
    const ask = (answer: () => Response) => client().isMinilb({ url: serve(answer) }, never);
    expect(await client().isMinilb({ url: serve(createGoUpdater().handle) }, never)).toEqual({ ok: true, value: false });
    expect(await ask(() => Response.json(list))).toEqual({ ok: true, value: true });
    expect(await ask(() => new Response('<html>'))).toEqual({ ok: true, value: false });
    expect(await ask(() => new Response('{}', { status: 503 }))).toMatchObject({ ok: false, code: 'refused' });
    expect(await ask(() => new Response('{}', { status: 401 }))).toMatchObject({ ok: false, code: 'unauthorized' });
  });
});
