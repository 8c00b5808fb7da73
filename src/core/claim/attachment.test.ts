import { describe, expect, test } from 'bun:test';
import {
  dnsName,
  gateway,
  listener,
  listenerSet,
  namespace,
  parent,
  points,
  route,
  testClaims,
} from '../../../test/support/claim-values.ts';
import type { Gateway } from '../object/gateway.ts';
import type { ListenerSet } from '../object/listener-set.ts';
import type { Route } from '../object/route.ts';
import { attachRoute } from './attachment.ts';
import { matchesHost } from './host.ts';

/** What a route gets: `host via gateway/listener`, and the faults of parents and listeners. */
function attach(of: Route, gateways: readonly Gateway[], sets: readonly ListenerSet[] = [], classes: readonly string[] = []): string[] {
  const view = testClaims();
  for (const one of gateways) view.gateways.set(`${one.namespace}/${one.name}`, one);
  for (const one of sets) view.listenerSets.set(`ListenerSet ${one.namespace}/${one.name}`, one);
  view.namespaces.set('infra', namespace('infra', { team: 'infra' }));
  view.namespaces.set('team-a', namespace('team-a', { team: 'a' }));
  const { attached, refused, badHosts } = attachRoute(of, view, classes);
  return [
    ...attached.map((one) => `${one.host} ${one.gateway} ${one.listener}`),
    ...refused.map((one) => `${one.listener === '' ? '' : `${one.listener}: `}${one.fault}`),
    ...badHosts.map((host) => `bad ${host}`),
  ];
}

const gw = (over: Parameters<typeof listener>[1] = {}, hostname = '*.example.com') => gateway('infra/gw', [listener(hostname, over)]);
const all = { namespaces: { from: 'All' } } as const;
const web = (...parents: Parameters<typeof route>[2]) => route('infra/r', ['www.example.com'], parents);
const toGw = parent('infra/gw');

describe('a route and a Gateway', () => {
  const rows: readonly [name: string, route: Route, gateways: readonly Gateway[], result: readonly string[]][] = [
    ['a parent that has accepted the route', web(toGw), [gw()], ['www.example.com infra/gw web']],
    ['a parent that has not accepted it (RouteParentStatus)', web(parent('infra/gw', { accepted: false })), [gw()], ['not-accepted']],
    ['no such Gateway', web(parent('infra/none')), [gw()], ['no-parent']],
    ['sectionName names the listener', web(parent('infra/gw', { sectionName: 'web' })), [gw()], ['www.example.com infra/gw web']],
    ['sectionName names none', web(parent('infra/gw', { sectionName: 'tls' })), [gw()], ['no-listener']],
    ['port selects listeners', web(parent('infra/gw', { port: 443 })), [gw()], ['no-listener']],
    ['sectionName and port must both fit', web(parent('infra/gw', { port: 443, sectionName: 'web' })), [gw()], ['no-listener']],
    ['HTTPRoute on a TLS listener', web(toGw), [gw({ protocol: 'TLS' })], ['web: protocol']],
    ['HTTPRoute on an HTTPS listener', web(toGw), [gw({ protocol: 'HTTPS' })], ['www.example.com infra/gw web']],
    ['GRPCRoute on an HTTP listener', { ...web(toGw), kind: 'GRPCRoute' }, [gw()], ['www.example.com infra/gw web']],
    ['TLSRoute on a TLS listener', { ...web(toGw), kind: 'TLSRoute' }, [gw({ protocol: 'TLS' })], ['www.example.com infra/gw web']],
    ['TLSRoute on an HTTPS listener', { ...web(toGw), kind: 'TLSRoute' }, [gw({ protocol: 'HTTPS' })], ['web: protocol']],
    [
      'TLSRoute on an HTTPS listener that names the kind',
      { ...web(toGw), kind: 'TLSRoute' },
      [gw({ protocol: 'HTTPS', kinds: ['TLSRoute'] })],
      ['www.example.com infra/gw web'],
    ],
    ['allowedRoutes.kinds leaves the kind out', web(toGw), [gw({ kinds: ['GRPCRoute'] })], ['web: kind-not-allowed']],
    ['another namespace by default (from: Same)', { ...web(toGw), namespace: 'team-a' }, [gw()], ['web: namespace-not-allowed']],
    ['from: All', { ...web(toGw), namespace: 'team-a' }, [gw(all)], ['www.example.com infra/gw web']],
    [
      'from: Selector by the labels of the route’s namespace',
      { ...web(toGw), namespace: 'team-a' },
      [gw({ namespaces: { from: 'Selector', selector: [{ key: 'team', operator: 'In', values: ['a'] }] } })],
      ['www.example.com infra/gw web'],
    ],
    [
      'a selector that does not select it',
      { ...web(toGw), namespace: 'team-a' },
      [gw({ namespaces: { from: 'Selector', selector: [{ key: 'team', operator: 'NotIn', values: ['a'] }] } })],
      ['web: namespace-not-allowed'],
    ],
    [
      'a malformed selector selects nothing',
      { ...web(toGw), namespace: 'team-a' },
      [gw({ namespaces: { from: 'Selector', selector: undefined } })],
      ['web: namespace-not-allowed'],
    ],
    ['hostnames that have nothing in common', web(toGw), [gw({}, 'other.test')], ['web: no-intersection']],
    ['a route without hostnames takes the listener’s', route('infra/r', [], [toGw]), [gw()], ['*.example.com infra/gw web']],
    ['neither has a hostname: no name', route('infra/r', [], [toGw]), [gw({}, '')], ['web: no-intersection']],
    [
      'hostnames that a listener does not match are ignored',
      route('infra/r', ['www.example.com', 'www.example.net'], [toGw]),
      [gw()],
      ['www.example.com infra/gw web'],
    ],
    [
      'one address among the hostnames costs only itself',
      route('infra/r', ['10.0.0.1', 'www.example.com'], [toGw]),
      [gw()],
      ['www.example.com infra/gw web', 'bad 10.0.0.1'],
    ],
    ['a Gateway without an address claims nothing yet', web(toGw), [{ ...gw(), points: [] }], ['no-address']],
    ['a Gateway labelled minilb/ignore', web(toGw), [{ ...gw(), ignored: true }], ['ignored']],
    [
      'each listener for itself',
      web(toGw),
      [gateway('infra/gw', [listener('*.example.com'), listener('', { name: 'any' }), listener('x.test', { name: 'x' })])],
      ['www.example.com infra/gw web', 'www.example.com infra/gw any', 'x: no-intersection'],
    ],
  ];
  test.each(rows)('%s', (_, of, gateways, result) => {
    expect(attach(of, gateways)).toEqual([...result]);
  });

  test('-gateway-class leaves other Gateways out', () => {
    expect(attach(web(toGw), [gw()], [], ['cilium'])).toEqual(['other-class']);
    expect(attach(web(toGw), [gw()], [], ['cilium', 'envoy'])).toEqual(['www.example.com infra/gw web']);
  });
});

/** GRPCRoute is as HTTPRoute. SNI is no matter of names: a name that a certificate does not cover is one all the same. */
describe('Gateway API, hostnames, "Expected match examples"', () => {
  const rows: readonly [
    listener: string,
    protocol: string,
    kind: Route['kind'],
    hostname: string,
    intersected: string,
    asked: string,
    has: boolean,
  ][] = [
    ['www.example.com', 'HTTP', 'HTTPRoute', 'www.example.com', 'www.example.com', 'www.example.com', true],
    ['*.example.com', 'HTTP', 'HTTPRoute', 'www.example.com', 'www.example.com', 'www.example.com', true],
    ['*.example.com', 'HTTP', 'HTTPRoute', '*.com', '*.example.com', 'www.example.com', true],
    ['*.example.com', 'HTTP', 'HTTPRoute', '*.com', '*.example.com', 'foo.bar.example.com', true],
    ['*.example.com', 'HTTP', 'HTTPRoute', 'www.example.com', 'www.example.com', 'example.com', false],
    ['*.example.com', 'HTTP', 'HTTPRoute', 'www.example.com', 'www.example.com', 'foo.example.com', false],
    ['*.example.com', 'HTTPS', 'HTTPRoute', 'www.example.com', 'www.example.com', 'www.example.com', true],
    ['*.example.com', 'HTTPS', 'HTTPRoute', 'foo.bar.example.com', 'foo.bar.example.com', 'foo.bar.example.com', true],
    ['*.example.com', 'HTTPS', 'HTTPRoute', '*.example.com', '*.example.com', 'foo.bar.example.com', true],
    ['*.example.com', 'HTTPS', 'HTTPRoute', 'foo.example.com', 'foo.example.com', 'foo.example.com', true],
    ['www.example.com', 'TLS', 'TLSRoute', 'www.example.com', 'www.example.com', 'www.example.com', true],
    ['*.example.com', 'TLS', 'TLSRoute', 'www.example.com', 'www.example.com', 'www.example.com', true],
    ['*.example.com', 'TLS', 'TLSRoute', 'www.example.com', 'www.example.com', 'foo.example.com', false],
    ['*.example.com', 'TLS', 'TLSRoute', 'foo.bar.example.com', 'foo.bar.example.com', 'www.example.com', false],
    ['*.example.com', 'TLS', 'TLSRoute', '', '*.example.com', 'www.example.com', true],
    ['*.example.com', 'TLS', 'TLSRoute', '', '*.example.com', 'foo.bar.example.com', true],
    ['*.example.com', 'HTTP', 'GRPCRoute', '*.com', '*.example.com', 'foo.bar.example.com', true],
  ];
  test.each(rows)('%s (%s), %s %p: %s; %s %p', (hostname, protocol, kind, wanted, intersected, asked, has) => {
    const one: Route = { ...route('infra/r', wanted === '' ? [] : [wanted], [toGw]), kind };
    expect(attach(one, [gw({ protocol }, hostname)])).toEqual([`${intersected} infra/gw web`]);
    expect(matchesHost(dnsName(intersected), 'many', dnsName(asked))).toBe(has);
  });
});

describe('a route and a ListenerSet', () => {
  const set = (over: Partial<ListenerSet> = {}) => listenerSet('team-a/set', 'infra/gw', [listener('*.a.example.com')], over);
  const of = route('team-a/r', ['www.a.example.com'], [parent('team-a/set', { kind: 'ListenerSet' })]);
  const open = (from: 'All' | 'Same' | 'None') => ({ ...gateway('infra/gw', []), listenerSets: { from } });
  const rows: readonly [name: string, gateway: Gateway, set: ListenerSet, result: readonly string[]][] = [
    ['the Gateway takes it (allowedListeners: All)', open('All'), set(), ['www.a.example.com infra/gw web']],
    ['allowedListeners is None by default', open('None'), set(), ['listener-set-not-allowed']],
    ['allowedListeners: Same means the Gateway’s namespace', open('Same'), set(), ['listener-set-not-allowed']],
    ['a ListenerSet that is not accepted', open('All'), set({ accepted: false }), ['listener-set-not-accepted']],
    ['a ListenerSet of no Gateway', open('All'), set({ gateway: 'infra/none' }), ['no-parent']],
    ['a ListenerSet labelled minilb/ignore', open('All'), set({ ignored: true }), ['ignored']],
    [
      'allowedListeners by the labels of the ListenerSet’s namespace',
      { ...open('All'), listenerSets: { from: 'Selector', selector: [{ key: 'team', operator: 'Exists', values: [] }] } },
      set(),
      ['www.a.example.com infra/gw web'],
    ],
    ['its Gateway has no address', { ...open('All'), points: [] }, set(), ['no-address']],
  ];
  test.each(rows)('%s', (_, one, listeners, result) => {
    expect(attach(of, [one], [listeners])).toEqual([...result]);
  });

  test('its listeners allow routes of its own namespace (from: Same), not of the Gateway’s', () => {
    const foreign = route('infra/r', ['www.a.example.com'], [parent('team-a/set', { kind: 'ListenerSet' })]);
    expect(attach(foreign, [open('All')], [set()])).toEqual(['web: namespace-not-allowed']);
  });

  test('addresses are the Gateway’s', () => {
    expect(attach(of, [{ ...open('All'), points: points('192.0.2.77') }], [set()])).toEqual(['www.a.example.com infra/gw web']);
  });
});
