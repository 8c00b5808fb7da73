import { expect, test } from 'bun:test';
import { asArray, asObject } from '../../src/core/object/raw.ts';
import type { ApiReply, ApiServer, ApiTestRequest } from './api.ts';
import { createNamespace, createNode, createPod, createService, deletePod, must, setPodReady } from './objects.ts';
import { waitFor } from './wait.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';

type Api = () => ApiServer;

const meta = (object: unknown) => asObject(asObject(object)?.['metadata']) ?? {};
const spec = (object: unknown) => asObject(asObject(object)?.['spec']) ?? {};
const status = (object: unknown) => asObject(asObject(object)?.['status']) ?? {};
const reason = (reply: ApiReply) => `${reply.status} ${asObject(reply.body)?.['reason'] ?? ''}`.trim();

const plain = (name: string, change: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...change } });
const put = (api: Api, path: string, body: unknown) => api().request({ method: 'PUT', path, body });
const patch = (api: Api, path: string, body: unknown) => api().request({ method: 'PATCH', path, body });

/** Creation, defaults, replacement, patches and versions. */
export function writeConformance(api: Api): void {
  test('a created object gets uid, version, time and defaults, and keeps none that the client chose (ObjectMeta)', async () => {
    const sent = {
      ...plain('defaults'),
      metadata: { name: 'defaults', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 7 },
    };
    const stored = await must(api(), { method: 'POST', path: SERVICES, body: sent });
    expect(meta(stored)).toMatchObject({ name: 'defaults', namespace: 'default' });
    expect(meta(stored)['uid']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(meta(stored)['creationTimestamp']).toMatch(/^20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(meta(stored)['resourceVersion']).toMatch(/^\d+$/);
    expect(stored).toMatchObject({ apiVersion: 'v1', kind: 'Service', status: { loadBalancer: {} } });
    expect(spec(stored)).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
    });
    expect(spec(stored)).toMatchObject({ ipFamilyPolicy: 'SingleStack', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
    expect(spec(stored)['clusterIP']).toMatch(/^10\.96\./);
    expect(spec(stored)['clusterIPs']).toEqual([spec(stored)['clusterIP']]);
  });

  test('a LoadBalancer gets node ports, unless it says no, and starts with an empty status', async () => {
    const balanced = { type: 'LoadBalancer', loadBalancerClass: 'minilb' };
    const body = { ...plain('lb', balanced), status: { loadBalancer: { ingress: [{ hostname: 'a.b' }] } } };
    const stored = await must(api(), { method: 'POST', path: SERVICES, body });
    expect(status(stored)).toEqual({ loadBalancer: {} });
    expect(spec(stored)).toMatchObject({ allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' });
    expect(asObject(asArray(spec(stored)['ports'])[0])?.['nodePort']).toBeNumber();
    const without = await createService(api(), { namespace: 'default', name: 'lb-without' });
    expect(asObject(asArray(spec(without)['ports'])[0])?.['nodePort']).toBeUndefined();
  });

  test('headless, dual-stack and ExternalName Services get the addresses of their sort', async () => {
    const post = (name: string, change: object) => must(api(), { method: 'POST', path: SERVICES, body: plain(name, change) });
    const headless = await post('headless', { clusterIP: 'None', selector: { app: 'x' } });
    expect(spec(headless)).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    const blind = await post('headless-blind', { clusterIP: 'None' });
    expect(spec(blind)).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' });
    const dual = await post('dual', { ipFamilyPolicy: 'PreferDualStack' });
    expect(asArray(spec(dual)['clusterIPs']).map((ip) => String(ip).slice(0, 5))).toEqual(['10.96', 'fd00:']);
    const external = await post('external', { type: 'ExternalName', externalName: 'x.example', ports: undefined });
    expect(spec(external)).toEqual({ type: 'ExternalName', sessionAffinity: 'None', externalName: 'x.example' });
  });

  test('generateName makes a name; none at all is refused (ObjectMeta.generateName)', async () => {
    const stored = await must(api(), { method: 'POST', path: LEASES, body: { metadata: { generateName: 'gen-' }, spec: {} } });
    expect(meta(stored)['name']).toMatch(/^gen-[a-z0-9]{5}$/);
    expect(reason(await api().request({ method: 'POST', path: LEASES, body: { spec: {} } }))).toBe('422 Invalid');
  });

  const refusals: readonly [rule: string, request: ApiTestRequest, outcome: string][] = [
    ['a name that is taken', { method: 'POST', path: SERVICES, body: plain('defaults') }, '409 AlreadyExists'],
    ['a namespace that is not there', { method: 'POST', path: '/api/v1/namespaces/nope/services', body: plain('a') }, '404 NotFound'],
    ['a body that is no JSON', { method: 'POST', path: SERVICES, body: '{"bad' }, '400 BadRequest'],
    [
      'a version on creation',
      { method: 'POST', path: SERVICES, body: { ...plain('v'), metadata: { name: 'v', resourceVersion: '5' } } },
      '500',
    ],
    ['a POST to an object', { method: 'POST', path: `${SERVICES}/defaults`, body: {} }, '405 MethodNotAllowed'],
    ['a PUT to a collection', { method: 'PUT', path: SERVICES, body: {} }, '405 MethodNotAllowed'],
    ['a PATCH to a collection', { method: 'PATCH', path: SERVICES, body: {} }, '405 MethodNotAllowed'],
    ['a patch of what is not there', { method: 'PATCH', path: `${SERVICES}/nope`, body: {} }, '404 NotFound'],
    ['a patch of the status of what is not there', { method: 'PATCH', path: `${SERVICES}/nope/status`, body: {} }, '404 NotFound'],
    [
      'a patch that is plain JSON',
      { method: 'PATCH', path: `${SERVICES}/lb`, body: {}, contentType: 'application/json' },
      '415 UnsupportedMediaType',
    ],
    ['a patch that is no object', { method: 'PATCH', path: `${SERVICES}/lb`, body: '[]' }, '400 BadRequest'],
    ['a patch that is no JSON', { method: 'PATCH', path: `${SERVICES}/lb`, body: '{bad' }, '400 BadRequest'],
    [
      'a creation that is no JSON by its type',
      { method: 'POST', path: SERVICES, body: '', contentType: 'text/html' },
      '415 UnsupportedMediaType',
    ],
    ['an unknown subresource', { path: `${SERVICES}/lb/bogus` }, '404 NotFound'],
    ['an unknown resource', { path: '/api/v1/bogus' }, '404 NotFound'],
    ['a format that is not served', { path: SERVICES, accept: 'text/html' }, '406 NotAcceptable'],
    [
      'unknown fields where strictness is asked',
      { method: 'POST', path: SERVICES, query: { fieldValidation: 'Strict' }, body: plain('s', { bogus: 1 }) },
      '400 BadRequest',
    ],
  ];
  test.each(refusals)('refused: %s', async (_, request, outcome) => {
    expect(reason(await api().request(request))).toBe(outcome);
  });

  test('an unknown field is dropped with a warning (fieldValidation=Warn)', async () => {
    const reply = await api().request({ method: 'POST', path: SERVICES, body: plain('bogus', { bogus: 1 }) });
    expect(reply.headers.get('warning')).toContain('unknown field \\"spec.bogus\\"');
    expect(spec(reply.body)['bogus']).toBeUndefined();
  });

  test('dryRun=All answers without storing', async () => {
    const reply = await api().request({ method: 'POST', path: SERVICES, query: { dryRun: 'All' }, body: plain('dry') });
    expect(reply.status).toBe(201);
    expect((await api().request({ path: `${SERVICES}/dry` })).status).toBe(404);
  });

  test('a write that changes nothing gets no new version', async () => {
    const before = await must(api(), { path: `${SERVICES}/lb` });
    const after = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb`, body: { spec: { type: 'LoadBalancer' } } });
    expect(meta(after)['resourceVersion']).toBe(meta(before)['resourceVersion']);
  });

  test('PUT: an old version conflicts, none wins, another uid conflicts, another name is refused, a missing Service is created', async () => {
    const held = await must(api(), { path: `${SERVICES}/lb` });
    const changed = (change: object) => ({ ...held, metadata: { ...meta(held), ...change } });
    expect(reason(await put(api, `${SERVICES}/lb`, changed({ resourceVersion: '1' })))).toBe('409 Conflict');
    expect((await put(api, `${SERVICES}/lb`, changed({ resourceVersion: undefined, labels: { a: 'b' } }))).status).toBe(200);
    expect(reason(await put(api, `${SERVICES}/lb`, changed({ resourceVersion: undefined, uid: 'other' })))).toBe('409 Conflict');
    expect(reason(await put(api, `${SERVICES}/lb`, changed({ name: 'other' })))).toBe('400 BadRequest');
    expect((await put(api, `${SERVICES}/put-created`, plain('put-created'))).status).toBe(201);
    expect((await put(api, '/api/v1/nodes/put-created', { metadata: { name: 'put-created' } })).status).toBe(404);
  });

  test('PUT of a Lease needs a version; a patch with an old one conflicts (leader election)', async () => {
    const lease = await must(api(), { method: 'POST', path: LEASES, body: { metadata: { name: 'lead' }, spec: { holderIdentity: 'a' } } });
    expect(reason(await put(api, `${LEASES}/lead`, { ...lease, metadata: { name: 'lead' } }))).toBe('422 Invalid');
    expect((await put(api, `${LEASES}/lead`, { ...lease, spec: { holderIdentity: 'b' } })).status).toBe(200);
    expect(reason(await put(api, `${LEASES}/lead`, { ...lease, spec: { holderIdentity: 'c' } }))).toBe('409 Conflict');
    const stale = { metadata: { resourceVersion: meta(lease)['resourceVersion'] }, spec: { holderIdentity: 'c' } };
    expect(reason(await patch(api, `${LEASES}/lead`, stale))).toBe('409 Conflict');
    expect(spec(await must(api(), { path: `${LEASES}/lead` }))['holderIdentity']).toBe('b');
  });

  test('the status subresource writes status and metadata, never the spec; the object itself never the status', async () => {
    const ingress = [{ hostname: 'lb.default.minilb' }];
    const body = {
      metadata: { labels: { through: 'status' } },
      spec: { loadBalancerClass: 'other' },
      status: { loadBalancer: { ingress } },
    };
    const stored = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb/status`, body });
    expect(meta(stored)['labels']).toMatchObject({ through: 'status' });
    expect(spec(stored)['loadBalancerClass']).toBe('minilb');
    const after = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb`, body: { status: { loadBalancer: { ingress: null } } } });
    expect(status(after)).toEqual({ loadBalancer: { ingress } });
    expect(status(await must(api(), { path: `${SERVICES}/lb/status` }))).toEqual({ loadBalancer: { ingress } });
  });

  test('an address in the status gets ipMode VIP', async () => {
    const body = { status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } } };
    const stored = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb-without/status`, body });
    expect(status(stored)).toEqual({ loadBalancer: { ingress: [{ ip: '10.0.0.1', ipMode: 'VIP' }] } });
  });

  test('ingress of another type than LoadBalancer is refused', async () => {
    const reply = await patch(api, `${SERVICES}/defaults/status`, { status: { loadBalancer: { ingress: [{ hostname: 'a.b' }] } } });
    expect(reason(reply)).toBe('422 Invalid');
  });

  test('the class cannot change while the type stays, and cluster addresses cannot either', async () => {
    expect(reason(await patch(api, `${SERVICES}/lb`, { spec: { loadBalancerClass: 'other' } }))).toBe('422 Invalid');
    expect(reason(await patch(api, `${SERVICES}/lb`, { spec: { loadBalancerClass: null } }))).toBe('422 Invalid');
    expect(reason(await patch(api, `${SERVICES}/lb`, { spec: { clusterIP: '10.96.3.3' } }))).toBe('422 Invalid');
    const before = await must(api(), { path: `${SERVICES}/lb` });
    const after = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb`, body: { spec: { clusterIP: null, clusterIPs: null } } });
    expect(spec(after)['clusterIP']).toBe(spec(before)['clusterIP']);
  });

  test('leaving the type LoadBalancer clears status, class and node ports; ExternalName also the addresses', async () => {
    const cluster = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb`, body: { spec: { type: 'ClusterIP' } } });
    expect(status(cluster)).toEqual({ loadBalancer: {} });
    expect(spec(cluster)['loadBalancerClass']).toBeUndefined();
    expect(spec(cluster)['ports']).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    expect(spec(cluster)['clusterIP']).toMatch(/^10\.96\./);
    const named = { spec: { type: 'ExternalName', externalName: 'x.example' } };
    const external = await must(api(), { method: 'PATCH', path: `${SERVICES}/lb`, body: named });
    expect(spec(external)['clusterIP']).toBeUndefined();
    const back = await must(api(), {
      method: 'PATCH',
      path: `${SERVICES}/lb`,
      body: { spec: { type: 'LoadBalancer', loadBalancerClass: 'new' } },
    });
    expect(spec(back)).toMatchObject({ loadBalancerClass: 'new', allocateLoadBalancerNodePorts: true });
  });

  test('merge patch: null removes, lists replace (RFC 7396)', async () => {
    const put = await patch(api, `${SERVICES}/defaults`, { metadata: { annotations: { a: '1', b: '2' } } });
    expect(meta(put.body)['annotations']).toEqual({ a: '1', b: '2' });
    const removed = await patch(api, `${SERVICES}/defaults`, { metadata: { annotations: { a: null } } });
    expect(meta(removed.body)['annotations']).toEqual({ b: '2' });
    const replaced = await patch(api, `${SERVICES}/defaults`, { spec: { ports: [{ port: 81 }] } });
    expect(spec(replaced.body)['ports']).toEqual([{ port: 81, protocol: 'TCP', targetPort: 81 }]);
  });

  test('of a stored Event only the series may change', async () => {
    const event = { reportingController: 'minilb/dns', reportingInstance: 'x', action: 'A', reason: 'R', type: 'Normal', note: 'n' };
    const regarding = { kind: 'Service', namespace: 'default', name: 'lb' };
    const body = { ...event, metadata: { name: 'ev' }, eventTime: '2026-01-01T00:00:00.000000Z', regarding };
    await must(api(), { method: 'POST', path: EVENTS, body });
    expect(reason(await api().request({ method: 'POST', path: EVENTS, body }))).toBe('409 AlreadyExists');
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
    expect(asObject((await patch(api, `${EVENTS}/ev`, { series })).body)?.['series']).toEqual(series);
    expect(reason(await patch(api, `${EVENTS}/ev`, { note: 'other' }))).toBe('422 Invalid');
    expect(reason(await patch(api, `${EVENTS}/ev`, { reason: 'Other' }))).toBe('422 Invalid');
  });

  test('generation counts changes of the spec, not of status or metadata (Ingress)', async () => {
    const path = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
    const backend = { service: { name: 'a', port: { number: 80 } } };
    const stored = await must(api(), { method: 'POST', path, body: { metadata: { name: 'gen' }, spec: { defaultBackend: backend } } });
    expect(meta(stored)['generation']).toBe(1);
    const ingress = { status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }, { hostname: 'a.b' }] } } };
    expect(meta((await patch(api, `${path}/gen/status`, ingress)).body)['generation']).toBe(1);
    expect(meta((await patch(api, `${path}/gen`, { metadata: { labels: { a: 'b' } } })).body)['generation']).toBe(1);
    expect(meta((await patch(api, `${path}/gen`, { spec: { ingressClassName: 'q' } })).body)['generation']).toBe(2);
  });

  test('podCIDRs are set once; addresses in the status do not repeat (Node)', async () => {
    await createNode(api(), { name: 'cidr', internalIps: ['192.168.1.1'] });
    expect((await patch(api, '/api/v1/nodes/cidr', { spec: { podCIDR: '10.244.9.0/24', podCIDRs: ['10.244.9.0/24'] } })).status).toBe(200);
    const other = { spec: { podCIDR: '10.244.8.0/24', podCIDRs: ['10.244.8.0/24'] } };
    expect(reason(await patch(api, '/api/v1/nodes/cidr', other))).toBe('422 Invalid');
    const twice = { type: 'InternalIP', address: '1.1.1.1' };
    expect(reason(await patch(api, '/api/v1/nodes/cidr/status', { status: { addresses: [twice, twice] } }))).toBe('422 Invalid');
    expect((await patch(api, '/api/v1/nodes/cidr/status', { status: { addresses: [{ type: 'Bogus', address: '' }] } })).status).toBe(200);
  });
}

/** Deletion: answers, preconditions, finalizers, grace, collections and namespaces. */
export function deleteConformance(api: Api): void {
  const remove = (path: string, body?: unknown) => api().request({ method: 'DELETE', path, ...(body !== undefined && { body }) });

  test('a Service is answered with itself, a Node with a Status', async () => {
    await createService(api(), { namespace: 'default', name: 'gone' });
    expect(asObject((await remove(`${SERVICES}/gone`)).body)).toMatchObject({ kind: 'Service', metadata: { name: 'gone' } });
    expect(reason(await remove(`${SERVICES}/gone`))).toBe('404 NotFound');
    await createNode(api(), { name: 'gone' });
    expect(asObject((await remove('/api/v1/nodes/gone')).body)).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'gone', kind: 'nodes' },
    });
  });

  test('preconditions that do not hold conflict (DeleteOptions.preconditions)', async () => {
    await createService(api(), { namespace: 'default', name: 'held' });
    expect(reason(await remove(`${SERVICES}/held`, { preconditions: { uid: 'other' } }))).toBe('409 Conflict');
    expect(reason(await remove(`${SERVICES}/held`, { preconditions: { resourceVersion: '1' } }))).toBe('409 Conflict');
  });

  test('a finalizer keeps the object until it is taken away, and no new one may come', async () => {
    await must(api(), {
      method: 'POST',
      path: SERVICES,
      body: { ...plain('fin'), metadata: { name: 'fin', finalizers: ['minilb.io/x'] } },
    });
    const marked = await remove(`${SERVICES}/fin`);
    expect(meta(marked.body)).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['minilb.io/x'] });
    expect(meta(marked.body)['deletionTimestamp']).toBeString();
    expect(reason(await patch(api, `${SERVICES}/fin`, { metadata: { finalizers: ['minilb.io/x', 'minilb.io/y'] } }))).toBe('422 Invalid');
    expect((await patch(api, `${SERVICES}/fin`, { metadata: { deletionTimestamp: null, labels: { a: 'b' } } })).status).toBe(200);
    expect(meta(await must(api(), { path: `${SERVICES}/fin` }))['deletionTimestamp']).toBeString();
    expect((await patch(api, `${SERVICES}/fin`, { metadata: { finalizers: null } })).status).toBe(200);
    expect((await api().request({ path: `${SERVICES}/fin` })).status).toBe(404);
  });

  test('a bound Pod stays Terminating for its grace, which only shrinks; 0 ends it', async () => {
    const pod = { namespace: 'default', name: 'grace', app: 'grace', node: 'n1', ips: ['10.244.0.9'] };
    const path = '/api/v1/namespaces/default/pods/grace';
    await createPod(api(), pod);
    await setPodReady(api(), pod, true);
    expect(meta((await remove(path)).body)).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
    expect(meta((await remove(path, { gracePeriodSeconds: 5 })).body)['deletionGracePeriodSeconds']).toBe(5);
    expect(meta((await remove(path, { gracePeriodSeconds: 50 })).body)['deletionGracePeriodSeconds']).toBe(5);
    expect(status(await must(api(), { path }))['phase']).toBe('Running');
    await deletePod(api(), pod, 0);
    expect((await api().request({ path })).status).toBe(404);
  });

  test('a Pod that no node runs is gone at once', async () => {
    const path = '/api/v1/namespaces/default/pods';
    await must(api(), { method: 'POST', path, body: { metadata: { name: 'unbound' }, spec: { containers: [{ name: 'c', image: 'x' }] } } });
    expect((await remove(`${path}/unbound`)).status).toBe(200);
    expect((await api().request({ path: `${path}/unbound` })).status).toBe(404);
  });

  test('a collection is deleted by selector', async () => {
    const lease = (name: string, group: string) => ({ metadata: { name, labels: { group } }, spec: {} });
    await must(api(), { method: 'POST', path: LEASES, body: lease('del-1', 'out') });
    await must(api(), { method: 'POST', path: LEASES, body: lease('del-2', 'stay') });
    const reply = await api().request({ method: 'DELETE', path: LEASES, query: { labelSelector: 'group=out' } });
    expect(reply.status).toBe(200);
    expect((await api().request({ path: `${LEASES}/del-1` })).status).toBe(404);
    expect((await api().request({ path: `${LEASES}/del-2` })).status).toBe(200);
  });

  test('a namespace takes its contents along; default stays', async () => {
    await createNamespace(api(), 'short', { a: 'b' });
    await createService(api(), { namespace: 'short', name: 'inside' });
    const labels = { a: 'b', 'kubernetes.io/metadata.name': 'short' };
    expect(await must(api(), { path: '/api/v1/namespaces/short' })).toMatchObject({ metadata: { labels }, status: { phase: 'Active' } });
    expect(asObject((await remove('/api/v1/namespaces/short')).body)).toMatchObject({ status: { phase: 'Terminating' } });
    await waitFor('the namespace to go', async () => (await api().request({ path: '/api/v1/namespaces/short' })).status === 404);
    expect((await api().request({ path: '/api/v1/namespaces/short/services/inside' })).status).toBe(404);
    expect(reason(await remove('/api/v1/namespaces/default'))).toBe('403 Forbidden');
  });
}

/** What a client asks to find out what is there. */
export function discoveryConformance(api: Api): void {
  test('health and unknown paths are plain text', async () => {
    for (const path of ['/healthz', '/readyz', '/livez']) expect((await api().request({ path })).body).toBe('ok');
    expect((await api().request({ path: '/apis/bogus.example/v1/things' })).body).toBe('404 page not found\n');
  });

  test('/version names a release', async () => {
    expect((await api().request({ path: '/version' })).body).toMatchObject({ major: '1', minor: '36' });
  });

  test('groups, versions and resources are listed', async () => {
    const groups = asArray(asObject((await api().request({ path: '/apis' })).body)?.['groups']);
    const discovery = { name: 'discovery.k8s.io', preferredVersion: { groupVersion: 'discovery.k8s.io/v1', version: 'v1' } };
    expect(groups).toContainEqual(expect.objectContaining(discovery));
    const resources = asArray(asObject((await api().request({ path: '/api/v1' })).body)?.['resources']);
    expect(resources).toContainEqual(expect.objectContaining({ name: 'services', kind: 'Service', namespaced: true, shortNames: ['svc'] }));
    expect(resources).toContainEqual(expect.objectContaining({ name: 'services/status', verbs: ['get', 'patch', 'update'] }));
  });

  test('aggregated discovery answers in one document (apidiscovery.k8s.io/v2)', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const reply = await api().request({ path: '/apis', accept });
    expect(reply.headers.get('content-type')).toContain('as=APIGroupDiscoveryList');
    const items = asArray(asObject(reply.body)?.['items']);
    const group = items.find((item) => meta(item)['name'] === 'discovery.k8s.io');
    const version = asObject(asArray(asObject(group)?.['versions'])[0]);
    expect(version).toMatchObject({ version: 'v1', resources: [{ resource: 'endpointslices', scope: 'Namespaced' }] });
  });
}
