import { describe, expect, test } from 'bun:test';
import { type Service, toService } from '../object/service.ts';
import { type DnsName, parseDnsName } from '../value/dns-name.ts';
import { planCleanup, planStatus, type StatusOptions } from './status.ts';

const OPTIONS: StatusOptions = { loadBalancerClass: 'minilb', domain: name('minilb') };

function name(text: string): DnsName {
  const parsed = parseDnsName(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

function service(spec: object, ingress: readonly object[] = [], metadata: object = {}): Service {
  const parsed = toService({
    metadata: { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7', ...metadata },
    spec: { type: 'LoadBalancer', loadBalancerClass: 'minilb', ...spec },
    status: { loadBalancer: { ingress } },
  });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

const OURS = { hostname: 'web.default.minilb' };

describe('what is written into status.loadBalancer', () => {
  const rows: readonly [name: string, service: Service, written: boolean, notices: readonly string[]][] = [
    ['an empty status gets our name', service({}), true, []],
    ['our name alone stays', service({}, [OURS]), false, []],
    ['our name with ports of somebody’s stays: they are not ours to judge', service({}, [{ ...OURS, ports: [] }]), false, []],
    ['the name of a former -domain is replaced', service({}, [{ hostname: 'web.default.old' }]), true, []],
    ['an address in our class is replaced', service({}, [{ ip: '192.0.2.1' }]), true, []],
    ['our name beside others is replaced', service({}, [OURS, { ip: '192.0.2.1' }]), true, []],
    ['our name with an address is replaced', service({}, [{ ...OURS, ip: '192.0.2.1' }]), true, []],
    ['another class is left alone', service({ loadBalancerClass: 'x' }, [{ ip: '192.0.2.1' }]), false, []],
    ['no class is left alone', service({ loadBalancerClass: undefined }), false, []],
    ['another type is left alone: the API refuses ingress there', service({ type: 'ClusterIP' }), false, []],
    ['source ranges are warned of', service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }, [OURS]), false, ['SourceRangesNotEnforced']],
    ['a name that is no DNS name is said', service({}, [], { name: 'a'.repeat(64) }), false, ['NameTooLong']],
  ];
  test.each(rows)('%s', (_, given, written, notices) => {
    const plan = planStatus(given, OPTIONS);
    expect(plan.patch !== undefined).toBe(written);
    expect(plan.notices.map((notice): string => notice.code)).toEqual([...notices]);
  });

  test('the merge patch holds the resourceVersion, the status and nothing else', () => {
    expect(planStatus(service({}), OPTIONS).patch).toEqual({
      path: '/api/v1/namespaces/default/services/web/status',
      body: { metadata: { resourceVersion: '7' }, status: { loadBalancer: { ingress: [{ hostname: name('web.default.minilb') }] } } },
    });
  });

  test('planned on its own result it writes nothing', () => {
    const first = planStatus(service({}, [{ ip: '192.0.2.1' }]), OPTIONS).patch;
    expect(planStatus(service({}, [...(first?.body.status.loadBalancer.ingress ?? [])]), OPTIONS).patch).toBeUndefined();
  });
});

describe('cleanup', () => {
  test('clears what equals our value, keeps what does not, and looks at no other class', () => {
    const ours = service({}, [OURS]);
    const foreign = service({}, [{ ip: '192.0.2.1' }], { name: 'db' });
    const other = service({ loadBalancerClass: 'x' }, [OURS]);
    const empty = service({}, [], { name: 'new' });
    const plan = planCleanup([ours, foreign, other, empty], OPTIONS);
    expect(plan.clear).toEqual([
      {
        service: ours,
        patch: {
          path: '/api/v1/namespaces/default/services/web/status',
          body: { metadata: { resourceVersion: '7' }, status: { loadBalancer: { ingress: null } } },
        },
      },
    ]);
    expect(plan.keep).toEqual([foreign]);
  });
});
