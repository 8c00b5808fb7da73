import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardZones } from '../../src/core/router/forward-zones.ts';
import { renderResolverLines } from '../../src/core/router/resolver-lines.ts';
import type { ResolverFormat } from '../../src/core/settings/formats.ts';
import { parseIp } from '../../src/core/value/ip.ts';
import { run } from '../support/child.ts';
import { dnsName } from '../support/claim-values.ts';
import { programs, requires } from '../support/require.ts';

const suite = await requires('net', programs('dnsmasq', 'unbound-checkconf', 'named-checkconf', 'sh'));

const zones = forwardZones(dnsName('k8s.home.arpa'), ['www.example.com', '*.app.example.com', 'x.app.example.com'].map(dnsName));
const servers = ['192.168.1.30', 'fd00:1::31'].flatMap((text, i) => {
  const ip = parseIp(text);
  return ip ? [{ ip, port: i === 0 ? 53 : 5353 }] : [];
});
const text = (format: ResolverFormat) => renderResolverLines({ zones, servers }, format);

suite('what minilb resolver prints, judged by the programs it is for', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'minilb-resolver-lines-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test('dnsmasq --test', async () => {
    expect(await run(['sh', '-c', `dnsmasq --test --conf-file=${file('dnsmasq.conf', text('dnsmasq'))} 2>&1`])).toContain(
      'syntax check OK',
    );
  });

  test('the lines that Pi-hole hands to its dnsmasq', async () => {
    const list = /misc\.dnsmasq_lines '(.*)'/.exec(text('pihole'))?.[1] ?? '[]';
    const lines = JSON.parse(list) as readonly string[];
    expect(lines).toContain('server=/app.example.com/fd00:1::31#5353');
    await run(['dnsmasq', '--test', `--conf-file=${file('pihole.conf', lines.join('\n'))}`]);
  });

  test('unbound-checkconf', async () => {
    const config = file(
      'unbound.conf',
      `${text('unbound')}server:\n  chroot: ""\n  directory: "${folder}"\n  username: ""\n  pidfile: ""\n`,
    );
    expect(await run(['unbound-checkconf', config])).toContain('no errors');
    expect((await run(['unbound-checkconf', '-o', 'domain-insecure', config])).trim().split('\n').sort()).toEqual(
      zones.map(({ name }) => name).sort(),
    );
  });

  test('named-checkconf, with the lines that belong into options in them', async () => {
    const lines = text('bind').split('\n');
    const options = lines.flatMap((line) => (/^# [a-z-]+ .*;$/.test(line) ? [line.slice(2)] : []));
    expect(options.map((line) => line.split(' ')[0])).toEqual([
      'validate-except',
      'deny-answer-addresses',
      'stale-answer-enable',
      'disable-empty-zone',
    ]);
    const config = file(
      'named.conf',
      ['options {', `directory "${folder}";`, ...options, '};', ...lines.filter((line) => !line.startsWith('#'))].join('\n'),
    );
    expect(await run(['named-checkconf', config])).toBe('');
  });
});
