import { expect, test } from 'bun:test';
import { type Node, toNode } from '../../src/core/object/node.ts';
import { renderFirewall, renderRoutes } from '../../src/core/plan/render-routes.ts';
import { planRoutes } from '../../src/core/plan/routes.ts';
import { programs, requires } from '../support/require.ts';

/** Runs a script in a network namespace of its own, which ends with it. */
async function inNamespace(script: string): Promise<string> {
  const child = Bun.spawn(['unshare', '--net', 'sh', '-c', script], { stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return `${out}${err}`;
}

const suite = await requires('net', async () => {
  const missing = await programs('ip', 'nft', 'unshare', 'sh')();
  if (missing) return missing;
  const tried = await inNamespace('ip link set lo up && echo fine');
  return tried.trim() === 'fine' ? undefined : `no network namespaces here: ${tried.trim()}`;
});

function node(name: string, podCIDRs: readonly string[], ips: readonly string[]): Node {
  const addresses = ips.map((address) => ({ type: 'InternalIP', address }));
  const parsed = toNode({ metadata: { name, uid: name }, spec: { podCIDRs }, status: { addresses } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const nodes = [
  node('a', ['10.244.0.0/24', 'fd00:244::/64'], ['192.168.1.30', 'fd00:1::30']),
  node('b', ['10.244.2.0/24'], ['192.168.1.31']),
  node('evil', ['0.0.0.0/1'], ['192.168.1.66']),
];
const plan = planRoutes({ nodes, ciliumNodes: [], evidence: new Map(), via: [], cidrs: [], reserved: [] });

/** A router's port towards the nodes. */
const ROUTER =
  'ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up && ip address add 192.168.1.1/24 dev veth0 && ip -6 address add fd00:1::1/64 dev veth0 nodad';

suite('what minilb routes prints, read by the programs it is meant for', () => {
  test('pasted into a router’s shell, each route is taken and each comment does nothing', async () => {
    const pasted = renderRoutes(plan).split('\n').slice(1).join('\n');
    const held = await inNamespace(`set -e\n${ROUTER}\n${pasted}\nip route show via 192.168.1.0/24\nip -6 route show | grep via`);
    expect(
      held
        .replace(/ dev veth0| metric \d+| pref medium/g, '')
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['10.244.0.0/24 via 192.168.1.30', '10.244.2.0/24 via 192.168.1.31', 'fd00:244::/64 via fd00:1::30', '']);
  });

  test('the firewall rules are rules to nft', async () => {
    const rules = renderFirewall(plan)
      .split('\n')
      .filter((line) => line.startsWith('# nft '))
      .map((line) => line.slice(2));
    expect(rules).toHaveLength(2);
    const table = "nft add table inet filter && nft 'add chain inet filter forward { type filter hook forward priority 0; }'";
    const listed = await inNamespace([`set -e\n${table}`, ...rules, 'nft list chain inet filter forward'].join('\n'));
    expect(listed).toContain('ip daddr { 10.244.0.0/24, 10.244.2.0/24 } ct state new tcp dport != { 80, 443 } drop');
    expect(listed).toContain('ip6 daddr fd00:244::/64 ct state new');
  });
});
