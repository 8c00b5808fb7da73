import { describe, expect, test } from 'bun:test';
import { choice, domain, nameServers, socketAddresses, toggle, wholeNumber, words } from './kinds.ts';
import { parseArguments } from './parse.ts';
import { setting } from './setting.ts';

const command = { summary: 'Does it', operands: '', operandsMax: 0 };
const commands = { dns: command, cleanup: command, help: { ...command, operands: '[command]', operandsMax: 1 } };
const settings = {
  ttlSeconds: setting(wholeNumber('seconds', 0, 86400), { flag: 'ttl', roles: ['dns'], default: '5', help: 'h' }),
  domain: setting(domain, { flag: 'domain', roles: ['dns', 'cleanup'], default: 'minilb', help: 'h' }),
  controller: setting(toggle, { flag: 'controller', roles: ['dns'], default: 'true', help: 'h' }),
  yes: setting(toggle, { flag: 'yes', roles: ['cleanup'], default: 'false', help: 'h' }),
  listen: setting(socketAddresses, { flag: 'listen', roles: ['dns'], default: ':53', defaultOf: { cleanup: ':1' }, help: 'h' }),
  nameServers: setting(nameServers, { flag: 'nameserver', roles: ['dns'], default: '', help: 'h' }),
  serverId: setting(words('name'), { flag: 'server-id', env: ['POD_NAME'], roles: ['dns'], default: '', help: 'h' }),
  logLevel: setting(choice('debug', 'info'), { flag: 'log-level', roles: ['dns', 'cleanup'], default: 'info', help: 'h' }),
};

function parse(line: string, env: Record<string, string> = {}) {
  return parseArguments(
    line.split(' ').filter((word) => word !== ''),
    env,
    settings,
    commands,
    'dns',
  );
}

function values(line: string, env: Record<string, string> = {}) {
  const parsed = parse(line, env);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value.values;
}

describe('how flags are written (Go’s flag package)', () => {
  const rows: readonly [name: string, line: string, ttl: number, controller: boolean][] = [
    ['no command means the default command', '-ttl 7', 7, true],
    ['one dash and a space', 'dns -ttl 7', 7, true],
    ['two dashes and a space', 'dns --ttl 7', 7, true],
    ['one dash and =', 'dns -ttl=7', 7, true],
    ['two dashes and =', 'dns --ttl=7', 7, true],
    ['the last of several wins', 'dns -ttl 7 -ttl 8', 8, true],
    ['a toggle alone is true', 'dns -controller -ttl 7', 7, true],
    ['a toggle takes false with =', 'dns -controller=false -ttl 7', 7, false],
    ['strconv.ParseBool: F is false', 'dns -controller=F -ttl 7', 7, false],
    ['-- ends the flags', 'dns -ttl 7 --', 7, true],
  ];
  test.each(rows)('%s', (_, line, ttl, controller) => {
    expect(values(line)).toMatchObject({ ttlSeconds: ttl, controller });
  });
});

describe('order: flag, environment, default', () => {
  test('the default where nothing is said', () => expect(values('dns').ttlSeconds).toBe(5));
  test('the environment before the default', () => expect(values('dns', { MINILB_TTL: '9' }).ttlSeconds).toBe(9));
  test('the flag before the environment', () => expect(values('dns -ttl 7', { MINILB_TTL: '9' }).ttlSeconds).toBe(7));
  test('a flag hides even a bad environment value', () => expect(values('dns -ttl 7', { MINILB_TTL: 'x' }).ttlSeconds).toBe(7));
  test('an empty variable counts as not set', () => expect(values('dns', { MINILB_TTL: '' }).ttlSeconds).toBe(5));
  test('dashes become underscores', () => expect(values('dns', { MINILB_LOG_LEVEL: 'debug' }).logLevel).toBe('debug'));
  test('a further name comes after MINILB_FLAG', () => {
    expect(values('dns', { POD_NAME: 'a' }).serverId).toBe('a');
    expect(values('dns', { POD_NAME: 'a', MINILB_SERVER_ID: 'b' }).serverId).toBe('b');
  });
  test('variables of another command’s setting are not judged', () => expect(values('cleanup', { MINILB_TTL: 'x' }).ttlSeconds).toBe(5));
});

test('a repeated list flag joins its values', () => {
  const { nameServers: list } = values('dns -nameserver ns1.example=192.0.2.1 -nameserver ns2.example=2001:db8::1,ns3.example=192.0.2.3');
  expect(list.map((one) => `${one.name} ${one.address}`)).toEqual([
    'ns1.example 192.0.2.1',
    'ns2.example 2001:db8::1',
    'ns3.example 192.0.2.3',
  ]);
});

describe('usage errors are one line that says what was wrong and what is meant', () => {
  const rows: readonly [line: string, message: string][] = [
    ['dnss', 'minilb: unknown command "dnss"; did you mean "minilb dns"?'],
    ['frobnicate', 'minilb: unknown command "frobnicate"; the commands are dns, cleanup, help'],
    ['dns -tll 3', 'minilb dns: unknown flag "-tll"; did you mean -ttl?'],
    ['dns -upstream 9.9.9.9', 'minilb dns: unknown flag "-upstream"; "minilb help dns" lists the flags there are'],
    ['dns -yes', 'minilb dns: unknown flag "-yes"; it belongs to "minilb cleanup"'],
    ['dns -ttl -1', 'minilb dns: -ttl "-1" is not a whole number of seconds from 0 to 86400'],
    ['dns -ttl 86401', 'minilb dns: -ttl "86401" is not a whole number of seconds from 0 to 86400'],
    ['dns -ttl 1.5', 'minilb dns: -ttl "1.5" is not a whole number of seconds from 0 to 86400'],
    ['dns -ttl=', 'minilb dns: -ttl "" is not a whole number of seconds from 0 to 86400'],
    ['dns -ttl', 'minilb dns: -ttl needs a value: seconds, 0 to 86400'],
    ['dns -controller false', 'minilb dns: unexpected argument "false"; -controller takes its value with "=": -controller=false'],
    ['dns -controller=maybe', 'minilb dns: -controller "maybe" is neither true nor false'],
    ['dns 8.8.8.8', 'minilb dns: unexpected argument "8.8.8.8"'],
    ['help dns cleanup', 'minilb help: unexpected argument "cleanup"'],
    ['dns ---ttl 3', 'minilb dns: "---ttl" is not a flag'],
    ['dns -log-level loud', 'minilb dns: -log-level "loud" is not one of debug, info'],
  ];
  test.each(rows)('minilb %s', (line, message) => {
    const parsed = parse(line);
    expect(parsed.ok ? 'accepted' : parsed.detail).toBe(message);
  });

  test('a bad environment value names its variable', () => {
    const parsed = parse('dns', { MINILB_TTL: 'soon' });
    expect(parsed.ok ? 'accepted' : parsed.detail).toBe('minilb dns: MINILB_TTL "soon" is not a whole number of seconds from 0 to 86400');
  });

  test('line breaks and escapes from outside do not make a second line', () => {
    const parsed = parseArguments(['dns', '-x\n\u001b[31m'], {}, settings, commands, 'dns');
    expect(parsed.ok ? 'accepted' : parsed.detail).toBe(
      'minilb dns: unknown flag "-x\\n\\u001b[31m"; "minilb help dns" lists the flags there are',
    );
  });
});

describe('MINILB_ variables', () => {
  const warnings = (env: Record<string, string>) => {
    const parsed = parse('dns', env);
    return parsed.ok ? parsed.value.warnings : parsed.detail;
  };
  test('an unknown one warns', () => {
    expect(warnings({ MINILB_TLL: '3', OTHER: 'x' })).toEqual([
      'unknown environment variable "MINILB_TLL" is ignored; did you mean MINILB_TTL?',
    ]);
  });
  test('one of another command does not warn', () => expect(warnings({ MINILB_YES: 'true' })).toEqual([]));
  test('what the kubelet sets for a Service called minilb does not warn', () => {
    expect(
      warnings({
        MINILB_SERVICE_HOST: '10.96.0.7',
        MINILB_SERVICE_PORT_DNS: '53',
        MINILB_PORT: 'udp://10.96.0.7:53',
        MINILB_PORT_53_UDP_ADDR: '10.96.0.7',
        MINILB_HEALTH_PORT_8080_TCP: 'tcp://10.96.0.8:8080',
      }),
    ).toEqual([]);
  });
});

describe('subcommands: flags may stand before and after one', () => {
  const l3 = { l3: { ...command, operands: '[status|cleanup]', operandsMax: 1, subcommands: ['status', 'cleanup'] } };
  const rows: readonly [line: string, outcome: string][] = [
    ['l3', ''],
    ['l3 status', 'status'],
    ['l3 -yes cleanup', 'cleanup yes'],
    ['l3 cleanup -yes', 'cleanup yes'],
    ['l3 status cleanup', 'minilb l3: unexpected argument "cleanup"'],
    ['l3 reboot', 'minilb l3: unexpected argument "reboot"'],
  ];
  test.each(rows)('%s', (line, outcome) => {
    const yes = setting(toggle, { flag: 'yes', roles: ['l3'], default: 'false', help: '' });
    const parsed = parseArguments(line.split(' '), {}, { yes }, l3, 'l3');
    const words = parsed.ok ? [...parsed.value.operands, ...(parsed.value.values.yes ? ['yes'] : [])].join(' ') : parsed.detail;
    expect(words).toBe(outcome);
  });
});
