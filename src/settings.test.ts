import { describe, expect, test } from 'bun:test';
import { renderCommandHelp, renderOverview } from './core/settings/help.ts';
import { defaultFor, envNames } from './core/settings/setting.ts';
import { commands, settings } from './settings.ts';

const all = Object.entries(settings);

describe('the declaration', () => {
  test.each(all)('every default of %s is a value of its kind', (_, one) => {
    for (const role of one.roles) expect(one.kind.parse(defaultFor(one, role))).toMatchObject({ ok: true });
  });

  test.each(Object.keys(commands))('no flag and no environment name of minilb %s is declared twice', (command) => {
    const own = all.map(([, one]) => one).filter((one) => (one.roles as readonly string[]).includes(command));
    expect(new Set(own.map((one) => one.flag)).size).toBe(own.length);
    const names = own.flatMap((one) => envNames(one));
    expect(new Set(names).size).toBe(names.length);
  });

  test('no environment name is one that the kubelet sets for a Service called minilb', () => {
    for (const [, one] of all) for (const name of envNames(one)) expect(name).not.toMatch(/^MINILB_(PORT|SERVICE)(_|$)/);
  });

  test('the seed’s flags keep their names and defaults', () => {
    const seed = { kubeconfig: '', domain: 'minilb', listen: ':53', resync: '300', ttl: '5', health: ':8080', controller: 'true' };
    for (const [flag, value] of Object.entries(seed)) expect(all.find(([, one]) => one.flag === flag)?.[1].default).toBe(value);
  });
});

describe('help', () => {
  test('lists every command with its summary', () => {
    const text = renderOverview('1.2.3', commands);
    const width = Math.max(...Object.keys(commands).map((name) => name.length));
    for (const [name, command] of Object.entries(commands)) expect(text).toContain(`${name.padEnd(width)}  ${command.summary}`);
  });

  test('of a command shows its own flags with unit, bounds and the command’s own default', () => {
    const text = renderCommandHelp('demo', { demo: { summary: 'Shows it', operands: '', operandsMax: 0 } }, settings);
    expect(text).toContain('Usage: minilb demo [flags]\n\nShows it.\n');
    expect(text).toContain(
      '  -ttl seconds\n        How long resolvers may keep an answer, positive or negative. (0 to 86400; default 5)\n',
    );
    expect(text.replaceAll(/\s+/g, ' ')).toContain('default 127.0.0.1:8053');
    expect(text).not.toContain('-yes');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('is plain ASCII: it may be read on any console', () => {
    const pages = [renderOverview('1.2.3', commands), ...Object.keys(commands).map((name) => renderCommandHelp(name, commands, settings))];
    for (const page of pages) expect(page).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test('names the further environment variables of a flag', () => {
    expect(renderCommandHelp('dns', commands, settings)).toContain('also POD_NAME in the environment');
  });
});
