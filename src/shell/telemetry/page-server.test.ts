import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ip } from '../../../test/support/values.ts';
import type { NameReport } from '../../core/value/report.ts';
import { createPageServer } from './page-server.ts';

const stop = new AbortController();
const release: (() => void)[] = [];
let base = '';
let closed: Promise<void>;

beforeAll(async () => {
  const explain = async (name: string): Promise<NameReport> => {
    if (name === 'slow.minilb') await new Promise<void>((resolve) => release.push(resolve));
    return { name, domain: 'minilb', found: false, summary: 'nothing', answers: [], notes: [] };
  };
  const server = createPageServer({ listen: { ip: ip('127.0.0.1'), port: 0 }, explain }, stop.signal);
  const ready = await server.ready;
  base = `http://127.0.0.1:${ready.ok ? ready.value.port : 0}`;
  closed = server.closed;
});
afterAll(async () => {
  stop.abort();
  await closed;
});

const names = (name: string, init: RequestInit = {}) => fetch(`${base}/api/v1/names/${name}`, init);

describe('GET /api/v1/names/{name}', () => {
  test('a report in JSON, that nobody keeps; the name is folded', async () => {
    const reply = await names('WEB.minilb.');
    expect([reply.status, reply.headers.get('content-type'), reply.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ]);
    expect(((await reply.json()) as NameReport).name).toBe('web.minilb');
  });

  test('GET and HEAD only', async () => {
    expect((await names('web.minilb', { method: 'HEAD' })).status).toBe(200);
    const reply = await names('web.minilb', { method: 'POST' });
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test.each([
    ['evil.example.com', 403],
    ['evil.example.com:7710', 403],
    ['127.0.0.1.evil.example.com', 403],
    ['localhost:7710', 200],
    ['192.168.1.5', 200],
    ['[::1]:7710', 200],
  ])('the Host header must be an address or localhost, against DNS rebinding: %s gets %i', async (host, status) => {
    expect((await names('web.minilb', { headers: { host } })).status).toBe(status);
  });

  test.each([['a..b'], ['%ZZ'], [`${'a'.repeat(64)}.minilb`], ['%00'], ['']])('what is no name gets 400: %j', async (name) => {
    expect((await names(name)).status).toBe(400);
  });

  test('there is nothing else', async () => {
    expect((await fetch(`${base}/`)).status).toBe(404);
  });

  test('two questions at once, the third is told to come back', async () => {
    const slow = [names('slow.minilb'), names('slow.minilb')];
    while (release.length < 2) await Bun.sleep(1);
    expect((await names('web.minilb')).status).toBe(503);
    for (const go of release) go();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test('a port in use is one line', async () => {
    const listen = { ip: ip('127.0.0.1'), port: Number(new URL(base).port) };
    const second = await createPageServer({ listen, explain: async () => expect.unreachable() }, stop.signal).ready;
    expect(second.ok ? '' : second.detail).toBe(`cannot listen (-page) on 127.0.0.1:${listen.port}: the port is in use by another program`);
  });
});
