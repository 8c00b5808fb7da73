import { describe, expect, test } from 'bun:test';
import { asArray, asObject } from '../src/core/object/raw.ts';
import { containerOf, manifestObjects, nameOf, podSpecOf, renderManifest } from './support/manifest.ts';

const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([name]) => Bun.which(name ?? ''));
const PAIRS = ['pi1=192.168.1.30', 'pi2.lan=192.168.1.31', 'pi2.lan=fd00::31'];
const rendered = await renderManifest(['-domain', 'k8s.example.com', ...PAIRS]);
const objects = manifestObjects(rendered.stdout);
const servers = objects.filter((object) => nameOf(object).startsWith('Deployment minilb-dns-'));
const deployments = objects.filter((object) => object['kind'] === 'Deployment');

describe('what cannot work is not rendered: exit code 2, one reason, no output', () => {
  const rows: readonly [name: string, args: readonly string[], reason: string][] = [
    ['no node listed', [], 'no node listed, so nothing would answer'],
    ['flags alone list no node', ['-domain', 'k8s.example.com'], 'no node listed, so nothing would answer'],
    ['an empty argument, as an unset variable gives', [''], "'' is not NODE=ADDRESS"],
    ['an address without its node', ['192.168.1.30'], "'192.168.1.30' is not NODE=ADDRESS"],
    ['a node without address', ['pi1='], "'pi1=' is not NODE=ADDRESS"],
    ['one bad pair among good ones', ['pi1=192.168.1.30', 'pi2=192.168.1'], "'192.168.1' is not an IP address"],
    ['an octet above 255', ['pi1=192.168.1.256'], "'192.168.1.256' is not an IP address"],
    ['an octet that some read as octal', ['pi1=192.168.1.030'], "'192.168.1.030' is not an IP address"],
    ['every address of the node: as bad as no hostIP', ['pi1=0.0.0.0'], "take the node's own queries"],
    ['loopback', ['pi1=127.0.0.53'], "take the node's own queries"],
    ['every IPv6 address', ['pi1=::'], "take the node's own queries"],
    ['an address twice', ['pi1=192.168.1.30', 'pi2=192.168.1.30'], '192.168.1.30 is listed twice'],
    ['a node name that YAML would take apart', ['"]=192.168.1.30'], 'is not the name of a node'],
    ['two pairs in one argument', ['pi1=192.168.1.30 pi2=192.168.1.31'], 'is not NODE=ADDRESS'],
    ['a domain with an empty label', ['-domain', 'a..b', 'pi1=192.168.1.30'], "'a..b' is not a domain"],
    ['a domain that leaves no room for <63>.<63>.', ['-domain', `a${'.b'.repeat(63)}`, 'pi1=192.168.1.30'], 'is not a domain'],
    ['an image name with a space', ['-image', 'a b', 'pi1=192.168.1.30'], "'a b' is not the name of an image"],
    ['nodes and none', ['-outside', 'pi1=192.168.1.30'], 'either nodes or -outside'],
    ['a flag without value', ['pi1=192.168.1.30', '-domain'], '-domain needs a value'],
    ['an unknown flag', ['-ttl', '5', 'pi1=192.168.1.30'], 'unknown flag -ttl'],
  ];
  test.each(rows)('%s', async (_, args, reason) => {
    for (const shell of shells) {
      const { exitCode, stdout, stderr } = await renderManifest(args, shell);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(reason);
    }
  });
});

describe('the manifest', () => {
  test('every shell renders the same, and nothing is left to fill in', async () => {
    expect(rendered.exitCode).toBe(0);
    expect(rendered.stdout).not.toMatch(/@[A-Z]+@/);
    for (const shell of shells) {
      expect((await renderManifest(['--domain=k8s.example.com', ...PAIRS], shell)).stdout).toBe(rendered.stdout);
    }
  });

  test('the Namespace comes first, and no object twice', () => {
    const names = objects.map(nameOf);
    expect(names[0]).toBe('Namespace minilb');
    expect(new Set(names).size).toBe(names.length);
  });

  test('with -outside there is no DNS server in the cluster, and all else', async () => {
    const outside = manifestObjects((await renderManifest(['-outside', '-domain', 'k8s.example.com'])).stdout).map(nameOf);
    const left = objects.map(nameOf).filter((name) => !outside.includes(name));
    expect(left).toEqual(['PodDisruptionBudget minilb-dns', ...servers.map(nameOf)]);
  });

  test('one pinned Deployment of one replica for each listed address', () => {
    const pinned = servers.map((server) => JSON.stringify(podSpecOf(server)['affinity']).match(/"values":\["(.*?)"\]/)?.[1]);
    expect(servers.map(nameOf)).toEqual([
      'Deployment minilb-dns-192-168-1-30',
      'Deployment minilb-dns-192-168-1-31',
      'Deployment minilb-dns-fd00--31',
    ]);
    expect(pinned).toEqual(['pi1', 'pi2.lan', 'pi2.lan']);
    expect(servers.map((server) => asObject(server['spec'])?.['replicas'])).toEqual([1, 1, 1]);
  });

  test('never hostPort without the address it is for', () => {
    const ports = servers.map((server) => asArray(containerOf(server)['ports']).map((port) => asObject(port) ?? {}));
    for (const [i, address] of ['192.168.1.30', '192.168.1.31', 'fd00::31'].entries()) {
      const host = (ports[i] ?? []).filter((port) => 'hostPort' in port || 'hostIP' in port);
      expect(host.map((port) => [port['hostIP'], port['hostPort'], port['protocol'], port['containerPort']])).toEqual([
        [address, 53, 'UDP', 5353],
        [address, 53, 'TCP', 5353],
      ]);
    }
  });

  test('who takes queries from the network does not write; who writes takes none', () => {
    for (const deployment of deployments) {
      const args = asArray(containerOf(deployment)['args']);
      const writer = nameOf(deployment) === 'Deployment minilb-writer';
      expect(args.includes('-controller=false')).toBe(!writer);
      expect(args.includes('-listen=127.0.0.1:5353')).toBe(writer);
      expect(podSpecOf(deployment)['serviceAccountName']).toBe(writer ? 'minilb-writer' : 'minilb-dns');
    }
  });

  test('non-root, nothing writable, no capability, and the domain asked for, in every Deployment', () => {
    for (const deployment of deployments) {
      const container = containerOf(deployment);
      expect(podSpecOf(deployment)['securityContext']).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(container['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(asArray(container['args'])).toContain('-domain=k8s.example.com');
      expect(container['image']).toMatch(/^localhost\/minilb:\d+\.\d+\.\d+$/);
    }
  });
});
