import { beforeEach, describe, expect, test } from 'bun:test';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import {
  balancerPath,
  CONFIG_PATH,
  createExternalLab,
  type ExternalLab,
  ingressText,
  MAIN,
  nodeStatus,
  servicePath,
} from '../support/external-lab.ts';
import { must } from '../support/objects.ts';

let lab: ExternalLab;
beforeEach(async () => {
  lab = await createExternalLab();
});

const minutes = (n: number) => n * 60_000;
const calls = (url = MAIN) => lab.updater(url).calls.map(({ method, body }) => `${method} ${body.trim()}`);
const statusOf = async (name: string) => asObject((await lab.balancer(name))?.['status']);
const ready = async (name: string) => {
  const conditions = asArray((await statusOf(name))?.['conditions']).map(asObject);
  const one = conditions.find((condition) => condition?.['type'] === 'Ready');
  return `${(await statusOf(name))?.['phase']} ${one?.['reason']}: ${one?.['message']}`;
};

describe('with the original’s updater', () => {
  test('a Service appears: the calls are the original’s, to the byte', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    expect(lab.updater().calls).toHaveLength(1);
    const [call] = lab.updater().calls;
    expect(call?.body).toBe(
      '{"backendName":"default_web","lbPort":8100,"lbProtocol":"TCP","upstreamServers":[{"host":"10.0.0.1","port":30080}],"proxyTimeoutSeconds":0,"proxyConnectTimeoutSeconds":0}\n',
    );
    expect(call?.headers['content-type']).toBeUndefined();
    expect(call?.headers['authorization']).toBeUndefined();
    expect(await ingressText(lab.api, 'web')).toBe('192.168.64.1:8100/TCP');
    const balancer = await lab.balancer('web');
    expect(asObject(balancer?.['spec'])).toMatchObject({
      configName: 'main',
      host: '192.168.64.1',
      httpUpdater: { url: MAIN },
      port: 8100,
      protocol: 'TCP',
      targets: [{ host: '10.0.0.1', port: 30080 }],
    });
    expect(asObject(balancer?.['metadata'])).toMatchObject({
      finalizers: ['lb.paperlb.com/lb-finalizer'],
      ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
    });
    expect(await statusOf('web')).toMatchObject({ phase: 'READY', targetCount: 1, observedGeneration: 1 });

    await must(lab.api, { method: 'DELETE', path: servicePath('web') });
    await lab.settle();
    expect(calls().slice(1)).toEqual(['DELETE {"backendName":"default_web"}']);
    expect(await lab.balancer('web')).toBeUndefined();
    await stop();
  });

  test('every port, changed ports and protocols: each DELETE and POST once, in that order', async () => {
    await lab.config('main');
    await lab.service('dns', {
      ports: [
        { name: 'a', port: 53, nodePort: 30053 },
        { name: 'b', port: 53, nodePort: 30054, protocol: 'UDP' },
      ],
    });
    const { stop } = await lab.lead();
    expect(lab.updater().backends()).toEqual({ default_dns: '8100/TCP → 10.0.0.1:30053', default_dns_udp_53: '8100/UDP → 10.0.0.1:30054' });
    expect(await ingressText(lab.api, 'dns')).toBe('192.168.64.1:8100/TCP,8100/UDP');
    const before = calls().length;
    await lab.patch(servicePath('dns'), { spec: { ports: [{ name: 'b', port: 53, nodePort: 30054, protocol: 'UDP' }] } });
    await lab.settle();
    const after = calls()
      .slice(before)
      .map((call) => call.replace(/,"lbPort.*/, ''));
    expect(after).toEqual([
      'DELETE {"backendName":"default_dns"}',
      'DELETE {"backendName":"default_dns_udp_53"}',
      'POST {"backendName":"default_dns"',
    ]);
    expect(lab.updater().backends()).toEqual({ default_dns: '8100/UDP → 10.0.0.1:30054' });
    expect(await ingressText(lab.api, 'dns')).toBe('192.168.64.1:8100/UDP');
    await stop();
  });

  test('an object of the original is taken over as it is, and its Service keeps its port', async () => {
    await lab.config('main');
    await lab.service('web');
    const uid = asObject((await must(lab.api, { path: servicePath('web') }))['metadata'])?.['uid'];
    const owner = { apiVersion: 'v1', kind: 'Service', name: 'web', uid, controller: true, blockOwnerDeletion: true };
    const spec = {
      configName: 'main',
      host: '192.168.64.1',
      httpUpdater: { url: MAIN },
      port: 8150,
      protocol: 'TCP',
      targets: [{ host: '10.0.0.1', port: 30080 }],
    };
    const metadata = { name: 'web', finalizers: ['lb.paperlb.com/lb-finalizer'], ownerReferences: [owner] };
    await must(lab.api, { method: 'POST', path: balancerPath('web').replace(/\/web$/, ''), body: { metadata, spec } });
    await lab.patch(`${servicePath('web')}/status`, {
      status: { loadBalancer: { ingress: [{ ip: '192.168.64.1', ports: [{ port: 8150, protocol: 'TCP' }] }] } },
    });
    const { stop } = await lab.lead();
    expect(lab.updater().backends()).toEqual({ default_web: '8150/TCP → 10.0.0.1:30080' });
    const service = await must(lab.api, { path: servicePath('web') });
    expect(asObject(asObject(service['status'])?.['loadBalancer'])?.['ingress']).toEqual([
      { ip: '192.168.64.1', ipMode: 'Proxy', ports: [{ port: 8150, protocol: 'TCP' }] },
    ]);
    await stop();
  });

  test('what it cannot do is not asked of it: source ranges are refused, with an Event', async () => {
    await lab.config('main');
    await lab.service('web', { loadBalancerSourceRanges: ['10.0.0.0/8'] });
    const { stop } = await lab.lead();
    expect(lab.updater().backends()).toEqual({});
    expect((await lab.events()).filter((text) => text.startsWith('UpdaterTooOld'))).toEqual([
      `UpdaterTooOld: default_web: the updater at ${MAIN} does not know spec.loadBalancerSourceRanges; the port is not forwarded.`,
    ]);
    expect(await ready('web')).toStartWith('PENDING UpdaterTooOld');
    await stop();
  });
});

describe('an updater that is away, or answers oddly', () => {
  const odd: readonly [name: string, answer: () => Promise<Response>, said: string][] = [
    ['500 with HTML', async () => new Response('<html><h1>Oops</h1>\n</html>', { status: 500 }), `${MAIN} answered 500: Oops`],
    [
      'a redirect',
      async () => new Response(null, { status: 302, headers: { location: 'http://evil.example/' } }),
      `${MAIN} answered 302: redirects are not followed; it leads to "http://evil.example/". Put the final URL into the config`,
    ],
    [
      'no connection',
      async () => Promise.reject(Object.assign(new Error('x'), { code: 'ConnectionRefused' })),
      `${MAIN}: connection refused: is the updater running, and is this its port? (ConnectionRefused)`,
    ],
    ['no answer', () => new Promise<Response>(() => {}), `${MAIN}: no answer within 10 s`],
    [
      'its own words',
      async () => new Response('{"err":"failed to update stream: port 8100 is taken"}\n', { status: 500 }),
      `${MAIN} answered 500: failed to update stream: port 8100 is taken`,
    ],
  ];
  test.each(odd)('for an hour %s: no busy loop, an honest condition and Event, and nothing is lost', async (_, answer, said) => {
    await lab.config('main');
    await lab.service('web');
    let asked = 0;
    lab.answering(() => {
      asked++;
      return answer();
    });
    const { stop } = await lab.lead();
    await lab.clock.advance(minutes(15));
    await lab.patch('/api/v1/nodes/a/status', { status: nodeStatus('10.0.0.7') });
    await lab.clock.advance(minutes(45));
    expect(asked).toBeGreaterThan(30);
    expect(asked).toBeLessThan(400);
    expect(await ready('web')).toBe(`PENDING UpdaterFailed: ${said}`);
    expect(await lab.events()).toContain(`UpdaterFailed: ${said}.`);
    expect(await ingressText(lab.api, 'web')).toBe('');
    lab.answering(undefined);
    await lab.clock.advance(minutes(2));
    expect(lab.updater().backends()).toEqual({ default_web: '8100/TCP → 10.0.0.7:30080' });
    expect(await ready('web')).toBe('READY Live: Every port is live.');
    expect(await ingressText(lab.api, 'web')).toBe('192.168.64.1:8100/TCP');
    await stop();
  });

  test('100 Services ask an absent updater about as often as one, and all are served when it is back', async () => {
    await lab.config('main', { portRange: { low: 8100, high: 8999 } });
    for (let i = 0; i < 100; i++) await lab.service(`s${i}`, { ports: [{ name: 'http', port: 80 }] });
    let asked = 0;
    lab.answering(() => {
      asked++;
      return Promise.reject(new Error('no route'));
    });
    const { stop } = await lab.lead();
    await lab.clock.advance(minutes(10));
    expect(asked).toBeLessThan(200);
    lab.answering(undefined);
    await lab.clock.advance(minutes(2));
    expect(Object.keys(lab.updater().backends())).toHaveLength(100);
    await stop();
  }, 60_000);

  test('what was live stays READY and in the status while the updater is away; a change is not READY until it is live', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.answering(() => Promise.reject(new Error('no route')));
    await lab.clock.advance(minutes(20));
    expect(await ready('web')).toBe('READY Live: Every port is live.');
    await lab.patch('/api/v1/nodes/a/status', { status: nodeStatus('10.0.0.7') });
    await lab.settle();
    expect(await ready('web')).toStartWith('PENDING UpdaterFailed');
    expect(await ingressText(lab.api, 'web')).toBe('192.168.64.1:8100/TCP');
    await stop();
  });

  test('deletion is tried for an hour; then the finalizer goes, with an Event on the Namespace and a count', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.answering(() => Promise.reject(new Error('no route')));
    await must(lab.api, { method: 'DELETE', path: servicePath('web') });
    await lab.clock.advance(minutes(55));
    expect(await lab.balancer('web')).toBeDefined();
    await lab.clock.advance(minutes(8));
    expect(await lab.balancer('web')).toBeUndefined();
    expect((await lab.events()).filter((text) => text.startsWith('CleanupGivenUp'))).toEqual([
      `CleanupGivenUp: Backend default_web (port 8100/TCP) at ${MAIN} could not be removed for an hour: it is left there.`,
    ]);
    expect(await lab.metrics.text()).toContain('minilb_external_cleanups_given_up_total 1');
    await stop();
  });

  test('an operator that was down for two hours does not give up at its first try', async () => {
    await lab.config('main');
    await lab.service('web');
    await (await lab.lead()).stop();
    await must(lab.api, { method: 'DELETE', path: balancerPath('web') });
    await must(lab.api, { method: 'DELETE', path: servicePath('web') });
    await lab.clock.advance(minutes(120));
    let tries = 0;
    lab.answering(() => (tries++ < 3 ? Promise.reject(new Error('no route')) : undefined));
    const { stop } = await lab.lead();
    await lab.clock.advance(minutes(2));
    expect(lab.updater().backends()).toEqual({});
    expect(await lab.balancer('web')).toBeUndefined();
    expect(await lab.metrics.text()).not.toContain('given_up_total 1');
    await stop();
  });

  test('a load balancer that was built anew heals within -resync, and nothing is asked in between', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.updater().wipe();
    await lab.clock.advance(minutes(4));
    expect(lab.updater().calls).toHaveLength(1);
    await lab.clock.advance(minutes(2));
    expect(lab.updater().backends()).toEqual({ default_web: '8100/TCP → 10.0.0.1:30080' });
    await stop();
  });
});

describe('places', () => {
  const OTHER = 'http://10.9.9.9:3000/api/v1/lb';

  test('the config is switched while the old updater is away: the new place is live, the old one is kept in mind and cleaned', async () => {
    await lab.config('main');
    await lab.config('other', { httpUpdaterURL: OTHER, host: '10.9.9.9' });
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.answering((request) => (request.url === MAIN ? Promise.reject(new Error('no route')) : undefined));
    await lab.patch(servicePath('web'), { metadata: { annotations: { 'lb.paperlb.com/config-name': 'other' } } });
    await lab.settle();
    expect(lab.updater(OTHER).backends()).toEqual({ default_web: '8100/TCP → 10.0.0.1:30080' });
    expect(await ingressText(lab.api, 'web')).toBe('10.9.9.9:8100/TCP');
    expect(asArray((await statusOf('web'))?.['cleanup'])).toMatchObject([{ configName: 'main', url: MAIN, backendName: 'default_web' }]);
    lab.answering(undefined);
    await lab.clock.advance(minutes(2));
    expect(lab.updater().backends()).toEqual({});
    expect((await statusOf('web'))?.['cleanup']).toBeUndefined();
    await stop();
  });

  test('an old place that never answers is let go after an hour, with an Event on the Service', async () => {
    await lab.config('main');
    await lab.config('other', { httpUpdaterURL: OTHER, host: '10.9.9.9' });
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.answering((request) => (request.url === MAIN ? Promise.reject(new Error('no route')) : undefined));
    await lab.patch(servicePath('web'), { metadata: { annotations: { 'lb.paperlb.com/config-name': 'other' } } });
    await lab.clock.advance(minutes(63));
    expect((await statusOf('web'))?.['cleanup']).toBeUndefined();
    expect(await ready('web')).toBe('READY Live: Every port is live.');
    expect((await lab.events()).filter((text) => text.startsWith('CleanupGivenUp'))).toHaveLength(1);
    await stop();
  });

  test('a config’s URL changes: the old updater is cleaned, and forgotten when it is clean', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    await lab.patch(`${CONFIG_PATH}/main`, { spec: { httpUpdaterURL: OTHER } });
    await lab.settle();
    await lab.settle();
    expect([lab.updater().backends(), lab.updater(OTHER).backends()]).toEqual([{}, { default_web: '8100/TCP → 10.0.0.1:30080' }]);
    const config = await must(lab.api, { path: `${CONFIG_PATH}/main` });
    expect(asObject(config['status'])?.['updaters']).toEqual([{ url: OTHER }]);
    await stop();
  });

  test('a config is deleted: it stays until its places are clean, and the Services’ status goes', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    await must(lab.api, { method: 'DELETE', path: `${CONFIG_PATH}/main` });
    await lab.settle();
    await lab.settle();
    expect(lab.updater().backends()).toEqual({});
    expect(await lab.balancer('web')).toBeUndefined();
    expect(await ingressText(lab.api, 'web')).toBe('');
    expect((await lab.api.request({ path: `${CONFIG_PATH}/main` })).status).toBe(404);
    expect((await lab.events()).map((text) => text.split(':')[0])).toContain('NoDefaultConfig');
    await stop();
  });

  test('type and class change: the place is cleaned, the object goes', async () => {
    await lab.config('main');
    await lab.service('a');
    await lab.service('b', { ports: [{ name: 'http', port: 80 }] });
    const { stop } = await lab.lead();
    expect(Object.keys(lab.updater().backends())).toEqual(['default_a', 'default_b']);
    await lab.patch(servicePath('a'), { spec: { type: 'ClusterIP', loadBalancerClass: null } });
    await must(lab.api, { method: 'DELETE', path: servicePath('b') });
    await lab.service('b', { loadBalancerClass: 'minilb', ports: [{ name: 'http', port: 80 }] });
    await lab.settle();
    await lab.settle();
    expect(lab.updater().backends()).toEqual({});
    expect([await lab.balancer('a'), await lab.balancer('b')]).toEqual([undefined, undefined]);
    await stop();
  });

  test('a Service is deleted and made anew at once: the old object is finished first', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    await must(lab.api, { method: 'DELETE', path: servicePath('web') });
    await lab.service('web', { ports: [{ name: 'http', port: 80, nodePort: 30081 }] });
    await lab.settle();
    await lab.settle();
    expect(lab.updater().backends()).toEqual({ default_web: '8100/TCP → 10.0.0.1:30081' });
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['POST', 'DELETE', 'POST']);
    await stop();
  });

  test('a tenant’s own LoadBalancer is never pushed, and no token leaves', async () => {
    const data = { token: Buffer.from('sesame-0123456789\n').toString('base64') };
    await must(lab.api, {
      method: 'POST',
      path: '/api/v1/namespaces/paperlb-system/secrets',
      body: { metadata: { name: 'updater' }, data },
    });
    await lab.config('main', { tokenSecretRef: { name: 'updater' } });
    const evil = {
      configName: 'main',
      host: 'evil.example',
      httpUpdater: { url: 'http://evil.example/' },
      port: 22,
      protocol: 'TCP',
      targets: [{ host: '10.0.0.1', port: 22 }],
    };
    await must(lab.api, {
      method: 'POST',
      path: balancerPath('web').replace(/\/web$/, ''),
      body: { metadata: { name: 'web' }, spec: evil },
    });
    await lab.service('web');
    await lab.service('good', { ports: [{ name: 'http', port: 80 }] });
    const { stop } = await lab.lead();
    expect(lab.updater('http://evil.example/').calls).toEqual([]);
    expect(Object.keys(lab.updater().backends())).toEqual(['default_good']);
    expect(lab.updater().calls.map(({ headers }) => headers['authorization'])).toEqual(['Bearer sesame-0123456789']);
    expect((await lab.events()).map((text) => text.split(':')[0])).toContain('BalancerNameTaken');

    // One that the tenant has their Service control is overwritten; what it invents about old places is not called.
    const cleanup = [{ configName: 'main', url: 'http://evil.example/', backendName: 'default_good', since: '2026-01-01T00:00:00Z' }];
    await lab.patch(balancerPath('good'), { spec: { httpUpdater: { url: 'http://evil.example/' }, port: 22, ports: null } });
    await lab.patch(`${balancerPath('good')}/status`, { status: { cleanup } });
    await lab.settle();
    await lab.settle();
    expect(lab.updater('http://evil.example/').calls).toEqual([]);
    expect(asObject((await lab.balancer('good'))?.['spec'])).toMatchObject({ httpUpdater: { url: MAIN }, port: 8100 });
    expect(lab.updater().calls.every(({ headers }) => headers['authorization'] === 'Bearer sesame-0123456789')).toBe(true);
    await stop();
  });

  test('without its Secret an updater is not called at all', async () => {
    await lab.config('main', { tokenSecretRef: { name: 'absent' } });
    await lab.service('web');
    const { stop } = await lab.lead();
    expect(lab.updater().calls).toEqual([]);
    expect(await ready('web')).toContain('PENDING UpdaterFailed: Secret paperlb-system/absent:');
    await stop();
  });
});

describe('Nodes and outages', () => {
  test('Nodes come, go, become NotReady, all NotReady, cordoned, labelled out', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    const targets = async () => {
      await lab.settle();
      return lab.updater().backends()['default_web']?.split(' → ')[1];
    };
    await must(lab.api, {
      method: 'POST',
      path: '/api/v1/nodes',
      body: { metadata: { name: 'b' }, spec: {}, status: nodeStatus('10.0.0.2') },
    });
    expect(await targets()).toBe('10.0.0.1:30080 10.0.0.2:30080');
    await lab.patch('/api/v1/nodes/a/status', { status: nodeStatus('10.0.0.1', false) });
    expect(await targets()).toBe('10.0.0.2:30080');
    await lab.patch('/api/v1/nodes/b', { spec: { unschedulable: true } });
    expect(await targets()).toBe('10.0.0.2:30080');
    await lab.patch('/api/v1/nodes/b/status', { status: nodeStatus('10.0.0.2', false) });
    expect(await targets()).toBe('10.0.0.1:30080 10.0.0.2:30080');
    expect((await lab.events()).map((text) => text.split(':')[0])).toContain('NoReadyNode');
    await lab.patch('/api/v1/nodes/a', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } });
    expect(await targets()).toBe('10.0.0.2:30080');
    await must(lab.api, { method: 'DELETE', path: '/api/v1/nodes/b' });
    expect(await targets()).toBeUndefined();
    expect(await ready('web')).toStartWith('PENDING NoTargets');
    expect(lab.updater().calls.every(({ body }) => !body.includes('"upstreamServers":[]'))).toBe(true);
    await stop();
  });

  test('an API server that is away for an hour is no empty cluster: nothing is removed', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    lab.api.cut(true);
    await lab.clock.advance(minutes(60));
    expect(calls().filter((call) => call.startsWith('DELETE'))).toEqual([]);
    lab.api.cut(false);
    await lab.clock.advance(minutes(2));
    expect(await ready('web')).toBe('READY Live: Every port is live.');
    await stop();
  });

  test('a Service without a class is served after 30 s, unless another controller takes it first', async () => {
    await lab.config('main');
    await lab.service('mine', { loadBalancerClass: undefined });
    await lab.service('theirs', { loadBalancerClass: undefined, ports: [{ name: 'http', port: 80 }] });
    const { stop } = await lab.lead();
    await lab.patch(`${servicePath('theirs')}/status`, { status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } });
    await lab.clock.advance(20_000);
    expect(lab.updater().calls).toEqual([]);
    await lab.clock.advance(15_000);
    expect(Object.keys(lab.updater().backends())).toEqual(['default_mine']);
    await lab.patch(`${servicePath('mine')}/status`, { status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } });
    await lab.clock.advance(minutes(2));
    expect(lab.updater().backends()).toEqual({});
    expect(await ingressText(lab.api, 'mine')).toBe('10.0.0.9:');
    await stop();
  });

  test('stopped, it leaves no timer behind', async () => {
    await lab.config('main');
    await lab.service('web');
    const { stop } = await lab.lead();
    await stop();
    await lab.clock.settle();
    expect(lab.clock.pending()).toBe(0);
  });
});
