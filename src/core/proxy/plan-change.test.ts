import { describe, expect, test } from 'bun:test';
import { backend, cidr } from '../../../test/support/backends.ts';
import { parseIp } from '../value/ip.ts';
import type { Backend } from './backend.ts';
import { listBackends } from './list-backends.ts';
import { nginx } from './nginx.ts';
import { type Caller, type Change, planChange, toHeldFile } from './plan-change.ts';
import { missingListens, parseSocketTables, takenListens } from './proc-net.ts';
import { bearerOf, parseTokens } from './tokens.ts';
import { upstreamFault } from './upstream-rules.ts';

const rules = { allowPorts: [{ low: 1024, high: 65535 }], apiPort: 3000 };
const nobody: Caller = { owner: '', owners: [] };
const a: Caller = { owner: 'a', owners: ['a', 'b'] };
const put = (changes: Partial<Backend> = {}): Change => ({ kind: 'put', backend: backend(changes) });
const remove: Change = { kind: 'delete', name: 'default_web' };

function plan(held: readonly (readonly [name: string, text: string])[], change: Change, caller: Caller = nobody) {
  const files = new Map(held.map(([name, text]) => [name, toHeldFile(name, text, nginx)]));
  const planned = planChange(files, change, caller, rules, nginx, [4, 6]);
  if (!planned.ok) return `${planned.code}: ${planned.detail}`;
  if (!planned.value) return 'nothing to do';
  const { before, after, opens, closes } = planned.value;
  const what = after === undefined ? 'remove' : before === undefined ? 'write' : 'replace';
  return `${what}, ${opens.length} opened, ${closes.length} closed`;
}

const file = (changes: Partial<Backend> = {}): readonly [string, string] => {
  const held = backend(changes);
  return [held.name, nginx.render(held, [4, 6])];
};
const edited: readonly [string, string] = ['default_web', file({ owner: 'b' })[1].replace('5s', '5m')];

const rows: readonly [name: string, held: readonly (readonly [string, string])[], change: Change, caller: Caller, result: string][] = [
  ['a first call', [], put(), nobody, 'write, 2 opened, 0 closed'],
  ['the same again', [file()], put(), nobody, 'nothing to do'],
  ['other upstreams', [file()], put({ upstreams: [{ host: '10.0.0.1', port: 1 }] }), nobody, 'replace, 2 opened, 2 closed'],
  ['no upstreams left', [file()], put({ upstreams: [] }), nobody, 'replace, 0 opened, 2 closed'],
  ['the original deletes what is not there without complaint', [], remove, nobody, 'nothing to do'],
  ['a delete', [file()], remove, nobody, 'remove, 0 opened, 2 closed'],
  ['a port of the other protocol is another port', [file({ name: 'x' })], put({ protocol: 'UDP' }), nobody, 'write, 2 opened, 0 closed'],
  ['a port that another backend has', [file({ name: 'x' })], put(), nobody, 'conflict: port 8103/TCP belongs to backend x'],
  ['also while nothing listens there', [file({ name: 'x', upstreams: [] })], put(), nobody, 'conflict: port 8103/TCP belongs to backend x'],
  ['a port of another token', [file({ name: 'x', owner: 'b' })], put(), a, 'conflict: port 8103/TCP belongs to a backend of another token'],
  ['a backend of another token', [file({ owner: 'b' })], put(), a, 'conflict: backend default_web belongs to another token'],
  ['nor may it be deleted', [file({ owner: 'b' })], remove, a, 'conflict: backend default_web belongs to another token'],
  ['nor when somebody edited it', [edited], remove, a, 'conflict: backend default_web belongs to another token'],
  ['one’s own', [file({ owner: 'a' })], put(), a, 'nothing to do'],
  ['nobody’s becomes one’s own', [file()], put(), a, 'replace, 2 opened, 2 closed'],
  ['a token that is gone leaves its backends to others', [file({ owner: 'gone' })], remove, a, 'remove, 0 opened, 2 closed'],
  ['without tokens owners do not matter', [file({ owner: 'b' })], remove, nobody, 'remove, 0 opened, 2 closed'],
  ['one’s own, edited by hand, is written anew', [edited], put(), nobody, 'replace, 2 opened, 0 closed'],
  [
    'a file of another backend’s name counts as edited',
    [['default_web', file({ name: 'x' })[1]]],
    put(),
    nobody,
    'replace, 2 opened, 0 closed',
  ],
  [
    'a person’s file is never touched',
    [['default_web', 'server { }']],
    put(),
    nobody,
    'conflict: default_web.conf is there and was not written by an updater: move it away or choose another name',
  ],
  [
    'nor deleted',
    [['default_web', '']],
    remove,
    nobody,
    'conflict: default_web.conf is there and was not written by an updater: move it away or choose another name',
  ],
  [
    'names that differ in case only are one upstream to nginx',
    [file({ name: 'Default_Web', port: 1 })],
    put(),
    nobody,
    'conflict: the name default_web differs only in case from backend Default_Web',
  ],
  ['a port outside -allow-ports', [], put({ port: 22 }), nobody, 'refused: port 22 is not allowed: -allow-ports is 1024-65535'],
  ['the API’s own port', [], put({ port: 3000 }), nobody, "refused: port 3000 is not allowed: it is this API's own"],
  ['which is free for UDP', [], put({ port: 3000, protocol: 'UDP' }), nobody, 'write, 2 opened, 0 closed'],
];

describe('what a call changes', () => {
  test.each(rows)('%s', (_, held, change, caller, result) => {
    expect(plan(held, change, caller)).toBe(result);
  });
});

describe('upstreams', () => {
  const free = { allowUpstreams: [], authenticated: false };
  const known = { allowUpstreams: [], authenticated: true };
  const narrow = { allowUpstreams: [cidr('10.0.0.0/8')], authenticated: true };
  test.each([
    ['10.0.0.1', free, true],
    ['2001:db8::1', free, true],
    ['127.0.0.1', free, false],
    ['127.8.9.10', free, false],
    ['::ffff:127.0.0.1', free, false],
    ['::1', free, false],
    ['0.0.0.0', free, false],
    ['::', free, false],
    ['169.254.169.254', free, false],
    ['fe80::1', free, false],
    ['127.0.0.1', known, true],
    ['169.254.169.254', known, true],
    ['224.0.0.1', known, false],
    ['ff02::1', known, false],
    ['255.255.255.255', known, false],
    ['10.2.3.4', narrow, true],
    ['11.2.3.4', narrow, false],
    ['127.0.0.1', narrow, false],
    ['fd00::1', narrow, false],
  ])('%s under %o: %p', (text, which, allowed) => {
    const ip = parseIp(text);
    expect(ip && upstreamFault(ip, which) === undefined).toBe(allowed);
  });
});

describe('token file', () => {
  test.each([
    ['names and tokens', '# staff\n\nteam-a 0123456789abcdef\nteam-b  fedcba9876543210 \n', 2],
    ['one token without a name', '0123456789abcdef', 1],
    ['two tokens of one name, to replace one without a gap', 'a 0123456789abcdef\na fedcba9876543210', 2],
    ['nothing', '# nothing\n', 'it holds no token'],
    ['a short token', 'a secret', 'line 1: the token is not 16 to 512 printable ASCII characters'],
    ['three words', '\na b c', 'line 2 has more than a name and a token'],
    ['a name that would be odd in a file', '../a 0123456789abcdef', 'line 1: the name is not letters, digits, _, . or -'],
    ['one token for two names', 'a 0123456789abcdef\nb 0123456789abcdef', 'line 2: the token stands for two names'],
  ])('%s', (_, text, expected) => {
    const tokens = parseTokens(text);
    expect(tokens.ok ? tokens.value.length : tokens.detail).toBe(expected);
  });

  test.each([
    ['Bearer abc', 'abc'],
    ['bearer  abc ', 'abc'],
    ['Basic abc', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    [null, undefined],
  ])('Authorization: %s (RFC 6750 2.1)', (header, token) => {
    expect(bearerOf(header)).toBe(token);
  });
});

describe('sockets (proc(5), /proc/net/tcp)', () => {
  const head = '  sl  local_address rem_address   st tx_queue\n';
  const bound = parseSocketTables([
    {
      protocol: 'TCP',
      family: 4,
      text: `${head}   0: 00000000:1FA7 00000000:0000 0A 0\n   1: 0100007F:1FA8 00000000:0000 0A 0\n   2: 00000000:1FA9 0100007F:0050 01 0\n`,
    },
    {
      protocol: 'TCP',
      family: 6,
      text: `${head}   0: ${'0'.repeat(32)}:1FA7 ${'0'.repeat(32)}:0000 0A 0\n   1: ${'0'.repeat(32)}:1FAA ${'0'.repeat(32)}:0000 0A 0\n`,
    },
    { protocol: 'UDP', family: 4, text: `${head} 1234: 00000000:1FA7 00000000:0000 07 0\n  99: 0100007F:1FAB 0100007F:0035 01 0\n` },
  ]);
  const listens = (port: number, protocol: 'TCP' | 'UDP' = 'TCP') => [4 as const, 6 as const].map((family) => ({ protocol, family, port }));

  test('what listens on every address of both families does', () => {
    expect(missingListens(bound, listens(8103))).toEqual([]);
    expect(missingListens(bound, listens(8103, 'UDP'))).toEqual([{ protocol: 'UDP', family: 6, port: 8103 }]);
    expect(missingListens(bound, listens(8104))).toHaveLength(2);
    expect(missingListens(bound, listens(8105))).toHaveLength(2);
  });

  test('a port is taken by a listener on any address, by IPv6 for IPv4 too, and by any UDP socket; not by a connection', () => {
    expect(takenListens(bound, listens(8104))).toEqual([{ protocol: 'TCP', family: 4, port: 8104 }]);
    expect(takenListens(bound, listens(8105))).toEqual([]);
    expect(takenListens(bound, listens(8106))).toHaveLength(2);
    expect(takenListens(bound, listens(8107, 'UDP'))).toEqual([{ protocol: 'UDP', family: 4, port: 8107 }]);
  });

  test('the list says what listens, what is silent and what is idle', () => {
    const files = [file(), file({ name: 'silent', port: 9 }), file({ name: 'idle', port: 10, upstreams: [] }), ['hand', ''] as const];
    const listed = listBackends(
      files.map(([name, text]) => toHeldFile(name, text, nginx)),
      bound,
    );
    expect(listed.map(({ backendName, state }) => [backendName, state])).toEqual([
      ['default_web', 'listening'],
      ['silent', 'silent'],
      ['idle', 'idle'],
    ]);
  });
});
