import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { freePort, freePorts } from '../support/child.ts';
import { askTcp, askUdp, type EchoServer, openTcp, startEcho } from '../support/echo.ts';
import { confFile, createProxyBox, LIVE, type ProxyBox, proxyMissing, startUpdater, type TestUpdater } from '../support/proxy.ts';
import { requires } from '../support/require.ts';

const suite = await requires('proxy', proxyMissing);

for (const kind of ['nginx', 'haproxy'] as const) {
  suite(`${kind}: bytes arrive where a call says`, () => {
    let box: ProxyBox;
    let updater: TestUpdater;
    let echoes: EchoServer[] = [];
    let port = 0;

    beforeEach(async () => {
      box = createProxyBox(kind);
      await box.start();
      updater = await startUpdater(box, await freePort());
      port = await freePort();
      echoes = [await startEcho('a'), await startEcho('b'), await startEcho('six', '::1')];
    });
    afterEach(async () => {
      await updater.stop();
      await box.close();
      for (const echo of echoes) await echo.close();
    });

    const server = (i: number) => ({ host: i === 2 ? '::1' : '127.0.0.1', port: echoes[i]?.port });
    const web = (changes: Record<string, unknown> = {}) => ({
      backendName: 'default_web',
      lbPort: port,
      lbProtocol: 'TCP',
      upstreamServers: [server(0)],
      proxyTimeoutSeconds: 30,
      ...changes,
    });

    test('TCP: a client of either family reaches an upstream of either family', async () => {
      expect(await updater.post(web())).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toBe('a:x');
      expect(await askTcp(port, 'x', '::1')).toBe('a:x');
      expect(await updater.post(web({ upstreamServers: [server(2)] }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toBe('six:x');
      expect(await askTcp(port, 'x', '::1')).toBe('six:x');
    });

    test('changed, moved to another port, emptied and deleted: each leaves the proxy as it should be', async () => {
      expect(await updater.post(web())).toEqual(LIVE);
      expect(await updater.post(web({ upstreamServers: [server(1)] }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toBe('b:x');
      const moved = await freePort();
      expect(await updater.post(web({ lbPort: moved }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toBe('(ECONNREFUSED)');
      expect(await askTcp(moved, 'x')).toBe('a:x');
      expect(await updater.post(web({ lbPort: moved, upstreamServers: [] }))).toEqual(LIVE);
      expect(await askTcp(moved, 'x')).toBe('(ECONNREFUSED)');
      expect(await updater.list()).toMatchObject([{ backendName: 'default_web', state: 'idle' }]);
      expect(await updater.post(web({ lbPort: moved }))).toEqual(LIVE);
      expect(await askTcp(moved, 'x')).toBe('a:x');
      expect(await updater.delete('default_web')).toEqual(LIVE);
      expect(await updater.delete('default_web')).toEqual(LIVE);
      expect(await askTcp(moved, 'x')).toBe('(ECONNREFUSED)');
      expect(existsSync(confFile(box, 'default_web'))).toBe(false);
      expect(await updater.list()).toEqual([]);
    });

    test('an open connection through an unrelated backend survives reloads', async () => {
      expect(await updater.post(web())).toEqual(LIVE);
      const connection = await openTcp(port);
      expect(await connection.ask('before')).toBe('a:before');
      const other = await freePort();
      expect(await updater.post(web({ backendName: 'other', lbPort: other, upstreamServers: [server(1)] }))).toEqual(LIVE);
      expect(await connection.ask('between')).toBe('a:between');
      expect(await updater.delete('other')).toEqual(LIVE);
      expect(await connection.ask('after')).toBe('a:after');
      connection.close();
    });

    test('loadBalancerSourceRanges: others are turned away, of both families', async () => {
      expect(await updater.post(web({ sourceRanges: ['127.0.0.0/8'] }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toBe('a:x');
      expect(await askTcp(port, 'x', '::1')).toMatch(/^\(/);
      expect(await updater.post(web({ sourceRanges: ['192.0.2.0/24', '::1/128'] }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toMatch(/^\(/);
      expect(await askTcp(port, 'x', '::1')).toBe('a:x');
    });

    test('PROXY protocol: the upstream sees who the client is, in version 1', async () => {
      expect(await updater.post(web({ proxyProtocol: true }))).toEqual(LIVE);
      expect(await askTcp(port, 'x')).toMatch(new RegExp(`^a:PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${port}\\s`));
    });

    test('sessionAffinity ClientIP: one client stays with one upstream; without it both are used', async () => {
      const both = [server(0), server(1)];
      const ask = async () => new Set(await Promise.all(Array.from({ length: 12 }, () => askTcp(port, 'x'))));
      expect(await updater.post(web({ upstreamServers: both, sessionAffinity: 'ClientIP' }))).toEqual(LIVE);
      expect((await ask()).size).toBe(1);
      expect(await updater.post(web({ upstreamServers: both }))).toEqual(LIVE);
      expect(await ask()).toEqual(new Set(['a:x', 'b:x']));
    });

    test('an upstream that refuses connections costs nobody theirs', async () => {
      const gone = await freePort();
      expect(await updater.post(web({ upstreamServers: [{ host: '127.0.0.1', port: gone }, server(1)] }))).toEqual(LIVE);
      for (let i = 0; i < 6; i++) expect(await askTcp(port, 'x')).toBe('b:x');
    });

    test('UDP', async () => {
      const call = web({ backendName: 'default_web_udp_53', lbProtocol: 'udp' });
      if (kind === 'haproxy') {
        const refused = await updater.post(call);
        expect(refused.status).toBe(500);
        expect(JSON.parse(refused.text).err).toBe('failed to update stream: HAProxy does not forward UDP: use nginx for this port');
        return;
      }
      expect(await updater.post(web())).toEqual(LIVE);
      expect(await updater.post({ ...call, upstreamServers: [server(1)] })).toEqual(LIVE);
      expect([await askUdp(port, 'x'), await askUdp(port, 'x', '::1'), await askTcp(port, 'x')]).toEqual(['b:x', 'b:x', 'a:x']);
      expect(await updater.delete('default_web_udp_53')).toEqual(LIVE);
      expect([await askUdp(port, 'x'), await askTcp(port, 'x')]).toEqual(['(silence)', 'a:x']);
    });

    test('several calls at once share reloads, and each is live when it is answered', async () => {
      const ports = await freePorts(10);
      const answers = await Promise.all(
        ports.map(async (each, i) => {
          const answer = await updater.post(web({ backendName: `many_${i}`, lbPort: each }));
          return [answer.status, await askTcp(each, 'x')];
        }),
      );
      expect(answers).toEqual(ports.map(() => [200, 'a:x']));
      const reloads = updater.minilb.stderr().match(/the proxy took the configuration/g)?.length ?? 0;
      expect(reloads).toBeLessThan(6);
    });
  });
}
