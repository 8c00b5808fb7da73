import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { DoctorReport } from '../../src/core/doctor/report.ts';
import type { Child } from '../support/child.ts';
import { type DoctorLab, startDoctorLab } from '../support/doctor-lab.ts';
import { netnsMissing } from '../support/netns.ts';
import { createNamespace, must, setPodReady } from '../support/objects.ts';
import { programs, requires } from '../support/require.ts';
import { pihole, type ResolverSetup, unbound } from '../support/resolver-programs.ts';

const suite = await requires('net', () => netnsMissing() ?? programs('dnsmasq', 'unbound', 'dig', 'nft', 'ss')());
setDefaultTimeout(90_000);

const DOMAIN = 'k8s.home.arpa';
const SERVER = ['-server=192.168.1.10', `-domain=${DOMAIN}`];
const FORWARD = [`server=/${DOMAIN}/192.168.1.10`, 'server=/mqtt.example.com/192.168.1.10'];
const ALLOWED = [`rebind-domain-ok=/${DOMAIN}/`, 'rebind-domain-ok=/mqtt.example.com/'];

const codesOf = (report: DoctorReport) => report.findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code);
const pasteOf = (report: DoctorReport, code: string) =>
  (report.findings.find((each) => each.code === code) ?? expect.unreachable(code)).remedy.paste;

suite('minilb doctor from a laptop, with real resolvers and a router in between', () => {
  let lab: DoctorLab;
  let onPort53: Child | undefined;

  beforeAll(async () => {
    lab = await startDoctorLab();
    await Promise.all([
      lab.startDns('192.168.1.10', DOMAIN),
      lab.startDns('192.168.1.11', 'k8s.internal'),
      lab.startDns('192.168.1.12', 'minilb'),
    ]);
  });
  afterAll(() => lab?.close());

  /** The program with this configuration on the router, at 192.168.1.1. */
  const start = (setup: ResolverSetup, port: number): Promise<Child> => {
    const folder = lab.folderOf(setup.name);
    const files = Object.entries(setup.files(port, folder)).map(([name, text]) => [name, text.replaceAll(': 127.0.0.1', ': 192.168.1.1')]);
    const listen = files.map(([name, text]) => [name, (text ?? '').replace('listen-address=127.0.0.1', 'listen-address=192.168.1.1')]);
    return lab.startResolver(setup.name, port, Object.fromEntries(listen), setup.command(folder));
  };
  const dnsmasq = async (lines: readonly string[], staleSeconds?: number) => {
    await onPort53?.stop();
    onPort53 = await start(pihole('dnsmasq', lines.join('\n'), staleSeconds), 53);
  };

  test('all is well behind dnsmasq with the lines of the README: 0; the server is found by its Pod', async () => {
    await dnsmasq([...FORWARD, ...ALLOWED]);
    await createNamespace(lab.api(), 'minilb');
    const port = { containerPort: 53, hostPort: 53, hostIP: '192.168.1.10', protocol: 'UDP' };
    const container = { name: 'minilb', image: 'none', args: ['dns', `-domain=${DOMAIN}`, '-ttl=1'], ports: [port] };
    const metadata = { name: 'dns-1', namespace: 'minilb', labels: { 'app.kubernetes.io/name': 'minilb' } };
    const path = '/api/v1/namespaces/minilb/pods';
    const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n1', containers: [container] } };
    await must(lab.api(), { method: 'POST', path, body });
    await setPodReady(lab.api(), { namespace: 'minilb', name: 'dns-1', ips: ['10.244.0.9'] }, true);
    const report = await lab.doctor();
    await must(lab.api(), {
      method: 'DELETE',
      path: `${path}/dns-1`,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
    });
    expect(report).toMatchObject({ findings: [], exitCode: 0, pod: 'minilb/dns-1' });
    expect(report.notLooked.map(({ what }) => what)).toEqual([
      'the rights of minilb/default',
      'names beside claimed ones by resolver 192.168.1.1',
    ]);
  });

  test('a dnsmasq that knows nothing of minilb: the printed lines, appended, mend it', async () => {
    await dnsmasq([]);
    const report = await lab.doctor(...SERVER);
    expect(codesOf(report)).toEqual(['ResolverDoesNotForward']);
    await dnsmasq([...pasteOf(report, 'ResolverDoesNotForward'), ...FORWARD.slice(1), ...ALLOWED.slice(1)]);
    expect(codesOf(await lab.doctor(...SERVER))).toEqual([]);
  });

  test('rebind protection, a stale cache and a claimed host that nobody forwards, all at once', async () => {
    await dnsmasq(FORWARD.slice(0, 1), 3600);
    const report = await lab.doctor(...SERVER);
    expect(codesOf(report)).toEqual(['ClaimedHostNotForwarded', 'ResolverDropsPrivateAddresses', 'ResolverStale']);
    expect(report.findings.find(({ code }) => code === 'ResolverStale')?.seen).toMatch(
      /^It gave an answer that was \d+ s old and may be kept for 1 s, and a new one right after/,
    );
    const lines = [...pasteOf(report, 'ClaimedHostNotForwarded'), ...pasteOf(report, 'ResolverDropsPrivateAddresses')];
    await dnsmasq([...FORWARD.slice(0, 1), ...lines]);
    expect(codesOf(await lab.doctor(...SERVER))).toEqual([]);
  });

  describe('Unbound, which validates, protects and has zones of its own', () => {
    test.each([
      ['k8s.home.arpa', '192.168.1.10', 5301],
      ['k8s.internal', '192.168.1.11', 5302],
      ['minilb', '192.168.1.12', 5303],
    ])('%s: the printed lines mend it; without the one for unsigned domains it validates', async (domain, address, port) => {
      const flags = [`-server=${address}`, `-domain=${domain}`, `-resolver=192.168.1.1:${port}`];
      const access = ['  access-control: 192.168.1.0/24 allow', '  cache-min-ttl: 0'];
      const claimed = `forward-zone:\n  name: "mqtt.example.com"\n  forward-addr: ${address}\nserver:\n  private-domain: "mqtt.example.com"\n  domain-insecure: "mqtt.example.com"`;
      let running = await start(unbound(`unbound-${port}`, [...access, claimed].join('\n')), port);
      const ignorant = await lab.doctor(...flags);
      expect(codesOf(ignorant)).toEqual(['ResolverDoesNotForward']);
      const lines = pasteOf(ignorant, 'ResolverDoesNotForward');
      if (domain.endsWith('.home.arpa')) expect(lines).toContain('    local-zone: "home.arpa." nodefault');
      await running.stop();
      const unsigned = lines.filter((line) => !line.includes('domain-insecure'));
      running = await start(unbound(`unbound-${port}`, [...access, claimed, ...unsigned].join('\n')), port);
      const validating = await lab.doctor(...flags);
      expect(codesOf(validating)).toEqual(['ResolverValidates']);
      expect(pasteOf(validating, 'ResolverValidates').join('\n')).toContain(`domain-insecure: "${domain}"`);
      await running.stop();
      running = await start(unbound(`unbound-${port}`, [...access, claimed, ...lines].join('\n')), port);
      expect(codesOf(await lab.doctor(...flags))).toEqual([]);
      await running.stop();
    });
  });

  test('more is forwarded than is claimed: names beside die', async () => {
    const soa = 'local-data: "k8s.example.net. SOA ns1.example.net. admin.example.net. 1 60 60 60 60"';
    const world = ['local-zone: "." static', 'local-data: ". NS a.root-servers.net."', soa];
    const other = await start(
      unbound('world', ['  access-control: 192.168.1.0/24 allow', ...world.map((line) => `  ${line}`)].join('\n')),
      5310,
    );
    const upstream = ['server=192.168.1.1#5310', ...FORWARD.slice(0, 1), ...ALLOWED];
    await dnsmasq([...upstream, 'server=/example.com/192.168.1.10']);
    const report = await lab.doctor(...SERVER);
    expect(codesOf(report)).toEqual(['SiblingsDie']);
    await dnsmasq([...upstream, ...pasteOf(report, 'SiblingsDie')]);
    expect(codesOf(await lab.doctor(...SERVER))).toEqual([]);
    const real = await lab.doctor('-domain=k8s.example.net', '-resolver=192.168.1.1:5310');
    expect(codesOf(real)).toEqual(['DomainIsRealZone']);
    expect(real.findings[0]?.seen).toStartWith('192.168.1.1 says that ns1.example.net serves a zone of that name');
    await other.stop();
  });

  test('minilb as the only resolver; a second one in resolv.conf', async () => {
    lab.setResolvers('192.168.1.10');
    const report = await lab.doctor(...SERVER);
    expect(codesOf(report)).toEqual(['OnlyResolver']);
    for (const line of pasteOf(report, 'OnlyResolver')) await lab.paste(line);
    // Nobody is at that address here.
    expect(codesOf(await lab.doctor(...SERVER))).toEqual(['ResolverSilent']);
    lab.setResolvers('192.168.1.1');
  });

  test('a server that is not there, and one behind source NAT', async () => {
    await dnsmasq([...FORWARD, ...ALLOWED]);
    const nat = 'table ip nat {\nchain pre {\ntype nat hook prerouting priority -100;\nudp dport 5300 dnat to 192.168.1.10:53;\n}\n';
    const masquerade = 'chain post {\ntype nat hook postrouting priority 100;\nudp dport 53 masquerade;\n}\n}';
    await lab.router().run(['nft', `${nat}${masquerade}`]);
    const report = await lab.doctor(`-domain=${DOMAIN}`, '-server=192.168.1.99,192.168.1.1:5300');
    await lab.router().run(['nft', 'delete table ip nat']);
    expect(codesOf(report)).toEqual(['ServerSilent', 'SourceNat']);
    expect(report.findings.find(({ code }) => code === 'SourceNat')?.seen).toStartWith(
      'Queries from this machine reach it from 192.168.1.1, an address of the cluster',
    );
  });

  describe('the way to the pods', () => {
    const look = () => lab.doctor(`-domain=${DOMAIN}`);
    const follow = async (report: DoctorReport, code: string) => {
      for (const line of pasteOf(report, code)) await lab.paste(line);
    };
    const forget = (cidr: string) => lab.laptop().run(['ip', 'route', 'del', cidr]);

    test('routes that lead elsewhere, or to nothing', async () => {
      await lab.laptop().run(['ip', 'route', 'add', '10.244.0.0/24', 'via', '192.168.1.1']);
      await lab.laptop().run(['ip', 'route', 'add', '10.244.9.0/24', 'via', '192.168.1.10']);
      const report = await look();
      expect(codesOf(report)).toEqual(['RouteWrong', 'RouteLeftOver']);
      await follow(report, 'RouteWrong');
      await follow(report, 'RouteLeftOver');
      expect(codesOf(await look())).toEqual([]);
      await forget('10.244.0.0/24');
    });

    test('a router without the route', async () => {
      await lab.router().run(['ip', 'route', 'replace', 'blackhole', '10.244.0.0/24']);
      const report = await look();
      expect(codesOf(report)).toEqual(['NoRouteToPods']);
      await follow(report, 'NoRouteToPods');
      expect(codesOf(await look())).toEqual([]);
      await forget('10.244.0.0/24');
      await lab.router().run(['ip', 'route', 'replace', '10.244.0.0/24', 'via', '192.168.1.10']);
    });

    test('a stateful router that sees one direction only: the connection opens and passes nothing', async () => {
      const rules = 'table ip stateful {\nchain through {\ntype filter hook forward priority 0;\nct state invalid drop;\n}\n}';
      await lab.router().run(['nft', rules]);
      const report = await look();
      expect(codesOf(report)).toEqual(['AsymmetricPath']);
      await follow(report, 'AsymmetricPath');
      expect(codesOf(await look())).toEqual([]);
      await lab.router().run(['nft', 'delete table ip stateful']);
      await forget('10.244.0.0/24');
    });

    test('a firewall on the node', async () => {
      await lab.laptop().run(['ip', 'route', 'add', '10.244.0.0/24', 'via', '192.168.1.10']);
      await lab.node().run(['nft', 'table ip f {\nchain inward {\ntype filter hook input priority 0;\ntcp dport 8080 drop;\n}\n}']);
      expect(codesOf(await look())).toEqual(['PodSilent']);
      await lab.node().run(['nft', 'delete table ip f']);
      expect(codesOf(await look())).toEqual([]);
    });

    test('no route at all', async () => {
      await forget('10.244.0.0/24');
      await forget('default');
      const report = await look();
      expect(codesOf(report)).toEqual(['NoRouteToPods']);
      await follow(report, 'NoRouteToPods');
      expect(codesOf(await look())).toEqual([]);
    });
  });
});
