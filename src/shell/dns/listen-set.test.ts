import { afterEach, describe, expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { type Ip, parseIp } from '../../core/value/ip.ts';
import type { LogFields } from '../telemetry/log.ts';
import { createDnsCounters, type DnsHandler } from './handler.ts';
import { createListenSet, type ListenSetOptions, SCAN_MS } from './listen-set.ts';
import { type Interfaces, localAddresses } from './local-addresses.ts';

const echo: DnsHandler = (packet, length, out) => {
  for (let i = 0; i < length; i++) out[i] = packet[i] as number;
  return length;
};

const v4 = (address: string, bits = 8) => ({ address, family: 'IPv4', cidr: `${address}/${bits}` });
const v6 = (address: string, bits = 64) => ({ address, family: 'IPv6', cidr: `${address}/${bits}` });

describe('which local addresses a wildcard means', () => {
  const rows: readonly [rule: string, interfaces: Interfaces, addresses: readonly string[]][] = [
    [
      'all of both families, loopback too',
      { lo: [v4('127.0.0.1'), v6('::1', 128)], eth0: [v4('10.0.0.5', 24)] },
      ['10.0.0.5', '127.0.0.1', '::1'],
    ],
    [
      'a second address of an interface, and one with a label',
      { eth0: [v4('10.0.0.5')], 'eth0:1': [v4('10.0.0.6')] },
      ['10.0.0.5', '10.0.0.6'],
    ],
    ['a /32 on lo', { lo: [v4('127.0.0.1'), v4('192.168.9.9', 32)] }, ['127.0.0.1', '192.168.9.9']],
    ['never kube-ipvs0', { 'kube-ipvs0': [v4('10.96.0.10', 32)] }, []],
    ['never NodeLocal DNSCache', { nodelocaldns: [v4('169.254.20.10', 32), v4('10.96.0.10', 32)] }, []],
    ['never 169.254/16, on whatever interface', { lo: [v4('169.254.20.10', 32), v4('127.0.0.1')] }, ['127.0.0.1']],
    ['IPv6 link-local with its zone', { eth0: [v6('fd00::2'), v6('fe80::2')] }, ['fd00::2', 'fe80::2%eth0']],
    ['not the link-local address that each pod costs a node', { cali1: [v6('fe80::ecee:eeff:feee:eeee')] }, []],
    ['nor when 169.254 is all there is beside it', { cali1: [v4('169.254.1.1', 32), v6('fe80::1')] }, []],
    ['not what minilb holds itself', { lo: [v4('10.9.9.9', 32), v4('127.0.0.1')] }, ['127.0.0.1']],
    ['an interface without addresses', { eth1: [], eth2: undefined }, []],
  ];
  test.each(rows)('%s', (_, interfaces, addresses) => {
    expect(localAddresses(interfaces, new Set(['10.9.9.9'])).map((entry) => entry.address)).toEqual([...addresses]);
  });

  test('the on-link network comes with it', () => {
    expect(localAddresses({ eth0: [v4('10.1.2.3', 24)] }, new Set())[0]).toMatchObject({
      interface: 'eth0',
      network: { address: '10.1.2.0', bits: 24 },
    });
  });
});

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function create(listen: ListenSetOptions['listen'], interfaces: () => Interfaces = () => ({}), excluded = new Set<string>()) {
  const stop = new AbortController();
  stops.push(() => stop.abort());
  const lines: string[] = [];
  const write = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push(`${level} ${message} ${fields?.['address'] ?? ''} ${fields?.['reason'] ?? ''}`.trim());
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const clock = createFakeClock();
  const counters = createDnsCounters();
  const set = createListenSet({ listen, handle: echo, counters, clock, log, interfaces, excluded: () => excluded }, stop.signal);
  return { ...set, lines, clock, counters, stop: () => stop.abort() };
}

const ip = (text: string): Ip => parseIp(text) as Ip;

/** A port that was free on `address` a moment ago, for UDP and TCP. */
function freePort(address = '127.0.0.1'): number {
  const probe = Bun.listen({ hostname: address, port: 0, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

async function askUdp(address: string, port: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = await Bun.udpSocket({
    hostname: address,
    socket: { data: (_, data, from, by) => resolve(`${by}:${from} ${data.length}`), error: () => {} },
  });
  socket.send(new Uint8Array(12), port, address);
  const answer = await promise;
  socket.close();
  return answer;
}

async function askTcp(address: string, port: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = await Bun.connect({
    hostname: address,
    port,
    socket: { data: (_, data) => resolve(data.length), close: () => resolve(0) },
  });
  socket.write(Uint8Array.of(0, 12, ...new Array(12).fill(0)));
  const length = await promise;
  socket.end();
  return length;
}

describe('a listen set', () => {
  test('an address: UDP and TCP on the same port, which the system may choose', async () => {
    const set = create([{ ip: ip('127.0.0.1'), port: 0 }]);
    const ready = await set.ready;
    expect(ready.ok && ready.value.length).toBe(1);
    const port = Number(set.bound()[0]?.split(':')[1]);
    expect(await askUdp('127.0.0.1', port)).toBe(`127.0.0.1:${port} 12`);
    expect(await askTcp('127.0.0.1', port)).toBe(14);
    set.stop();
    await set.closed;
    expect(set.counters).toMatchObject({ udpQueries: 1, tcpQueries: 1 });
    expect(set.clock.pending()).toBe(0);
  });

  test('a wildcard: one socket per address, each answers as itself', async () => {
    const port = freePort();
    const set = create([{ port }], () => ({ lo: [v4('127.0.0.1'), v4('127.0.0.2'), v6('::1', 128)] }));
    await set.ready;
    expect(set.bound()).toEqual([`127.0.0.1:${port}`, `127.0.0.2:${port}`, `[::1]:${port}`]);
    expect(await askUdp('127.0.0.2', port)).toBe(`127.0.0.2:${port} 12`);
    expect(await askUdp('::1', port)).toBe(`::1:${port} 12`);
  });

  test('0.0.0.0 and :: mean all addresses of one family', async () => {
    const port = freePort();
    const interfaces = () => ({ lo: [v4('127.0.0.1'), v6('::1', 128)] });
    const four = create([{ ip: ip('0.0.0.0'), port }], interfaces);
    await four.ready;
    expect(four.bound()).toEqual([`127.0.0.1:${port}`]);
    const six = create([{ ip: ip('::'), port }], interfaces);
    await six.ready;
    expect(six.bound()).toEqual([`[::1]:${port}`]);
  });

  test('addresses that appear and go are followed at the next scan; those given by name stay', async () => {
    const port = freePort();
    let entries = [v4('127.0.0.1')];
    const set = create([{ port }, { ip: ip('127.0.0.9'), port }], () => ({ lo: entries }));
    await set.ready;
    expect(set.bound()).toEqual([`127.0.0.1:${port}`, `127.0.0.9:${port}`]);
    entries = [v4('127.0.0.1'), v4('127.0.0.2')];
    await set.clock.advance(SCAN_MS);
    await Bun.sleep(20);
    expect(set.bound()).toContain(`127.0.0.2:${port}`);
    expect(await askUdp('127.0.0.2', port)).toBe(`127.0.0.2:${port} 12`);
    entries = [v4('127.0.0.2')];
    await set.clock.advance(SCAN_MS);
    await Bun.sleep(20);
    expect(set.bound()).toEqual([`127.0.0.2:${port}`, `127.0.0.9:${port}`]);
    const again = create([{ ip: ip('127.0.0.1'), port }]);
    expect((await again.ready).ok).toBe(true);
  });

  test('what minilb holds itself is let go when it comes to hold it', async () => {
    const port = freePort();
    const own = new Set<string>();
    const set = create([{ port }], () => ({ lo: [v4('127.0.0.1'), v4('127.0.0.2', 32)] }), own);
    await set.ready;
    own.add('127.0.0.2');
    await set.clock.advance(SCAN_MS);
    expect(set.bound()).toEqual([`127.0.0.1:${port}`]);
  });

  test('an address that cannot be bound is named once and skipped, and bound when it becomes free', async () => {
    const blocker = Bun.listen({ hostname: '127.0.0.2', port: 0, socket: { data() {} } });
    const port = blocker.port;
    const set = create([{ port }], () => ({ lo: [v4('127.0.0.1'), v4('127.0.0.2')] }));
    expect(await set.ready).toMatchObject({ ok: true, value: [`127.0.0.1:${port}`] });
    await set.clock.advance(3 * SCAN_MS);
    expect(set.lines.filter((line) => line.startsWith('warn cannot'))).toEqual([
      `warn cannot listen on this address; trying again every 10 s 127.0.0.2:${port} the port is in use by another program`,
    ]);
    // The UDP half was not left behind.
    const udp = await Bun.udpSocket({ hostname: '127.0.0.2', port });
    udp.close();
    blocker.stop(true);
    await set.clock.advance(SCAN_MS);
    await Bun.sleep(20);
    expect(set.bound()).toContain(`127.0.0.2:${port}`);
  });

  test('nothing can be bound: one line that names address and reason', async () => {
    const set = create([{ ip: ip('192.0.2.77'), port: 5353 }]);
    expect(await set.ready).toEqual({
      ok: false,
      code: 'cannot-listen',
      detail: 'cannot listen (-listen) on 192.0.2.77:5353: this host has no such address',
    });
    await set.closed;
    expect(set.clock.pending()).toBe(0);
  });

  test('no address at all', async () => {
    const set = create([{ port: 5353 }], () => ({}));
    expect(await set.ready).toMatchObject({ code: 'cannot-listen', detail: 'no local address to listen on (-listen)' });
  });
});
