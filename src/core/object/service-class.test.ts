import { describe, expect, test } from 'bun:test';
import { parseCidr } from '../value/ip.ts';
import { compact } from './raw.ts';
import { type Service, toService } from './service.ts';
import { isByName, ownerNotices, ownerOf, type ServiceClasses, type StatusOrigin } from './service-class.ts';

const CLASSES: ServiceClasses = {
  byName: 'minilb',
  byRoute: 'minilb-l3',
  byProxy: 'lb.paperlb.com/paperlb-class',
  routePrefixes: compact([parseCidr('10.0.100.0/24'), parseCidr('fd00:100::/64')]),
  classless: true,
};

function service(spec: object, annotations: object = {}): Service {
  const metadata = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', annotations };
  const parsed = toService({ metadata, spec: { type: 'LoadBalancer', ...spec } });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const status = (writer: StatusOrigin['writer'], emptySeconds = 0, overwritten = false): StatusOrigin => ({
  writer,
  emptySeconds,
  overwritten,
});
const request = { loadBalancerIP: '10.0.100.7' };

const rows: readonly [name: string, service: Service, status: StatusOrigin, owner: string][] = [
  ['class minilb is by name', service({ loadBalancerClass: 'minilb' }), status('nobody'), 'name'],
  ['class minilb is by name whatever the status says', service({ loadBalancerClass: 'minilb' }), status('other'), 'name'],
  ['class minilb is by name also with an address request', service({ loadBalancerClass: 'minilb', ...request }), status('nobody'), 'name'],
  ['class minilb-l3 is by route', service({ loadBalancerClass: 'minilb-l3' }), status('other'), 'route'],
  ["PaperLB's class is by proxy", service({ loadBalancerClass: 'lb.paperlb.com/paperlb-class' }), status('other'), 'proxy'],
  ['a foreign class is nobody’s', service({ loadBalancerClass: 'tailscale', ...request }), status('nobody', 99), 'other-class'],
  ['a ClusterIP is nobody’s', service({ type: 'ClusterIP', ...request }), status('nobody', 99), 'not-a-load-balancer'],
  ['loadBalancerIP inside an l3 prefix', service(request), status('nobody'), 'route'],
  ['externalIPs inside an l3 prefix', service({ externalIPs: ['192.0.2.1', 'fd00:100::1'] }), status('nobody'), 'route'],
  ['minilb/address inside an l3 prefix', service({}, { 'minilb/address': '192.0.2.1, 10.0.100.9' }), status('nobody'), 'route'],
  ['… stays by route with our own status', service(request), status('route'), 'route'],
  ['… is left to whoever wrote its status', service(request), status('other'), 'claimed-by-other'],
  ['… is not taken from by proxy, which lets go itself', service(request), status('proxy'), 'claimed-by-other'],
  ['a request outside every prefix is none', service({ loadBalancerIP: '192.0.2.1' }), status('nobody', 30), 'proxy'],
  ['no class: by proxy after 30 s', service({}), status('nobody', 30), 'proxy'],
  ['no class: not before', service({}), status('nobody', 12), 'waiting 18'],
  ['no class: ours once written', service({}), status('proxy'), 'proxy'],
  ['no class: ServiceLB, MetalLB or a cloud wrote first', service({}), status('other', 0), 'claimed-by-other'],
  ['no class: once overwritten by another, given up', service({}), status('nobody', 99, true), 'overwritten'],
  ['no class: status by route', service({}), status('route'), 'claimed-by-other'],
];

describe('whose a Service is (spec.loadBalancerClass)', () => {
  test.each(rows)('%s', (_, given, origin, expected) => {
    const owner = ownerOf(given, CLASSES, origin);
    const text = owner.kind === 'way' ? owner.way : owner.kind === 'waiting' ? `waiting ${owner.seconds}` : owner.reason;
    expect(text).toBe(expected);
    expect(ownerNotices(given, owner).map((notice) => notice.code)).toEqual(
      expected === 'claimed-by-other' || expected === 'overwritten' ? ['ClaimedByOther'] : [],
    );
  });

  test('-classless=false leaves Services without a class alone, except those that ask for an l3 address', () => {
    const off = { ...CLASSES, classless: false };
    expect(ownerOf(service({}), off, status('nobody', 99))).toEqual({ kind: 'nobody', reason: 'classless-off' });
    expect(ownerOf(service(request), off, status('nobody'))).toEqual({ kind: 'way', way: 'route' });
  });

  test('by name looks at type and class alone', () => {
    expect(isByName(service({ loadBalancerClass: 'minilb' }), 'minilb')).toBe(true);
    expect(isByName(service({ loadBalancerClass: 'minilb', type: 'ClusterIP' }), 'minilb')).toBe(false);
    expect(isByName(service({}), 'minilb')).toBe(false);
  });
});
