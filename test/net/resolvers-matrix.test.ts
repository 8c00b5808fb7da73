import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configLines } from '../support/doc-blocks.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { type Ask, bind, pihole, type ResolverSetup, type RunningResolver, startResolver, unbound } from '../support/resolver-programs.ts';
import { pause, waitFor } from '../support/wait.ts';

// docs/resolvers.md: its recipes, judged by the programs they are for, at their strictest.

const PAGE = readFileSync(`${import.meta.dirname}/../../docs/resolvers.md`, 'utf8');
const DOMAIN = 'k8s.example.com';
const TTL_SECONDS = 1;
/** How long after the TTL a change may take to be seen: the API server, this test's own pauses, and a busy machine. */
const SLACK_MS = 3_000;
/** A delegation leads to port 53 always: two loopback addresses that nobody else has. */
const SERVERS = [`127.53.${process.pid % 250}.30`, `127.53.${process.pid % 250}.31`] as const;

const suite = await requires('net', programs('unbound', 'dnsmasq', 'named', 'dig'));

/** The recipe with its addresses led to ours; `sign` is how the program writes a port, where the recipe may have one. */
const lines = (block: string) => configLines(PAGE, block).replaceAll('192.168.1.30', SERVERS[0]).replaceAll('192.168.1.31', SERVERS[1]);

const setups: readonly ResolverSetup[] = [
  unbound('Unbound, forward zone', lines('unbound-forward')),
  unbound('Unbound, stub zone', lines('unbound-stub')),
  pihole('dnsmasq as Pi-hole v6, stale cache off', lines('pihole'), undefined),
  bind('BIND, type forward', lines('bind-forward'), undefined),
  bind('BIND, delegation', '', lines('bind-delegation')),
];
const stale = pihole('dnsmasq as Pi-hole v6 ships, stale cache on', lines('pihole'), 3600);

suite('recipes of docs/resolvers.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-matrix-'));
  const running = new Map<string, RunningResolver>();
  const servers: Minilb[] = [];
  let api: EmbeddedApi;

  const pod = (namespace: string, name: string, i: number) => ({ namespace, name: `${name}-${i}`, ips: [`10.244.0.${i}`] });
  const ready = (namespace: string, name: string, i: number, is: boolean) => setPodReady(api, pod(namespace, name, i), is);
  /** A Service with two ready pods. */
  const service = async (namespace: string, name = 'web') => {
    await createService(api, { namespace, name });
    for (const i of [1, 2]) {
      await createPod(api, { ...pod(namespace, name, i), app: name, node: 'a' });
      await ready(namespace, name, i, true);
    }
  };

  beforeAll(async () => {
    api = await startEmbedded();
    await createNode(api, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
    const named = SERVERS.map((address, i) => `-nameserver=${'ab'[i]}.ns.${DOMAIN}=${address}`);
    for (const address of SERVERS) {
      const flags = [`-domain=${DOMAIN}`, `-ttl=${TTL_SECONDS}`, '-lameduck=0', `-listen=${address}:53`, '-health=127.0.0.1:0', ...named];
      servers.push(startMinilb(['dns', `-kubeconfig=${api.kubeconfig}`, ...flags]));
    }
    for (const server of servers) await server.logged('synced');
    const started = await Promise.all([...setups, stale].map(async (setup) => [setup.name, await startResolver(setup, folder)] as const));
    for (const [name, resolver] of started) running.set(name, resolver);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([...running.values()].map(({ child }) => child.stop()));
    await Promise.all(servers.map((server) => server.kill()));
    await api?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const asks = (name: string): Ask => {
    const resolver = running.get(name);
    if (!resolver) throw new Error(`${name} did not start`);
    return resolver.ask;
  };
  const BOTH = '10.244.0.1 10.244.0.2';

  describe.each(setups.map((setup, i) => [setup.name, `team-${i}`] as const))('%s', (program, namespace) => {
    const zone = `${namespace}.${DOMAIN}`;

    test('names resolve, over UDP and TCP', async () => {
      await createNamespace(api, namespace);
      await service(namespace);
      for (const flag of ['+notcp', '+tcp'])
        await waitFor('the pods', async () => (await asks(program)(`web.${zone}`, 'A', flag)) === BOTH);
      expect(await asks(program)(`WeB.${zone}`)).toBe(BOTH);
    });

    test('a negative answer does no harm to names beside, above or below it (RFC 8020, 9156)', async () => {
      const ask = asks(program);
      const negative: readonly (readonly [name: string, type: string, rcode: string])[] = [
        [`nothing.${zone}`, 'A', 'NXDOMAIN'],
        [`x.y.nothing.${zone}`, 'A', 'NXDOMAIN'],
        [`nobody.nowhere.${DOMAIN}`, 'A', 'NXDOMAIN'],
        [`nowhere.${DOMAIN}`, 'A', 'NXDOMAIN'],
        [`x.web.${zone}`, 'A', 'NXDOMAIN'],
        [zone, 'A', 'NOERROR'],
        [DOMAIN, 'A', 'NOERROR'],
        [`web.${zone}`, 'AAAA', 'NOERROR'],
        [`web.${zone}`, 'MX', 'NOERROR'],
      ];
      for (const [name, type, rcode] of negative) {
        expect([name, await ask(name, type)]).toEqual([name, rcode]);
        expect([name, await ask(`web.${zone}`)]).toEqual([name, BOTH]);
        expect([name, await ask(`10-244-0-1.web.${zone}`)]).toEqual([name, '10.244.0.1']);
      }
    });

    test('a change is seen within the TTL', async () => {
      const ask = asks(program);
      const within = async (name: string, wanted: string, change: () => Promise<void>) => {
        expect(await ask(name)).not.toBe(wanted);
        await change();
        await waitFor(`${name} to be ${wanted}`, async () => (await ask(name)) === wanted, TTL_SECONDS * 1000 + SLACK_MS);
      };
      await within(`web.${zone}`, '10.244.0.1', () => ready(namespace, 'web', 2, false));
      await within(`web.${zone}`, BOTH, () => ready(namespace, 'web', 2, true));
      await within(`late.${zone}`, BOTH, () => service(namespace, 'late'));
      await within(`web.${namespace}-late.${DOMAIN}`, BOTH, async () => {
        expect(await ask(`${namespace}-late.${DOMAIN}`)).toBe('NXDOMAIN');
        await createNamespace(api, `${namespace}-late`);
        await service(`${namespace}-late`);
      });
    }, 30_000);
  });

  test('a stale cache, as Pi-hole v6 ships it, gives a pod that is gone after the TTL: why the page says to switch it off', async () => {
    await createNamespace(api, 'stale');
    await service('stale');
    const ask = asks(stale.name);
    await waitFor('the pods', async () => (await ask(`web.stale.${DOMAIN}`)) === BOTH);
    await ready('stale', 'web', 2, false);
    await waitFor('minilb to know', async () => (await asks(setups[0]?.name ?? '')(`web.stale.${DOMAIN}`)) === '10.244.0.1');
    await pause(TTL_SECONDS * 2_000);
    expect(await ask(`web.stale.${DOMAIN}`)).toBe(BOTH);
    await waitFor('the next answer', async () => (await ask(`web.stale.${DOMAIN}`)) === '10.244.0.1');
  });
});
