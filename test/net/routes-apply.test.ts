import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Child } from '../support/child.ts';
import { netnsMissing } from '../support/netns.ts';
import { createNode, must } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { LAB_FLAGS, type RouteLab, type RouteNode, routesTo, startRouteLab } from '../support/route-lab.ts';
import { asUnitUser, copyUnit, EXPOSURE_MAX, exposureOf, type Unit, verifyUnit } from '../support/systemd.ts';
import { pause, waitFor } from '../support/wait.ts';

const suite = await requires(
  'net',
  async () => (await programs('ip', 'nft', 'sysctl', 'curl', 'sh', 'setpriv', 'systemd-analyze')()) ?? netnsMissing(),
);
const APPLY = ['-apply', ...LAB_FLAGS, '-health=127.0.0.1:7713'];
suite('minilb routes -apply on a router', () => {
  let lab: RouteLab;
  let daemon: Child;
  let starts = 0;
  let unit: Unit;
  const log = () => lab.logOf(`apply-${starts}`);
  const start = () => {
    daemon = lab.start(lab.router, `apply-${++starts}`, APPLY, asUnitUser(unit));
  };
  const held = () => lab.podRoutes(lab.router);
  const holds = (wanted: readonly string[]) =>
    waitFor(`the routes ${wanted.join('; ')}`, async () => JSON.stringify(await held()) === JSON.stringify(wanted));
  const others = async () =>
    `${await lab.router.run(['ip', '-4', 'route'])}${await lab.router.run(['ip', '-6', 'route'])}`
      .split('\n')
      .filter((line) => !line.includes('proto 177'));
  const evil = (name: string, podCidrs: readonly string[], ...internalIps: readonly string[]) =>
    createNode(lab.api, { name, podCidrs, internalIps });

  beforeAll(async () => {
    lab = await startRouteLab();
    unit = copyUnit('minilb-routes.service', lab.folder);
    for (const path of [lab.folder, dirname(lab.api.kubeconfig), lab.api.kubeconfig]) chmodSync(path, 0o755);
    const foreign = [
      'route add 10.244.200.0/24 via 192.168.1.200',
      'route add 10.50.0.0/16 via 192.168.1.201 proto 178',
      '-6 route add fd00:244:200::/64 via fd00:1::200',
    ];
    for (const line of foreign) await lab.router.run(['ip', ...line.split(' ')]);
    for (const node of lab.nodes) await lab.register(node);
  }, 60_000);
  afterAll(() => lab?.stop(), 60_000);

  /** The foreign ones lie in the pod networks, so they are always among those that `held` gives. */
  const foreign = ['10.244.200.0/24 via 192.168.1.200', 'fd00:244:200::/64 via fd00:1::200'];
  const withForeign = (...nodes: readonly RouteNode[]) => [...routesTo(...nodes), ...foreign].sort();

  test('its unit: systemd finds nothing wrong, and it may do little; all below runs as its user with its one capability', async () => {
    expect(await verifyUnit(unit)).toEqual({ output: '', exitCode: 0 });
    expect(await exposureOf(unit)).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  test('nodes come and go, in both families, and routes of others stay as they are', async () => {
    const [n1, n2, n3] = lab.nodes;
    const before = await others();
    start();
    await holds(withForeign(n1, n2, n3));
    await lab.unregister('n2');
    await holds(withForeign(n1, n3));
    await lab.register(n2);
    await holds(withForeign(n1, n2, n3));
    expect(await others()).toEqual(before);
    expect(log()).toContain(`added ${n1.podCidrs[0]} via ${n1.ip}`);
    expect(await lab.router.run(['curl', '-s', 'http://127.0.0.1:7713/readyz'])).toContain('ok');
    expect(await lab.router.run(['curl', '-s', 'http://127.0.0.1:7713/metrics'])).toMatch(/^minilb_routes_held 6$/m);
  }, 60_000);

  test('hostile Nodes change nothing', async () => {
    const [n1, n2, n3] = lab.nodes;
    const before = await others();
    await evil('evil-all', ['0.0.0.0/0', '::/0'], '192.168.1.66');
    await evil('evil-half', ['128.0.0.0/1'], '192.168.1.67');
    await evil('evil-lan', ['192.168.1.0/24', 'fd00:1::/64'], '192.168.1.68', 'fd00:1::68');
    await evil('evil-wan', ['203.0.113.0/24'], '192.168.1.69');
    await evil('evil-host', ['192.168.1.100/32'], '192.168.1.70');
    await evil('evil-pod', ['10.244.9.9/32'], '192.168.1.72');
    await evil('evil-twin', [n1.podCidrs[0]], '192.168.1.71');
    await evil('evil-part', ['10.244.2.128/25'], '192.168.1.73');
    await evil('evil-hop', ['10.244.101.0/24'], '192.168.1.1');
    await evil('evil-gateway', ['10.244.102.0/24'], '203.0.113.1');
    await evil('evil-inside', ['10.244.103.0/24'], '10.244.3.3');
    await evil('evil-special', ['10.244.104.0/24'], '127.0.0.1');
    await evil('evil-address', ['10.244.105.0/24'], n2.ip);
    await must(lab.api, {
      method: 'PATCH',
      path: '/api/v1/nodes/evil-all',
      body: { metadata: { annotations: { 'minilb/route-via': '192.168.1.1; reboot' } } },
    });
    await waitFor('all of them to be seen', () =>
      ['evil-host', 'evil-hop', 'evil-special', 'evil-inside', 'evil-gateway'].every((name) => log().includes(name)),
    );
    expect(await held()).toEqual(withForeign(n1, n2, n3));
    expect(await others()).toEqual(before);
    expect(log()).toContain(`the route to ${n1.podCidrs[0]} is kept as it was`);
  }, 60_000);

  test('started again among them: the same routes', async () => {
    daemon.signal('SIGKILL');
    await daemon.exited;
    start();
    await waitFor('the first comparison', async () =>
      (await lab.router.run(['curl', '-s', 'http://127.0.0.1:7713/readyz']).catch(() => '')).includes('ok'),
    );
    expect(await held()).toEqual(withForeign(...lab.nodes));
    for (const name of ['all', 'half', 'lan', 'wan', 'host', 'pod', 'twin', 'part', 'hop', 'gateway', 'inside', 'special', 'address'])
      await lab.unregister(`evil-${name}`);
  }, 60_000);

  test('an API server that is away takes no route away, also not for one that starts meanwhile', async () => {
    await lab.api.stopApiServer();
    await pause(1500);
    expect(await held()).toEqual(withForeign(...lab.nodes));
    await daemon.stop();
    start();
    await waitFor('a failed list', () => /Node/.test(log()));
    await pause(1500);
    expect(await held()).toEqual(withForeign(...lab.nodes));
    await lab.api.startApiServer();
    await lab.unregister('n3');
    await holds(withForeign(lab.nodes[0], lab.nodes[1]));
    await lab.register(lab.nodes[2]);
    await holds(withForeign(...lab.nodes));
  }, 60_000);

  test('what changed while it was down is made good, and so is what somebody else takes away', async () => {
    const [n1, n2, n3] = lab.nodes;
    await daemon.stop();
    expect(await held()).toEqual(withForeign(n1, n2, n3));
    await lab.unregister('n1');
    await lab.router.run(['ip', 'route', 'del', n2.podCidrs[0]]);
    await lab.router.run(['ip', 'route', 'add', '10.244.77.0/24', 'via', '192.168.1.77', 'proto', '177']);
    start();
    await holds(withForeign(n2, n3));
    await lab.router.run(['ip', 'route', 'flush', 'proto', '177']);
    await holds(withForeign(n2, n3));
    await lab.register(n1);
    await holds(withForeign(n1, n2, n3));
  }, 60_000);

  test('where somebody else holds a route to the same network it is left alone, said, and taken up when it goes', async () => {
    const [n1, n2, n3] = lab.nodes;
    await lab.unregister('n1');
    await holds(withForeign(n2, n3));
    await lab.router.run(['ip', 'route', 'add', n1.podCidrs[0], 'via', '192.168.1.250']);
    await lab.register(n1);
    await waitFor('the line', () => log().includes(`somebody else holds a route to the network of ${n1.podCidrs[0]}`));
    expect(await held()).toContain(`${n1.podCidrs[0]} via 192.168.1.250`);
    await lab.router.run(['ip', 'route', 'del', n1.podCidrs[0], 'via', '192.168.1.250']);
    await holds(withForeign(n1, n2, n3));
  }, 60_000);

  test('a router that drops what it sees half of: the printed line helps, and the firewall rule holds', async () => {
    const [n1] = lab.nodes;
    for (const port of ['80', '8080'])
      n1.pod.start({
        name: 'pod',
        log: `${lab.folder}/pod-${port}.log`,
        command: [process.execPath, `${import.meta.dirname}/../support/pod-server.ts`, 'n1', port],
      });
    const reached = async (port: number) =>
      (await lab.client.run(['curl', '-s', '-m', '2', `http://10.244.1.2:${port}/`]).catch(() => '')).trim() === 'n1';
    for (const port of [80, 8080]) await waitFor(`port ${port} without a firewall`, () => reached(port));
    const chain = 'add chain inet filter forward { type filter hook forward priority 0; policy drop; }';
    const rules = ['ct state established,related accept', 'ct state invalid drop', 'iifname "lan" accept'].map(
      (rule) => `add rule inet filter forward ${rule}`,
    );
    await lab.router.run(['nft', ['add table inet filter', chain, ...rules].join('; ')]);
    expect(await reached(80)).toBe(false);
    const { stdout } = await lab.run(lab.router, [...LAB_FLAGS]);
    const printed = stdout.split('\n').flatMap((line) => (line.startsWith('# nft ') ? [line.slice(2)] : []));
    await lab.router.run(['sh', '-ec', printed.join('\n')]);
    await waitFor('port 80 through the firewall', () => reached(80));
    expect(await reached(8080)).toBe(false);
  }, 60_000);

  test('cleanup shows its plan, and with -yes takes away what is ours alone', async () => {
    await daemon.stop();
    const before = await others();
    const plan = await lab.run(lab.router, ['cleanup']);
    expect([plan.exitCode, plan.stderr]).toEqual([0, '']);
    expect(plan.stdout.match(/^remove /gm)).toHaveLength(6);
    expect(await held()).toEqual(withForeign(...lab.nodes));
    const done = await lab.run(lab.router, ['cleanup', '-yes']);
    expect([done.exitCode, done.stdout.trim().split('\n').at(-1)]).toEqual([0, '6 removed.']);
    expect(await held()).toEqual([...foreign].sort());
    expect(await others()).toEqual(before);
  }, 60_000);
});
