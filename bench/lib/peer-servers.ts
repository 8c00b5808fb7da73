import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findAsset } from '../../scripts/assets/assets.ts';
import { freePort, startChild } from '../../test/support/child.ts';
import { waitFor } from '../../test/support/wait.ts';
import { SERVER_CORE } from './dnsperf.ts';
import { createProbe } from './probe.ts';

/** A server that answers the same names as minilb. */
export interface PeerServer {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly stop: () => Promise<void>;
}

export interface PeerZone {
  readonly domain: string;
  /** Master file. */
  readonly file: string;
  readonly oneName: string;
}

/** Writes the master file that says what minilb says. */
export async function writeZone(
  folder: string,
  domain: string,
  addressesOf: ReadonlyMap<string, readonly string[]>,
  ttlSeconds = 5,
): Promise<PeerZone> {
  const file = join(folder, `${domain}.zone`);
  const lines = [
    `$ORIGIN ${domain}.`,
    `$TTL ${ttlSeconds}`,
    `@ SOA ns.dns hostmaster 1 60 10 86400 5`,
    '@ NS ns.dns',
    'ns.dns A 192.0.2.53',
  ];
  for (const [name, addresses] of addressesOf) for (const address of addresses) lines.push(`${name}. A ${address}`);
  await Bun.write(file, `${lines.join('\n')}\n`);
  return { domain, file, oneName: [...addressesOf.keys()][0] ?? '' };
}

async function start(name: string, command: readonly string[], port: number, folder: string, zone: PeerZone): Promise<PeerServer> {
  const child = startChild({ name, command: [...SERVER_CORE, ...command], log: join(folder, `${name}.log`) });
  const probe = createProbe(port);
  await waitFor(`${name} to answer`, async () => ((await probe.addresses(zone.oneName)) ?? []).length > 0);
  probe.close();
  return { name, pid: child.pid, port, stop: child.stop };
}

/** Knot DNS with one worker of each kind; `undefined` where it is not installed. */
export async function startKnot(folder: string, zone: PeerZone): Promise<PeerServer | undefined> {
  const program = ['/usr/sbin/knotd', Bun.which('knotd') ?? ''].find((path) => path !== '' && Bun.file(path).size > 0);
  if (!program) return undefined;
  const port = await freePort();
  const own = join(folder, 'knot');
  mkdirSync(own, { recursive: true });
  const config = [
    'server:',
    `  rundir: "${own}"`,
    `  listen: 127.0.0.1@${port}`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'database:',
    `  storage: "${own}"`,
    'zone:',
    `  - domain: ${zone.domain}`,
    `    file: "${zone.file}"`,
    '    zonefile-load: whole',
  ];
  await Bun.write(join(own, 'knot.conf'), `${config.join('\n')}\n`);
  return start('Knot', [program, '-c', join(own, 'knot.conf')], port, folder, zone);
}

/** CoreDNS with its file plugin; `undefined` where it was not built (`node scripts/bun.mjs scripts/assets/build.ts coredns`). */
export async function startCoreDns(folder: string, zone: PeerZone): Promise<PeerServer | undefined> {
  const program = findAsset('coredns');
  if (!program) return undefined;
  const port = await freePort();
  const config = join(folder, 'Corefile');
  await Bun.write(config, `${zone.domain}:${port} {\n  bind 127.0.0.1\n  file ${zone.file}\n}\n`);
  return start('CoreDNS', [program, '-conf', config], port, folder, zone);
}
