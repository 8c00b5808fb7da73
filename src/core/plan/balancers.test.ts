import { describe, expect, test } from 'bun:test';
import { balancer, config, describePlan, inputs, node, service } from '../../../test/support/external-values.ts';
import { endpoint, slice } from '../../../test/support/values.ts';
import { type BalancerInputs, planBalancers } from './balancers.ts';

const OTHER = 'http://10.9.9.9:3000/api/v1/lb';
const other = (spec: object = {}, rest: object = {}) =>
  config(
    { default: false, httpUpdaterURL: OTHER, host: '10.9.9.9', portRange: { low: 9000, high: 9001 }, ...spec },
    { name: 'other', ...rest },
  );
const ports = (...list: readonly object[]) => ({ spec: { ports: list } });
const tcp = (port: number, nodePort: number) => ({ name: `t${port}`, port, nodePort });
const udp = (port: number, nodePort: number) => ({ name: `u${port}`, port, nodePort, protocol: 'UDP' });
const onto = (name: string) => ({ 'lb.paperlb.com/config-name': name });
const held = (port: number, servicePort: number, nodePort: number, protocol = 'TCP') => ({ protocol, servicePort, port, nodePort });

type Row = readonly [name: string, inputs: Partial<BalancerInputs>, plan: string, codes?: readonly string[]];

const rows: readonly Row[] = [
  ['a Service appears: the lowest port', {}, 'create, POST default_web 8100/TCP main → 10.0.0.1:30080'],
  ['nothing to do', { balancers: [balancer()] }, 'keep, POST default_web 8100/TCP main → 10.0.0.1:30080'],
  [
    'every port, both protocols; TCP and UDP may share a number',
    { services: [service(ports(tcp(80, 30080), tcp(443, 30443), udp(53, 30053)))] },
    'create, POST default_web 8100/TCP main → 10.0.0.1:30080, POST default_web_tcp_443 8101/TCP main → 10.0.0.1:30443, POST default_web_udp_53 8100/UDP main → 10.0.0.1:30053',
  ],
  [
    'an object of the original: its port keeps number and name, though another comes first now',
    {
      services: [service(ports(tcp(443, 30443), tcp(80, 30080)))],
      balancers: [balancer({ spec: { port: 8102, ports: null, targets: [{ host: '10.0.0.1', port: 30080 }] } })],
    },
    'change, POST default_web_tcp_443 8100/TCP main → 10.0.0.1:30443, POST default_web 8102/TCP main → 10.0.0.1:30080',
  ],
  [
    'a removed port gets its own DELETE',
    { balancers: [balancer({ spec: { ports: [held(8100, 80, 30080), held(8101, 443, 30443)] } })] },
    'change, DELETE default_web_tcp_443 main, POST default_web 8100/TCP main → 10.0.0.1:30080',
  ],
  [
    'the port in the old fields is removed: the next takes them and their name',
    {
      services: [service(ports(tcp(443, 30443)))],
      balancers: [balancer({ spec: { ports: [held(8100, 80, 30080), held(8101, 443, 30443)] } })],
    },
    'change, DELETE default_web_tcp_443 main, POST default_web 8101/TCP main → 10.0.0.1:30443',
  ],
  [
    'a protocol changes: DELETE, then POST',
    { services: [service(ports(udp(80, 30080)))], balancers: [balancer()] },
    'change, DELETE default_web main, POST default_web 8100/UDP main → 10.0.0.1:30080',
  ],
  [
    'ports change places in the list: nothing moves, identity is (protocol, servicePort)',
    {
      services: [service(ports(tcp(443, 30443), tcp(80, 30080)))],
      balancers: [balancer({ spec: { ports: [held(8101, 443, 30443), held(8100, 80, 30080)] } })],
    },
    'keep, POST default_web_tcp_443 8101/TCP main → 10.0.0.1:30443, POST default_web 8100/TCP main → 10.0.0.1:30080',
  ],
  [
    'fields that somebody changed are overwritten; nothing goes to a URL of theirs',
    {
      balancers: [
        balancer({ spec: { httpUpdater: { url: 'http://evil.example/' }, host: 'evil.example', port: 22, ports: [held(22, 80, 22)] } }),
      ],
    },
    'change, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['PortOutOfRange'],
  ],
  [
    'a pending entry that somebody invented is given up, not called: another URL, and another Service’s name',
    {
      balancers: [
        balancer({
          status: {
            cleanup: [
              { configName: 'main', url: 'http://evil.example/', backendName: 'default_web', since: 'x' },
              { configName: 'main', url: 'http://192.168.64.1:3000/api/v1/lb', backendName: 'default_other', since: 'x' },
            ],
          },
        }),
      ],
    },
    'keep, give up default_web evil.example, give up default_other main, POST default_web 8100/TCP main → 10.0.0.1:30080',
  ],
  [
    'its config is gone altogether: the place is given up aloud',
    { services: [], configs: [], balancers: [balancer()] },
    'finish, give up default_web main',
  ],
  ['an object that no Service controls is left alone', { balancers: [balancer({ owner: '' })] }, 'nothing', ['BalancerNameTaken']],
  ['… also when there is no such Service', { services: [], balancers: [balancer({ owner: '' })] }, 'nothing'],
  ['an object of a dead owner is finished first', { balancers: [balancer({ owner: 'gone' })] }, 'finish, DELETE default_web main'],
  [
    'one that is being deleted is finished first',
    { balancers: [balancer({ deletedAt: '2026-01-02T00:00:00Z' })] },
    'finish, DELETE default_web main',
  ],
  ['the Service is gone', { services: [], balancers: [balancer()] }, 'finish, DELETE default_web main'],
  ['the Service is being deleted', { services: [service({ deleting: true })], balancers: [balancer()] }, 'finish, DELETE default_web main'],
  [
    'its type changes',
    { services: [service({ spec: { type: 'ClusterIP', loadBalancerClass: undefined } })], balancers: [balancer()] },
    'finish, DELETE default_web main, clear the status',
  ],
  [
    'its class changes',
    { services: [service({ spec: { loadBalancerClass: 'minilb' } })], balancers: [balancer()] },
    'finish, DELETE default_web main, clear the status',
  ],
  [
    'the config is switched: the old place goes, the new one comes',
    { services: [service({ annotations: onto('other') })], configs: [config(), other()], balancers: [balancer()] },
    'change, DELETE default_web main, POST default_web 9000/TCP 10.9.9.9 → 10.0.0.1:30080',
  ],
  [
    'the config’s URL changes: what it was before is known from its status',
    {
      configs: [config({ httpUpdaterURL: OTHER }, { status: { updaters: [{ url: 'http://192.168.64.1:3000/api/v1/lb' }] } })],
      balancers: [balancer()],
    },
    'change, DELETE default_web main, POST default_web 8100/TCP 10.9.9.9 → 10.0.0.1:30080',
  ],
  [
    'the prefix changes: the old names go',
    {
      configs: [config({ backendPrefix: 'west.' }, { status: { updaters: [{ url: 'http://192.168.64.1:3000/api/v1/lb' }] } })],
      balancers: [balancer()],
    },
    'change, DELETE default_web main, POST west.default_web 8100/TCP main → 10.0.0.1:30080',
  ],
  [
    'the config is being deleted: its places go',
    { configs: [config({}, { deleting: true })], balancers: [balancer()] },
    'finish, DELETE default_web main, clear the status',
    ['NoDefaultConfig'],
  ],
  [
    'the named config is not there yet: the Service stays where it is',
    { services: [service({ annotations: onto('none') })], balancers: [balancer()] },
    'keep, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['ConfigMissing'],
  ],
  ['… and without a place it gets none', { services: [service({ annotations: onto('none') })] }, 'nothing', ['ConfigMissing']],
  [
    'a config at fault changes nothing',
    { configs: [config({ portRange: { low: 2, high: 1 } })], balancers: [balancer()] },
    'nothing',
    ['ConfigInvalid'],
  ],
  [
    'a namespace that is not allowed',
    { services: [service({ annotations: onto('main') })], configs: [config({ allowedNamespaces: ['x'] })] },
    'nothing',
    ['NamespaceNotAllowed'],
  ],
  [
    'the oldest default wins',
    { configs: [other({ default: true }, { created: '2025-12-31T00:00:00Z' }), config()] },
    'create, POST default_web 9000/TCP 10.9.9.9 → 10.0.0.1:30080',
  ],
  [
    'SCTP and a port without node port: the others are served',
    { services: [service(ports({ name: 's', port: 9, nodePort: 30009, protocol: 'SCTP' }, { name: 'n', port: 10 }, tcp(80, 30080)))] },
    'create, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['PortNotServed', 'PortNotServed'],
  ],
  ['no port that can be served', { services: [service(ports({ port: 80 }))] }, 'nothing', ['PortNotServed']],
  [
    'the range has too few ports: what fits is served, and the Service is not complete',
    { configs: [config({ portRange: { low: 8100, high: 8100 } })], services: [service(ports(tcp(80, 30080), tcp(443, 30443)))] },
    'create, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['PortsExhausted'],
  ],
  [
    'a changed range that still holds the port',
    { configs: [config({ portRange: { low: 8099, high: 8100 } })], balancers: [balancer()] },
    'keep, POST default_web 8100/TCP main → 10.0.0.1:30080',
  ],
  [
    'a changed range without it: moved, one POST',
    { configs: [config({ portRange: { low: 8200, high: 8201 } })], balancers: [balancer()] },
    'change, POST default_web 8200/TCP main → 10.0.0.1:30080',
    ['PortOutOfRange'],
  ],
  [
    'policy Local: Nodes with a ready endpoint',
    {
      services: [service({ spec: { externalTrafficPolicy: 'Local' } })],
      nodes: [node('a', '10.0.0.1'), node('b', '10.0.0.2')],
      slicesOf: () => [slice('default/web', 's', [endpoint('10.244.1.5', 'ready', { nodeName: 'b' })])],
    },
    'create, POST default_web 8100/TCP main → 10.0.0.2:30080',
  ],
  [
    'policy Local without a ready endpoint: DELETE, never a POST with an empty list',
    { services: [service({ spec: { externalTrafficPolicy: 'Local' } })], balancers: [balancer()] },
    'change, DELETE default_web 8100/TCP main',
    ['NoTargets'],
  ],
  [
    'sessionAffinity with policy Cluster',
    { services: [service({ spec: { sessionAffinity: 'ClientIP' } })] },
    'create, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['AffinityNeedsLocal'],
  ],
  [
    'annotations that cannot be',
    { services: [service({ annotations: { 'minilb/proxy-timeout-seconds': '1h', 'minilb/proxy-protocol': 'v2' } })] },
    'create, POST default_web 8100/TCP main → 10.0.0.1:30080',
    ['InvalidAnnotation', 'InvalidAnnotation'],
  ],
  ['a label says: leave it (minilb/ignore)', { services: [] }, 'nothing'],
];

describe('what becomes of default/web', () => {
  test.each(rows)('%s', (_, changes, expected, codes = []) => {
    const planned = planBalancers(inputs(changes));
    expect(describePlan(planned.plans.get('default/web'))).toBe(expected);
    expect(planned.notices.map((notice) => notice.code).sort()).toEqual([...codes].sort() as never);
  });
});

describe('a Service without a class', () => {
  const classless = (changes: object = {}) => service({ spec: { loadBalancerClass: undefined, ...changes } });
  const proxied = [{ ip: '192.168.64.1', ports: [{ port: 8100, protocol: 'TCP' }] }];
  const plan = (changes: Partial<BalancerInputs>) => {
    const { plans, notices, againMs } = planBalancers(inputs(changes));
    return [describePlan(plans.get('default/web')).split(',')[0], ...notices.map((notice) => notice.code), ...(againMs ? [againMs] : [])];
  };
  const withStatus = (ingress: readonly object[]) => service({ spec: { loadBalancerClass: undefined }, ingress });

  test('is taken when its status has been empty for 30 s, and looked at again then', () => {
    expect(plan({ services: [classless()], emptySecondsOf: () => 12 })).toEqual(['nothing', 18_000]);
    expect(plan({ services: [classless()], emptySecondsOf: () => 30 })).toEqual(['create']);
  });
  test('is not waited for again once it has its LoadBalancer', () => {
    expect(plan({ services: [classless()], balancers: [balancer()] })).toEqual(['keep']);
  });
  test('with -classless=false it is let alone, and what was served is let go', () => {
    expect(plan({ services: [classless()], classless: false, emptySecondsOf: () => 99 })).toEqual(['nothing']);
    expect(plan({ services: [classless()], classless: false, balancers: [balancer()] })).toEqual(['finish']);
  });
  test('that another controller took first is left to it: ServiceLB and MetalLB write no ports', () => {
    expect(plan({ services: [withStatus([{ ip: '10.0.0.9' }])], emptySecondsOf: () => 99 })).toEqual(['nothing', 'ClaimedByOther']);
  });
  test('whose status is ours stays ours', () => {
    expect(plan({ services: [withStatus(proxied)], balancers: [balancer({ status: { phase: 'READY' } })] })).toEqual(['keep']);
    expect(plan({ services: [withStatus(proxied)] })).toEqual(['create']);
  });
  test('that another has overwritten is given up', () => {
    const balancers = [balancer({ status: { phase: 'READY' } })];
    expect(plan({ services: [withStatus([{ ip: '10.0.0.9' }])], balancers })).toEqual(['finish', 'ClaimedByOther']);
  });
  test('that asks for an address by route (-prefix) is not ours', () => {
    const prefixes = inputs().prefixes;
    const route = [{ address: '10.0.100.0', bits: 24 }] as unknown as typeof prefixes;
    expect(plan({ services: [classless({ loadBalancerIP: '10.0.100.7' })], prefixes: route, emptySecondsOf: () => 99 })).toEqual([
      'nothing',
    ]);
  });
  test('of PaperLB’s class is ours whatever the status says', () => {
    expect(plan({ services: [service({ ingress: [{ ip: '10.0.0.9' }] })] })).toEqual(['create']);
  });
});

describe('ports among several Services', () => {
  const granted = (changes: Partial<BalancerInputs>) => {
    const { plans, notices } = planBalancers(inputs(changes));
    const lines = [...plans.values()].flatMap((plan) =>
      plan.kind === 'serve' ? plan.backends.map(({ place }) => `${place.backendName} ${place.port}`) : [],
    );
    return [...lines.sort(), ...notices.map((notice) => notice.code)];
  };
  const web = (name: string, created = '2026-01-01T00:00:00Z') => service({ name, created });
  const lb = (name: string, port: number, created: string, uid = `lb-${name}`) =>
    balancer({ name, created, uid, spec: { port, ports: [held(port, 80, 30080)] } });

  test('in the order of their age', () => {
    const services = [web('young', '2026-01-03T00:00:00Z'), web('old', '2026-01-02T00:00:00Z')];
    expect(granted({ services })).toEqual(['default_old 8100', 'default_young 8101']);
  });

  test.each([
    ['the later creationTimestamp gives it up', '2026-01-01T00:00:05Z', '2026-01-01T00:00:04Z', 'z', 'a'],
    ['of equals the greater uid does', '2026-01-01T00:00:05Z', '2026-01-01T00:00:05Z', 'z', 'a'],
  ] as const)('a duplicate: %s', (_, createdA, createdB, uidA, uidB) => {
    const balancers = [lb('a', 8100, createdA, uidA), lb('b', 8100, createdB, uidB)];
    expect(granted({ services: [web('a'), web('b')], balancers })).toEqual(['default_a 8101', 'default_b 8100', 'PortDuplicate']);
    expect(granted({ services: [web('b'), web('a')], balancers: balancers.toReversed() })).toEqual([
      'default_a 8101',
      'default_b 8100',
      'PortDuplicate',
    ]);
  });

  test('one updater under two configs has each port once, as has one host under two updaters', () => {
    const services = [web('a'), service({ name: 'b', annotations: onto('other') })];
    const range = { portRange: { low: 8100, high: 8103 } };
    const origin = { httpUpdaterURL: 'http://192.168.64.1:3000/elsewhere?x=1', ...range };
    expect(granted({ services, configs: [config(), other(origin)] })).toEqual(['default_a 8100', 'default_b 8101']);
    expect(granted({ services, configs: [config(), other({ host: '192.168.64.1', ...range })] })).toEqual([
      'default_a 8100',
      'default_b 8101',
    ]);
    expect(granted({ services, configs: [config(), other(range)] })).toEqual(['default_a 8100', 'default_b 8100']);
  });

  test('who comes from another config does not drive out who is there, and keeps its number where that is free', () => {
    const services = [service({ name: 'a', annotations: onto('other') }), service({ name: 'b', annotations: onto('other') })];
    const there = other({ portRange: { low: 8100, high: 8105 } });
    const incumbent = balancer({
      name: 'b',
      created: '2026-01-05T00:00:00Z',
      spec: { configName: 'other', httpUpdater: { url: OTHER }, host: '10.9.9.9', ports: [held(8100, 80, 30080)] },
    });
    expect(granted({ services, configs: [config(), there], balancers: [lb('a', 8100, '2026-01-01T00:00:00Z'), incumbent] })).toEqual([
      'default_a 8101',
      'default_b 8100',
    ]);
    expect(
      granted({ services: services.slice(0, 1), configs: [config(), there], balancers: [lb('a', 8103, '2026-01-01T00:00:00Z')] }),
    ).toEqual(['default_a 8103']);
  });

  test('a port that an updater may still hold for another is not given out before it is free', () => {
    expect(granted({ services: [web('new')], balancers: [lb('gone', 8100, '2026-01-01T00:00:00Z')] })).toEqual(['default_new 8101']);
    const cleanup = [
      {
        configName: 'main',
        url: 'http://192.168.64.1:3000/api/v1/lb',
        backendName: 'default_a_tcp_443',
        port: 8101,
        protocol: 'TCP',
        since: 'x',
      },
    ];
    const own = balancer({ name: 'a', status: { cleanup } });
    expect(granted({ services: [web('a'), web('b', '2026-01-09T00:00:00Z')], balancers: [own] })).toEqual([
      'default_a 8100',
      'default_b 8102',
    ]);
    expect(granted({ services: [service({ name: 'a', ...ports(tcp(80, 30080), tcp(8443, 30444)) })], balancers: [own] })).toEqual([
      'default_a 8100',
      'default_a_tcp_8443 8101',
    ]);
  });

  test('portsPerNamespaceMax counts every Service of the namespace; what is held stays', () => {
    const configs = [config({ portsPerNamespaceMax: 2 })];
    const services = [web('a'), web('b'), web('c', '2026-01-09T00:00:00Z'), service({ namespace: 'x' })];
    expect(granted({ services, configs })).toEqual(['default_a 8100', 'default_b 8101', 'x_web 8102', 'NamespacePortsMax']);
    const all = [lb('a', 8100, '1'), lb('b', 8101, '2'), lb('c', 8102, '3')];
    expect(granted({ services: services.slice(0, 3), configs, balancers: all })).toEqual([
      'default_a 8100',
      'default_b 8101',
      'default_c 8102',
    ]);
  });

  test('a full range of 5,000 Services is given out in one go', () => {
    const services = Array.from({ length: 5000 }, (_, i) => web(`s${i}`));
    const { plans } = planBalancers(inputs({ services, configs: [config({ portRange: { low: 20_000, high: 24_999 } })] }));
    const given = [...plans.values()].flatMap((plan) => (plan.kind === 'serve' ? plan.backends.map(({ place }) => place.port) : []));
    expect(new Set(given).size).toBe(5000);
  });
});

describe('run on its own result it plans nothing new', () => {
  test('create, then keep', () => {
    const services = [service(ports(tcp(80, 30080), udp(53, 30053)))];
    const plan = planBalancers(inputs({ services })).plans.get('default/web');
    if (plan?.kind !== 'serve') throw new Error('not served');
    const balancers = [balancer({ spec: plan.spec })];
    expect(describePlan(planBalancers(inputs({ services, balancers })).plans.get('default/web'))).toStartWith('keep, POST');
  });
});
