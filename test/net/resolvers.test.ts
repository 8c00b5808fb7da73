import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePort, run, startChild } from '../support/child.ts';
import { configLines } from '../support/doc-blocks.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { type Minilb, startMinilb } from '../support/minilb.ts';
import { createNode, createPod, createService, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// README.md, "Tell your resolver": its lines, judged by the programs they are for, in front of two minilb.

const README = readFileSync(`${import.meta.dirname}/../../README.md`, 'utf8');
const ADDRESSES = ['192.168.1.30', '192.168.1.31'];
const NAME = 'web.default.k8s.example.com';
/** The root's key (RFC 7958), so that Unbound validates; below it everything unsigned is refused that is not said to be insecure. */
const ROOT_ANCHOR = '. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D';

const suite = await requires('net', programs('dnsmasq', 'unbound', 'unbound-checkconf', 'dig'));

/** A resolver with its strictest settings, so that it shows whether the README's lines say enough. */
interface Resolver {
  readonly program: string;
  /** How this program writes `address:port`. */
  readonly portSign: string;
  readonly config: (port: number, folder: string, lines: string) => string;
  readonly command: (file: string) => readonly string[];
  readonly check: (file: string) => readonly string[];
}

const resolvers: readonly Resolver[] = [
  {
    program: 'dnsmasq',
    portSign: '#',
    config: (port, folder, lines) =>
      [
        `port=${port}`,
        'listen-address=127.0.0.1',
        'bind-interfaces',
        'no-resolv',
        'no-hosts',
        'user=root',
        'stop-dns-rebind',
        'domain-needed',
        'bogus-priv',
        `pid-file=${folder}/dnsmasq.pid`,
        lines,
      ].join('\n'),
    command: (file) => ['dnsmasq', '--keep-in-foreground', `--conf-file=${file}`],
    check: (file) => ['dnsmasq', '--test', `--conf-file=${file}`],
  },
  {
    program: 'unbound',
    portSign: '@',
    config: (port, folder, lines) =>
      [
        'server:',
        '  interface: 127.0.0.1',
        `  port: ${port}`,
        `  directory: "${folder}"`,
        '  username: ""',
        '  chroot: ""',
        '  pidfile: ""',
        '  use-syslog: no',
        '  do-not-query-localhost: no',
        '  do-ip6: no',
        '  use-caps-for-id: yes',
        '  harden-below-nxdomain: yes',
        '  private-address: 10.0.0.0/8',
        '  module-config: "validator iterator"',
        `  trust-anchor: "${ROOT_ANCHOR}"`,
        lines,
      ].join('\n'),
    command: (file) => ['unbound', '-d', '-c', file],
    check: (file) => ['unbound-checkconf', file],
  },
];

suite('the lines of the README, in the programs they are for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-resolvers-'));
  const servers: Minilb[] = [];
  const ports: number[] = [];
  const children: Child[] = [];
  let api: EmbeddedApi;
  let started = 0;

  beforeAll(async () => {
    api = await startEmbedded();
    await createNode(api, { name: 'a', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
    await createService(api, { namespace: 'default', name: 'web' });
    for (const i of [1, 2]) await createPod(api, { namespace: 'default', name: `web-${i}`, app: 'web', node: 'a', ips: [`10.244.0.${i}`] });
    await ready(1, true);
    await ready(2, true);
    for (const _ of ADDRESSES) {
      const port = await freePort();
      ports.push(port);
      const flags = ['-domain=k8s.example.com', '-ttl=1', '-lameduck=0', `-listen=127.0.0.1:${port}`, '-health=127.0.0.1:0'];
      servers.push(startMinilb(['dns', `-kubeconfig=${api.kubeconfig}`, ...flags]));
    }
    for (const server of servers) await server.logged('synced');
  }, 60_000);

  afterAll(async () => {
    await Promise.all(children.map((child) => child.stop()));
    await Promise.all(servers.map((server) => server.kill()));
    await api?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const ready = (i: number, is: boolean) => setPodReady(api, { namespace: 'default', name: `web-${i}`, ips: [`10.244.0.${i}`] }, is);

  /** The README's lines with its addresses led to our servers. */
  const linesFor = ({ program, portSign }: Resolver) =>
    ADDRESSES.reduce((lines, address, i) => lines.replaceAll(address, `127.0.0.1${portSign}${ports[i]}`), configLines(README, program));

  /** Starts a resolver and returns a function that asks it: the addresses, sorted, or the rcode when there are none. */
  const startResolver = async (resolver: Resolver, lines: string) => {
    const port = await freePort();
    const file = join(folder, `${resolver.program}-${started++}.conf`);
    writeFileSync(file, resolver.config(port, folder, lines));
    const child = startChild({ name: resolver.program, command: resolver.command(file), log: `${file}.log` });
    children.push(child);
    const ask = async (name: string, type = 'A', ...flags: readonly string[]) => {
      const output = await run(['dig', '@127.0.0.1', '-p', `${port}`, '+time=2', '+tries=2', ...flags, name, type]);
      const rcode = /status: (\w+)/.exec(output)?.[1] ?? output;
      const answers = [...output.matchAll(/^\S+\s+\d+\s+IN\s+A\s+(\S+)$/gm)].map((match) => match[1]).sort();
      return answers.length > 0 ? answers.join(' ') : rcode;
    };
    await waitFor(`${resolver.program} to listen`, async () => (await ask('version.bind', 'TXT', '+tries=1')) !== '');
    return ask;
  };

  test.each(resolvers.map((resolver) => [resolver.program, resolver] as const))(
    '%s accepts them as they stand',
    async (program, resolver) => {
      const file = join(folder, `${program}-readme.conf`);
      writeFileSync(file, resolver.config(53, folder, configLines(README, program)));
      await run(resolver.check(file));
    },
  );

  for (const resolver of resolvers) {
    describe(resolver.program, () => {
      let ask: Awaited<ReturnType<typeof startResolver>>;
      beforeAll(async () => {
        ask = await startResolver(resolver, linesFor(resolver));
      }, 30_000);

      test('gives the ready pods, over UDP and TCP, though rebind protection and validation are on', async () => {
        for (const flag of ['+notcp', '+tcp']) expect(await ask(NAME, 'A', flag)).toBe('10.244.0.1 10.244.0.2');
      });

      test('knows what does not exist, and what has no address of that family', async () => {
        expect(await ask(NAME, 'AAAA')).toBe('NOERROR');
        expect(await ask(`nothing.default.k8s.example.com`)).toBe('NXDOMAIN');
        expect(await ask('default.k8s.example.com')).toBe('NOERROR');
      });

      test('forgets a pod that is gone when the TTL is over', async () => {
        await ready(2, false);
        await waitFor('the change', async () => (await ask(NAME)) === '10.244.0.1');
        await ready(2, true);
        await waitFor('the change back', async () => (await ask(NAME)) === '10.244.0.1 10.244.0.2');
      });

      const needed = configLines(README, resolver.program)
        .split('\n')
        .filter((line) => /rebind-domain-ok|private-domain|domain-insecure/.test(line))
        .map((line) => line.trim());
      test.each(needed)('without the line %s it gives no pod', async (line) => {
        const without = linesFor(resolver).replace(line, '');
        const poorer = await startResolver(resolver, without);
        expect(await poorer(NAME)).not.toContain('10.244');
      });
    });
  }

  test('with one of the two servers gone, both resolvers still give an answer', async () => {
    const asks = await Promise.all(resolvers.map((resolver) => startResolver(resolver, linesFor(resolver))));
    servers[0]?.signal('SIGKILL');
    await servers[0]?.exited;
    for (const ask of asks) await waitFor('an answer', async () => (await ask(NAME)) === '10.244.0.1 10.244.0.2');
  });
});
