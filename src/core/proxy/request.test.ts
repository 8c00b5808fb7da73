import { describe, expect, test } from 'bun:test';
import { backend, cidr } from '../../../test/support/backends.ts';
import { parseDelete, parseUpdate, SOURCE_RANGES_MAX, TIMEOUT_SECONDS_MAX, UPSTREAMS_MAX } from './request.ts';

const defaults = { timeoutSeconds: 5, connectTimeoutSeconds: 2 };
const update = (body: unknown) => parseUpdate(typeof body === 'string' ? body : JSON.stringify(body), defaults);

/** A call as nginx-lb-updater's documentation shows it. */
const CALL = {
  backendName: 'default_web',
  lbPort: 8103,
  lbProtocol: 'tcp',
  upstreamServers: [{ host: '192.168.64.5', port: 30291 }],
  proxyTimeoutSeconds: 5,
  proxyConnectTimeoutSeconds: 2,
};

const accepted: readonly [name: string, changes: Record<string, unknown>, expected: Parameters<typeof backend>[0]][] = [
  ['the original’s documented call', {}, {}],
  ['PaperLB sends protocols in upper case', { lbProtocol: 'UDP' }, { protocol: 'UDP' }],
  ['protocols in any case', { lbProtocol: 'uDp' }, { protocol: 'UDP' }],
  ['an empty protocol is TCP', { lbProtocol: '' }, { protocol: 'TCP' }],
  ['an absent protocol is TCP', { lbProtocol: undefined }, { protocol: 'TCP' }],
  ['names are trimmed', { backendName: ' default_web\t' }, {}],
  ['unknown keys are ignored', { futureKey: { deep: [1] } }, {}],
  ['PaperLB sends time-outs of 0, which mean the defaults', { proxyTimeoutSeconds: 0, proxyConnectTimeoutSeconds: 0 }, {}],
  ['negative time-outs too', { proxyTimeoutSeconds: -1, proxyConnectTimeoutSeconds: -7 }, {}],
  ['absent time-outs too', { proxyTimeoutSeconds: undefined, proxyConnectTimeoutSeconds: null }, {}],
  ['time-outs are taken', { proxyTimeoutSeconds: 3600, proxyConnectTimeoutSeconds: 9 }, { timeoutSeconds: 3600, connectTimeoutSeconds: 9 }],
  ['an empty list of upstreams is taken', { upstreamServers: [] }, { upstreams: [] }],
  ['null is as good as absent (encoding/json)', { upstreamServers: null }, { upstreams: [] }],
  ['keys in any case (encoding/json)', { lbPort: undefined, LBPORT: 8103 }, {}],
  [
    'DNS names are folded',
    { upstreamServers: [{ host: 'Node-1.Example.', port: 1 }] },
    { upstreams: [{ host: 'node-1.example', port: 1 }] },
  ],
  ['IPv6 without brackets', { upstreamServers: [{ host: 'FD00:0::5', port: 1 }] }, { upstreams: [{ host: 'fd00::5', port: 1 }] }],
  ['IPv6 in brackets', { upstreamServers: [{ host: '[fd00::5]', port: 1 }] }, { upstreams: [{ host: 'fd00::5', port: 1 }] }],
  ['IPv4-mapped IPv6 is IPv4', { upstreamServers: [{ host: '::ffff:10.0.0.1', port: 1 }] }, { upstreams: [{ host: '10.0.0.1', port: 1 }] }],
  ['upstreams that stand twice count once', { upstreamServers: [CALL.upstreamServers[0], { host: ' 192.168.64.5 ', port: 30291 }] }, {}],
  ['source ranges', { sourceRanges: ['10.1.2.3/8', ' ::1'] }, { sourceRanges: [cidr('10.0.0.0/8'), cidr('::1/128')] }],
  ['session affinity', { sessionAffinity: 'ClientIP' }, { sticky: true }],
  ['no session affinity', { sessionAffinity: 'None' }, {}],
  ['PROXY protocol', { proxyProtocol: true }, { proxyProtocol: true }],
  ['health check port', { healthCheckNodePort: 32000 }, { healthCheckPort: 32000 }],
];

const hosts = [
  'a b',
  'a;b',
  'a}',
  '{a',
  'a\nb',
  'a\0',
  '../a',
  'a/b',
  '',
  '-a',
  'a..b',
  '*.a',
  'a:80',
  '[10.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '1.2.3.4.5',
  'fe80::1%eth0',
  'ä.example',
  `${'a'.repeat(64)}.b`,
  'unix:/x',
  '$host',
  '"a"',
  "a'",
];
const names = ['a b', 'a;b', 'a}', 'a\nb', 'a\0b', '../a', 'a/b', '.a', '-a', '_a', 'ä', 'a$b', 'a#b', 'a"b', 'a\\b', 'x'.repeat(201)];

const refused: readonly (readonly [name: string, changes: Record<string, unknown>, detail: string | RegExp])[] = [
  ['no name: the original’s words', { backendName: undefined }, 'empty backend name'],
  ['a blank name', { backendName: ' \n' }, 'empty backend name'],
  ['no port (the original wrote one that fails the whole nginx)', { lbPort: undefined }, /^lbPort is 0/],
  ['port 0', { lbPort: 0 }, /^lbPort is 0/],
  ['a negative port', { lbPort: -1 }, /^lbPort is -1/],
  ['port 65536', { lbPort: 65536 }, /^lbPort is 65536/],
  ['SCTP (the original made it TCP)', { lbProtocol: 'SCTP' }, /^unknown protocol "SCTP"/],
  ['a protocol with more behind it', { lbProtocol: 'tcp; }' }, /^unknown protocol/],
  ['an upstream without port', { upstreamServers: [{ host: '10.0.0.1' }] }, /^port of upstream server 10.0.0.1 is 0/],
  ['too many upstreams', { upstreamServers: Array.from({ length: UPSTREAMS_MAX + 1 }, () => ({ host: 'a', port: 1 })) }, /^more than/],
  ['too many ranges', { sourceRanges: Array.from({ length: SOURCE_RANGES_MAX + 1 }, () => '::1') }, /^more than/],
  ['a range that is none', { sourceRanges: ['10.0.0.0/33'] }, /^source range/],
  ['a range with a newline', { sourceRanges: ['10.0.0.0/8;\nallow all'] }, /^source range/],
  ['a time-out beyond a week', { proxyTimeoutSeconds: TIMEOUT_SECONDS_MAX + 1 }, /^proxyTimeoutSeconds/],
  ['an affinity nobody knows', { sessionAffinity: 'Cookie' }, /^unknown sessionAffinity/],
  ['a health check port that is none', { healthCheckNodePort: 70000 }, /^healthCheckNodePort/],
  ...names.map((name) => [`the name ${JSON.stringify(name.slice(0, 9))}`, { backendName: name }, /^backend name /] as const),
  ...hosts.map(
    (host) => [`the host ${JSON.stringify(host.slice(0, 9))}`, { upstreamServers: [{ host, port: 1 }] }, /^upstream server /] as const,
  ),
];

const undecodable: readonly [name: string, body: unknown][] = [
  ['nothing', ''],
  ['not JSON', '{'],
  ['JSON and more', '{} {}'],
  ['a list', '[]'],
  ['a text', '"x"'],
  ['a port in quotes, as the original refuses it', { ...CALL, lbPort: '8103' }],
  ['a port with a fraction', { ...CALL, lbPort: 80.5 }],
  ['a name that is a number', { ...CALL, backendName: 7 }],
  ['upstreams that are an object', { ...CALL, upstreamServers: {} }],
  ['upstreams that are texts', { ...CALL, upstreamServers: ['10.0.0.1:80'] }],
  ['a host that is a number', { ...CALL, upstreamServers: [{ host: 1, port: 1 }] }],
  ['a time-out in quotes', { ...CALL, proxyTimeoutSeconds: '5s' }],
  ['proxyProtocol as text', { ...CALL, proxyProtocol: 'yes' }],
  ['ranges that are numbers', { ...CALL, sourceRanges: [1] }],
  ['brackets a hundred thousand deep', '['.repeat(100_000)],
];

describe('POST /api/v1/lb', () => {
  test.each(accepted)('%s', (_, changes, expected) => {
    expect(update({ ...CALL, ...changes })).toEqual({ ok: true, value: backend(expected) });
  });

  test.each(refused)('refused: %s', (_, changes, detail) => {
    expect(update({ ...CALL, ...changes })).toMatchObject({ ok: false, code: 'refused', detail: expect.stringMatching(detail) });
  });

  test.each(undecodable)('not decoded: %s', (_, body) => {
    expect(update(body)).toMatchObject({ ok: false, code: 'undecodable' });
  });

  test('null is an empty call (encoding/json)', () => {
    expect(update('null')).toMatchObject({ code: 'refused', detail: 'empty backend name' });
  });

  test('a key called __proto__ changes nothing', () => {
    expect(update('{"__proto__":{"backendName":"x","lbPort":1}}')).toMatchObject({ code: 'refused', detail: 'empty backend name' });
  });
});

describe('DELETE /api/v1/lb', () => {
  test.each([
    ['a name', '{"backendName":"default_web"}\n', { ok: true, value: 'default_web' }],
    ['a name, untrimmed, and unknown keys', '{"backendName":" default_web ","x":1}', { ok: true, value: 'default_web' }],
    ['no name', '{}', { code: 'refused', detail: 'empty backend name' }],
    ['a way out of the folder', '{"backendName":"../../nginx"}', { code: 'refused' }],
    ['not JSON', 'backendName=x', { code: 'undecodable' }],
  ])('%s', (_, body, expected) => {
    expect(parseDelete(body)).toMatchObject(expected);
  });
});
