import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorReport } from '../../src/core/doctor/report.ts';
import { type ApiInside, relayApi } from './api-inside.ts';
import type { Child } from './child.ts';
import { type EmbeddedApi, startEmbedded } from './embedded.ts';
import { createTestNetwork, type Netns, type TestNetwork } from './netns.ts';
import { createNode, createService, must, setPodReady } from './objects.ts';
import { waitFor } from './wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const POD = '10.244.0.1';
const SERVERS = "for (const port of [8080, 10250]) Bun.listen({ hostname: '0.0.0.0', port, socket: { data() {} } })";

/** A laptop, a router and a node on one LAN, as at home: 192.168.1.2, .1 and .10. The laptop's way to the pods leads through the router. */
export interface DoctorLab {
  readonly api: () => EmbeddedApi;
  readonly laptop: () => Netns;
  readonly router: () => Netns;
  readonly node: () => Netns;
  /** Runs `minilb doctor` on the laptop. */
  readonly doctor: (...args: readonly string[]) => Promise<DoctorReport & { readonly exitCode: number }>;
  /** Starts `minilb dns` on the node, on an address of its own, port 53. */
  readonly startDns: (address: string, domain: string) => Promise<void>;
  /** Starts a resolver on the router; `files` are written into a folder first. */
  readonly startResolver: (
    name: string,
    port: number,
    files: Readonly<Record<string, string>>,
    command: readonly string[],
  ) => Promise<Child>;
  /** Where the next resolver's files go. */
  readonly folderOf: (name: string) => string;
  /** The laptop's /etc/resolv.conf. */
  readonly setResolvers: (...addresses: readonly string[]) => void;
  /** Runs a pasted line on the laptop, as root. */
  readonly paste: (line: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startDoctorLab(): Promise<DoctorLab> {
  const folder = mkdtempSync(join(tmpdir(), 'minilb-doctor-'));
  const api = await startEmbedded();
  const network = await createTestNetwork();
  const [lan, laptop, router, node] = [
    await network.namespace('lan'),
    await network.namespace('laptop'),
    await network.namespace('router'),
    await network.namespace('node'),
  ];
  await wire(network, lan, [
    [laptop, ['192.168.1.2/24']],
    [router, ['192.168.1.1/24']],
    [node, ['192.168.1.10/24', '192.168.1.11/24', '192.168.1.12/24']],
  ]);
  await node.run(['ip', 'address', 'add', `${POD}/32`, 'dev', 'lo']);
  await router.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.eth0.send_redirects=0']);
  await router.run(['ip', 'route', 'add', '10.244.0.0/24', 'via', '192.168.1.10']);
  await laptop.run(['ip', 'route', 'add', 'default', 'via', '192.168.1.1']);
  node.start({ name: 'pod and kubelet', log: join(folder, 'pod.log'), command: [process.execPath, '-e', SERVERS] });
  await createCluster(api);
  const inside = new Map<Netns, ApiInside>();
  for (const ns of [laptop, node]) inside.set(ns, await relayApi(api, ns, mkdtempSync(join(folder, 'relay-'))));

  const etc = `/etc/netns/${laptop.name}`;
  mkdirSync(etc, { recursive: true });
  const setResolvers = (...addresses: readonly string[]) =>
    writeFileSync(`${etc}/resolv.conf`, addresses.map((address) => `nameserver ${address}\n`).join(''));
  setResolvers('192.168.1.1');

  return {
    api: () => api,
    laptop: () => laptop,
    router: () => router,
    node: () => node,
    setResolvers,
    folderOf: (name) => join(folder, name),
    doctor: async (...args) => {
      const out = join(folder, 'doctor.json');
      const command = `"$@" > ${out} 2> ${out}.err; echo $?`;
      const doctor = [process.execPath, MAIN, 'doctor', '-kubeconfig', inside.get(laptop)?.kubeconfig ?? '', '-o', 'json', ...args];
      const exitCode = Number((await laptop.run(['sh', '-c', command, 'doctor', ...doctor])).trim());
      const stderr = readFileSync(`${out}.err`, 'utf8');
      if (stderr !== '') throw new Error(stderr);
      return { ...(JSON.parse(readFileSync(out, 'utf8')) as DoctorReport), exitCode };
    },
    startDns: async (address, domain) => {
      const log = join(folder, `dns-${address}.log`);
      const flags = [
        `-kubeconfig=${inside.get(node)?.kubeconfig}`,
        `-domain=${domain}`,
        `-listen=${address}:53`,
        '-health=127.0.0.1:0',
        '-page=',
      ];
      node.start({
        name: 'minilb',
        log,
        command: [process.execPath, MAIN, 'dns', ...flags, '-ttl=1', '-controller=false', '-probe-port=0', '-lameduck=0'],
      });
      await waitFor(`minilb on ${address}`, () => readFileSync(log, 'utf8').includes('synced'));
    },
    startResolver: async (name, port, files, command) => {
      const own = join(folder, name);
      mkdirSync(own, { recursive: true });
      for (const [file, text] of Object.entries(files)) writeFileSync(join(own, file), `${text}\n`);
      const child = router.start({ name, command, log: join(own, 'log') });
      await waitFor(`${name} to listen`, async () => {
        if (child.exitCode() !== undefined) throw new Error(`${name} ended: ${readFileSync(join(own, 'log'), 'utf8')}`);
        return (await router.run(['sh', '-c', `dig @192.168.1.1 -p ${port} +time=1 +tries=1 version.bind CH TXT || true`])).includes(
          'status:',
        );
      });
      return child;
    },
    paste: async (line) => {
      await laptop.run(['sh', '-ec', line.replaceAll('sudo ', '')]);
    },
    close: async () => {
      await network.close();
      for (const relay of inside.values()) relay.stop();
      await api.stop();
      rmSync(etc, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Connects namespaces through a bridge in `lan`. */
async function wire(network: TestNetwork, lan: Netns, ends: readonly (readonly [Netns, readonly string[]])[]): Promise<void> {
  await lan.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
  await lan.run(['ip', 'link', 'set', 'br0', 'up']);
  for (const [i, [ns, addresses]] of ends.entries()) {
    await network.veth({ ns: lan, name: `p${i}`, addresses: [] }, { ns, name: 'eth0', addresses });
    await lan.run(['ip', 'link', 'set', `p${i}`, 'master', 'br0']);
  }
}

/** One node whose pod is really there; its Service's ports match and its pod sleeps before it ends. The router is a Node, too. */
async function createCluster(api: EmbeddedApi): Promise<void> {
  await createNode(api, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.10'] });
  await createNode(api, { name: 'n2', podCidrs: ['10.244.1.0/24'], internalIps: ['192.168.1.1'] });
  const annotations = { 'minilb/host': 'mqtt.example.com' };
  const ports = [{ name: 'http', port: 8080, targetPort: 'http' }];
  await createService(api, { namespace: 'default', name: 'web', annotations, spec: { ports } });
  const lifecycle = { preStop: { sleep: { seconds: 10 } } };
  const container = { name: 'c', image: 'none', ports: [{ name: 'http', containerPort: 8080 }], lifecycle };
  const spec = { nodeName: 'n1', containers: [container] };
  const metadata = { name: 'web-1', namespace: 'default', labels: { app: 'web' } };
  await must(api, { method: 'POST', path: '/api/v1/namespaces/default/pods', body: { apiVersion: 'v1', kind: 'Pod', metadata, spec } });
  await setPodReady(api, { namespace: 'default', name: 'web-1', ips: [POD] }, true);
}
