import { describe, expect, test } from 'bun:test';
import { seededRandom } from '../../../test/support/random.ts';
import { cidr, ips, routeService as svc } from '../../../test/support/route-values.ts';
import { ip } from '../../../test/support/values.ts';
import { keyOf } from '../object/raw.ts';
import type { RouteService } from '../object/route-service.ts';
import { type AllocateInputs, planAllocation } from './allocate.ts';
import { mayShare } from './route-services.ts';

const inputs = (services: readonly RouteService[], over: Partial<AllocateInputs> = {}): AllocateInputs => ({
  services,
  loadBalancerClass: 'minilb-l3',
  prefixes: [cidr('10.0.100.0/24'), cidr('fd00:100::/64')],
  reserve: [],
  nodeIps: ips(),
  resting: new Map(),
  ...over,
});

/** `web=10.0.100.1 …`, then the notices' codes. */
function outcome(services: readonly RouteService[], over: Partial<AllocateInputs> = {}): string {
  const plan = planAllocation(inputs(services, over));
  const writes = plan.writes.map((write) => `${write.service.name}=${write.ips.join('+') || 'none'}`);
  return [...writes, ...plan.notices.map((notice) => `${notice.object.name}:${notice.code}`)].join(' ');
}

const rows: readonly [name: string, services: readonly RouteService[], result: string, over?: Partial<AllocateInputs>][] = [
  ['the class without a request: the lowest free address', [svc('d/web')], 'web=10.0.100.1'],
  ['who holds an address keeps it', [svc('d/web', { status: ['10.0.100.77'] })], ''],
  ['an older Service does not take it', [svc('d/old', { age: 50 }), svc('d/new', { status: ['10.0.100.1'] })], 'old=10.0.100.2'],
  ['ipFamilies: both', [svc('d/web', { families: ['IPv6', 'IPv4'] })], 'web=fd00:100::1+10.0.100.1'],
  [
    'the second family of a live Service is added',
    [svc('d/web', { families: ['IPv4', 'IPv6'], status: ['10.0.100.9'] })],
    'web=10.0.100.9+fd00:100::1',
  ],
  [
    'reserved addresses and those of Nodes are left out',
    [svc('d/web')],
    'web=10.0.100.9',
    { reserve: [cidr('10.0.100.0/29')], nodeIps: ips('10.0.100.8') },
  ],
  [
    'no prefix of the family: a notice',
    [svc('d/web', { families: ['IPv6'] })],
    'web:NoPrefixForFamily',
    { prefixes: [cidr('10.0.100.0/24')] },
  ],
  [
    'RequireDualStack is all or nothing',
    [svc('d/web', { families: ['IPv4', 'IPv6'], policy: 'RequireDualStack' })],
    'web:NoPrefixForFamily',
    { prefixes: [cidr('10.0.100.0/24')] },
  ],
  [
    'PreferDualStack takes what there is',
    [svc('d/web', { families: ['IPv4', 'IPv6'], policy: 'PreferDualStack' })],
    'web=10.0.100.1',
    { prefixes: [cidr('10.0.100.0/24')] },
  ],
  [
    'all taken',
    [svc('d/a', { status: ['10.0.100.0'] }), svc('d/b', { status: ['10.0.100.1'] }), svc('d/c')],
    'c:AddressesExhausted',
    { prefixes: [cidr('10.0.100.0/31')] },
  ],
  ['a prefix of one address', [svc('d/a')], 'a=10.0.100.7', { prefixes: [cidr('10.0.100.7/32')] }],

  [
    'minilb/address counts first, and the disagreement is said',
    [svc('d/web', { annotations: { 'minilb/address': '10.0.100.5' }, loadBalancerIP: '10.0.100.6' })],
    'web=10.0.100.5 web:RequestsDisagree',
  ],
  [
    'loadBalancerIP before externalIPs',
    [svc('d/web', { loadBalancerIP: '10.0.100.6', externalIPs: ['10.0.100.7'] })],
    'web=10.0.100.6 web:RequestsDisagree',
  ],
  [
    'one of each family',
    [svc('d/web', { annotations: { 'minilb/address': '10.0.100.5, fd00:100::5' }, families: ['IPv4', 'IPv6'] })],
    'web=10.0.100.5+fd00:100::5',
  ],
  [
    'the seed’s manifests: no class, externalIPs in the prefix',
    [svc('d/web', { class: '', externalIPs: ['10.0.100.5'] })],
    'web=10.0.100.5',
  ],
  [
    'no class and no request in the prefix: nobody’s',
    [svc('d/web', { class: '' }), svc('d/x', { class: '', externalIPs: ['192.0.2.1'] })],
    '',
  ],
  [
    'no class, and another controller has written the status',
    [svc('d/web', { class: '', externalIPs: ['10.0.100.5'], statusHostname: 'lb.example' })],
    'web:ClaimedByOther',
  ],
  ['another class', [svc('d/web', { class: 'metallb', loadBalancerIP: '10.0.100.5' })], ''],
  [
    'our class, and another controller has written the status: replaced',
    [svc('d/web', { statusHostname: 'lb.example' })],
    'web=10.0.100.1',
  ],
  ['outside the prefixes: refused, and nothing given in its place', [svc('d/web', { loadBalancerIP: '192.0.2.1' })], 'web:AddressRefused'],
  ['shell metacharacters in a free text field', [svc('d/web', { loadBalancerIP: '10.0.100.5;reboot' })], 'web:AddressRefused'],
  ['a zone id', [svc('d/web', { annotations: { 'minilb/address': 'fe80::1%eth0' } })], 'web:AddressRefused'],
  [
    '0.0.0.0, multicast, a network',
    [svc('d/web', { annotations: { 'minilb/address': '0.0.0.0,224.0.0.1,10.0.100.0/24' } })],
    'web:AddressRefused web:AddressRefused web:AddressRefused',
  ],
  ['IPv4-mapped means the IPv4 address', [svc('d/web', { loadBalancerIP: '::ffff:10.0.100.5' })], 'web=10.0.100.5'],
  ['an address of a Node', [svc('d/web', { loadBalancerIP: '10.0.100.5' })], 'web:AddressRefused', { nodeIps: ips('10.0.100.5') }],
  ['a reserved address', [svc('d/web', { loadBalancerIP: '10.0.100.5' })], 'web:AddressRefused', { reserve: [cidr('10.0.100.4/30')] }],
  [
    'of a family that the Service has not',
    [svc('d/web', { annotations: { 'minilb/address': 'fd00:100::5' } })],
    'web=10.0.100.1 web:AddressRefused',
  ],
  ['held by another', [svc('d/a', { status: ['10.0.100.5'] }), svc('d/b', { loadBalancerIP: '10.0.100.5' })], 'b:AddressInUse'],
  [
    'held by a Service that is not ours',
    [svc('d/a', { class: 'metallb', status: ['10.0.100.5'] }), svc('d/b', { loadBalancerIP: '10.0.100.5' })],
    'b:AddressInUse',
  ],
  [
    'not given automatically when another class has it',
    [svc('d/a', { class: 'metallb', status: ['10.0.100.1'] }), svc('d/b')],
    'b=10.0.100.2',
  ],
  [
    'two ask for the same: the older',
    [svc('d/young', { age: 1, loadBalancerIP: '10.0.100.5' }), svc('d/old', { age: 2, loadBalancerIP: '10.0.100.5' })],
    'old=10.0.100.5 young:AddressInUse',
  ],
  [
    'a live Service whose request changes moves when the new one is free',
    [svc('d/web', { status: ['10.0.100.1'], loadBalancerIP: '10.0.100.5' })],
    'web=10.0.100.5',
  ],
  [
    'and keeps the old one until then',
    [svc('d/a', { status: ['10.0.100.5'] }), svc('d/web', { status: ['10.0.100.1'], loadBalancerIP: '10.0.100.5' })],
    'web:AddressInUse',
  ],
  [
    'and keeps it when the new one is refused',
    [svc('d/web', { status: ['10.0.100.1'], loadBalancerIP: '192.0.2.1' })],
    'web:AddressRefused',
  ],
  [
    'after a restore the pinned come first, whatever their age',
    [svc('d/old', { age: 9 }), svc('d/new', { age: 1, loadBalancerIP: '10.0.100.1' })],
    'old=10.0.100.2 new=10.0.100.1',
  ],

  [
    'duplicates: the later gives it up and gets another',
    [svc('d/a', { age: 2, status: ['10.0.100.1'] }), svc('d/b', { age: 1, status: ['10.0.100.1'] })],
    'b=10.0.100.2 b:AddressDuplicate',
  ],
  [
    'duplicates of the same second: the greater uid',
    [svc('d/b', { status: ['10.0.100.1'] }), svc('d/a', { status: ['10.0.100.1'] })],
    'b=10.0.100.2 b:AddressDuplicate',
  ],
  [
    'a duplicate that is pinned to it gets nothing else',
    [svc('d/a', { age: 2, status: ['10.0.100.1'] }), svc('d/b', { age: 1, status: ['10.0.100.1'], loadBalancerIP: '10.0.100.1' })],
    'b=none b:AddressDuplicate b:AddressInUse',
  ],

  ['a freed address rests', [svc('d/web')], 'web=10.0.100.2', { resting: new Map([[ip('10.0.100.1'), 'd/other']]) }],
  ['unless the same Service asks', [svc('d/web')], 'web=10.0.100.3', { resting: new Map([[ip('10.0.100.3'), 'd/web']]) }],
  [
    'also for a request',
    [svc('d/web', { loadBalancerIP: '10.0.100.3' })],
    'web:AddressResting',
    { resting: new Map([[ip('10.0.100.3'), 'd/other']]) },
  ],

  ['a Service that is being deleted gets nothing new', [svc('d/web', { deleting: true })], ''],
  ['and keeps what it has', [svc('d/web', { deleting: true, status: ['10.0.100.1'] })], ''],
  ['ClusterIP: not ours', [svc('d/web', { type: 'ClusterIP', class: '', externalIPs: ['10.0.100.5'] })], ''],
];

describe('allocation (the table of planAllocation)', () => {
  // Bun takes a parameter without a value for a `done` callback.
  const full = rows.map(([name, services, result, over]) => [name, services, result, over ?? {}] as const);
  test.each(full)('%s', (_, services, result, over) => {
    expect(outcome(services, over)).toBe(result);
  });
});

const share = { annotations: { 'minilb/share': 'k' } };
const pairs: readonly [name: string, a: RouteService, b: RouteService, may: boolean][] = [
  ['the same key, other ports, policy Cluster', svc('d/a', share), svc('d/b', { ...share, port: 443 }), true],
  ['the same port', svc('d/a', share), svc('d/b', share), false],
  ['no key', svc('d/a'), svc('d/b', { port: 443 }), false],
  ['another namespace', svc('d/a', share), svc('e/b', { ...share, port: 443 }), false],
  ['another class', svc('d/a', share), svc('d/b', { ...share, port: 443, class: '' }), false],
  ['one is Local, other selectors', svc('d/a', { ...share, local: true }), svc('d/b', { ...share, port: 443 }), false],
  [
    'Local, the same selector',
    svc('d/a', { ...share, local: true, selector: { x: '1' } }),
    svc('d/b', { ...share, port: 443, selector: { x: '1' } }),
    true,
  ],
];

describe('sharing (minilb/share)', () => {
  test.each(pairs)('%s', (_, a, b, may) => {
    expect(mayShare(a, b)).toBe(may);
    expect(outcome([a, b])).toBe(may ? 'a=10.0.100.1 b=10.0.100.1' : b.loadBalancerClass ? 'a=10.0.100.1 b=10.0.100.2' : 'a=10.0.100.1');
  });
});

describe('stability', () => {
  test('run on its own result it plans nothing; nothing moves without need; no address is held twice', () => {
    const random = seededRandom(31);
    let services: RouteService[] = [];
    for (let round = 0; round < 150; round++) {
      for (let i = 0; i < 8; i++) {
        const n = Math.floor(random() * 400);
        const key = `ns${n % 3}/s${n}`;
        const at = services.findIndex((one) => keyOf(one) === key);
        if (at >= 0) services.splice(at, 1);
        else services.push(svc(key, { age: n % 50, ...(random() < 0.2 && { loadBalancerIP: `10.0.100.${n % 250}` }) }));
      }
      const before = new Map(services.flatMap((one) => one.ingress.map((entry) => [keyOf(one), entry.ip] as const)));
      const plan = planAllocation(inputs(services, { prefixes: [cidr('10.0.100.0/23')] }));
      const written = new Map(plan.writes.map((write) => [write.service, write.ips]));
      services = services.map((one) => {
        const given = written.get(one);
        return given ? { ...one, ingress: given.map((each) => ({ ip: each })) } : one;
      });
      expect(planAllocation(inputs(services, { prefixes: [cidr('10.0.100.0/23')] })).writes).toEqual([]);
      const all = services.flatMap((one) => one.ingress.map((entry) => entry.ip));
      expect(new Set(all).size).toBe(all.length);
      for (const one of services) if (before.has(keyOf(one))) expect(one.ingress[0]?.ip).toBe(before.get(keyOf(one)));
    }
  });
});
