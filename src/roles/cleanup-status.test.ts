import { describe, expect, test } from 'bun:test';
import { createFakeClient, type FakeAnswer, failure } from '../../test/support/fake-client.ts';
import { createMemoryLog } from '../../test/support/log.ts';
import { joinName } from '../core/value/dns-name.ts';
import type { ApiRequest } from '../shell/kube/client.ts';
import { cleanupStatus } from './cleanup-status.ts';

const service = (name: string, ingress: readonly object[], version = '7') => ({
  metadata: { namespace: 'default', name, uid: name, resourceVersion: version },
  spec: { type: 'LoadBalancer', loadBalancerClass: 'minilb' },
  status: { loadBalancer: { ingress } },
});
const ours = service('web', [{ hostname: 'web.default.minilb' }]);
const foreign = service('db', [{ ip: '192.0.2.1' }]);
const list = (...items: readonly object[]): FakeAnswer => ({ ok: true, value: { metadata: {}, items } });

async function run(answer: (request: ApiRequest) => FakeAnswer, yes: boolean) {
  const client = createFakeClient(answer);
  const out: string[] = [];
  const err: string[] = [];
  const domain = joinName('minilb');
  if (!domain) throw new Error('no domain');
  const code = await cleanupStatus(
    client,
    { loadBalancerClass: 'minilb', domain, yes },
    {
      stdout: (text) => out.push(text),
      stderr: (text) => err.push(text),
      log: createMemoryLog(),
      signal: new AbortController().signal,
    },
  );
  return { code, out: out.join(''), err: err.join(''), writes: client.requests.filter((request) => request.method !== 'GET') };
}

describe('minilb cleanup', () => {
  test('without -yes it prints the plan and the context, and writes nothing', async () => {
    const { code, out, writes } = await run(() => list(ours, foreign), false);
    expect(out).toBe(
      [
        'Context fake (https://fake), class minilb, domain minilb',
        'keep   default/db: 192.0.2.1 is not what this configuration writes',
        'clear  default/web: web.default.minilb',
        '1 to clear. Nothing was changed: -yes does it. Stop minilb first, or it writes them again.',
        '',
      ].join('\n'),
    );
    expect([code, writes.length]).toEqual([0, 0]);
  });

  test('with -yes it clears ours and nothing else', async () => {
    const { code, out, writes } = await run((r) => (r.method === 'GET' ? list(ours, foreign) : { ok: true, value: {} }), true);
    expect(writes).toEqual([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/default/services/web/status',
        body: { metadata: { resourceVersion: '7' }, status: { loadBalancer: { ingress: null } } },
      },
    ]);
    expect(out).toContain('cleared  default/web: web.default.minilb\n1 of 1 done.');
    expect(code).toBe(0);
  });

  test('a Service that has changed meanwhile is read again; what is no longer ours stays', async () => {
    const { code, out, writes } = await run((request) => {
      if (request.method === 'PATCH') return failure('conflict');
      return request.path.endsWith('/web') ? { ok: true, value: service('web', [{ ip: '192.0.2.9' }], '8') } : list(ours);
    }, true);
    expect([code, writes.length]).toEqual([0, 1]);
    expect(out).toContain('changed  default/web');
  });

  test('what cannot be cleared is named, the rest is done, and the exit code is 1', async () => {
    const other = service('api', [{ hostname: 'api.default.minilb' }]);
    const { code, out, err } = await run((request) => {
      if (request.method === 'GET') return list(ours, other);
      return request.path.includes('/web/') ? failure('forbidden', 'no right') : { ok: true, value: {} };
    }, true);
    expect([code, err]).toEqual([1, 'minilb cleanup: the status of default/web was not cleared: no right\n']);
    expect(out).toContain('cleared  default/api');
  });

  test('Services that cannot be listed: one line, exit code 1', async () => {
    const { code, err } = await run(() => failure('unreachable', 'connection refused'), true);
    expect([code, err]).toEqual([1, 'minilb cleanup: Services cannot be listed: connection refused\n']);
  });
});
