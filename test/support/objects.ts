import { asObject } from '../../src/core/object/raw.ts';
import type { ApiServer } from './api.ts';

/** Objects that tests create, and what a kubelet would do to them. Everything throws when the API server refuses. */

const NODES = '/api/v1/nodes';

/** Sends a request that must succeed and returns the object it answers with. */
export async function must(
  api: Pick<ApiServer, 'request'>,
  request: Parameters<ApiServer['request']>[0],
): Promise<Record<string, unknown>> {
  const reply = await api.request(request);
  if (reply.status >= 300) throw new Error(`${request.method ?? 'GET'} ${request.path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return (asObject(reply.body) ?? {}) as Record<string, unknown>;
}

export interface TestNode {
  readonly name: string;
  readonly podCidrs?: readonly string[];
  readonly internalIps?: readonly string[];
}

/** Creates a Node with its addresses and a Ready condition. */
export async function createNode(api: Pick<ApiServer, 'request'>, node: TestNode): Promise<void> {
  const cidrs = node.podCidrs ?? [];
  await must(api, {
    method: 'POST',
    path: NODES,
    body: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node.name, labels: { 'kubernetes.io/hostname': node.name } },
      spec: cidrs.length > 0 ? { podCIDR: cidrs[0], podCIDRs: cidrs } : {},
    },
  });
  await must(api, {
    method: 'PATCH',
    path: `${NODES}/${node.name}/status`,
    body: {
      status: {
        addresses: (node.internalIps ?? []).map((address) => ({ type: 'InternalIP', address })),
        conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }],
      },
    },
  });
}

export interface TestPod {
  readonly namespace: string;
  readonly name: string;
  /** Label `app`, which `createService` selects. */
  readonly app: string;
  readonly node: string;
  /** First one is `status.podIP`. */
  readonly ips: readonly string[];
  /** Named container port; 8080 under the name `http` when absent. */
  readonly port?: number;
  readonly hostname?: string;
  readonly subdomain?: string;
}

const podPath = (pod: Pick<TestPod, 'namespace' | 'name'>) => `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;

/** Creates a Pod bound to its node, running and not ready. */
export async function createPod(api: Pick<ApiServer, 'request'>, pod: TestPod): Promise<void> {
  const { namespace, name } = pod;
  await must(api, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app: pod.app } },
      spec: {
        nodeName: pod.node,
        containers: [{ name: 'c', image: 'none', ports: [{ name: 'http', containerPort: pod.port ?? 8080 }] }],
        ...(pod.hostname && { hostname: pod.hostname }),
        ...(pod.subdomain && { subdomain: pod.subdomain }),
      },
    },
  });
  await setPodReady(api, pod, false);
}

/** Does what a kubelet does when a readiness probe changes its mind. */
export async function setPodReady(
  api: Pick<ApiServer, 'request'>,
  pod: Pick<TestPod, 'namespace' | 'name' | 'ips'>,
  ready: boolean,
): Promise<void> {
  const status = ready ? 'True' : 'False';
  await must(api, {
    method: 'PATCH',
    path: `${podPath(pod)}/status`,
    body: {
      status: {
        phase: 'Running',
        podIP: pod.ips[0],
        podIPs: pod.ips.map((ip) => ({ ip })),
        conditions: [
          { type: 'Ready', status },
          { type: 'ContainersReady', status },
          { type: 'PodScheduled', status: 'True' },
        ],
      },
    },
  });
}

/** With a grace period above 0 the Pod stays Terminating until it is deleted again with 0. */
export async function deletePod(
  api: Pick<ApiServer, 'request'>,
  pod: Pick<TestPod, 'namespace' | 'name'>,
  graceSeconds: number,
): Promise<void> {
  await must(api, {
    method: 'DELETE',
    path: podPath(pod),
    body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: graceSeconds },
  });
}

export interface TestService {
  readonly namespace: string;
  readonly name: string;
  /** Selects Pods with this `app` label; the Service's own name when absent, none when empty. */
  readonly app?: string;
  /** Merged over the default spec: type LoadBalancer, class minilb, port 80 → `http`, no node ports. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Creates a Service and returns it as the server stored it. */
export async function createService(api: Pick<ApiServer, 'request'>, service: TestService): Promise<Record<string, unknown>> {
  const { namespace, name, annotations } = service;
  const app = service.app ?? name;
  const spec = {
    type: 'LoadBalancer',
    loadBalancerClass: 'minilb',
    allocateLoadBalancerNodePorts: false,
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    ...(app !== '' && { selector: { app } }),
    ...service.spec,
  };
  return await must(api, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, ...(annotations && { annotations }) }, spec },
  });
}

export async function deleteService(api: Pick<ApiServer, 'request'>, namespace: string, name: string): Promise<void> {
  await must(api, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}/services/${name}` });
}

export async function createNamespace(
  api: Pick<ApiServer, 'request'>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await must(api, {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
  });
}

/** EndpointSlices of a Service, as the server has them now. */
export async function slicesOf(
  api: Pick<ApiServer, 'request'>,
  namespace: string,
  service: string,
): Promise<readonly Record<string, unknown>[]> {
  const list = await must(api, {
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    query: { labelSelector: `kubernetes.io/service-name=${service}` },
  });
  return (list['items'] ?? []) as readonly Record<string, unknown>[];
}
