import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const SERVER = '10.9.1.1';
const GOOD = '10.9.1.100';
const DEAD = Array.from({ length: 10 }, (_, i) => `10.9.1.${150 + i}`);

const suite = await requires('net', netnsMissing);

suite('clients that leave the network before their replies', () => {
  let network: TestNetwork;
  let server: Netns;
  let client: Netns;
  const folder = mkdtempSync(join(tmpdir(), 'minilb-vanish-'));
  const script = (name: string) => join(import.meta.dirname, name);
  const macOf = async (ns: Netns, link: string) => /link\/ether (\S+)/.exec(await ns.run(['ip', 'link', 'show', link]))?.[1] ?? '';

  beforeAll(async () => {
    network = await createTestNetwork();
    [server, client] = [await network.namespace('server'), await network.namespace('client')];
    await network.veth(
      { ns: server, name: 'up0', addresses: [`${SERVER}/24`] },
      { ns: client, name: 'down0', addresses: [GOOD, ...DEAD].map((address) => `${address}/24`) },
    );
    // No client answers ARP any more; the server knows the good one's address by heart.
    await client.run(['ip', 'link', 'set', 'down0', 'arp', 'off']);
    await client.run(['ip', 'neighbour', 'replace', SERVER, 'lladdr', await macOf(server, 'up0'), 'nud', 'permanent', 'dev', 'down0']);
    await server.run(['ip', 'neighbour', 'replace', GOOD, 'lladdr', await macOf(client, 'down0'), 'nud', 'permanent', 'dev', 'up0']);
    const log = join(folder, 'server.log');
    server.start({ name: 'listen set', log, command: [process.execPath, script('listen-server.ts')] });
    await waitFor('the first scan', () => readFileSync(log, 'utf8').includes(`${SERVER}:53`));
  });
  afterAll(async () => {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('replies that wait for ARP answers do not fill the send buffer for the others', async () => {
    const printed = await client.run([process.execPath, script('vanish-client.ts'), SERVER, GOOD, ...DEAD]);
    const { answered, worstMs } = JSON.parse(printed) as { readonly answered: number; readonly worstMs: number };
    // Some replies did wait, or this test has proven nothing.
    expect(await server.run(['ip', 'neighbour', 'show', 'dev', 'up0'])).toMatch(/10\.9\.1\.15\d.*(INCOMPLETE|FAILED)/);
    expect(answered).toBe(200);
    expect(worstMs).toBeLessThan(1000);
  });
});
