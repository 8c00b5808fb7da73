import { afterEach, describe, expect, test } from 'bun:test';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import { createHealthServer, type Readiness } from './health-server.ts';
import { createMetrics } from './metrics.ts';

const loopback = parseIp('127.0.0.1') as Ip;
const ok: Readiness = { ready: true, reasons: [] };
const waiting: Readiness = { ready: false, reasons: ['waiting for the first list of EndpointSlices'] };
const lameduck: Readiness = { ready: false, reasons: ['stopping'] };

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

async function start(readiness: Readiness, synced: boolean, port = 0) {
  const options = { listen: { ip: loopback, port }, readiness: () => readiness, synced: () => synced, metrics: createMetrics() };
  const server = createHealthServer(options, stop.signal);
  const ready = await server.ready;
  return { ...server, ready, url: ready.ok ? `http://127.0.0.1:${ready.value.port}` : '' };
}

describe('what the probes mean (Life cycle)', () => {
  const rows: readonly [name: string, readiness: Readiness, synced: boolean, readyz: number, livez: number, healthz: number][] = [
    ['before the first sync nobody should ask it, but it lives', waiting, false, 503, 200, 503],
    ['ready', ok, true, 200, 200, 200],
    ['in lameduck readiness fails, and the seed’s probe for both does not', lameduck, true, 503, 200, 200],
  ];
  test.each(rows)('%s', async (_, readiness, synced, readyz, livez, healthz) => {
    const { url } = await start(readiness, synced);
    const status = async (path: string) => (await fetch(url + path)).status;
    expect([await status('/readyz'), await status('/livez'), await status('/healthz')]).toEqual([readyz, livez, healthz]);
  });

  test('503 says why', async () => {
    const { url } = await start(waiting, false);
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('not ready\nwaiting for the first list of EndpointSlices\n');
  });
});

describe('the server', () => {
  test('/metrics is Prometheus’ text format', async () => {
    const { url } = await start(ok, true);
    const reply = await fetch(`${url}/metrics`);
    expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await reply.text()).toContain('# TYPE minilb_dns_queries_total counter');
  });

  test('HEAD answers without a body', async () => {
    const { url } = await start(ok, true);
    const reply = await fetch(`${url}/readyz`, { method: 'HEAD' });
    expect([reply.status, await reply.text()]).toEqual([200, '']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is refused with 405', async (method) => {
    const { url } = await start(ok, true);
    const reply = await fetch(`${url}/readyz`, { method });
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('an unknown path is 404 and says which there are', async () => {
    const { url } = await start(ok, true);
    const reply = await fetch(`${url}/`);
    expect([reply.status, await reply.text()]).toEqual([404, 'there are /healthz, /readyz, /livez and /metrics\n']);
  });

  test('a port in use is one clear line', async () => {
    const first = await start(ok, true);
    const port = first.ready.ok ? first.ready.value.port : 0;
    const second = await start(ok, true, port);
    expect(second.ready).toEqual({
      ok: false,
      code: 'cannot-listen',
      detail: `cannot listen (-health) on 127.0.0.1:${port}: the port is in use by another program`,
    });
    await second.closed;
  });

  test('without an address it answers on IPv4 and IPv6', async () => {
    const server = createHealthServer(
      { listen: { port: 0 }, readiness: () => ok, synced: () => true, metrics: createMetrics() },
      stop.signal,
    );
    const ready = await server.ready;
    const port = ready.ok ? ready.value.port : 0;
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
    expect((await fetch(`http://[::1]:${port}/livez`)).status).toBe(200);
  });

  test('closes when its signal aborts', async () => {
    const { url, closed } = await start(ok, true);
    await fetch(`${url}/livez`);
    stop.abort();
    await closed;
    expect(fetch(`${url}/livez`)).rejects.toThrow();
  });
});
