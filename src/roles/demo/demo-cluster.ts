import type { RawObject } from '../../core/object/raw.ts';

/** A pod of the demo: a real web server on a loopback address of this machine. */
export interface DemoPod {
  readonly name: string;
  readonly app: string;
  readonly node: string;
  readonly address: string;
  readonly port: number;
  /** Set in a StatefulSet: the pod has a name of its own below its Service. */
  readonly hostname?: string;
}

/** Nodes have two addresses: the one that routes go by, and the loopback address at which their pods really answer. */
const NODES = [
  { name: 'node-1', cidr: '10.244.1.0/24', address: '192.168.1.31', loopback: '127.0.0.11' },
  { name: 'node-2', cidr: '10.244.2.0/24', address: '192.168.1.32', loopback: '127.0.0.12' },
  { name: 'node-3', cidr: '10.244.3.0/24', address: '192.168.1.33', loopback: '127.0.0.13' },
] as const;

const SERVICES = [
  { name: 'web', port: 8081, headless: false },
  { name: 'api', port: 8082, headless: false },
  { name: 'db', port: 8083, headless: true },
] as const;

export const DEMO_PODS: readonly DemoPod[] = [
  ...NODES.map((node, n) => ({ name: `web-${n + 1}`, app: 'web', node: node.name, address: node.loopback, port: 8081 })),
  ...NODES.slice(0, 2).map((node, n) => ({ name: `api-${n + 1}`, app: 'api', node: node.name, address: node.loopback, port: 8082 })),
  ...NODES.slice(1).map((node, n) => ({
    name: `db-${n}`,
    hostname: `db-${n}`,
    app: 'db',
    node: node.name,
    address: node.loopback,
    port: 8083,
  })),
];

/** The pod that comes and goes. */
export const FLAPPING_POD = 'web-3';

/** Nodes and Services; pods are made ready one by one with `demoPod`. */
export function demoObjects(): readonly RawObject[] {
  return [...NODES.map(demoNode), ...SERVICES.map(demoService), externalService()];
}

/** A running Pod as a kubelet would report it. It uses its node's network, since it is a program on this machine. */
export function demoPod(pod: DemoPod, ready: boolean): RawObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: 'default', labels: { app: pod.app } },
    spec: {
      nodeName: pod.node,
      hostNetwork: true,
      containers: [{ name: 'server', image: 'none', ports: [{ name: 'http', containerPort: pod.port }] }],
      ...(pod.hostname && { hostname: pod.hostname, subdomain: pod.app }),
    },
    status: {
      phase: 'Running',
      podIP: pod.address,
      podIPs: [{ ip: pod.address }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

function demoNode({ name, cidr, address, loopback }: (typeof NODES)[number]): RawObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: cidr, podCIDRs: [cidr] },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'InternalIP', address: loopback },
      ],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

function demoService({ name, port, headless }: (typeof SERVICES)[number]): RawObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      selector: { app: name },
      ports: [{ name: 'http', port, targetPort: 'http', protocol: 'TCP' }],
      ...(headless ? { clusterIP: 'None' } : { type: 'LoadBalancer', loadBalancerClass: 'minilb', allocateLoadBalancerNodePorts: false }),
    },
  };
}

function externalService(): RawObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'docs', namespace: 'default' },
    spec: { type: 'ExternalName', externalName: 'kubernetes.io' },
  };
}
