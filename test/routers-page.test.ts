import { describe, expect, test } from 'bun:test';
import { readFileSync, realpathSync } from 'node:fs';
import { ROUTE_FORMATS } from '../src/core/settings/formats.ts';
import { parseArguments } from '../src/core/settings/parse.ts';
import { usageFault } from '../src/roles/routes/usage.ts';
import { commands, settings } from '../src/settings.ts';
import { plannedText } from './support/planned-routes.ts';

const ROOT = realpathSync(`${import.meta.dirname}/..`);
const PAGE = readFileSync(`${ROOT}/docs/routers.md`, 'utf8');
const UNIT = readFileSync(`${ROOT}/deploy/systemd/minilb-routes.service`, 'utf8');

/** The commands of the page, as a shell would split them. */
const lines = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.replaceAll('\\\n', ' ').trim().split('\n'));
const words = (line: string) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

function faultOf(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string | undefined {
  const parsed = parseArguments(argv, env, settings, commands, 'dns');
  if (!parsed.ok) return parsed.detail;
  return parsed.value.command === 'routes' ? usageFault(parsed.value.values) : `the command is ${parsed.value.command}`;
}

describe('docs/routers.md', () => {
  test('has commands', () => expect(lines.length).toBeGreaterThan(3));

  test.each(lines)('minilb takes: %s', (line) => {
    expect(words(line)[0]).toBe('minilb');
    expect(faultOf(words(line).slice(1))).toBeUndefined();
  });

  test.each(ROUTE_FORMATS)('has the format %s, and says whether our tests have tried it', (format) => {
    const row = PAGE.split('\n').find((line) => line.startsWith('|') && line.split('|')[1]?.includes(`\`${format}\``)) ?? '';
    const untried = format !== 'json' && plannedText(format).includes('Not run by our tests');
    expect([row !== '', row.includes('not run by our tests')]).toEqual([true, untried]);
  });

  test('the older form for a Mac and the line for asymmetric paths are what is printed', () => {
    expect(plannedText('macos')).toContain(/^route -n add -net .*$/m.exec(PAGE)?.[0] ?? 'nothing on the page');
    const shape = (text: string) => text.replaceAll(/daddr \{[^}]*\}/g, 'daddr {}');
    const printed = plannedText('iproute2')
      .split('\n')
      .map((line) => shape(line.replace(/^# /, '')));
    expect(printed).toContain(shape(/nft insert rule .*$/m.exec(PAGE)?.[0] ?? 'nothing on the page'));
  });
});

test('the systemd unit’s command is one, with the settings that it says are required', () => {
  const command = /^ExecStart=(.*)$/m.exec(UNIT)?.[1] ?? '';
  const env = Object.fromEntries([...UNIT.matchAll(/^# {3}(MINILB_\w+)=(\S+)/gm)].map(([, name = '', value = '']) => [name, value]));
  const argv = words(command).slice(1);
  expect(Object.keys(env)).toEqual(['MINILB_CIDRS', 'MINILB_VIA']);
  expect(faultOf(argv, env)).toBeUndefined();
  expect(faultOf(argv)).toContain('needs -cidrs');
});
