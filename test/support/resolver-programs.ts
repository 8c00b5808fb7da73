import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, run, startChild } from './child.ts';
import { waitFor } from './wait.ts';

/** Asks the resolver: addresses, sorted, or the rcode when there are none. */
export type Ask = (name: string, type?: string, ...flags: readonly string[]) => Promise<string>;

export interface RunningResolver {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  readonly ask: Ask;
  readonly child: Child;
}

/** Files of a resolver's configuration by name, and how it is started with them. */
export interface ResolverSetup {
  readonly name: string;
  readonly files: (port: number, folder: string) => Readonly<Record<string, string>>;
  readonly command: (folder: string) => readonly string[];
}

/** The root's key (RFC 7958), so that the resolver validates, and refuses what is not said to be insecure. */
const ROOT_ANCHOR = '. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D';

/** Unbound at its strictest, with further lines of the recipe. */
export function unbound(name: string, lines: string): ResolverSetup {
  return {
    name,
    files: (port, folder) => ({
      'unbound.conf': [
        'server:',
        '  interface: 127.0.0.1',
        `  port: ${port}`,
        `  directory: "${folder}"`,
        '  username: ""',
        '  chroot: ""',
        '  pidfile: ""',
        '  use-syslog: no',
        '  do-not-query-localhost: no',
        '  do-ip6: no',
        '  qname-minimisation: yes',
        '  qname-minimisation-strict: yes',
        '  harden-below-nxdomain: yes',
        '  harden-referral-path: yes',
        '  use-caps-for-id: yes',
        '  private-address: 10.0.0.0/8',
        '  module-config: "validator iterator"',
        `  trust-anchor: "${ROOT_ANCHOR}"`,
        lines,
      ].join('\n'),
    }),
    command: (folder) => ['unbound', '-d', '-c', join(folder, 'unbound.conf')],
  };
}

/** dnsmasq as Pi-hole v6 sets it up; `staleSeconds` is its `dns.cache.optimizer`. */
export function pihole(name: string, lines: string, staleSeconds: number | undefined): ResolverSetup {
  return {
    name,
    files: (port, folder) => ({
      'dnsmasq.conf': [
        `port=${port}`,
        'listen-address=127.0.0.1',
        'bind-interfaces',
        'user=root',
        `pid-file=${folder}/dnsmasq.pid`,
        'no-resolv',
        'no-hosts',
        'localise-queries',
        'domain-needed',
        'bogus-priv',
        'stop-dns-rebind',
        'cache-size=10000',
        'local-ttl=2',
        'edns-packet-max=1232',
        ...(staleSeconds === undefined ? [] : [`use-stale-cache=${staleSeconds}`]),
        lines,
      ].join('\n'),
    }),
    command: (folder) => ['dnsmasq', '--keep-in-foreground', `--conf-file=${folder}/dnsmasq.conf`],
  };
}

/** BIND that validates; `zones` goes below its options, `parent` into the master file of `example.com`, which it then serves. */
export function bind(name: string, zones: string, parent: string | undefined): ResolverSetup {
  return {
    name,
    files: (port, folder) => ({
      'named.conf': [
        'options {',
        `  directory "${folder}";`,
        `  listen-on port ${port} { 127.0.0.1; };`,
        '  listen-on-v6 { none; };',
        '  pid-file none;',
        '  session-keyfile none;',
        '  recursion yes;',
        '  dnssec-validation auto;',
        '  qname-minimization strict;',
        '  validate-except { "k8s.example.com"; };',
        '};',
        'controls { };',
        ...(parent === undefined ? [] : [`zone "example.com" { type primary; file "${folder}/example.com.zone"; };`]),
        zones,
      ].join('\n'),
      'example.com.zone': [
        '$ORIGIN example.com.',
        '$TTL 60',
        '@ SOA ns hostmaster 1 60 10 86400 5',
        '@ NS ns',
        'ns A 127.0.0.1',
        parent,
        '',
      ].join('\n'),
    }),
    command: (folder) => ['named', '-f', '-c', join(folder, 'named.conf')],
  };
}

/** Starts a resolver in a folder of its own and waits until it answers. */
export async function startResolver(setup: ResolverSetup, folder: string): Promise<RunningResolver> {
  const port = await freePort();
  const own = join(folder, setup.name.replaceAll(/\W+/g, '-'));
  mkdirSync(own, { recursive: true });
  for (const [name, text] of Object.entries(setup.files(port, own))) writeFileSync(join(own, name), `${text}\n`);
  const child = startChild({ name: setup.name, command: setup.command(own), log: join(own, 'log') });
  const ask: Ask = async (name, type = 'A', ...flags) => {
    const output = await run(['dig', '@127.0.0.1', '-p', `${port}`, '+time=2', '+tries=2', ...flags, name, type]);
    const rcode = /status: (\w+)/.exec(output)?.[1] ?? output;
    const answers = [...output.matchAll(/^\S+\s+\d+\s+IN\s+A\s+(\S+)$/gm)].map((match) => match[1]).sort();
    return answers.length > 0 ? answers.join(' ') : rcode;
  };
  await waitFor(`${setup.name} to listen`, async () => (await ask('version.bind', 'TXT', '+tries=1')) !== '');
  return { port, ask, child };
}
