import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../support/child.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const suite = await requires('net', () => netnsMissing() ?? programs('dig')());

const EXCLUDED = '10.8.8.9/32';

suite('-listen :53 on a host with several addresses', () => {
  let network: TestNetwork;
  let server: Netns;
  let client: Netns;
  let folder: string;
  let child: Child;
  const log = () => readFileSync(join(folder, 'server.log'), 'utf8');
  /** dig takes a reply only from the address that it asked. */
  const ask = async (address: string, ...options: readonly string[]) => {
    const answer = await client.run(['dig', `@${address}`, '+time=1', '+tries=1', ...options, 'a.minilb']);
    return /status: (\w+)/.exec(answer)?.[1] ?? answer;
  };
  const silent = (address: string, ...options: readonly string[]) =>
    ask(address, ...options)
      .then(() => false)
      .catch(() => true);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minilb-listen-'));
    network = await createTestNetwork();
    [server, client] = [await network.namespace('server'), await network.namespace('client')];
    await network.veth(
      { ns: server, name: 'up0', addresses: ['10.9.0.1/24', '10.9.0.2/24', 'fd09::1/64', 'fd09::2/64'] },
      { ns: client, name: 'down0', addresses: ['10.9.0.100/24', 'fd09::100/64'] },
    );
    for (const address of ['10.8.8.8/32', EXCLUDED]) await server.run(['ip', 'address', 'add', address, 'dev', 'lo']);
    await client.run(['ip', 'route', 'add', '10.8.8.0/24', 'via', '10.9.0.1']);
    const script = join(import.meta.dirname, 'listen-server.ts');
    child = server.start({
      name: 'listen set',
      log: join(folder, 'server.log'),
      command: [process.execPath, script, EXCLUDED.replace('/32', '')],
    });
    await waitFor('the first scan', () => log().includes('10.8.8.8:53'));
  });
  afterAll(async () => {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(['10.9.0.1', '10.9.0.2', '10.8.8.8', 'fd09::1', 'fd09::2'])(
    '%s is answered from that address, over UDP and TCP',
    async (address) => {
      expect(await ask(address)).toBe('REFUSED');
      expect(await ask(address, '+tcp')).toBe('REFUSED');
    },
  );

  test('an IPv6 link-local address is served on its link', async () => {
    const addresses = await server.run(['ip', '-6', 'address', 'show', 'dev', 'up0', 'scope', 'link']);
    const own = /inet6 (fe80::[0-9a-f:]+)/.exec(addresses)?.[1];
    // Link-local addresses cannot be used for their first second or two, on either side.
    await waitFor('an answer', async () => (await ask(`${own}%down0`)) === 'REFUSED');
  });

  test('an address that minilb holds for a Service is not taken', async () => {
    expect(await silent(EXCLUDED.replace('/32', ''))).toBe(true);
  });

  test('an address that comes later is served within a scan, one that goes is let go', async () => {
    await server.run(['ip', 'address', 'add', '10.9.0.3/24', 'dev', 'up0']);
    await waitFor('an answer from the new address', async () => (await ask('10.9.0.3')) === 'REFUSED');
    expect(await ask('10.9.0.3', '+tcp')).toBe('REFUSED');
    await server.run(['ip', 'address', 'delete', '10.9.0.3/24', 'dev', 'up0']);
    await waitFor('the end of its sockets', () => /address is gone.*10\.9\.0\.3:53/.test(log()));
    expect(await ask('10.9.0.1')).toBe('REFUSED');
  });

  test('SIGTERM closes all sockets', async () => {
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(log()).toContain('closed');
  });
});
