import { dnsSubdomain } from '../../src/core/api-server/field-error.ts';
import { apiKind } from '../../src/core/api-server/kind.ts';
import { map } from '../../src/core/api-server/shape.ts';
import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { createOperator, type Operator, type OperatorContext } from '../../src/roles/external/operator.ts';
import type { KubeClient } from '../../src/shell/kube/client.ts';
import { createEventRecorder } from '../../src/shell/kube/events.ts';
import { createMetrics, type Metrics } from '../../src/shell/telemetry/metrics.ts';
import { crdKind, externalCrds } from './crd-kind.ts';
import { CLASS } from './external-values.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createGoUpdater, type GoUpdater } from './go-updater.ts';
import { createInProcessApi, type InProcessApi } from './in-process-api.ts';
import { createMemoryLog } from './log.ts';
import { createNamespace, must } from './objects.ts';
import { seededRandom } from './random.ts';

/** core/v1 Secret, as far as a test writes one. */
const SECRET = apiKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  statusSubresource: false,
  nameRule: dnsSubdomain,
  shape: { data: map('string'), type: 'string' },
});

export const CONFIG_PATH = '/apis/lb.paperlb.com/v1alpha1/namespaces/paperlb-system/loadbalancerconfigs';
export const MAIN = 'http://192.168.64.1:3000/api/v1/lb';

/** How the next calls to an updater go: `undefined` lets the stand-in answer. */
export type Answering = (request: Request, signal: AbortSignal) => Promise<Response> | undefined;

export interface Leading {
  readonly operator: Operator;
  readonly stop: () => Promise<void>;
}

/** `minilb external` in a world whose time is the test's: API server and updaters are in this process. */
export interface ExternalLab {
  readonly api: InProcessApi;
  readonly clock: FakeClock;
  readonly metrics: Metrics;
  readonly log: ReturnType<typeof createMemoryLog>;
  readonly updater: (url?: string) => GoUpdater;
  readonly answering: (answer: Answering | undefined) => void;
  /** Starts the operator as a leader; returns its end. */
  readonly lead: (settings?: object) => Promise<Leading>;
  /**
   * Starts one that dies when it makes its n-th write or call: what it asked for is done, and it never learns so, or (`before`) it is not done.
   * Returns whether it came to that.
   */
  readonly leadUntil: (n: number, before: boolean) => Promise<boolean>;
  readonly service: (name: string, spec?: object, annotations?: object) => Promise<void>;
  readonly config: (name: string, spec?: object) => Promise<void>;
  readonly patch: (path: string, body: object) => Promise<Record<string, unknown>>;
  readonly balancer: (name: string) => Promise<Record<string, unknown> | undefined>;
  /** Events so far: `Reason: note`. */
  readonly events: () => Promise<readonly string[]>;
  /** Lets everything happen that takes no time to speak of. */
  readonly settle: () => Promise<void>;
}

export const servicePath = (name: string) => `/api/v1/namespaces/default/services/${name}`;
export const balancerPath = (name: string) => `/apis/lb.paperlb.com/v1alpha1/namespaces/default/loadbalancers/${name}`;

export async function createExternalLab(): Promise<ExternalLab> {
  const clock = createFakeClock();
  const random = seededRandom(7);
  const api = createInProcessApi([...externalCrds().map(crdKind), SECRET], clock, random);
  const updaters = new Map<string, GoUpdater>();
  const log = createMemoryLog();
  const metrics = createMetrics();
  let answer: Answering | undefined;
  const updater = (url = MAIN) => {
    const held = updaters.get(url) ?? createGoUpdater();
    updaters.set(url, held);
    return held;
  };
  const send = async (url: string, init: BunFetchRequestInit): Promise<Response> => {
    const { signal, method, headers, body } = init;
    const request = new Request(url, { method, headers, body } as RequestInit);
    const own = answer?.(request.clone() as Request, signal as AbortSignal);
    if (!own) return updater(url).handle(request);
    updater(url);
    return own;
  };
  const start = (client: KubeClient, sender: typeof send, settings: object, signal: AbortSignal): Operator => {
    const defaults = { loadBalancerClass: CLASS, classless: true, prefixes: [], resyncSeconds: 300 };
    const context = { settings: { ...defaults, ...settings }, clock, random, log, version: 'test' } as unknown as OperatorContext;
    const events = createEventRecorder({ client: api.client, role: 'external', instance: 'lab', clock, log }, signal);
    return createOperator({ context, client, metrics, events, send: sender }, signal);
  };
  const settle = async () => {
    for (let i = 0; i < 12; i++) await clock.advance(25);
  };
  await createNamespace(api, 'paperlb-system');
  await must(api, { method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: 'a' }, spec: {}, status: nodeStatus('10.0.0.1') } });
  const lab: ExternalLab = {
    api,
    clock,
    metrics,
    log,
    updater,
    answering: (next) => {
      answer = next;
    },
    lead: async (settings = {}) => {
      const stop = new AbortController();
      const operator = start(api.client, send, settings, stop.signal);
      await settle();
      return {
        operator,
        stop: async () => {
          stop.abort();
          await clock.settle();
          await operator.closed;
        },
      };
    },
    leadUntil: async (n, before) => {
      const death = new AbortController();
      let steps = 0;
      const step = async <T>(work: () => Promise<T>): Promise<T> => {
        if (death.signal.aborted) return new Promise<T>(() => {});
        if (++steps < n) return work();
        if (!before) await work();
        death.abort();
        return new Promise<T>(() => {});
      };
      const client: KubeClient = {
        ...api.client,
        request: (request, signal) =>
          request.method === 'GET' ? api.client.request(request, signal) : step(() => api.client.request(request, signal)),
      };
      start(client, (url, init) => step(() => send(url, init)), {}, death.signal);
      for (let i = 0; i < 20 && !death.signal.aborted; i++) await settle();
      const died = death.signal.aborted;
      death.abort();
      await settle();
      return died;
    },
    service: async (name, spec = {}, annotations = {}) => {
      const filled = { type: 'LoadBalancer', loadBalancerClass: CLASS, ports: [{ name: 'http', port: 80, nodePort: 30080 }], ...spec };
      const body = { apiVersion: 'v1', kind: 'Service', metadata: { name, annotations }, spec: filled };
      await must(api, { method: 'POST', path: '/api/v1/namespaces/default/services', body });
    },
    config: async (name, spec = {}) => {
      const filled = {
        default: name === 'main',
        httpUpdaterURL: MAIN,
        host: '192.168.64.1',
        portRange: { low: 8100, high: 8200 },
        ...spec,
      };
      const body = { apiVersion: 'lb.paperlb.com/v1alpha1', kind: 'LoadBalancerConfig', metadata: { name }, spec: filled };
      await must(api, { method: 'POST', path: CONFIG_PATH, body });
    },
    patch: (path, body) => must(api, { method: 'PATCH', path, body }),
    balancer: async (name) => {
      const reply = await api.request({ path: balancerPath(name) });
      return reply.status === 200 ? (asObject(reply.body) as Record<string, unknown>) : undefined;
    },
    events: async () => {
      const lists = await Promise.all(
        ['default'].map((namespace) => must(api, { path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events` })),
      );
      return lists.flatMap((list) => asArray(list['items']).map((item) => `${asObject(item)?.['reason']}: ${asObject(item)?.['note']}`));
    },
    settle,
  };
  return lab;
}

export function nodeStatus(address: string, ready = true): object {
  return { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] };
}

/** `192.168.64.1:8100/TCP,…` as a Service's status says it; empty when it says nothing. */
export async function ingressText(api: Pick<InProcessApi, 'request'>, name: string): Promise<string> {
  const service = await must(api, { path: servicePath(name) });
  const entries = asArray(asObject(asObject(service['status'])?.['loadBalancer'])?.['ingress']).map(asObject);
  const text = entries.map((entry) => {
    const ports = asArray(entry?.['ports']).map((port) => `${asObject(port)?.['port']}/${asObject(port)?.['protocol']}`);
    return `${asString(entry?.['ip']) ?? asString(entry?.['hostname'])}:${ports.join(',')}`;
  });
  return text.join(' ');
}
