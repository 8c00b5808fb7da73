import { expect, test } from 'bun:test';
import { createFakeClient, type FakeAnswer, failure } from '../../../test/support/fake-client.ts';
import { createMemoryLog } from '../../../test/support/log.ts';
import type { ApiRequest } from '../../shell/kube/client.ts';
import { printRoutes } from './print-routes.ts';

const node = (name: string, podCIDRs: readonly string[], address: string) => ({
  metadata: { name, uid: name },
  spec: { podCIDRs },
  status: { addresses: [{ type: 'InternalIP', address }] },
});
const page = (items: readonly object[], token = ''): FakeAnswer => ({ ok: true, value: { metadata: { continue: token }, items } });

async function run(answer: (request: ApiRequest) => FakeAnswer) {
  const out: string[] = [];
  const err: string[] = [];
  const log = createMemoryLog();
  const context = {
    stdout: (text: string) => out.push(text),
    stderr: (text: string) => err.push(text),
    log,
    signal: new AbortController().signal,
  };
  const code = await printRoutes(createFakeClient(answer), { via: [], cidrs: [], routeFormat: 'iproute2', gateway: undefined }, context);
  return { code, out: out.join(''), err: err.join(''), log };
}

test('routes are printed from all pages of Nodes, and a cluster without Cilium is nothing to speak of', async () => {
  const { code, out, err } = await run(({ path, query }) => {
    if (path.endsWith('/ciliumnodes')) return failure('not-found');
    if (path.endsWith('/endpointslices')) return page([]);
    return query?.['continue'] === 'next'
      ? page([node('b', ['10.244.1.0/24'], '192.168.1.31')])
      : page([node('a', ['10.244.0.0/24'], '192.168.1.30')], 'next');
  });
  expect(out.split('\n').slice(0, 3)).toEqual([
    'Add the following routes to your default gateway (router):',
    'ip route add 10.244.0.0/24 via 192.168.1.30',
    'ip route add 10.244.1.0/24 via 192.168.1.31',
  ]);
  expect([code, err]).toEqual([0, '']);
});

test('a list whose continue token has expired (410) is begun again, without doubling', async () => {
  let gone = false;
  const { out } = await run(({ path, query }) => {
    if (path !== '/api/v1/nodes') return page([]);
    if (query?.['continue'] !== 'next') return page([node('a', ['10.244.0.0/24'], '192.168.1.30')], gone ? '' : 'next');
    gone = true;
    return failure('gone');
  });
  expect(out.match(/ip route add/g)?.length).toBe(1);
});

test('what may not be read is said: EndpointSlices and CiliumNodes cost their checks, Nodes everything', async () => {
  const some = await run(({ path }) =>
    path === '/api/v1/nodes' ? page([node('a', ['10.244.0.0/24'], '192.168.1.30')]) : failure('forbidden', 'no'),
  );
  expect([some.code, some.err.split('\n').length]).toEqual([0, 3]);
  const none = await run(() => failure('forbidden', 'nodes is forbidden'));
  expect([none.code, none.out, none.err]).toEqual([1, '', 'minilb routes: Nodes cannot be listed: nodes is forbidden\n']);
});

test('one malformed Node costs only itself', async () => {
  const { out, log } = await run(({ path }) => page(path === '/api/v1/nodes' ? [{}, node('a', ['10.244.0.0/24'], '192.168.1.30')] : []));
  expect(out).toContain('ip route add 10.244.0.0/24 via 192.168.1.30');
  expect(log.messages()).toEqual(['a malformed Node is left out']);
});
