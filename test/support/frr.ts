import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

const FRR = '/usr/lib/frr';

export type FrrDaemon = 'zebra' | 'bfdd' | 'bgpd' | 'staticd';

/**
 * Starts daemons of FRR, zebra first, with their sockets in a folder of the test's own; then the whole configuration through vtysh, as
 * frrinit.sh does it. Returns what runs a command in that vtysh.
 */
export async function startFrr(
  folder: string,
  ns: Netns,
  name: string,
  daemons: readonly FrrDaemon[],
  config: string,
): Promise<(command: string) => Promise<string>> {
  const home = join(folder, `frr-${name}`);
  mkdirSync(home);
  const file = join(home, 'frr.conf');
  writeFileSync(file, config);
  const { uid, gid } = frrOwner();
  for (const path of [folder, home, file]) chownSync(path, uid, gid);
  for (const daemon of daemons) {
    const sockets = ['-z', join(home, 'zserv.api'), '-i', join(home, `${daemon}.pid`), '--vty_socket', home, '-P', '0'];
    const control = daemon === 'bfdd' ? ['--bfdctl', join(home, 'bfdd.sock')] : [];
    ns.start({
      name: `${name}-${daemon}`,
      log: join(home, `${daemon}.log`),
      command: [`${FRR}/${daemon}`, '-u', 'frr', '-g', 'frr', '-f', '/dev/null', ...sockets, ...control, '--log', 'stdout'],
    });
    await waitFor(`${daemon} of ${name}`, () => existsSync(join(home, `${daemon}.vty`)));
  }
  await ns.run(['vtysh', '--vty_socket', home, '-f', file]);
  return (command) => ns.run(['vtysh', '--vty_socket', home, '-c', command]);
}

function frrOwner(): { readonly uid: number; readonly gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('frr:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? statSync('/') : { uid: Number(uid), gid: Number(gid) };
}
