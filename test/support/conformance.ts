import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mergePatch } from '../../src/core/api-server/json.ts';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import type { ApiReply, ApiServer } from './api.ts';
import { listConformance, watchConformance } from './conformance-reads.ts';
import {
  ENDPOINT_SLICE_ROWS,
  EVENT_ROWS,
  INGRESS_ROWS,
  LEASE_ROWS,
  NODE_ROWS,
  POD_ROWS,
  type RefusalRow,
  SERVICE_ROWS,
  SERVICE_STATUS_ROWS,
} from './conformance-rows.ts';
import { sliceConformance } from './conformance-slices.ts';
import { deleteConformance, discoveryConformance, writeConformance } from './conformance-writes.ts';

export type ConformanceApi = ApiServer & { readonly stop: () => Promise<void> };

const START_MS_MAX = 300_000;
/** A test that times out makes Bun kill every child process, the API server among them: what one waits for fails long before. */
const TEST_MS_MAX = 120_000;

/** The suite that the embedded and the real API server both pass, so that the embedded one cannot drift. */
export function apiServerConformance(start: () => Promise<ConformanceApi>): void {
  setDefaultTimeout(TEST_MS_MAX);
  let started: ConformanceApi | undefined;
  const api = (): ConformanceApi => {
    if (!started) throw new Error('the API server did not start');
    return started;
  };
  beforeAll(async () => {
    started = await start();
  }, START_MS_MAX);
  afterAll(async () => {
    await started?.stop();
  }, START_MS_MAX);

  validation(api);
  describe('writes', () => writeConformance(api));
  describe('deletion', () => deleteConformance(api));
  describe('discovery', () => discoveryConformance(api));
  describe('lists', () => listConformance(api));
  describe('watches', () => watchConformance(api));
  describe('endpoint slices', () => sliceConformance(api));
}

const SERVICES = '/api/v1/namespaces/default/services';
const NOW = '2026-01-01T00:00:00.000000Z';

interface Creation {
  readonly title: string;
  readonly path: string;
  readonly minimal: object;
  readonly rows: readonly RefusalRow[];
}

const CREATIONS: readonly Creation[] = [
  {
    title: 'Service (core/v1)',
    path: SERVICES,
    minimal: { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } },
    rows: SERVICE_ROWS,
  },
  { title: 'Node (core/v1)', path: '/api/v1/nodes', minimal: { apiVersion: 'v1', kind: 'Node', spec: {} }, rows: NODE_ROWS },
  {
    title: 'Pod (core/v1)',
    path: '/api/v1/namespaces/default/pods',
    minimal: { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image: 'x' }] } },
    rows: POD_ROWS,
  },
  {
    title: 'Event (events.k8s.io/v1)',
    path: '/apis/events.k8s.io/v1/namespaces/default/events',
    minimal: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      eventTime: NOW,
      reportingController: 'minilb/dns',
      reportingInstance: 'x',
      action: 'A',
      reason: 'R',
      type: 'Normal',
      regarding: { kind: 'Service', namespace: 'default', name: 'a' },
      note: 'n',
    },
    rows: EVENT_ROWS,
  },
  {
    title: 'Lease (coordination.k8s.io/v1)',
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    minimal: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: NOW, renewTime: NOW, leaseTransitions: 0 },
    },
    rows: LEASE_ROWS,
  },
  {
    title: 'EndpointSlice (discovery.k8s.io/v1)',
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    minimal: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.1.1'] }],
      ports: [{ port: 80 }],
    },
    rows: ENDPOINT_SLICE_ROWS,
  },
  {
    title: 'Ingress (networking.k8s.io/v1)',
    path: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    minimal: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      spec: { defaultBackend: { service: { name: 'a', port: { number: 80 } } } },
    },
    rows: INGRESS_ROWS,
  },
];

function validation(api: () => ApiServer): void {
  for (const { title, path, minimal, rows } of CREATIONS) {
    describe(`creating a ${title}`, () => {
      test.each(rows.map((row, i) => [row.rule, row, i] as const))('%s', async (_, row, i) => {
        const body = mergePatch({ ...minimal, metadata: { name: `row-${i}` } }, row.change);
        expectOutcome(await api().request({ method: 'POST', path, body }), row);
        await api().request({ method: 'DELETE', path: `${path}/row-${i}`, query: { gracePeriodSeconds: '0' } });
      });
    });
  }
  describe('patching the status of a Service (core/v1)', () => {
    beforeAll(async () => {
      const spec = { type: 'LoadBalancer', loadBalancerClass: 'minilb', ports: [{ port: 80 }] };
      await api().request({ method: 'POST', path: SERVICES, body: { metadata: { name: 'status' }, spec } });
    });
    test.each(SERVICE_STATUS_ROWS.map((row) => [row.rule, row] as const))('%s', async (_, row) => {
      expectOutcome(await api().request({ method: 'PATCH', path: `${SERVICES}/status/status`, body: row.change }), row);
    });
  });
}

function expectOutcome(reply: ApiReply, row: RefusalRow): void {
  const body = asObject(reply.body);
  const causes = asArray(asObject(body?.['details'])?.['causes']).map((raw) => `${asObject(raw)?.['reason']} ${asObject(raw)?.['field']}`);
  expect({
    status: reply.status,
    ...(row.reason && { reason: asString(body?.['reason']) }),
    ...(row.causes && { causes: [...new Set(causes)].sort() }),
  }).toEqual({ status: row.status, ...(row.reason && { reason: row.reason }), ...(row.causes && { causes: [...row.causes].sort() }) });
}
