import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asArray, asObject, compact } from '../../src/core/object/raw.ts';
import type { Child } from '../support/child.ts';
import { startFrr } from '../support/frr.ts';
import { manifestObjects, podSpecOf } from '../support/manifest.ts';
import { netnsMissing } from '../support/netns.ts';
import { createNode } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { type RouteLab, type RouteNode, routesTo, startRouteLab } from '../support/route-lab.ts';
import { pause, waitFor } from '../support/wait.ts';

// deploy/announce as it is: the arguments of its manifest, its start.sh and bird.conf, its user, no capability; before FRR 8.4 and BIRD 2.0 with
// the configurations of deploy/announce/examples.

const DEPLOY = realpathSync(`${import.meta.dirname}/../../deploy/announce`);
const EXAMPLES = `${DEPLOY}/examples`;
const USER = 65532;
const BARE = [
  'setpriv',
  `--reuid=${USER}`,
  `--regid=${USER}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
];

const suite = await requires(
  'net',
  async () => (await programs('ip', 'bird', 'birdc', 'vtysh', '/usr/lib/frr/bgpd', 'sysctl', 'setpriv', 'sh', 'curl')()) ?? netnsMissing(),
);

const deployment = manifestObjects(readFileSync(`${DEPLOY}/base/announce.yaml`, 'utf8'))[0] ?? {};
const containers = compact(asArray(podSpecOf(deployment)['containers']).map(asObject));
/** The container's arguments with its folder and networks put in. */
const argumentsIn = (folder: string) =>
  asArray(containers.find((one) => one['name'] === 'minilb')?.['args'])
    .map((word) => String(word).replaceAll('/run/minilb', folder))
    .map((word) => word.replace('$(CIDRS)', '10.244.0.0/16,fd00:244::/32').replace('$(VIA)', '192.168.1.0/24,fd00:1::/64'))
    .slice(1);

/** The two containers of an announcer's Pod on a node. */
interface Announcer {
  readonly minilb: Child;
  readonly bird: Child;
}

suite('deploy/announce', () => {
  describe.each(['frr', 'bird'] as const)('before a router with %s', (router) => {
    let lab: RouteLab;
    const announcers = new Map<string, Announcer>();
    const held = () => lab.podRoutes(lab.router);
    const holds = (...nodes: readonly RouteNode[]) =>
      waitFor(
        `the routes to ${nodes.map(({ name }) => name).join(', ')}`,
        async () => JSON.stringify(await held()) === JSON.stringify(routesTo(...nodes)),
      );
    const folderOf = (node: RouteNode) => join(lab.folder, `run-${node.name}`);
    const startBird = (node: RouteNode) =>
      node.ns.start({
        name: `bird-${node.name}`,
        log: join(lab.folder, `bird-${node.name}.log`),
        env: { RUN: folderOf(node), CONFIG: `${DEPLOY}/overlay/bird.conf`, NODE_IP: node.ip },
        command: [...BARE, 'sh', `${DEPLOY}/base/start.sh`],
      });
    const startMinilb = (node: RouteNode) => lab.start(node.ns, `minilb-${node.name}`, argumentsIn(folderOf(node)), BARE);
    const announce = (node: RouteNode) => {
      mkdirSync(folderOf(node));
      chownSync(folderOf(node), USER, USER);
      announcers.set(node.name, { bird: startBird(node), minilb: startMinilb(node) });
    };
    /** Everything the router has learnt by BGP. */
    const learnt = async () => {
      const lists = await Promise.all(
        ['-4', '-6'].map((family) => lab.router.run(['ip', family, 'route', 'show', 'proto', router === 'frr' ? 'bgp' : 'bird'])),
      );
      return lists
        .join('')
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || [])
        .sort();
    };

    beforeAll(async () => {
      lab = await startRouteLab();
      for (const path of [lab.folder, dirname(lab.api.kubeconfig)]) chmodSync(path, 0o755);
      chmodSync(lab.api.kubeconfig, 0o644);
      if (router === 'frr')
        await startFrr(lab.folder, lab.router, 'router', ['zebra', 'bgpd'], readFileSync(`${EXAMPLES}/frr-router.conf`, 'utf8'));
      else
        lab.router.start({
          name: 'router',
          log: join(lab.folder, 'router.log'),
          command: ['bird', '-f', '-c', `${EXAMPLES}/bird-router.conf`, '-s', join(lab.folder, 'router.ctl')],
        });
      const [n1, n2] = lab.nodes;
      await lab.register(n1);
      await lab.register(n2);
      announce(n1);
      await holds(n1, n2);
    }, 60_000);
    afterAll(() => lab?.stop(), 60_000);

    test('each pod network, in both families, by its node’s own address; the node of the announcer too', async () => {
      const [n1, n2] = lab.nodes;
      expect(await held()).toEqual(routesTo(n1, n2));
      expect((await lab.router.run(['curl', '-s', `http://${n1.ip}:7713/readyz`])).trim()).toBe('ok');
    });

    test('nodes come and go', async () => {
      const [n1, n2, n3] = lab.nodes;
      await lab.register(n3);
      await holds(n1, n2, n3);
      await lab.unregister('n2');
      await holds(n1, n3);
      await lab.register(n2);
      await holds(n1, n2, n3);
    }, 60_000);

    test('hostile Nodes change nothing; never a default route, never a single host', async () => {
      const [n1, n2, n3] = lab.nodes;
      const before = await learnt();
      const evil = (name: string, podCidrs: readonly string[], ip: string) => createNode(lab.api, { name, podCidrs, internalIps: [ip] });
      await evil('evil-all', ['0.0.0.0/0', '::/0'], '192.168.1.66');
      await evil('evil-lan', ['192.168.1.0/24'], '192.168.1.67');
      await evil('evil-host', ['10.244.9.9/32'], '192.168.1.68');
      await evil('evil-twin', [n1.podCidrs[0]], '192.168.1.69');
      await evil('evil-part', ['10.244.2.128/25'], '192.168.1.70');
      await evil('evil-hop', ['10.244.101.0/24'], '203.0.113.1');
      await evil('evil-address', ['10.244.102.0/24'], n3.ip);
      await waitFor('all to be seen', () =>
        ['evil-host', 'evil-hop', 'evil-address'].every((name) => lab.logOf('minilb-n1').includes(name)),
      );
      await pause(1500);
      expect(await held()).toEqual(routesTo(n1, n2, n3));
      expect(await learnt()).toEqual(before);
      for (const name of ['all', 'lan', 'host', 'twin', 'part', 'hop', 'address']) await lab.unregister(`evil-${name}`);
    }, 60_000);

    test('kill -9 of BIRD, and a start without minilb: graceful restart keeps the routes', async () => {
      const [n1, n2, n3] = lab.nodes;
      const pods = announcers.get('n1') ?? expect.unreachable();
      pods.minilb.signal('SIGKILL');
      pods.bird.signal('SIGKILL');
      await Promise.all([pods.minilb.exited, pods.bird.exited]);
      await pause(3000);
      expect(await held()).toEqual(routesTo(n1, n2, n3));
      const bird = startBird(n1);
      await waitFor('the session', async () => (await birdStatus(n1)) === 2);
      await pause(1000);
      expect(await held()).toEqual(routesTo(n1, n2, n3));
      announcers.set('n1', { bird, minilb: startMinilb(n1) });
    }, 60_000);

    test('an API server that is away withdraws nothing, also not for a minilb that starts meanwhile', async () => {
      const [n1, n2, n3] = lab.nodes;
      await lab.api.stopApiServer();
      const pods = announcers.get('n1') ?? expect.unreachable();
      await pods.minilb.stop();
      announcers.set('n1', { ...pods, minilb: startMinilb(n1) });
      await pause(2500);
      expect(await held()).toEqual(routesTo(n1, n2, n3));
      await lab.api.startApiServer();
      await lab.unregister('n3');
      await holds(n1, n2);
      await lab.register(n3);
      await holds(n1, n2, n3);
    }, 60_000);

    test('two announcers at once: one may go, and nothing is lost', async () => {
      const [n1, n2, n3] = lab.nodes;
      announce(n2);
      await waitFor('the second session', async () => (await birdStatus(n2)) === 2);
      const pods = announcers.get('n1') ?? expect.unreachable();
      await pods.minilb.stop();
      await pods.bird.stop();
      await pause(1500);
      expect(await held()).toEqual(routesTo(n1, n2, n3));
      await lab.unregister('n3');
      await holds(n1, n2);
    }, 60_000);

    /** Sessions that are established on a node. */
    async function birdStatus(node: RouteNode): Promise<number> {
      const control = join(folderOf(node), 'bird.ctl');
      if (!existsSync(control)) return 0;
      const shown = await node.ns.run(['birdc', '-s', control, 'show', 'protocols']);
      return shown.match(/Established/g)?.length ?? 0;
    }
  });
});
