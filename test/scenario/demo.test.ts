import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { freePort } from '../support/child.ts';
import { lookup } from '../support/dns-client.ts';
import { type Minilb, runMinilb, startMinilb } from '../support/minilb.ts';
import { waitFor } from '../support/wait.ts';

const NOBODY: Pick<Minilb, 'kill'> = { kill: async () => {} };

describe('minilb demo', () => {
  let demo: Minilb | undefined;
  let port = 0;
  let health = 0;
  beforeAll(async () => {
    [port, health] = [await freePort(), await freePort()];
    demo = startMinilb(['demo', '-listen', `127.0.0.1:${port}`, '-health', `127.0.0.1:${health}`, '-lameduck', '0']);
    await demo.logged('synced');
  });
  afterAll(() => (demo ?? NOBODY).kill());

  const addresses = async (name: string) => (await lookup(port, name, 'A', 'udp')).data;

  test('resolved addresses answer: the pods are real web servers', async () => {
    const found = await waitFor('the pods of api', async () => {
      const list = await addresses('api.default.minilb');
      return list.length === 2 ? list : undefined;
    });
    for (const address of found) {
      const reply = await fetch(`http://${address}:8082/`);
      expect(await reply.text()).toStartWith('Hello from api-');
    }
  });

  test('every command that it prints works', async () => {
    const text = await waitFor('what to try', () => (demo?.stdout().includes('End with Ctrl-C') ? demo.stdout() : undefined));
    const names = [...text.matchAll(/dig @127\.0\.0\.1 -p (\d+) (\S+)/g)];
    expect(names.length).toBeGreaterThan(5);
    for (const [, printed, name = ''] of names) {
      expect(Number(printed)).toBe(port);
      const reply = await lookup(port, name, 'A', name.includes('nobody') ? 'tcp' : 'udp');
      expect(reply.rcode).toBe(name.startsWith('nobody') ? 'NXDOMAIN' : 'NOERROR');
    }
    for (const [, url = ''] of text.matchAll(/curl (?:-s )?(http:\S+)/g)) expect((await fetch(url)).status).toBe(200);
  });

  test('plain where nobody looks at a terminal', async () => {
    const text = await waitFor('what to try', () => (demo?.stdout().includes('End with Ctrl-C') ? demo.stdout() : undefined));
    expect(text).not.toContain('\u001b');
    expect(text).toContain('\nIn a browser: http://127.0.0.1:7710/\n');
  });

  test('a pod that stops leaves the answer, and comes back', async () => {
    const web = 'web.default.minilb';
    await waitFor('web-3 to go', async () => ((await addresses(web)).includes('127.0.0.13') ? undefined : true));
    expect(await addresses(web)).toEqual(['127.0.0.11', '127.0.0.12']);
    await waitFor('web-3 to come back', async () => ((await addresses(web)).includes('127.0.0.13') ? true : undefined));
  });

  test('the Service shows the name that reaches it', async () => {
    await waitFor('a status', async () =>
      (await (await fetch(`http://127.0.0.1:${health}/metrics`)).text()).includes('minilb_status_writes_total{result="written"} 2')
        ? true
        : undefined,
    );
  });

  test('a port in use is said in one line', async () => {
    const second = await runMinilb(['demo', '-listen', '127.0.0.1:0', '-health', '127.0.0.1:0']);
    expect([second.exitCode, second.stdout]).toEqual([1, '']);
    expect(second.stderr).toBe("minilb: the demo's pod web-1 cannot listen on 127.0.0.11:8081: the port is in use by another program\n");
  });
});
