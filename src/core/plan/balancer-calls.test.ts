import { describe, expect, test } from 'bun:test';
import { service } from '../../../test/support/external-values.ts';
import { ip } from '../../../test/support/values.ts';
import { planBackends, proxyOptions } from './balancer-calls.ts';

const PLACE = { configName: 'main', url: 'http://x/', backendName: 'default_web', port: 8100, protocol: 'TCP' } as const;
const plan = (changes: object, annotations: object = {}, protocol: 'TCP' | 'UDP' = 'TCP') => {
  const given = service({ spec: changes, annotations });
  const ports = [{ protocol, servicePort: 80, port: 8100, nodePort: 30080 }];
  const [backend] = planBackends(given, ports, [{ ...PLACE, protocol }], [ip('10.0.0.1')], proxyOptions(given));
  return backend;
};
/** What a call says beyond the original's fields. */
const extra = (...given: Parameters<typeof plan>) => {
  const { backendName: _n, lbPort: _p, lbProtocol: _l, upstreamServers: _u, ...rest } = plan(...given)?.call ?? ({} as never);
  return rest;
};
const DEFAULTS = { proxyTimeoutSeconds: 0, proxyConnectTimeoutSeconds: 0 };

describe('what a call to the updater says', () => {
  const rows: readonly [name: string, given: Parameters<typeof plan>, rest: object, needs: readonly string[]][] = [
    ['the original’s fields alone, where nothing else is asked', [{}], DEFAULTS, []],
    [
      'time-outs by annotation',
      [{}, { 'minilb/proxy-timeout-seconds': '3600', 'minilb/proxy-connect-timeout-seconds': ' 10 ' }],
      { proxyTimeoutSeconds: 3600, proxyConnectTimeoutSeconds: 10 },
      [],
    ],
    [
      'spec.loadBalancerSourceRanges',
      [{ loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/8'] }],
      { ...DEFAULTS, sourceRanges: ['10.0.0.0/8', 'fd00::/8'] },
      ['spec.loadBalancerSourceRanges'],
    ],
    [
      'spec.sessionAffinity ClientIP',
      [{ sessionAffinity: 'ClientIP' }],
      { ...DEFAULTS, sessionAffinity: 'ClientIP' },
      ['spec.sessionAffinity'],
    ],
    [
      'the PROXY protocol by annotation',
      [{}, { 'minilb/proxy-protocol': 'true' }],
      { ...DEFAULTS, proxyProtocol: true },
      ['minilb/proxy-protocol'],
    ],
    ['… which is TCP’s', [{}, { 'minilb/proxy-protocol': 'true' }, 'UDP'], DEFAULTS, []],
    [
      'the health port of policy Local, which another updater may ignore',
      [{ externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 }],
      { ...DEFAULTS, healthCheckNodePort: 31000 },
      [],
    ],
    ['no health port with policy Cluster', [{ healthCheckNodePort: 31000 }], DEFAULTS, []],
  ];
  test.each(rows)('%s', (_, given, rest, needs) => {
    expect(extra(...given)).toEqual(rest as never);
    expect(plan(...given)?.needs).toEqual(needs);
  });

  const wrong: readonly [text: string, codes: number][] = [
    ['0', 1],
    ['-5', 1],
    ['1h', 1],
    ['604801', 1],
    ['99999999999999999999', 1],
    ['604800', 0],
    ['', 0],
  ];
  test.each(wrong)('a time-out of %p seconds', (text, faults) => {
    const { timeoutSeconds, remarks } = proxyOptions(service({ annotations: { 'minilb/proxy-timeout-seconds': text } }));
    expect([timeoutSeconds, remarks.length]).toEqual([faults === 0 && text !== '' ? Number(text) : 0, faults]);
  });
});
