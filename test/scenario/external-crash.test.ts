import { describe, expect, test } from 'bun:test';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import {
  CONFIG_PATH,
  createExternalLab,
  type ExternalLab,
  ingressText,
  type Leading,
  MAIN,
  nodeStatus,
  servicePath,
} from '../support/external-lab.ts';
import { CLASS } from '../support/external-values.ts';
import { must } from '../support/objects.ts';
import { seededRandom } from '../support/random.ts';

const OTHER = 'http://10.9.9.9:3000/api/v1/lb';
const http = { name: 'http', port: 80, nodePort: 30080 };
const dns = { name: 'dns', port: 53, nodePort: 30053, protocol: 'UDP' };

async function createLab(): Promise<ExternalLab> {
  const lab = await createExternalLab();
  await lab.config('main');
  await lab.config('other', { httpUpdaterURL: OTHER, host: '10.9.9.9' });
  return lab;
}

const both = (lab: ExternalLab) => ({ main: lab.updater(MAIN).backends(), other: lab.updater(OTHER).backends() });
const onto = (name: string | null) => ({ metadata: { annotations: { 'lb.paperlb.com/config-name': name } } });

/** What is done to a Service that is live with two ports, and what the updaters hold in the end. */
const changes: readonly [name: string, change: (lab: ExternalLab) => Promise<unknown>, main: object, other: object][] = [
  ['nothing', async () => {}, { default_web: '8100/TCP → 10.0.0.1:30080', default_web_udp_53: '8100/UDP → 10.0.0.1:30053' }, {}],
  [
    'the config is switched',
    (lab) => lab.patch(servicePath('web'), onto('other')),
    {},
    { default_web: '8100/TCP → 10.0.0.1:30080', default_web_udp_53: '8100/UDP → 10.0.0.1:30053' },
  ],
  [
    'the config gets another updater',
    (lab) => lab.patch(`${CONFIG_PATH}/main`, { spec: { httpUpdaterURL: OTHER, backendPrefix: 'w.' } }),
    {},
    { 'w.default_web': '8100/TCP → 10.0.0.1:30080', 'w.default_web_udp_53': '8100/UDP → 10.0.0.1:30053' },
  ],
  [
    'the first port goes and the other changes its protocol',
    (lab) => lab.patch(servicePath('web'), { spec: { ports: [{ ...dns, protocol: 'TCP' }] } }),
    { default_web: '8100/TCP → 10.0.0.1:30053' },
    {},
  ],
  ['the Service goes', (lab) => must(lab.api, { method: 'DELETE', path: servicePath('web') }), {}, {}],
  ['its type changes', (lab) => lab.patch(servicePath('web'), { spec: { type: 'ClusterIP', loadBalancerClass: null } }), {}, {}],
  ['the config goes', (lab) => must(lab.api, { method: 'DELETE', path: `${CONFIG_PATH}/main` }), {}, {}],
];

describe('an operator that dies at any of its steps loses nothing: the next one leaves the updaters as they should be', () => {
  for (const before of [true, false])
    test.each(changes)(`%s; it dies ${before ? 'before' : 'after'} each write and call`, async (_, change, main, other) => {
      let died = true;
      for (let n = 1; died; n++) {
        const lab = await createLab();
        await lab.service('web', { ports: [http, dns] });
        await (await lab.lead()).stop();
        await change(lab);
        died = await lab.leadUntil(n, before);
        const { stop } = await lab.lead();
        await lab.clock.advance(5_000);
        expect({ n, ...both(lab) }).toEqual({ n, main, other } as never);
        const balancer = await lab.balancer('web');
        const status = asObject(balancer?.['status']);
        expect([n, status?.['cleanup'], status?.['phase']]).toEqual([n, undefined, balancer && 'READY']);
        await stop();
        expect(n).toBeLessThan(40);
      }
    });
});

const SEEDS = 6;
const STEPS = 40;

describe('whatever happens, in the end the updaters hold what the Services say and nothing else', () => {
  test.each(Array.from({ length: SEEDS }, (_, i) => [i + 1]))(
    'seed %d',
    async (seed) => {
      const random = seededRandom(seed);
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
      const lab = await createLab();
      const names = ['a', 'b', 'c', 'd', 'e'];
      const history: string[] = [];
      let leading: Leading | undefined = await lab.lead();
      const away = new Set<string>();
      lab.answering((request) => (away.has(request.url) ? Promise.reject(new Error('no route')) : undefined));
      const ports = () => {
        const all = [80, 443, 53, 8080].flatMap((port) =>
          ['TCP', 'UDP'].map((protocol) => ({ name: `${protocol.toLowerCase()}${port}`, port, protocol })),
        );
        const chosen = all.filter(() => random() < 0.4);
        return chosen.length > 0 ? chosen : all.slice(0, 1);
      };
      const send = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) =>
        void (await lab.api.request({ method, path, ...(body && { body }) }));
      const acts: Readonly<Record<string, () => Promise<unknown>>> = {
        create: () => {
          const spec = { type: 'LoadBalancer', loadBalancerClass: CLASS, ports: ports() };
          const annotations = random() < 0.5 ? { 'lb.paperlb.com/config-name': 'other' } : {};
          return send('POST', '/api/v1/namespaces/default/services', { metadata: { name: pick(names), annotations }, spec });
        },
        remove: () => send('DELETE', servicePath(pick(names))),
        repair: () => send('PATCH', servicePath(pick(names)), { spec: { ports: ports() } }),
        move: () => send('PATCH', servicePath(pick(names)), onto(pick(['other', null]))),
        retype: () => send('PATCH', servicePath(pick(names)), { spec: { type: 'ClusterIP', loadBalancerClass: null } }),
        node: () => send('PATCH', '/api/v1/nodes/a/status', { status: nodeStatus(`10.0.0.${1 + Math.floor(random() * 9)}`) }),
        delete: () => send('DELETE', `/apis/lb.paperlb.com/v1alpha1/namespaces/default/loadbalancers/${pick(names)}`),
        range: () => send('PATCH', `${CONFIG_PATH}/main`, { spec: { portRange: { low: pick([8100, 8110, 8120]), high: 8160 } } }),
        down: async () => void away.add(pick([MAIN, OTHER])),
        up: async () => away.clear(),
        cut: async () => lab.api.cut(random() < 0.5),
        crash: async () => {
          await leading?.stop();
          leading = undefined;
          lab.api.cut(false);
          await lab.leadUntil(1 + Math.floor(random() * 12), random() < 0.5);
          leading = await lab.lead();
        },
        wait: () => lab.clock.advance(random() * 120_000),
      };
      for (let i = 0; i < STEPS; i++) {
        const act = pick(Object.keys(acts));
        history.push(act);
        await acts[act]?.();
        if (random() < 0.7) await lab.clock.advance(random() * 500);
      }
      away.clear();
      lab.api.cut(false);
      await lab.clock.advance(180_000);

      const services = asArray((await must(lab.api, { path: '/api/v1/services' }))['items']).map(asObject);
      const balanced = services.filter((each) => asObject(each?.['spec'])?.['type'] === 'LoadBalancer');
      const held = both(lab);
      const expected: Record<string, string[]> = { main: [], other: [] };
      for (const service of balanced) {
        const meta = asObject(service?.['metadata']);
        const name = asString(meta?.['name']) ?? '';
        const config = asString(asObject(meta?.['annotations'])?.['lb.paperlb.com/config-name']) ?? 'main';
        const shown = await ingressText(lab.api, name);
        const list = asArray(asObject(service?.['spec'])?.['ports']).map(asObject);
        expect([seed, history.join(' '), name, shown.split(',').length]).toEqual([seed, history.join(' '), name, list.length]);
        for (const text of shown.slice(shown.indexOf(':') + 1).split(',')) expected[config]?.push(text);
      }
      const bound = (backends: Readonly<Record<string, string>>) => Object.values(backends).map((text) => text.split(' → ')[0] ?? '');
      for (const config of ['main', 'other'] as const) {
        expect([seed, history.join(' '), ...bound(held[config]).sort()]).toEqual([
          seed,
          history.join(' '),
          ...(expected[config] ?? []).sort(),
        ]);
        expect(new Set(bound(held[config])).size).toBe(bound(held[config]).length);
      }
      const balancers = asArray((await must(lab.api, { path: '/apis/lb.paperlb.com/v1alpha1/loadbalancers' }))['items']).map(asObject);
      expect(balancers.map((each) => asObject(each?.['metadata'])?.['name'])).toEqual(
        balanced.map((each) => asObject(each?.['metadata'])?.['name']),
      );
      expect(balancers.filter((each) => asObject(each?.['status'])?.['cleanup'] !== undefined)).toEqual([]);
      await leading?.stop();
    },
    60_000,
  );
});
