import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ip } from '../../../test/support/values.ts';
import type { Listing } from '../../core/page/listing.ts';
import type { NameReport } from '../../core/value/report.ts';
import { createPageServer, type PageSource } from './page-server.ts';

const stop = new AbortController();
let mayEnd = false;
let steps = 0;
let base = '';
let closed: Promise<void>;

const rows: Listing = {
  step: () => true,
  result: () => ({ items: [{ name: '</script><script>alert(1)</script>' }], matched: 1, next: '', texts: [] }),
};
/** Never done until it may be. */
const slow: Listing = { ...rows, step: () => steps++ >= 0 && mayEnd };
const source: PageSource = {
  status: () => ({ version: '1' }) as never,
  lists: { names: () => rows, slow: () => slow },
  explain: (name): NameReport => ({ name, domain: 'minilb', found: false, summary: 'nothing', answers: [], notes: [] }),
};

beforeAll(async () => {
  const server = createPageServer({ listen: { ip: ip('127.0.0.1'), port: 0 }, source: async () => source }, stop.signal);
  const ready = await server.ready;
  base = `http://127.0.0.1:${ready.ok ? ready.value.port : 0}`;
  closed = server.closed;
});
afterAll(async () => {
  stop.abort();
  await closed;
});

const names = (name: string, init: RequestInit = {}) => fetch(`${base}/api/v1/names/${name}`, init);

describe('the page’s server', () => {
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
    for (const path of ['/', '/api/v1/status', '/api/v1/names', '/api/v1/names/web.minilb'])
      expect((await fetch(`${base}${path}`, { headers: { host } })).status).toBe(status);
  });

  test.each([['a..b'], ['%ZZ'], [`${'a'.repeat(64)}.minilb`], ['%00'], ['']])('what is no name gets 400: %j', async (name) => {
    expect((await names(name)).status).toBe(400);
  });

  test.each([
    ['/nothing', 404],
    ['/page.js/', 404],
    ['/__proto__', 404],
    ['/api/v1/', 404],
    ['/api/v1/nothing', 404],
    ['/api/v1/__proto__', 404],
    ['/api/v1/constructor', 404],
    ['/api/v1/names?limit=1000', 400],
    ['/api/v1/names?x=1', 400],
    [`/api/v1/names?q=${'a'.repeat(300)}`, 400],
    ['/api/v1/names?q=%ZZ', 200],
  ])('%s gets %i', async (path, status) => {
    expect((await fetch(`${base}${path}`)).status).toBe(status);
  });

  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/rows.js', 'text/javascript; charset=utf-8'],
    ['/dom.js', 'text/javascript; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/icon.svg', 'image/svg+xml; charset=utf-8'],
  ])('%s is %s, under a policy that lets nothing in from elsewhere', async (path, type) => {
    const reply = await fetch(`${base}${path}`);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, type]);
    const policy = reply.headers.get('content-security-policy') ?? '';
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|http|data:|\*/);
    expect((await reply.text()).match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/)).toBeNull();
  });

  test('texts of the cluster are JSON that no browser takes for a page', async () => {
    const reply = await fetch(`${base}/api/v1/names`);
    expect([reply.headers.get('content-type'), reply.headers.get('x-content-type-options')]).toEqual(['application/json', 'nosniff']);
    expect(((await reply.json()) as { items: unknown[] }).items).toEqual([{ name: '</script><script>alert(1)</script>' }]);
  });

  test('four lists at once, the fifth is told to come back; others have their turn meanwhile', async () => {
    const lists = [1, 2, 3, 4].map(() => fetch(`${base}/api/v1/slow`));
    while (steps < 100) await Bun.sleep(1);
    expect((await fetch(`${base}/api/v1/slow`)).status).toBe(503);
    expect((await fetch(`${base}/api/v1/status`)).status).toBe(200);
    mayEnd = true;
    expect((await Promise.all(lists)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test('a client that goes away takes its work with it', async () => {
    mayEnd = false;
    for (let i = 0; i < 8; i++) {
      const gone = new AbortController();
      const list = fetch(`${base}/api/v1/slow`, { signal: gone.signal }).catch(() => 'gone');
      const before = steps;
      while (steps < before + 10) await Bun.sleep(1);
      gone.abort();
      expect(await list).toBe('gone');
    }
    mayEnd = true;
  });

  test('a port in use is one line', async () => {
    const listen = { ip: ip('127.0.0.1'), port: Number(new URL(base).port) };
    const second = await createPageServer({ listen, source: async () => source }, stop.signal).ready;
    expect(second.ok ? '' : second.detail).toBe(`cannot listen (-page) on 127.0.0.1:${listen.port}: the port is in use by another program`);
  });
});
