import { describe, expect, test } from 'bun:test';
import { dnsName } from '../../../test/support/claim-values.ts';
import type { Claim, ClaimKind } from './claim.ts';
import { type DecisionFacts, decideName } from './decision.ts';
import { decisionNotices, describeSource } from './notices.ts';
import { createHostPolicy, type HostRule } from './policy.ts';

interface Written {
  readonly kind?: ClaimKind;
  /** `namespace/name`. */
  readonly of: string;
  /** Year of creation. */
  readonly year?: number;
  readonly to?: string;
  readonly gateway?: string;
}

function claim(pattern: string, { kind = 'Ingress', of, year = 2026, to = '192.0.2.1', gateway }: Written): Claim {
  const [namespace = '', name = ''] = of.split('/');
  return {
    source: { kind, namespace, name, uid: of, created: `${year}-01-01T00:00:00Z` },
    pattern: dnsName(pattern),
    reach: kind === 'Ingress' ? 'one' : 'many',
    target: { key: to, points: [], service: kind === 'Service' },
    ...(gateway && { gateways: [gateway] }),
  };
}

interface World {
  readonly rules?: readonly HostRule[];
  readonly namespaces?: readonly string[];
  /** Name → the Service that has it. */
  readonly services?: Readonly<Record<string, string>>;
}

function factsOf({ rules = [], namespaces = [], services = {} }: World): DecisionFacts {
  return {
    domain: dnsName('minilb'),
    policy: createHostPolicy(rules),
    isNameServer: (name) => name === 'ns.dns.minilb',
    hasServices: (namespace) => namespaces.includes(namespace),
    serviceAt: (name) => services[name],
  };
}

/** `Ingress a/x owner`, `Ingress b/y lost older`, … in the order written. */
function decide(pattern: string, claims: readonly Written[], world: World = {}): string[] {
  const decision = decideName(
    dnsName(pattern),
    claims.map((each) => claim(pattern, each)),
    factsOf(world),
  );
  return decision.outcomes.map((outcome) => {
    const detail = outcome.kind === 'lost' ? ` ${outcome.loss}` : outcome.kind === 'refused' ? ` ${outcome.refusal}` : '';
    return `${describeSource(outcome.claim.source)} ${outcome.kind}${detail}`;
  });
}

describe('precedence', () => {
  const rows: readonly [name: string, claims: readonly Written[], outcomes: readonly string[]][] = [
    ['one claim owns its name', [{ of: 'a/x' }], ['Ingress a/x owner']],
    [
      'between namespaces the older object has it',
      [{ of: 'a/x' }, { of: 'b/y', year: 2024 }],
      ['Ingress a/x lost older', 'Ingress b/y owner'],
    ],
    [
      'whatever its kind: a new annotation does not take over an old route',
      [
        { of: 'a/x', kind: 'Service' },
        { of: 'b/y', kind: 'HTTPRoute', year: 2020 },
      ],
      ['Service a/x lost older', 'HTTPRoute b/y owner'],
    ],
    ['objects of one age: the namespace that comes first', [{ of: 'b/y' }, { of: 'a/x' }], ['Ingress b/y lost older', 'Ingress a/x owner']],
    [
      'inside one namespace: annotation, Ingress, route, however old',
      [
        { of: 'a/r', kind: 'HTTPRoute', year: 2020 },
        { of: 'a/i', year: 2022, to: '192.0.2.2' },
        { of: 'a/s', kind: 'Service' },
      ],
      ['HTTPRoute a/r lost precedence', 'Ingress a/i lost precedence', 'Service a/s owner'],
    ],
    [
      'inside one namespace and kind: by name',
      [
        { of: 'a/y', year: 2020 },
        { of: 'a/x', to: '192.0.2.2' },
      ],
      ['Ingress a/y lost precedence', 'Ingress a/x owner'],
    ],
    [
      'a namespace is as old as its oldest object for the name: no circle of three',
      [
        { of: 'a/s', kind: 'Service', year: 2025 },
        { of: 'b/i', year: 2022 },
        { of: 'a/r', kind: 'HTTPRoute', year: 2020 },
      ],
      ['Service a/s owner', 'Ingress b/i lost older', 'HTTPRoute a/r lost precedence'],
    ],
  ];
  test.each(rows)('%s', (_, claims, outcomes) => {
    expect(decide('www.sko.ai', claims)).toEqual([...outcomes]);
    expect(decide('www.sko.ai', [...claims].reverse())).toEqual([...outcomes].reverse());
  });
});

describe('one claim with several owners', () => {
  const rows: readonly [name: string, claims: readonly Written[], outcomes: readonly string[]][] = [
    [
      'paths split over Ingresses of one namespace with one target',
      [{ of: 'a/x' }, { of: 'a/y' }],
      ['Ingress a/x owner', 'Ingress a/y owner'],
    ],
    ['equal targets in two namespaces are a conflict', [{ of: 'a/x' }, { of: 'b/y' }], ['Ingress a/x owner', 'Ingress b/y lost older']],
    [
      'routes on one Gateway, in any namespace',
      [
        { of: 'a/x', kind: 'HTTPRoute', gateway: 'infra/gw' },
        { of: 'b/y', kind: 'GRPCRoute', gateway: 'infra/gw' },
      ],
      ['HTTPRoute a/x owner', 'GRPCRoute b/y owner'],
    ],
    [
      'routes on two Gateways are a conflict',
      [
        { of: 'a/x', kind: 'HTTPRoute', gateway: 'infra/gw', to: '192.0.2.1' },
        { of: 'b/y', kind: 'HTTPRoute', gateway: 'infra/other', to: '192.0.2.2' },
      ],
      ['HTTPRoute a/x owner', 'HTTPRoute b/y lost older'],
    ],
  ];
  test.each(rows)('%s', (_, claims, outcomes) => {
    expect(decide('www.sko.ai', claims)).toEqual([...outcomes]);
  });
});

describe('names at or below the domain', () => {
  const world: World = {
    namespaces: ['team-a', 'team-b'],
    services: { 'web.team-a.minilb': 'team-a/web' },
    rules: [{ pattern: dnsName('minilb') }, { pattern: dnsName('*.minilb') }],
  };
  const rows: readonly [name: string, pattern: string, of: string, outcome: string][] = [
    ['the apex is refused', 'minilb', 'team-a/x', 'refused apex'],
    ['the node of another namespace is refused', 'team-b.minilb', 'team-a/x', 'refused namespace-node'],
    ['the node of one’s own namespace too', 'team-a.minilb', 'team-a/x', 'refused namespace-node'],
    ['below another namespace is refused', 'web.team-b.minilb', 'team-a/x', 'refused other-namespace'],
    ['deep below another namespace is refused', 'a.b.team-b.minilb', 'team-a/x', 'refused other-namespace'],
    ['a wildcard below another namespace is refused', '*.team-b.minilb', 'team-a/x', 'refused other-namespace'],
    ['below one’s own namespace is allowed', 'shop.team-a.minilb', 'team-a/x', 'owner'],
    ['a name that is no namespace is allowed', 'grafana.minilb', 'team-a/x', 'owner'],
    ['below a name that is no namespace is allowed', 'a.grafana.minilb', 'team-a/x', 'owner'],
    ['a wildcard over the whole domain is allowed where it is listed', '*.minilb', 'team-a/x', 'owner'],
    ['the zone’s server keeps its name', 'ns.dns.minilb', 'team-a/x', 'refused name-server'],
    ['a Service has its name first', 'web.team-a.minilb', 'team-a/x', 'lost service-name'],
    ['a name that only ends alike is elsewhere', 'team-b.evilminilb', 'team-a/x', 'refused not-listed'],
  ];
  test.each(rows)('%s', (_, pattern, of, outcome) => {
    expect(decide(pattern, [{ of }], world)).toEqual([`Ingress ${of} ${outcome}`]);
  });

  test('without -claim-hosts a wildcard over a one-label domain is too wide', () => {
    expect(decide('*.minilb', [{ of: 'team-a/x' }])).toEqual(['Ingress team-a/x refused too-wide']);
  });
});

describe('wildcards', () => {
  test('an Ingress stands for one label, a route for more: each wins what it reaches', () => {
    const ingress = claim('*.sko.ai', { of: 'a/x', year: 2020 });
    const route = claim('*.sko.ai', { of: 'b/y', kind: 'HTTPRoute' });
    const decision = decideName(dnsName('*.sko.ai'), [route, ingress], factsOf({}));
    expect([decision.winner, decision.deep]).toEqual([ingress, route]);
    expect(decision.outcomes.map(({ kind }) => kind)).toEqual(['owner', 'owner']);
  });

  test('an older route wins both', () => {
    const ingress = claim('*.sko.ai', { of: 'a/x' });
    const route = claim('*.sko.ai', { of: 'b/y', kind: 'HTTPRoute', year: 2020 });
    const decision = decideName(dnsName('*.sko.ai'), [ingress, route], factsOf({}));
    expect([decision.winner, decision.deep]).toEqual([route, route]);
    expect(decision.outcomes.map(({ kind }) => kind)).toEqual(['lost', 'owner']);
  });
});

describe('what users are told', () => {
  test('a refused and a lost claim each get a sentence with the reason; an owner none', () => {
    const rules = [{ pattern: dnsName('www.sko.ai'), namespace: 'a' }];
    const claims = [claim('www.sko.ai', { of: 'a/x' }), claim('www.sko.ai', { of: 'b/y', year: 2020 })];
    const refused = decisionNotices(decideName(dnsName('www.sko.ai'), claims, factsOf({ rules })));
    expect(refused.map(({ code, object, text }) => [code, object.namespace, text])).toEqual([
      ['HostRefused', 'b', 'www.sko.ai is not served for this Ingress: -claim-hosts reserves it for other namespaces.'],
    ]);
    const lost = decisionNotices(decideName(dnsName('www.sko.ai'), claims, factsOf({})));
    expect(lost.map(({ code, text }) => [code, text])).toEqual([
      ['HostConflict', 'www.sko.ai is not served for this Ingress: an older object of another namespace has it: Ingress b/y.'],
    ]);
  });
});
