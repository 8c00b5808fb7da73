import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.ts';

/** `systemd-analyze security` gives 9.6 to a unit without any protection and 0 to one that may do nothing. */
export const EXPOSURE_MAX = 2;

/** A unit of deploy/systemd. No systemd runs it here: it is judged by systemd's own tools, and its command run with its rights. */
export interface Unit {
  readonly text: string;
  /** The copy that systemd judges: its program is one that is there. */
  readonly path: string;
  /** The command without the program, when systemd has put the credentials into this folder. */
  readonly args: (credentials: string) => readonly string[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's own variable
const CREDENTIALS = '${CREDENTIALS_DIRECTORY}';

/** Puts a copy of deploy/systemd/NAME into `folder`. */
export function copyUnit(name: string, folder: string): Unit {
  const text = readFileSync(`${import.meta.dirname}/../../deploy/systemd/${name}`, 'utf8');
  const [, args] = /^ExecStart=\/usr\/local\/bin\/minilb (.*)$/m.exec(text) ?? [];
  if (args === undefined) throw new Error(`${name} does not start minilb`);
  const path = join(folder, name);
  writeFileSync(path, text.replace('/usr/local/bin/minilb ', `${process.execPath} `));
  return { text, path, args: (credentials) => args.replaceAll(CREDENTIALS, credentials).split(' ') };
}

/** What `systemd-analyze verify` says; empty and 0 when it finds nothing wrong. */
export async function verifyUnit(unit: Unit): Promise<{ readonly output: string; readonly exitCode: number }> {
  const child = Bun.spawn(['systemd-analyze', 'verify', '--man=no', unit.path], { stdout: 'pipe', stderr: 'pipe' });
  const output = `${await child.stdout.text()}${await child.stderr.text()}`;
  return { output, exitCode: await child.exited };
}

export async function exposureOf(unit: Unit): Promise<number> {
  const output = await run(['systemd-analyze', 'security', '--offline=yes', '--no-pager', unit.path]);
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(output)?.[1]);
}

/** The command that gives up everything but what the unit gives: a user of no importance, its groups and its capabilities. */
export function asUnitUser(unit: Unit): readonly string[] {
  const settingOf = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit.text)?.[1] ?? '';
  const listOf = (key: string) =>
    [
      '-all',
      ...settingOf(key)
        .split(' ')
        .map((cap) => `+${cap.replace('CAP_', '').toLowerCase()}`),
    ].join(',');
  const groups = settingOf('SupplementaryGroups');
  const ambient = listOf('AmbientCapabilities');
  return [
    ...['setpriv', '--pdeathsig', 'KILL', '--reuid=65532', '--regid=65532', groups === '' ? '--clear-groups' : `--groups=${groups}`],
    ...['--no-new-privs', `--inh-caps=${ambient}`, `--ambient-caps=${ambient}`, `--bounding-set=${listOf('CapabilityBoundingSet')}`],
  ];
}
