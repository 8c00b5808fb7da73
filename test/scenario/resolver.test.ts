import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { RESOLVER_FORMATS, type ResolverFormat } from '../../src/core/settings/formats.ts';
import { type EmbeddedApi, startEmbedded } from '../support/embedded.ts';
import { runMinilb } from '../support/minilb.ts';
import { createNamespace, createNode, createService, deletePod, must } from '../support/objects.ts';

const README = readFileSync(`${import.meta.dirname}/../../README.md`, 'utf8');
const PAGE = readFileSync(`${import.meta.dirname}/../../docs/resolvers.md`, 'utf8');
const DOMAIN = 'k8s.example.com';

let api: EmbeddedApi;

/** A Pod of the manifest on a node: with a hostPort, or with hostNetwork. */
async function dnsPod(name: string, nodeIp: string, args: readonly string[], form: 'hostPort' | 'hostNetwork' | 'neither'): Promise<void> {
  const labels = { 'app.kubernetes.io/name': 'minilb', 'app.kubernetes.io/component': 'dns' };
  const port = { containerPort: 5353, protocol: 'UDP', ...(form === 'hostPort' && { hostPort: 53, hostIP: nodeIp }) };
  const containers = [{ name: 'minilb', image: 'none', args, ...(form !== 'hostNetwork' && { ports: [port] }) }];
  const spec = { nodeName: 'n1', containers, ...(form === 'hostNetwork' && { hostNetwork: true }) };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'minilb', labels }, spec };
  await must(api, { method: 'POST', path: '/api/v1/namespaces/minilb/pods', body });
  const status = { hostIP: nodeIp, hostIPs: [{ ip: nodeIp }], phase: 'Running' };
  await must(api, { method: 'PATCH', path: `/api/v1/namespaces/minilb/pods/${name}/status`, body: { status } });
}

const ask = (...flags: readonly string[]) => runMinilb(['resolver', `-kubeconfig=${api.kubeconfig}`, ...flags]);
/** What is not a comment. */
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('#'));

beforeAll(async () => {
  api = await startEmbedded();
  await createNode(api, { name: 'n1', podCidrs: ['10.244.0.0/24'], internalIps: ['192.168.1.30'] });
  await createNamespace(api, 'minilb');
  const args = ['dns', `-domain=${DOMAIN}`, '-listen=:5353', '-controller=false', '-claim-hosts=*.iot.example.org,mqtt.example.net'];
  await dnsPod('minilb-dns-a', '192.168.1.30', args, 'hostPort');
  await dnsPod('minilb-dns-b', '192.168.1.31', args, 'hostPort');
});
afterAll(() => api.stop());

describe('lines for the domain alone', () => {
  /** Blocks of the pages that must be what the command prints. */
  const blocks: readonly [format: ResolverFormat, page: string, fence: string][] = [
    ['dnsmasq', README, 'conf dnsmasq'],
    ['pihole', README, 'sh'],
    ['unbound', README, 'conf unbound'],
    ['adguard', README, 'text'],
    ['mikrotik', README, 'text'],
    ['bind', PAGE, 'conf bind-forward'],
    ['resolved', PAGE, 'ini'],
  ];
  test.each(blocks)('%s prints what the documentation shows', async (format, page, fence) => {
    const { exitCode, stdout, stderr } = await ask(`-format=${format}`);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(page).toContain(`\`\`\`${fence}\n${lines(stdout).join('\n')}\n\`\`\``);
    expect(stdout).toStartWith('# From the settings of pod minilb/minilb-dns-a.\n');
  });

  test('opnsense names what the README names', async () => {
    const { stdout } = await ask('-format=opnsense');
    expect(lines(stdout)).toEqual([
      `Query Forwarding > Add: Domain ${DOMAIN}, Server IP 192.168.1.30, Server Port 53`,
      `Query Forwarding > Add: Domain ${DOMAIN}, Server IP 192.168.1.31, Server Port 53`,
      `Advanced > Private Domains: ${DOMAIN}`,
      `Advanced > Insecure Domains: ${DOMAIN}`,
      'Advanced > Serve Expired Responses: off',
    ]);
  });
});

describe('claimed hosts', () => {
  beforeAll(async () => {
    const annotations = { 'minilb/host': 'mqtt.example.net, *.iot.example.org, refused.example.com, inside.k8s.example.com' };
    await createService(api, { namespace: 'default', name: 'mqtt', annotations });
  });

  test('each that has an owner is forwarded too, and a wildcard by what it stands below', async () => {
    const { stdout } = await ask();
    const zones = lines(stdout).filter((line) => line.startsWith('rebind'));
    expect(zones).toEqual([DOMAIN, 'iot.example.org', 'mqtt.example.net'].map((name) => `rebind-domain-ok=/${name}/`));
    expect(stdout).toContain('# *.iot.example.org is claimed');
  });

  test.each(RESOLVER_FORMATS)('%s names all zones and both servers', async (format) => {
    const { stdout } = await ask(`-format=${format}`);
    for (const word of [DOMAIN, 'iot.example.org', 'mqtt.example.net', '192.168.1.30', '192.168.1.31'])
      expect(lines(stdout).join('\n')).toContain(word);
    expect(stdout).not.toContain('refused.example.com');
  });
});

test('-server says where minilb answers, with its port in each resolver’s way', async () => {
  const ports: readonly [ResolverFormat, string][] = [
    ['dnsmasq', `server=/${DOMAIN}/192.168.1.40#5353`],
    ['unbound', 'forward-addr: 192.168.1.40@5353'],
    ['bind', 'forwarders { 192.168.1.40 port 5353; };'],
    ['adguard', ']192.168.1.40:5353'],
    ['resolved', 'DNS=192.168.1.40:5353'],
  ];
  for (const [format, line] of ports) expect((await ask(`-format=${format}`, '-server=192.168.1.40:5353')).stdout).toContain(line);
});

test('a Pod with hostNetwork answers on its node’s addresses; one that is behind a Service alone does not say where', async () => {
  for (const name of ['a', 'b']) await deletePod(api, { namespace: 'minilb', name: `minilb-dns-${name}` }, 0);
  const none = await ask();
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('Say it: -server')]);
  await dnsPod('minilb-dns-c', '192.168.1.32', ['dns', '-domain=k8s.home.arpa', '-listen=:5300'], 'hostNetwork');
  const unbound = lines((await ask('-format=unbound')).stdout);
  expect(unbound.slice(0, 2)).toEqual(['server:', '    local-zone: "home.arpa." nodefault']);
  expect(unbound).toContain('    forward-addr: 192.168.1.32@5300');
  await deletePod(api, { namespace: 'minilb', name: 'minilb-dns-c' }, 0);
  await dnsPod('minilb-dns-d', '192.168.1.33', ['dns', '-listen=:5353'], 'neither');
  expect((await ask()).stderr).toContain('has neither hostNetwork nor a hostPort');
});
