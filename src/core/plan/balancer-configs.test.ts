import { describe, expect, test } from 'bun:test';
import { balancer, config, UPDATER } from '../../../test/support/external-values.ts';
import type { LoadBalancerConfig } from '../object/load-balancer-config.ts';
import { planConfigRelease, planConfigUse } from './balancer-configs.ts';
import { backendName, originOf, updaterOf } from './balancer-place.ts';

const OLD = 'http://10.9.9.9:3000/';
const used = (...updaters: readonly object[]) => ({ status: { updaters } });
const finalized = (given: LoadBalancerConfig): LoadBalancerConfig => ({ ...given, finalizers: ['x/y', 'lb.paperlb.com/lb-finalizer'] });
const urls = (change: { readonly used?: readonly { readonly url: string }[] } | undefined) => change?.used?.map(({ url }) => url);

describe('what stands in a config before it is used', () => {
  test('a finalizer, and the updater of now', () => {
    const change = planConfigUse(config());
    expect([change?.finalizers, urls(change)]).toEqual([['lb.paperlb.com/lb-finalizer'], [UPDATER]]);
  });
  test('nothing to do when it stands there', () => {
    expect(planConfigUse(finalized(config({}, used({ url: UPDATER }))))).toBeUndefined();
  });
  test('a new URL, prefix or token is added to those of before', () => {
    expect(urls(planConfigUse(finalized(config({}, used({ url: OLD })))))).toEqual([OLD, UPDATER]);
    expect(urls(planConfigUse(finalized(config({ backendPrefix: 'w.' }, used({ url: UPDATER })))))).toEqual([UPDATER, UPDATER]);
    expect(urls(planConfigUse(finalized(config({ tokenSecretRef: { name: 's' } }, used({ url: UPDATER })))))).toEqual([UPDATER, UPDATER]);
  });
});

describe('what a config lets go of', () => {
  const both = finalized(config({}, used({ url: OLD }, { url: UPDATER })));
  const pending = balancer({
    status: { cleanup: [{ configName: 'main', url: OLD, backendName: 'default_web', port: 8100, protocol: 'TCP', since: 's' }] },
  });

  test('an updater of before, when nothing is left there', () => {
    expect(urls(planConfigRelease(both, [balancer()]))).toEqual([UPDATER]);
    expect(planConfigRelease(both, [pending])).toBeUndefined();
    expect(planConfigRelease(both, [balancer({ spec: { httpUpdater: { url: OLD } } })])).toBeUndefined();
  });
  test('the same updater with other credentials, at once', () => {
    const rotated = finalized(
      config({ tokenSecretRef: { name: 'new' } }, used({ url: UPDATER }, { url: UPDATER, tokenSecretRef: { name: 'new', key: 'token' } })),
    );
    expect(planConfigRelease(rotated, [balancer()])?.used).toHaveLength(1);
  });
  test('the finalizer, when it is being deleted and nothing is left anywhere', () => {
    const doomed = finalized(config({}, { deleting: true, ...used({ url: UPDATER }) }));
    expect(planConfigRelease(doomed, [balancer()])).toBeUndefined();
    expect(planConfigRelease(doomed, [])?.finalizers).toEqual(['x/y']);
  });
  test('an object that no Service controls holds nothing: anybody could make one', () => {
    const doomed = finalized(config({}, { deleting: true, ...used({ url: UPDATER }) }));
    expect(planConfigRelease(doomed, [balancer({ owner: '' })])?.finalizers).toEqual(['x/y']);
  });
});

describe('which updater a place may be reached by', () => {
  const web = { namespace: 'default', name: 'web' };
  const configs = new Map([
    ['main', config({ backendPrefix: 'w.', tokenSecretRef: { name: 'now' } }, used({ url: OLD, tokenSecretRef: { name: 'then' } }))],
  ]);
  const ask = (url: string, name: string, configName = 'main') =>
    updaterOf({ configName, url, backendName: name, port: 8100, protocol: 'TCP' }, web, configs)?.tokenSecret?.name;

  test.each([
    ['the one of now', UPDATER, 'w.default_web', 'now'],
    ['… for another of the object’s ports', UPDATER, 'w.default_web_udp_53', 'now'],
    ['one of before, with its own token and prefix', OLD, 'default_web', 'then'],
    ['no config knows the URL', 'http://evil.example/', 'default_web', undefined],
    ['another Service’s backend', UPDATER, 'w.default_other', undefined],
    ['a longer name of another Service', UPDATER, 'w.default_web-2', undefined],
    ['a name with the prefix of another time', UPDATER, 'default_web', undefined],
    ['a port that is none', UPDATER, 'w.default_web_tcp_0', undefined],
    ['something behind the name', UPDATER, 'w.default_web_tcp_80/../x', undefined],
  ] as const)('%s', (_, url, name, token) => {
    expect(ask(url, name)).toBe(token as never);
  });
  test('a config that is not there', () => {
    expect(ask(UPDATER, 'w.default_web', 'gone')).toBeUndefined();
  });
  test('the longest name fits what an updater takes', () => {
    const long = 'x'.repeat(63);
    expect(backendName('p'.repeat(32), { namespace: long, name: long }, { protocol: 'TCP', servicePort: 65535 }).length).toBeLessThan(200);
  });
  test.each([
    ['http://LB.example:80/a', 'http://lb.example'],
    ['https://lb.example:443', 'https://lb.example'],
    ['http://lb.example:443/x?y', 'http://lb.example:443'],
    ['http://[fd00::1]:3000/', 'http://[fd00::1]:3000'],
  ])('the origin of %s is %s', (url, origin) => {
    expect(originOf(url)).toBe(origin);
  });
});
