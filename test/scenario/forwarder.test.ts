import { afterEach, describe, expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { freePort } from '../support/child.ts';
import { ask } from '../support/dns-client.ts';
import type { FakeApiOptions } from '../support/fake-api.ts';
import { type ForwardingMinilb, startForwarding, WEB_SERVICE } from '../support/forwarding-minilb.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type MessageOptions, responseBytes } from '../support/upstream-message.ts';
import { waitFor } from '../support/wait.ts';

const running: { readonly stop: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

async function upstreamOf(address: string, options: MessageOptions = {}): Promise<TestUpstream> {
  const upstream = await startUpstream(({ name, type, id }) => [
    responseBytes(name, type, { id, ...(type === 'A' && { answers: [`${name} 60 A ${address}`] }), ...options }),
  ]);
  running.push(upstream);
  return upstream;
}

async function serve(flags: readonly string[], api: FakeApiOptions = {}, port?: number): Promise<ForwardingMinilb> {
  const server = await startForwarding(flags, api, port);
  running.push(server);
  return server;
}

const on = (...upstreams: readonly { readonly port: number }[]) => ['-upstream', upstreams.map(({ port }) => `127.0.0.1:${port}`).join()];

describe('several upstreams', () => {
  test('the first is asked while it is well; a closed port costs no time, and is left alone after a while', async () => {
    const [first, second] = [await upstreamOf('192.0.2.1'), await upstreamOf('192.0.2.2')];
    const server = await serve(on(first, second));
    expect((await server.ask('a.example.com')).answers).toEqual(['a.example.com A 192.0.2.1']);
    await first.stop();
    running.splice(running.indexOf(first), 1);
    for (let i = 0; i < 5; i++) expect((await server.ask(`b${i}.example.com`)).answers).toEqual([`b${i}.example.com A 192.0.2.2`]);
    await server.minilb.logged('upstream does not answer');
    running.push(
      await startUpstream(({ name, type, id }) => [responseBytes(name, type, { id, answers: [`${name} 1 A 192.0.2.3`] })], first.port),
    );
    await waitFor('the first one’s return', async () =>
      (await server.ask(`c${Math.random()}.example.com`)).answers[0]?.endsWith('192.0.2.3'),
    );
    await server.minilb.logged('upstream answers again');
  });

  test('a failure of one is no answer while another has one', async () => {
    const [first, second] = [await upstreamOf('', { rcode: 'SERVFAIL', answers: [] }), await upstreamOf('192.0.2.2')];
    const server = await serve(on(first, second));
    expect((await server.ask('a.example.com')).answers).toEqual(['a.example.com A 192.0.2.2']);
    expect(first.count('a.example.com')).toBe(1);
  });
});

describe('questions that go in circles', () => {
  test('an upstream that sends our queries back is found by its probe, and not used; no storm meanwhile', async () => {
    const port = await freePort();
    // A router that forwards everything to us, as a resolver would: it answers its client with what we say.
    const router = await startUpstream(() => []);
    await router.stop();
    const socket = createSocket('udp4');
    let forwarded = 0;
    socket.on('message', (bytes, from) => {
      forwarded++;
      const out = createSocket('udp4');
      out.on('message', (reply) => {
        socket.send(reply, from.port, from.address);
        out.close();
      });
      out.send(bytes, port, '127.0.0.1');
    });
    await new Promise<void>((resolve) => socket.bind(router.port, '127.0.0.1', resolve));
    running.push({ stop: () => new Promise((resolve) => socket.close(() => resolve())) });
    const server = await serve(on(router), {}, port);
    await server.minilb.logged('sends our queries back');
    expect(await server.metric('minilb_forward_upstream_usable')).toBe(0);
    const before = forwarded;
    expect(await server.ask('www.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [22] });
    expect(forwarded).toBe(before);
    expect((await server.ask('web.default.minilb')).answers).toHaveLength(1);
  });
});

describe('who is answered', () => {
  test('clients outside -forward-clients: REFUSED with EDE 18 and no RA; names of ours are answered', async () => {
    const upstream = await upstreamOf('192.0.2.1');
    const server = await serve([...on(upstream), '-forward-clients', '192.0.2.0/24']);
    expect(await server.ask('a.example.com')).toMatchObject({ rcode: 'REFUSED', ede: [18], flags: ['rd'] });
    expect(upstream.count('a.example.com')).toBe(0);
    expect(await server.ask('web.default.minilb')).toMatchObject({ rcode: 'NOERROR', flags: ['aa', 'rd'] });
  });

  test('clients outside -clients: REFUSED with EDE 18, whatever they ask', async () => {
    const server = await serve(['-clients', '192.0.2.0/24']);
    for (const name of ['web.default.minilb', 'a.example.com'])
      for (const transport of ['udp', 'tcp'] as const)
        expect(await server.ask(name, 'A', { transport })).toMatchObject({ rcode: 'REFUSED', ede: [18] });
  });

  test('without -upstream: REFUSED with EDE 20 and no RA', async () => {
    const server = await serve([]);
    expect(await server.ask('a.example.com')).toMatchObject({ rcode: 'REFUSED', ede: [20], flags: ['rd'] });
  });
});

describe('before the first sync', () => {
  const away = { refuse: () => new Response('', { status: 503 }) };

  test('other names: SERVFAIL with EDE 14 for -sync-grace, then forwarded with short TTLs; ours wait', async () => {
    const upstream = await upstreamOf('192.0.2.1');
    const server = await serve([...on(upstream), '-sync-grace', '2'], away);
    expect(await server.ask('a.example.com')).toMatchObject({ rcode: 'SERVFAIL', ede: [14] });
    expect(upstream.count('a.example.com')).toBe(0);
    const reply = await waitFor('the end of the grace', async () => {
      const got = await server.ask('a.example.com');
      return got.rcode === 'NOERROR' ? got : undefined;
    });
    expect([reply.answers, reply.ttls]).toEqual([['a.example.com A 192.0.2.1'], [5]]);
    expect(await server.ask('web.default.minilb')).toMatchObject({ rcode: 'SERVFAIL', ede: [14] });
  });
});

describe('claims and -upstream', () => {
  const claiming = { services: [{ ...WEB_SERVICE, metadata: { ...WEB_SERVICE.metadata, annotations: { 'minilb/host': 'www.sko.ai' } } }] };

  test('without -claim-hosts: a warning that prints the value for what is claimed now', async () => {
    const server = await serve(on(await upstreamOf('192.0.2.1')), claiming);
    expect(await server.minilb.logged('without -claim-hosts')).toContain('default=www.sko.ai');
  });

  test('what a claim owns is answered here, other types are asked, their NXDOMAIN becomes NODATA; names below are not ours', async () => {
    const upstream = await upstreamOf('192.0.2.1', { rcode: 'NXDOMAIN', answers: [], authorities: ['sko.ai 60 SOA 60'] });
    const server = await serve([...on(upstream), '-claim-hosts', 'www.sko.ai'], claiming);
    expect(await server.ask('www.sko.ai')).toMatchObject({ rcode: 'NOERROR', answers: ['www.sko.ai A 10.244.0.5'] });
    expect(await server.ask('www.sko.ai', 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(upstream.count('www.sko.ai')).toBe(0);
    expect(await server.ask('www.sko.ai', 'MX')).toMatchObject({ rcode: 'NOERROR', answers: [], flags: ['rd', 'ra'] });
    expect(upstream.count('www.sko.ai')).toBe(1);
    expect(await server.ask('sko.ai', 'MX')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(await server.ask('_acme-challenge.www.sko.ai', 'TXT')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(server.minilb.stderr()).not.toContain('without -claim-hosts');
  });

  test('a public alias to a claimed name: its addresses from here, its other types from upstream', async () => {
    const upstream = await startUpstream(({ name, type, id }) => [
      responseBytes(name, type, {
        id,
        answers: [`${name} 60 CNAME www.sko.ai`, type === 'MX' ? 'www.sko.ai 60 MX 5 mail.sko.ai' : 'www.sko.ai 60 A 203.0.113.66'],
      }),
    ]);
    running.push(upstream);
    const server = await serve([...on(upstream), '-claim-hosts', 'www.sko.ai'], claiming);
    expect((await server.ask('a.example.com')).answers).toEqual(['a.example.com CNAME www.sko.ai', 'www.sko.ai A 10.244.0.5']);
    expect((await server.ask('a.example.com', 'MX')).answers).toHaveLength(2);
  });
});

test('a name of ours that leads out of the zone: both in one answer, kept no longer than ours; alone when upstream has none', async () => {
  const external = {
    metadata: { ...WEB_SERVICE.metadata, name: 'docs' },
    spec: { type: 'ExternalName', externalName: 'docs.example.com' },
  };
  const lost = { metadata: { ...WEB_SERVICE.metadata, name: 'lost' }, spec: { type: 'ExternalName', externalName: 'lost.example.com' } };
  const upstream = await startUpstream(({ name, type, id }) => [
    name.startsWith('lost')
      ? responseBytes(name, type, { id, rcode: 'SERVFAIL' })
      : responseBytes(name, type, { id, answers: [`${name} 60 A 192.0.2.1`] }),
  ]);
  running.push(upstream);
  const server = await serve(on(upstream), { services: [WEB_SERVICE, external, lost] });
  for (let round = 0; round < 2; round++) {
    const reply = await server.ask('docs.default.minilb');
    expect(reply.answers).toEqual(['docs.default.minilb CNAME docs.example.com', 'docs.example.com A 192.0.2.1']);
    expect([reply.rcode, reply.flags, Math.max(...reply.ttls)]).toEqual(['NOERROR', ['aa', 'rd', 'ra'], 5]);
  }
  expect(upstream.count('docs.example.com')).toBe(1);
  expect((await server.ask('docs.default.minilb', 'A', { rd: false })).answers).toHaveLength(1);
  for (let round = 0; round < 2; round++)
    expect(await server.ask('lost.default.minilb')).toMatchObject({
      rcode: 'NOERROR',
      answers: ['lost.default.minilb CNAME lost.example.com'],
    });
});

test('flags that do nothing without -upstream say so', async () => {
  const server = await serve(['-fallthrough', '-forward-clients', '+192.0.2.0/24']);
  expect(await server.minilb.logged('nothing is forwarded')).toContain('-fallthrough and -forward-clients');
});

describe('-domain that is a real zone', () => {
  const real: MessageOptions = { answers: ['minilb 60 SOA 60'] };

  test('somebody else’s SOA is a warning that names its server, and counted', async () => {
    const server = await serve(on(await upstreamOf('', real)));
    expect(await server.minilb.logged('is a real zone')).toContain('ns.minilb');
    expect(await server.metric('minilb_notices_total', 'DomainIsRealZone')).toBe(1);
  });

  test('-fallthrough forwards what nothing covers', async () => {
    const upstream = await upstreamOf('192.0.2.1');
    const server = await serve([...on(upstream), '-fallthrough']);
    expect((await server.ask('www.minilb')).answers).toEqual(['www.minilb A 192.0.2.1']);
    expect((await server.ask('nobody.default.minilb')).rcode).toBe('NXDOMAIN');
    expect((await server.ask('web.default.minilb')).answers).toEqual(['web.default.minilb A 10.244.0.5']);
    expect((await ask(server.port, 'www.minilb', 'A', 'udp')).rcode).toBe('NXDOMAIN');
  });
});
