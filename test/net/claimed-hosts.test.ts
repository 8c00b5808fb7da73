import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/child.ts';
import { configLines } from '../support/doc-blocks.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { GATEWAY_KINDS } from '../support/gateway-kinds.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, must, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { bind, pihole, type ResolverSetup, type RunningResolver, startResolver, unbound } from '../support/resolver-programs.ts';
import { waitFor } from '../support/wait.ts';

// Hosts that Ingresses claim in a zone that BIND really serves, behind Unbound and dnsmasq, with the lines of docs/resolvers.md.

const PAGE = readFileSync(`${import.meta.dirname}/../../docs/resolvers.md`, 'utf8');
const BEHIND = `127.54.${process.pid % 250}.30`;
const ALONE = `127.54.${process.pid % 250}.31`;
const PODS = '10.244.0.1 10.244.0.2';

/** What the world has in `example.com`; public addresses of the claimed hosts too, which must not leak in. */
const REAL_ZONE = [
  'www A 203.0.113.1',
  'www AAAA 2001:db8::1',
  'www MX 10 mail',
  'www TXT "v=spf1 -all"',
  'www HTTPS 1 . alpn=h2 ipv4hint=203.0.113.1',
  '_acme-challenge.www TXT "proof"',
  'mail A 203.0.113.25',
  'x.app A 203.0.113.2',
  'deep.x.app A 203.0.113.3',
].join('\n');

const suite = await requires('net', programs('unbound', 'dnsmasq', 'named', 'dig'));

const lines = (block: string, server: string) => configLines(PAGE, block).replaceAll(/192\.168\.1\.3[01]/g, server);
/** The whole zone in place of the names: `www.example.com` and `app.example.com` become `example.com`. */
const whole = (text: string) => text.replaceAll(/\b(www|app)\.example\.com/g, 'example.com');
const onlyOnce = (text: string) => [...new Set(text.split('\n'))].join('\n');

suite('claimed hosts behind real resolvers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-claimed-'));
  const running = new Map<string, RunningResolver>();
  const servers: Minilb[] = [];
  let api: EmbeddedApi;
  let upstream: RunningResolver;

  const names = ['Unbound, claimed names', 'Unbound, the whole zone', 'dnsmasq, claimed names', 'dnsmasq, the whole zone'] as const;
  const setups = (): readonly ResolverSetup[] => {
    const elsewhere = `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${upstream.port}`;
    const wholeZone = 'forward-zone:\n  name: "example.com"\n  forward-addr: ';
    const insecure = 'server:\n  domain-insecure: "example.com"\n  private-domain: "example.com"\n';
    return [
      unbound(names[0], `${lines('unbound-claims', BEHIND)}\n${elsewhere}`),
      unbound(names[1], `${insecure}${wholeZone}${BEHIND}`),
      pihole(names[2], `${lines('dnsmasq-claims', BEHIND)}\nserver=127.0.0.1#${upstream.port}`, undefined),
      pihole(names[3], onlyOnce(whole(lines('dnsmasq-claims', BEHIND))), undefined),
      unbound('alone', `${insecure}${wholeZone}${ALONE}`),
    ];
  };

  beforeAll(async () => {
    api = await startEmbedded(GATEWAY_KINDS);
    await createNode(api, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
    await createNamespace(api, 'ingress');
    await createService(api, { namespace: 'ingress', name: 'nginx' });
    for (const i of [1, 2]) {
      const pod = { namespace: 'ingress', name: `nginx-${i}`, ips: [`10.244.0.${i}`] };
      await createPod(api, { ...pod, app: 'nginx', node: 'a' });
      await setPodReady(api, pod, true);
    }
    const backend = { service: { name: 'nginx', port: { number: 80 } } };
    const rules = ['www.example.com', '*.app.example.com'].map((host) => ({
      host,
      http: { paths: [{ path: '/', pathType: 'Prefix', backend }] },
    }));
    const path = '/apis/networking.k8s.io/v1/namespaces/ingress/ingresses';
    await must(api, { method: 'POST', path, body: { metadata: { name: 'shop' }, spec: { rules } } });
    const status = { loadBalancer: { ingress: [{ hostname: 'nginx.ingress.minilb' }] } };
    await must(api, { method: 'PATCH', path: `${path}/shop/status`, body: { status } });
    upstream = await startResolver(bind('upstream', '', REAL_ZONE), folder);
    const common = [`-kubeconfig=${api.kubeconfig}`, '-ttl=1', '-lameduck=0', '-health=127.0.0.1:0', '-controller=false'];
    const claims = '-claim-hosts=www.example.com,*.app.example.com';
    servers.push(startMinilb(['dns', ...common, `-listen=${BEHIND}:53`, `-upstream=127.0.0.1:${upstream.port}`, claims]));
    servers.push(startMinilb(['dns', ...common, `-listen=${ALONE}:53`, claims, '-page=']));
    for (const server of servers) await server.logged('synced');
    for (const setup of setups()) running.set(setup.name, await startResolver(setup, folder));
  }, 60_000);
  afterAll(async () => {
    await Promise.all([...running.values(), upstream].map((each) => each?.child.stop()));
    await Promise.all(servers.map((server) => server.kill()));
    await api?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const at = (name: string) => running.get(name) ?? expect.unreachable();
  /** Addresses as `ask` gives them; of other types the data, or the rcode when there are none. */
  const data = async (resolver: string, name: string, type: string): Promise<string> => {
    const { port, ask } = at(resolver);
    if (type === 'A') return ask(name, type);
    const short = await run(['dig', '@127.0.0.1', '-p', `${port}`, '+short', '+time=2', '+tries=2', name, type]);
    return short.trim() || ask(name, type);
  };

  describe.each(names)('%s', (resolver) => {
    test('have their pods, and no public address leaks in', async () => {
      await waitFor('the pods', async () => (await data(resolver, 'www.example.com', 'A')) === PODS);
      const rows: readonly (readonly [name: string, type: string, answer: string])[] = [
        ['WWW.example.com', 'A', PODS],
        ['www.example.com', 'AAAA', 'NOERROR'],
        ['www.example.com', 'HTTPS', 'NOERROR'],
        ['x.app.example.com', 'A', PODS],
        ['any.app.example.com', 'A', PODS],
      ];
      for (const [name, type, answer] of rows) expect([name, type, await data(resolver, name, type)]).toEqual([name, type, answer]);
    });

    test('their other records, their siblings and what lies below are the real zone’s', async () => {
      const rows: readonly (readonly [name: string, type: string, answer: string])[] = [
        ['www.example.com', 'MX', '10 mail.example.com.'],
        ['www.example.com', 'TXT', '"v=spf1 -all"'],
        ['_acme-challenge.www.example.com', 'TXT', '"proof"'],
        ['mail.example.com', 'A', '203.0.113.25'],
        ['deep.x.app.example.com', 'A', '203.0.113.3'],
        ['nobody.example.com', 'A', 'NXDOMAIN'],
        ['nobody.www.example.com', 'A', 'NXDOMAIN'],
      ];
      for (const [name, type, answer] of rows) expect([name, type, await data(resolver, name, type)]).toEqual([name, type, answer]);
    });

    test('no negative answer does harm to them (RFC 8020, 2308)', async () => {
      const negative: readonly (readonly [name: string, type: string, rcode: string])[] = [
        ['any.app.example.com', 'MX', 'NOERROR'],
        ['any.app.example.com', 'AAAA', 'NOERROR'],
        ['app.example.com', 'A', 'NOERROR'],
        ['www.example.com', 'SRV', 'NOERROR'],
        ['www.example.com', 'DS', 'NOERROR'],
        ['_tcp.www.example.com', 'A', 'NXDOMAIN'],
        ['a.b.nobody.example.com', 'A', 'NXDOMAIN'],
        ['y.any.app.example.com', 'A', 'NXDOMAIN'],
      ];
      for (const [name, type, rcode] of negative) {
        expect([name, type, await at(resolver).ask(name, type)]).toEqual([name, type, rcode]);
        for (const claimed of ['www.example.com', 'any.app.example.com', 'other.app.example.com'])
          expect([name, type, await at(resolver).ask(claimed)]).toEqual([name, type, PODS]);
      }
    });
  });

  test('without -upstream the whole zone dies but for the claims: why the page says to set it', async () => {
    await waitFor('the pods', async () => (await at('alone').ask('www.example.com')) === PODS);
    expect(await at('alone').ask('mail.example.com')).toBe('SERVFAIL');
  });
});
