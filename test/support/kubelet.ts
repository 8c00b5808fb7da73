import { asArray, asObject, asString } from '../../src/core/object/raw.ts';
import { systemClock } from '../../src/shell/system/clock.ts';
import type { ApiServer, ApiTestRequest } from './api.ts';
import { must } from './objects.ts';

export interface TestKubelets {
  readonly stop: () => Promise<void>;
}

interface PodFacts {
  readonly name: string;
  readonly path: string;
  readonly node: string;
  readonly hasIp: boolean;
  readonly terminating: boolean;
  readonly affinity: string | undefined;
}

const LOOK_EVERY_MS = 100;

/**
 * Stands in for scheduler and kubelets: gives each Pod a node (the one its affinity names, else the first), an address of that node's range and
 * readiness, and removes the terminating. `ranges` says how each node's addresses begin, for example `{ a: '10.244.0' }`.
 */
export function startKubelets(api: Pick<ApiServer, 'request'>, ranges: Readonly<Record<string, string>>): TestKubelets {
  const stopping = new AbortController();
  let next = 1;
  const send = async (request: ApiTestRequest) => {
    const reply = await api.request(request);
    // Gone or changed meanwhile: the next look shows how.
    if (reply.status >= 300 && reply.status !== 404 && reply.status !== 409)
      throw new Error(`${request.path}: ${JSON.stringify(reply.body)}`);
  };
  const serve = async (pod: PodFacts) => {
    if (pod.terminating) {
      await send({ method: 'DELETE', path: pod.path, body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 } });
    } else if (pod.node === '') {
      const target = { apiVersion: 'v1', kind: 'Node', name: pod.affinity ?? Object.keys(ranges)[0] };
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.name }, target };
      await send({ method: 'POST', path: `${pod.path}/binding`, body });
    } else if (!pod.hasIp) {
      const ip = `${ranges[pod.node]}.${++next}`;
      const conditions = ['Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True' }));
      await send({
        method: 'PATCH',
        path: `${pod.path}/status`,
        body: { status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } },
      });
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
  const name = asString(meta?.['name']) ?? '';
  return {
    name,
    path: `/api/v1/namespaces/${asString(meta?.['namespace'])}/pods/${name}`,
    node: asString(spec?.['nodeName']) ?? '',
    hasIp: asString(asObject(pod?.['status'])?.['podIP']) !== undefined,
    terminating: meta?.['deletionTimestamp'] !== undefined,
    affinity: /"metadata\.name","operator":"In","values":\["([^"]+)"/.exec(JSON.stringify(spec?.['affinity'] ?? {}))?.[1],
  };
}
