import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFrr } from '../support/frr.ts';
import { createTestNetwork, type Netns, netnsMissing, type TestNetwork } from '../support/netns.ts';
import { PLANNED, plannedText } from '../support/planned-routes.ts';
import { programs, requires } from '../support/require.ts';
import { waitFor } from '../support/wait.ts';

const NETWORKD = '/usr/lib/systemd/systemd-networkd';

const suite = await requires(
  'net',
  async () =>
    (await programs('ip', 'nft', 'sh', 'unshare', 'mount', 'bird', 'vtysh', 'dnsmasq', 'dhcpcd', 'udhcpc', 'sysctl')()) ??
    (await programs('/usr/lib/frr/staticd', '/usr/lib/systemd/systemd-networkd')()) ??
    netnsMissing(),
);

suite('what minilb routes prints, read by the programs it is meant for', () => {
  let folder: string;
  let network: TestNetwork;
  let router: Netns;
  let lan: Netns;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'minilb-routes-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    network = await createTestNetwork();
    router = await network.namespace('router');
    lan = await network.namespace('lan');
    const ours = { ns: router, name: 'lan', addresses: ['192.168.1.1/24', 'fd00:1::1/64'] };
    await network.veth(ours, { ns: lan, name: 'eth0', addresses: [] });
  });
  afterEach(() => network.close());

  const held = async (ns: Netns) => {
    const lists = await Promise.all(['-4', '-6'].map(async (family) => JSON.parse((await ns.run(['ip', '-j', family, 'route'])) || '[]')));
    const routes = lists.flat() as { readonly dst: string; readonly gateway?: string }[];
    return routes.flatMap(({ dst, gateway }) => (gateway ? [`${dst} via ${gateway}`] : [])).sort();
  };
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  test('iproute2: pasted into a shell, each route is taken and each comment does nothing', async () => {
    await router.run(['sh', '-e', '-c', plannedText('iproute2').split('\n').slice(1).join('\n')]);
    expect(await held(router)).toEqual(PLANNED);
  });

  test('the firewall rule and the line for asymmetric paths are rules to nft', async () => {
    const rules = plannedText('iproute2')
      .split('\n')
      .flatMap((line) => (line.startsWith('# nft ') ? [line.slice(2)] : []));
    expect(rules).toHaveLength(4);
    const table = "nft add table inet filter && nft 'add chain inet filter forward { type filter hook forward priority 0; }'";
    const listed = await router.run(['sh', '-e', '-c', [table, ...rules, 'nft list chain inet filter forward'].join('\n')]);
    const order = [
      'ip6 daddr fd00:244::/64 tcp dport { 80, 443 } accept',
      'ip daddr { 10.244.0.0/24, 10.244.2.0/24 } ct state new tcp dport != { 80, 443 } drop',
    ];
    const places = order.map((rule) => listed.indexOf(rule));
    expect([places.every((place) => place > 0), (places[0] ?? 0) < (places[1] ?? 0)]).toEqual([true, true]);
  });

  test('frr: staticd puts them into the kernel', async () => {
    await startFrr(folder, router, 'router', ['zebra', 'staticd'], plannedText('frr'));
    await waitFor('the routes', async () => JSON.stringify(await held(router)) === JSON.stringify(PLANNED));
  });

  test('bird: as an include, its kernel protocol puts them into the kernel', async () => {
    const lines = plannedText('bird');
    const kernel = ['4', '6'].map((v) => `protocol kernel { ipv${v} { export all; }; }`);
    const config = file(
      'bird.conf',
      ['router id 192.168.1.1;', 'protocol device {}', ...kernel, `include "${file('minilb.conf', lines)}";`].join('\n'),
    );
    router.start({ name: 'bird', log: join(folder, 'bird.log'), command: ['bird', '-f', '-c', config, '-s', join(folder, 'bird.ctl')] });
    await waitFor('the routes', async () => JSON.stringify(await held(router)) === JSON.stringify(PLANNED));
  });

  test('bird-announce is read by BIRD, and gives the kernel nothing', async () => {
    const config = file('announce.conf', `router id 192.168.1.1;\nprotocol device {}\n${plannedText('bird-announce')}`);
    expect(await router.run(['bird', '-p', '-c', config])).toBe('');
  });

  test('systemd-networkd: a drop-in of the interface’s file; its daemon puts them into the kernel', async () => {
    const script = [
      'mount --bind /sys /sys',
      'mount -o remount,ro,bind /sys',
      'mount -t tmpfs tmpfs /run',
      'mkdir -p /run/systemd/network/10-lan.network.d',
      'printf "[Match]\\nName=lan\\n[Network]\\nAddress=192.168.1.1/24\\nAddress=fd00:1::1/64\\nIPv6AcceptRA=no\\n" >/run/systemd/network/10-lan.network',
      `cp ${file('minilb.conf', plannedText('systemd-networkd'))} /run/systemd/network/10-lan.network.d/minilb.conf`,
      `exec env SYSTEMD_LOG_TARGET=console ${NETWORKD}`,
    ];
    const log = join(folder, 'networkd.log');
    router.start({
      name: 'networkd',
      log,
      command: ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-e', '-c', script.join('\n')],
    });
    await waitFor('the routes', async () => JSON.stringify(await held(router)) === JSON.stringify(PLANNED));
    expect(readFileSync(log, 'utf8')).not.toMatch(/minilb\.conf.*(ignor|invalid|unknown)/i);
  });

  test('dhcp121: dnsmasq hands it out, dhcpcd sets the routes, and the default route is that of the option, not of option 3', async () => {
    const leases = join(folder, 'leases');
    const config = file(
      'dnsmasq.conf',
      `port=0\nuser=root\ninterface=lan\ndhcp-range=192.168.1.100,192.168.1.200,1h\ndhcp-option=option:router,192.168.1.99\ndhcp-leasefile=${leases}\npid-file=\n${plannedText('dhcp121')}`,
    );
    expect(await router.run(['sh', '-c', `dnsmasq --test --conf-file=${config} 2>&1`])).toContain('syntax check OK');
    router.start({
      name: 'dnsmasq',
      log: join(folder, 'dnsmasq.log'),
      command: ['dnsmasq', '--keep-in-foreground', `--conf-file=${config}`],
    });
    const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/db && mount --bind /run/db /var/lib/dhcpcd && exec dhcpcd -B -4 -A -f /dev/null -c /bin/true -o classless_static_routes eth0`;
    lan.start({ name: 'dhcpcd', log: join(folder, 'dhcpcd.log'), command: ['unshare', '--mount', 'sh', '-c', script] });
    const wanted = [...PLANNED.filter((route) => !route.startsWith('fd00')), 'default via 192.168.1.1'].sort();
    await waitFor('the routes', async () => JSON.stringify(await held(lan)) === JSON.stringify(wanted));
  });

  test('dhcp121: udhcpc, as in OpenWrt and Alpine, is told the same routes', async () => {
    const config = file(
      'dnsmasq-2.conf',
      `port=0\nuser=root\ninterface=lan\ndhcp-range=192.168.1.100,192.168.1.200,1h\ndhcp-leasefile=${join(folder, 'leases-2')}\npid-file=\n${plannedText('dhcp121')}`,
    );
    router.start({
      name: 'dnsmasq',
      log: join(folder, 'dnsmasq-2.log'),
      command: ['dnsmasq', '--keep-in-foreground', `--conf-file=${config}`],
    });
    const seen = join(folder, 'udhcpc.seen');
    const script = file('udhcpc.sh', `#!/bin/sh\n[ "$1" = bound ] && echo "$staticroutes" >${seen}\nexit 0\n`);
    await lan.run(['chmod', '755', script]);
    await lan.run(['udhcpc', '-i', 'eth0', '-s', script, '-O', 'staticroutes', '-q', '-n', '-f', '-t', '20', '-T', '1']);
    expect(readFileSync(seen, 'utf8').trim()).toBe('0.0.0.0/0 192.168.1.1 10.244.0.0/24 192.168.1.30 10.244.2.0/24 192.168.1.31');
  });
});
