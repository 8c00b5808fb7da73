import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  dnsName,
  gateway,
  ingress,
  listener,
  listenerSet,
  namespace,
  parent,
  points,
  route,
  type TestClaims,
  testClaims,
} from '../../../test/support/claim-values.ts';
import { service } from '../../../test/support/values.ts';
import { claimsOfIngress, claimsOfRoute, claimsOfService } from './claim.ts';
import { type ClaimBook, type ClaimInput, createClaimBook } from './claim-book.ts';
import { faultNotices } from './notices.ts';

const options = { domain: dnsName('minilb'), ingressClasses: [], gatewayClasses: [] };

/** Every claim, one line each, sorted. */
function lines(book: ClaimBook): string[] {
  return [...book.patterns()]
    .flatMap((pattern) => book.claims(pattern))
    .map(
      ({ source, pattern, target, gateways = [] }) =>
        `${pattern} ${source.kind} ${source.namespace}/${source.name} → ${target.key} ${gateways}`,
    )
    .sort();
}

describe('what an object claims', () => {
  const annotated = (text: string) => claimsOfService(service('default/mqtt', { annotations: { 'minilb/host': text } }), options);

  test('minilb/host: several names, wildcards too; they lead to the Service’s own name', () => {
    const { claims, faults } = annotated('mqtt.sko.ai, *.mqtt.example.com,, MQTT.sko.ai ,');
    expect(claims.map(({ pattern, reach, target }) => [String(pattern), reach, target.key])).toEqual([
      ['mqtt.sko.ai', 'many', 'service mqtt.default.minilb'],
      ['*.mqtt.example.com', 'many', 'service mqtt.default.minilb'],
    ]);
    expect(faults).toEqual([]);
  });

  test('an invalid name costs only itself, and becomes a notice', () => {
    const { source, claims, faults } = annotated('mqtt.sko.ai, not a name, 10.0.0.1');
    expect(claims.map(({ pattern }) => String(pattern))).toEqual(['mqtt.sko.ai']);
    expect(faults.map((fault) => fault.code)).toEqual(['bad-host', 'bad-host']);
    expect(faultNotices(source, faults).map(({ code }) => code)).toEqual(['InvalidHost', 'InvalidHost']);
  });

  test('a list without end is cut', () => {
    const { claims, faults } = annotated(Array.from({ length: 300 }, (_, i) => `h${i}.sko.ai`).join());
    expect([claims.length, faults.map((fault) => fault.code)]).toEqual([256, ['too-many-hosts']]);
  });

  test('an Ingress without a status address claims nothing: a pending one must not take a working name away', () => {
    const claimed = claimsOfIngress(ingress('default/web', ['www.sko.ai'], { points: [] }), options);
    expect([claimed.claims, claimed.faults]).toEqual([[], [{ code: 'no-address' }]]);
  });

  test('an Ingress without a host claims nothing', () => {
    expect(claimsOfIngress(ingress('default/web', []), options)).toMatchObject({ claims: [], faults: [{ code: 'no-host' }] });
  });

  const chosen = { ...options, ingressClasses: ['traefik', 'nginx'] };
  test('-ingress-class chooses Ingresses, and minilb/ignore leaves one out', () => {
    const codes = (over: Parameters<typeof ingress>[2]) =>
      claimsOfIngress(ingress('default/web', ['www.sko.ai'], over), chosen).faults.map((fault) => fault.code);
    expect([codes({}), codes({ ingressClass: 'haproxy' }), codes({ ingressClass: '' }), codes({ ignored: true })]).toEqual([
      [],
      ['other-class'],
      ['other-class'],
      ['ignored'],
    ]);
  });

  test('a route on two Gateways leads to all addresses of both', () => {
    const view = testClaims();
    view.gateways.set('infra/one', gateway('infra/one', [listener('')], { points: points('192.0.2.2', 'fd00::2') }));
    view.gateways.set('infra/two', gateway('infra/two', [listener('')], { points: points('192.0.2.1') }));
    const both = route('infra/r', ['www.sko.ai'], [parent('infra/one'), parent('infra/two')]);
    expect(claimsOfRoute(both, view, options).claims.map(({ target, gateways }) => [target.key, gateways])).toEqual([
      ['192.0.2.1 192.0.2.2 fd00::2', ['infra/one', 'infra/two']],
    ]);
  });

  test('a route labelled minilb/ignore claims nothing', () => {
    expect(claimsOfRoute(route('infra/r', ['www.sko.ai'], [], { ignored: true }), testClaims(), options).faults).toEqual([
      { code: 'ignored' },
    ]);
  });
});

describe('what a change costs', () => {
  function manyRoutes(): { readonly view: TestClaims; readonly book: ClaimBook } {
    const view = testClaims();
    const book = createClaimBook(options);
    for (let g = 0; g < 20; g++) {
      view.gateways.set(`infra/gw${g}`, gateway(`infra/gw${g}`, [listener('', { namespaces: { from: 'All' } })]));
      book.update(view, 'Gateway', `infra/gw${g}`);
    }
    for (let r = 0; r < 200; r++) {
      view.routes.set(`HTTPRoute team/r${r}`, route(`team/r${r}`, [`r${r}.sko.ai`], [parent(`infra/gw${r % 20}`)]));
      book.update(view, 'HTTPRoute', `team/r${r}`);
    }
    return { view, book };
  }

  test('a Gateway’s new address touches its own routes and no others', () => {
    const { view, book } = manyRoutes();
    const before = book.examined();
    view.gateways.set('infra/gw3', gateway('infra/gw3', [listener('', { namespaces: { from: 'All' } })], { points: points('192.0.2.99') }));
    expect(book.update(view, 'Gateway', 'infra/gw3')).toHaveLength(10);
    expect(book.examined() - before).toBe(10);
  });

  test('a Gateway that says nothing new touches none: its status counts routes', () => {
    const { view, book } = manyRoutes();
    const before = book.examined();
    view.gateways.set('infra/gw3', { ...gateway('infra/gw3', [listener('', { namespaces: { from: 'All' } })]), resourceVersion: '2' });
    expect(book.update(view, 'Gateway', 'infra/gw3')).toEqual([]);
    expect(book.examined()).toBe(before);
  });

  test('the patterns below a namespace’s node are found without looking at all', () => {
    const view = testClaims();
    const book = createClaimBook(options);
    view.ingresses.set('a/x', ingress('a/x', ['web.team.minilb', 'team.minilb', 'other.minilb', 'www.sko.ai']));
    book.update(view, 'Ingress', 'a/x');
    expect([...book.patternsIn('team')].map(String).sort()).toEqual(['team.minilb', 'web.team.minilb']);
    view.ingresses.clear();
    book.update(view, 'Ingress', 'a/x');
    expect([...book.patternsIn('team'), ...book.patterns()]).toEqual([]);
  });
});

describe('in place equals from scratch', () => {
  const host = fc.constantFrom('www.sko.ai', '*.sko.ai', 'a.minilb', '', 'bad name');
  const key = fc.constantFrom('a/x', 'b/x', 'a/y');
  const rule = fc.constantFrom({ from: 'All' } as const, { from: 'Same' } as const, {
    from: 'Selector' as const,
    selector: [{ key: 'open', operator: 'Exists' as const, values: [] }],
  });
  const address = fc.constantFrom<readonly string[]>([], ['192.0.2.1'], ['192.0.2.2', 'lb.example.com']);
  const parents = fc.array(
    fc
      .record({ of: fc.constantFrom('a/gw', 'b/gw'), kind: fc.constantFrom('Gateway', 'ListenerSet', 'XListenerSet'), ok: fc.boolean() })
      .map(({ of, kind, ok }) => parent(of, { kind: kind as 'Gateway', accepted: ok })),
    { maxLength: 3 },
  );
  type Step = readonly [kind: ClaimInput, key: string, apply: (view: TestClaims) => void];
  const gone = fc.boolean();
  const steps: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(key, fc.array(host), gone).map(([at, hosts, none]): Step => {
      const one = service(at, { annotations: { 'minilb/host': hosts.join() } });
      return ['Service', at, ({ services }) => (none ? services.delete(at) : services.set(at, one))];
    }),
    fc.tuple(key, fc.array(host), address, gone).map(([at, hosts, to, none]): Step => {
      const one = ingress(at, hosts, { points: points(...to) });
      return ['Ingress', at, ({ ingresses }) => (none ? ingresses.delete(at) : ingresses.set(at, one))];
    }),
    fc.tuple(key, fc.array(host, { maxLength: 2 }), parents, gone).map(([at, hosts, refs, none]): Step => {
      const one = route(at, hosts, refs);
      return ['HTTPRoute', at, ({ routes }) => (none ? routes.delete(`HTTPRoute ${at}`) : routes.set(`HTTPRoute ${at}`, one))];
    }),
    fc.tuple(fc.constantFrom('a/gw', 'b/gw'), host, rule, rule, address, gone).map(([at, of, routes, sets, to, none]): Step => {
      const one = gateway(at, [listener(of, { namespaces: routes })], { listenerSets: sets, points: points(...to) });
      return ['Gateway', at, ({ gateways }) => (none ? gateways.delete(at) : gateways.set(at, one))];
    }),
    fc
      .tuple(
        fc.constantFrom('ListenerSet', 'XListenerSet'),
        fc.constantFrom('a/gw', 'b/gw'),
        fc.constantFrom('a/gw', 'b/gw'),
        host,
        rule,
        gone,
      )
      .map(([kind, at, of, name, routes, none]): Step => {
        const one = listenerSet(at, of, [listener(name, { namespaces: routes })]);
        const id = `${kind} ${at}`;
        return [kind as 'ListenerSet', at, ({ listenerSets }) => (none ? listenerSets.delete(id) : listenerSets.set(id, one))];
      }),
    fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom<Readonly<Record<string, string>>>({}, { open: '' }), gone)
      .map(([at, labels, none]): Step => {
        const one = namespace(at, labels);
        return ['Namespace', at, ({ namespaces }) => (none ? namespaces.delete(at) : namespaces.set(at, one))];
      }),
  );

  test('after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), (list) => {
        const view = testClaims();
        const book = createClaimBook(options);
        for (const [kind, at, apply] of list) {
          apply(view);
          book.update(view, kind, at);
          expect(book.update(view, kind, at)).toEqual([]);
        }
        const fresh = createClaimBook(options);
        const all: (readonly [ClaimInput, Iterable<string>])[] = [
          ['Service', view.services.keys()],
          ['Ingress', view.ingresses.keys()],
          ['HTTPRoute', [...view.routes.keys()].map((id) => id.slice('HTTPRoute '.length))],
        ];
        for (const [kind, keys] of all) for (const at of keys) fresh.update(view, kind, at);
        expect(lines(book)).toEqual(lines(fresh));
      }),
      { numRuns: 300 },
    );
  });
});
