import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { asArray, asObject, type RawObject } from '../object/raw.ts';
import { ENDPOINTS_PER_SLICE_MAX, planEndpointSlices, type SlicePlan } from './endpoint-slices.ts';
import { metaOf } from './object-meta.ts';

const service = (spec: object = {}): RawObject => ({
  metadata: { namespace: 'default', name: 'web', uid: 'svc' },
  spec: { selector: { app: 'web' }, ipFamilies: ['IPv4'], ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }], ...spec },
});

const pod = (n: number, ready = true, change: object = {}): RawObject => ({
  metadata: { namespace: 'default', name: `web-${n}`, uid: `pod-${n}`, labels: { app: 'web' } },
  spec: { nodeName: 'n1', containers: [] },
  status: {
    podIPs: [{ ip: `10.244.${n >> 8}.${n & 255}` }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
  ...change,
});

/** Does what the plan says; created slices get the next free name. */
function done(slices: readonly RawObject[], plan: SlicePlan, next: () => number): readonly RawObject[] {
  const name = (slice: RawObject) => metaOf(slice)['name'];
  const removed = plan.remove.map(name);
  const kept = slices.filter((slice) => !removed.includes(name(slice)));
  const updated = kept.map((slice) => plan.update.find((one) => name(one) === name(slice)) ?? slice);
  return [...updated, ...plan.create.map((slice) => ({ ...slice, metadata: { ...metaOf(slice), name: `web-${next()}` } }))];
}

const facts = (pods: readonly RawObject[], slices: readonly RawObject[]) => ({ pods, slices, nodeExists: () => true });
const addresses = (slices: readonly RawObject[]) =>
  slices.flatMap((slice) => asArray(slice['endpoints'])).map((endpoint) => String(asArray(asObject(endpoint)?.['addresses'])[0]));

describe('planEndpointSlices', () => {
  test('250 Pods are three slices; whatever comes and goes, no slice is too long, no Pod missing or twice, and the plan is stable', () => {
    const steps = fc.array(fc.uniqueArray(fc.nat(400), { maxLength: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps, (sets) => {
        let names = 0;
        let slices: readonly RawObject[] = [];
        for (const numbers of sets) {
          const pods = numbers.map((n) => pod(n));
          slices = done(slices, planEndpointSlices(service(), facts(pods, slices)), () => names++);
          expect(addresses(slices).sort()).toEqual(
            pods.map((one) => String(asObject(asArray(asObject(one['status'])?.['podIPs'])[0])?.['ip'])).sort(),
          );
          for (const slice of slices) expect(asArray(slice['endpoints']).length).toBeLessThanOrEqual(ENDPOINTS_PER_SLICE_MAX);
          expect(slices.length).toBeGreaterThan(0);
          expect(planEndpointSlices(service(), facts(pods, slices))).toEqual({ create: [], update: [], remove: [] });
        }
      }),
      { numRuns: 30 },
    );
  });

  test('an endpoint stays in its slice when another changes', () => {
    let names = 0;
    const many = Array.from({ length: 150 }, (_, n) => pod(n));
    const slices = done([], planEndpointSlices(service(), facts(many, [])), () => names++);
    const changed = many.map((one, n) => (n === 3 ? pod(3, false) : one));
    const plan = planEndpointSlices(service(), facts(changed, slices));
    expect([plan.create.length, plan.update.length, plan.remove.length]).toEqual([0, 1, 0]);
  });

  const others: readonly [rule: string, service: RawObject | undefined, left: 'alone' | 'removed'][] = [
    ['a Service without selector', service({ selector: undefined }), 'alone'],
    ['an ExternalName Service', service({ type: 'ExternalName' }), 'alone'],
    ['a deleted Service', undefined, 'removed'],
  ];
  test.each(others)('the slices of %s are handled', (_, owner, left) => {
    const slices = done([], planEndpointSlices(service(), facts([pod(1)], [])), () => 0);
    expect(planEndpointSlices(owner, facts([pod(1)], slices)).remove).toEqual(left === 'removed' ? slices : []);
  });

  test('slices that somebody else manages are never touched', () => {
    const foreign = { metadata: { name: 'mine', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', endpoints: [] };
    const plan = planEndpointSlices(undefined, facts([], [foreign]));
    expect(plan.remove).toEqual([]);
  });
});
