import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import type { ApiServer, ApiTestRequest } from './api.ts';
import { must } from './objects.ts';

export interface TestKubelets {
  readonly stop: () => Promise<void>;
}

/** Runs what is in a Pod. Every function is called again and again and must say the same until something changed. */
export interface Containers {
  /** Once the Pod is bound to a node. */
  readonly start: (pod: PodFacts) => void;
  readonly isReady: (pod: PodFacts) => Promise<boolean>;
  /** Exit code, once it has ended by itself. */
  readonly exitCode: (pod: PodFacts) => number | undefined;
  /** Asks it to end; true when it has. */
  readonly stop: (pod: PodFacts) => boolean;
}

export interface PodFacts {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly phase: string;
  readonly ready: boolean;
  readonly path: string;
  readonly node: string;
  readonly hasIp: boolean;
  readonly terminating: boolean;
  readonly affinity: string | undefined;
}

const LOOK_EVERY_MS = 100;

/**
 * Stands in for scheduler and kubelets: gives each Pod a node (the one its affinity names, else the first), an address of that node's range and
 * readiness, and removes the terminating. `ranges` says how each node's addresses begin, for example `{ a: '10.244.0' }`. Without `containers` nothing
 * runs and every Pod is ready at once.
 */
export function startKubelets(
  api: Pick<ApiServer, 'request'>,
  ranges: Readonly<Record<string, string>>,
  containers?: Containers,
): TestKubelets {
  const stopping = new AbortController();
  let next = 1;
  const send = async (request: ApiTestRequest) => {
    const reply = await api.request(request);
    // Gone or changed meanwhile: the next look shows how.
    if (reply.status >= 300 && reply.status !== 404 && reply.status !== 409)
      throw new Error(`${request.path}: ${JSON.stringify(reply.body)}`);
  };
  const report = (pod: PodFacts, phase: string, ready: boolean, ip?: string) => {
    const conditions = ['Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: ready || type === 'PodScheduled' ? 'True' : 'False',
    }));
    const body = { status: { phase, ...(ip && { podIP: ip, podIPs: [{ ip }] }), conditions } };
    return send({ method: 'PATCH', path: `${pod.path}/status`, body });
  };
  const serve = async (pod: PodFacts) => {
    if (pod.terminating) {
      if (containers && !containers.stop(pod)) return;
      await send({ method: 'DELETE', path: pod.path, body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 } });
    } else if (pod.node === '') {
      const target = { apiVersion: 'v1', kind: 'Node', name: pod.affinity ?? Object.keys(ranges)[0] };
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.name }, target };
      await send({ method: 'POST', path: `${pod.path}/binding`, body });
    } else if (!pod.hasIp) {
      containers?.start(pod);
      await report(pod, 'Running', containers === undefined, `${ranges[pod.node]}.${++next}`);
    } else if (containers && pod.phase === 'Running') {
      const code = containers.exitCode(pod);
      if (code !== undefined) await report(pod, code === 0 ? 'Succeeded' : 'Failed', false);
      else if ((await containers.isReady(pod)) !== pod.ready) await report(pod, 'Running', !pod.ready);
    }
  };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      const list = await must(api, { path: '/api/v1/pods' });
      for (const pod of asArray(list['items']).map(toFacts)) await serve(pod);
      await systemClock.after(LOOK_EVERY_MS, stopping.signal);
    }
  };
  const running = loop();
  // A failure is told by `stop`.
  running.catch(() => {});
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

function toFacts(raw: unknown): PodFacts {
  const pod = asObject(raw);
  const meta = asObject(pod?.['metadata']);
  const spec = asObject(pod?.['spec']);
  const status = asObject(pod?.['status']);
  const name = asString(meta?.['name']) ?? '';
  return {
    name,
    spec: spec ?? {},
    labels: asObject(meta?.['labels']) ?? {},
    phase: asString(status?.['phase']) ?? '',
    ready: asArray(status?.['conditions']).some((one) => asObject(one)?.['type'] === 'Ready' && asObject(one)?.['status'] === 'True'),
    path: `/api/v1/namespaces/${asString(meta?.['namespace'])}/pods/${name}`,
    node: asString(spec?.['nodeName']) ?? '',
    hasIp: asString(status?.['podIP']) !== undefined,
    terminating: meta?.['deletionTimestamp'] !== undefined,
    affinity: /"metadata\.name","operator":"In","values":\["([^"]+)"/.exec(JSON.stringify(spec?.['affinity'] ?? {}))?.[1],
  };
}
