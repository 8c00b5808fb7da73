import { describe, expect, test } from 'bun:test';
import { toGateway } from './gateway.ts';
import { toIngress } from './ingress.ts';
import { selects, toLabelSelector } from './label-selector.ts';
import { toListenerSet } from './listener-set.ts';
import { toNamespace } from './namespace.ts';
import { toRoute } from './route.ts';

const meta = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };
const kept = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', created: '2026-01-01T00:00:00Z' };
const value = <T>(result: { readonly ok: boolean; readonly value?: T }): T => {
  if (!result.ok || result.value === undefined) throw new Error(`not projected: ${JSON.stringify(result)}`);
  return result.value;
};

describe('Ingress (networking.k8s.io/v1)', () => {
  test('keeps hosts, each once, and every status entry', () => {
    const raw = {
      metadata: { ...meta, labels: { 'minilb/ignore': 'false' }, managedFields: [{}] },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          { host: 'a.example', http: { paths: [] } },
          { host: 'a.example' },
          {},
          { host: '' },
          null,
          { host: 5 },
          { host: 'b.example' },
        ],
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }, {}, { ip: 'x' }] } },
    };
    expect(value(toIngress(raw))).toEqual({
      ...kept,
      ingressClass: 'nginx',
      hosts: ['a.example', 'b.example'],
      points: [{ ip: '192.0.2.1' as never }, { hostname: 'lb.example.com' }],
    });
  });

  test('the class annotation that came before ingressClassName still counts', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'traefik' };
    expect(value(toIngress({ metadata: { ...meta, annotations }, spec: {} })).ingressClass).toBe('traefik');
  });

  test('minilb/ignore is the label with the text true', () => {
    expect(value(toIngress({ metadata: { ...meta, labels: { 'minilb/ignore': 'true' } }, spec: {} })).ignored).toBe(true);
  });
});

describe('Gateway (gateway.networking.k8s.io)', () => {
  const gateway = (spec: object, status: object = {}) => value(toGateway({ metadata: meta, spec, status }));

  test('absent fields take the API’s defaults: from Same for routes, None for ListenerSets', () => {
    const parsed = gateway({ gatewayClassName: 'envoy', listeners: [{ name: 'web', port: 80, protocol: 'HTTP' }] });
    expect(parsed).toEqual({
      ...kept,
      gatewayClass: 'envoy',
      listeners: [{ name: 'web', hostname: '', port: 80, protocol: 'HTTP', namespaces: { from: 'Same' } }],
      listenerSets: { from: 'None' },
      points: [],
    });
  });

  test('addresses: a missing type is IPAddress, Hostname is kept, others are ignored (GatewayStatusAddress)', () => {
    const addresses = [
      { value: '192.0.2.1' },
      { type: 'IPAddress', value: 'fd00::1' },
      { type: 'Hostname', value: 'lb.example.com' },
      { type: 'NamedAddress', value: 'x' },
      { type: 'IPAddress', value: 'x' },
      null,
    ];
    expect(gateway({}, { addresses }).points as unknown).toEqual([{ ip: '192.0.2.1' }, { ip: 'fd00::1' }, { hostname: 'lb.example.com' }]);
  });

  test('kinds of another group are not ours, and a list of only those allows none', () => {
    const kinds = [{ group: 'example.com', kind: 'HTTPRoute' }];
    const [listener] = gateway({ listeners: [{ name: 'web', port: 80, protocol: 'HTTP', allowedRoutes: { kinds } }] }).listeners;
    expect(listener?.kinds).toEqual([]);
  });

  test('a listener that its controller has not accepted keeps the reason (ListenerStatus); unjudged and accepted ones have none', () => {
    const listeners = ['a', 'b', 'c'].map((name) => ({ name, port: 80, protocol: 'HTTP' }));
    const judged = (name: string, status: string) => ({ name, conditions: [{ type: 'Accepted', status, reason: 'PortUnavailable' }] });
    const parsed = gateway({ listeners }, { listeners: [judged('a', 'False'), judged('b', 'True'), null, { name: 'c' }] });
    expect(parsed.listeners.map(({ name, refusal }) => [name, refusal])).toEqual([
      ['a', 'PortUnavailable'],
      ['b', undefined],
      ['c', undefined],
    ]);
  });

  test('an odd listener costs only itself, and an unknown "from" allows nothing', () => {
    const listeners = [null, { port: 80 }, { name: 'web', port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'Nearby' } } }];
    expect(gateway({ listeners }).listeners.map(({ name, namespaces }) => [name, namespaces.from])).toEqual([['web', 'None']]);
  });
});

describe('ListenerSet', () => {
  const accepted = { conditions: [{ type: 'Accepted', status: 'True' }] };
  test('names its Gateway; the namespace is its own unless given', () => {
    const set = (parentRef: object) => value(toListenerSet({ metadata: meta, spec: { parentRef }, status: accepted }));
    expect(
      [set({ name: 'gw' }), set({ name: 'gw', namespace: 'infra' }), set({ kind: 'Service', name: 'gw' })].map((s) => s.gateway),
    ).toEqual(['default/gw', 'infra/gw', '']);
    expect(set({ name: 'gw' }).accepted).toBe(true);
  });
});

describe('routes', () => {
  const route = (parentRefs: readonly object[], parents: readonly object[] = [], metadata: object = meta) =>
    value(toRoute('HTTPRoute')({ metadata, spec: { hostnames: ['a.example', 5], parentRefs }, status: { parents } }));
  const accepted = (parentRef: object, over: object = {}) => ({ parentRef, conditions: [{ type: 'Accepted', status: 'True', ...over }] });

  test('a parent stands in spec.parentRefs and is accepted in status.parents', () => {
    const { hostnames, parents } = route([{ name: 'gw' }], [accepted({ name: 'gw' })]);
    expect([hostnames, parents]).toEqual([
      ['a.example'],
      [{ kind: 'Gateway', namespace: 'default', name: 'gw', sectionName: '', port: 0, accepted: true }],
    ]);
  });

  test('defaults are filled in on both sides before they are compared', () => {
    const full = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default', name: 'gw' };
    expect(route([full], [accepted({ name: 'gw' })]).parents[0]?.accepted).toBe(true);
    expect(route([{ name: 'gw' }], [accepted(full)]).parents[0]?.accepted).toBe(true);
  });

  const other: readonly [name: string, status: object][] = [
    ['another section', { name: 'gw', sectionName: 'web' }],
    ['another port', { name: 'gw', port: 80 }],
    ['another namespace', { name: 'gw', namespace: 'infra' }],
    ['another kind', { name: 'gw', kind: 'ListenerSet' }],
  ];
  test.each(other)('a verdict about %s is none about this parent', (_, ref) => {
    expect(route([{ name: 'gw' }], [accepted(ref)]).parents[0]?.accepted).toBe(false);
  });

  test('a status about a parent that the spec no longer names gives nothing', () => {
    expect(route([], [accepted({ name: 'gw' })]).parents).toEqual([]);
  });

  test('the verdict about an older generation stands until there is a new one', () => {
    const parents = [accepted({ name: 'gw' }, { observedGeneration: 1 })];
    expect(route([{ name: 'gw' }], parents, { ...meta, generation: 2 }).parents[0]?.accepted).toBe(true);
  });

  test('a refusal keeps its reason; one controller that accepts is enough', () => {
    const refusal = { parentRef: { name: 'gw' }, conditions: [{ type: 'Accepted', status: 'False', reason: 'NoMatchingParent' }] };
    expect(route([{ name: 'gw' }], [refusal]).parents[0]).toMatchObject({ accepted: false, reason: 'NoMatchingParent' });
    expect(route([{ name: 'gw' }], [refusal, accepted({ name: 'gw' })]).parents[0]).toMatchObject({ accepted: true });
  });

  test('Services (GAMMA) and unknown kinds are no parents of names', () => {
    const refs = [
      { group: '', kind: 'Service', name: 'web' },
      { group: 'example.com', name: 'gw' },
      { group: 'gateway.networking.x-k8s.io', kind: 'XListenerSet', name: 'set' },
      { kind: 'ListenerSet', name: 'set' },
    ];
    expect(route(refs).parents.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['XListenerSet set', 'ListenerSet set']);
  });
});

describe('one broken object of each kind is malformed, with a reason', () => {
  const projections = { toIngress, toGateway, toListenerSet, toRoute: toRoute('TLSRoute'), toNamespace };
  test.each(Object.entries(projections))('%s', (_, project) => {
    for (const raw of [null, [], 'text', {}, { metadata: {} }, { metadata: { name: 5 } }])
      expect(project(raw)).toMatchObject({ ok: false, code: 'malformed' });
  });
});

describe('label selector (meta/v1 LabelSelector)', () => {
  const rows: readonly [name: string, selector: unknown, labels: Record<string, string>, selected: boolean | undefined][] = [
    ['matchLabels must all hold', { matchLabels: { a: '1', b: '2' } }, { a: '1' }, false],
    ['matchLabels hold', { matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
    ['an empty selector selects everything', {}, {}, true],
    ['In', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' }, true],
    ['NotIn selects what lacks the key', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {}, true],
    ['NotIn', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, { a: '1' }, false],
    ['Exists', { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
    ['a key that objects inherit is no label', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {}, false],
    ['an unknown operator makes it malformed', { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }, { a: '2' }, undefined],
    ['a value that is no text makes it malformed', { matchLabels: { a: 1 } }, { a: '1' }, undefined],
    ['no selector is malformed', undefined, {}, undefined],
  ];
  test.each(rows)('%s', (_, raw, labels, selected) => {
    const selector = toLabelSelector(raw);
    expect(selector && selects(selector, labels)).toBe(selected);
  });
});
