import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

// What deploy/manifest/dns.yaml relies on. The rules are not ours: the CNI project's own portmap plugin writes them, as it does on a node.

const PORTMAP = ['/opt/cni/bin', '/usr/lib/cni'].map((folder) => `${folder}/portmap`).find((path) => existsSync(path));
const suite = await requires(
  'net',
  () =>
    netnsMissing() ??
    programs('dnsmasq', 'dig', 'ip', 'iptables', 'setpriv')() ??
    (PORTMAP ? undefined : 'no CNI portmap plugin on this machine'),
);

const NODE_IP = '192.168.1.30';
const POD_IP = '10.244.0.5';
const FROM_POD = '192.0.2.5';
const FROM_STUB = '192.0.2.53';

suite('hostPort 53, as the CNI portmap plugin makes it', () => {
  let network: TestNetwork;
  let node: Netns;
  let pod: Netns;
  let lan: Netns;
  const folder = mkdtempSync(join(tmpdir(), 'minilb-host-port-'));

  /** A resolver that gives one address to every name, so that a reply says who sent it. */
  const startResolver = (ns: Netns, name: string, listen: string, port: number, answer: string) =>
    ns.start({
      name,
      log: join(folder, `${name}.log`),
      command: [
        'dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
        '--bind-interfaces',
        '--user=root',
        `--pid-file=${join(folder, `${name}.pid`)}`,
        `--listen-address=${listen}`,
        `--port=${port}`,
        `--address=/#/${answer}`,
      ],
    });

  const dig = async (ns: Netns, server: string, ...flags: readonly string[]) => {
    const command = ['dig', `@${server}`, '+short', '+time=1', '+tries=1', ...flags, 'registry.example', 'A'];
    return (await ns.run(command).catch((error: unknown) => String(error))).trim();
  };

  const portmap = (command: 'ADD' | 'DEL', hostIP: string | undefined) => {
    const mappings = ['udp', 'tcp'].map((protocol) => ({ hostPort: 53, containerPort: 5353, protocol, ...(hostIP && { hostIP }) }));
    const config = {
      cniVersion: '0.4.0',
      name: 'cluster',
      type: 'portmap',
      capabilities: { portMappings: true },
      runtimeConfig: { portMappings: mappings },
      prevResult: {
        cniVersion: '0.4.0',
        interfaces: [{ name: 'eth0', sandbox: pod.path }],
        ips: [{ version: '4', address: `${POD_IP}/24`, gateway: '10.244.0.1', interface: 0 }],
      },
    };
    return node.run([PORTMAP ?? ''], {
      input: JSON.stringify(config),
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'minilb-dns',
        CNI_NETNS: pod.path,
        CNI_IFNAME: 'eth0',
        CNI_PATH: PORTMAP?.replace(/\/portmap$/, ''),
      },
    });
  };

  beforeAll(async () => {
    network = await createTestNetwork();
    [node, pod, lan] = [await network.namespace('node'), await network.namespace('pod'), await network.namespace('lan')];
    await network.veth(
      { ns: node, name: 'eth0', addresses: [`${NODE_IP}/24`] },
      { ns: lan, name: 'eth0', addresses: ['192.168.1.2/24', 'fd00:1::2/64'] },
    );
    await network.veth({ ns: node, name: 'cni0', addresses: ['10.244.0.1/24'] }, { ns: pod, name: 'eth0', addresses: [`${POD_IP}/24`] });
    await pod.run(['ip', 'route', 'add', 'default', 'via', '10.244.0.1']);
    await node.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    startResolver(pod, 'pod', POD_IP, 5353, FROM_POD);
    startResolver(node, 'stub', '127.0.0.53', 53, FROM_STUB);
    await waitFor('the pod to answer', async () => (await dig(node, POD_IP, '-p', '5353')) === FROM_POD);
    await waitFor('the stub to answer', async () => (await dig(node, '127.0.0.53')) === FROM_STUB);
  });

  afterAll(async () => {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [transport, ...flags] of [['UDP'], ['TCP', '+tcp']] as const) {
    test(`${transport}, with hostIP: the LAN reaches the pod, and the node's own stub resolver still answers`, async () => {
      await portmap('ADD', NODE_IP);
      try {
        expect(await dig(lan, NODE_IP, ...flags)).toBe(FROM_POD);
        expect(await dig(node, '127.0.0.53', ...flags)).toBe(FROM_STUB);
      } finally {
        await portmap('DEL', NODE_IP);
      }
    });

    test(`${transport}, without hostIP: the node's queries to 127.0.0.53 are taken too, so it could pull no image`, async () => {
      await portmap('ADD', undefined);
      try {
        expect(await dig(lan, NODE_IP, ...flags)).toBe(FROM_POD);
        expect(await dig(node, '127.0.0.53', ...flags)).not.toBe(FROM_STUB);
      } finally {
        await portmap('DEL', undefined);
      }
      expect(await dig(node, '127.0.0.53', ...flags)).toBe(FROM_STUB);
    });
  }
});
