import type { ApiServer } from './api.ts';
import { createMinilbPod, removeMinilbPod } from './explain-job.ts';
import { createNode, createService, deleteService, must } from './objects.ts';

type Api = Pick<ApiServer, 'request'> & ApiServer;

/** Something wrong that is put into a healthy cluster. */
export interface Fault {
  readonly code: string;
  /** What the finding is about. */
  readonly object: string;
  /** Where it is about a name: what `minilb explain` says of that. */
  readonly explain?: { readonly name: string; readonly says: string };
  readonly plant: (api: Api) => Promise<void>;
  /** What remains to be cleared away when the remedy has been followed. */
  readonly clear?: (api: Api) => Promise<void>;
}

const SERVICES = '/api/v1/namespaces/default/services';
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces';

/** A Service with one ready endpoint, written by hand, that has nothing wrong with it but what is given. */
async function createFaulty(
  api: Api,
  name: string,
  options: { readonly spec?: object; readonly annotations?: Readonly<Record<string, string>>; readonly endpoint?: object } = {},
): Promise<void> {
  const spec = { ports: [{ name: 'http', port: 8080, targetPort: 8080 }], ...options.spec };
  const { annotations } = options;
  await createService(api, { namespace: 'default', name, app: '', spec, ...(annotations && { annotations }) });
  await must(api, {
    method: 'POST',
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-by-hand`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.244.0.200'], nodeName: 'n1', conditions: { ready: true }, ...options.endpoint }],
    },
  });
}

async function createIngress(api: Api, namespace: string, name: string, host: string): Promise<void> {
  await must(api, {
    method: 'POST',
    path: `${INGRESSES}/${namespace}/ingresses`,
    body: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, namespace },
      spec: { rules: [{ host }], defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    },
  });
  await must(api, {
    method: 'PATCH',
    path: `${INGRESSES}/${namespace}/ingresses/${name}/status`,
    body: { status: { loadBalancer: { ingress: [{ hostname: 'web.default.minilb' }] } } },
  });
}

async function createPublisher(api: Api): Promise<void> {
  const args = ['--source=service', '--provider=cloudflare'];
  await must(api, {
    method: 'POST',
    path: '/api/v1/namespaces/default/pods',
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'external-dns', namespace: 'default' },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'registry.k8s.io/external-dns/external-dns:v0.19.0', args }] },
    },
  });
}

/** Ten faults that both API servers can hold. The cluster has the namespace `default`, the Node `n1` and the Service `default/web`. */
export const FAULTS: readonly Fault[] = [
  {
    code: 'PortsDiffer',
    object: 'Service default/gap',
    explain: { name: 'gap.default.minilb', says: 'Clients must use port 8080, not 80 (http)/TCP' },
    plant: (api) => createFaulty(api, 'gap', { spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] } }),
  },
  {
    code: 'InvalidAnswer',
    object: 'Service default/odd-answer',
    plant: (api) => createFaulty(api, 'odd-answer', { annotations: { 'minilb/answer': 'pods' } }),
  },
  {
    code: 'UnroutableEndpoint',
    object: 'Service default/stand-in',
    explain: { name: 'stand-in.default.minilb', says: '192.192.192.192 is left out: it lies outside every podCIDR' },
    plant: (api) => createFaulty(api, 'stand-in', { endpoint: { addresses: ['192.192.192.192'], nodeName: undefined } }),
  },
  {
    code: 'ForeignStatus',
    object: 'Service default/taken-over',
    plant: async (api) => {
      await createFaulty(api, 'taken-over');
      const body = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } } };
      await must(api, { method: 'PATCH', path: `${SERVICES}/taken-over/status`, body });
    },
  },
  {
    code: 'HostConflict',
    object: 'Ingress default/second',
    explain: { name: 'www.example.com', says: 'Ingress default/second claims the name' },
    plant: async (api) => {
      await createIngress(api, 'default', 'first', 'www.example.com');
      await must(api, {
        method: 'PATCH',
        path: `${INGRESSES}/default/ingresses/first/status`,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } } },
      });
      await createIngress(api, 'default', 'second', 'www.example.com');
    },
  },
  {
    code: 'HostRefused',
    object: 'Service default/apex',
    explain: { name: 'minilb', says: 'Service default/apex claims the name' },
    plant: (api) => createFaulty(api, 'apex', { annotations: { 'minilb/host': 'minilb, apex.example.com' } }),
  },
  {
    code: 'InvalidHost',
    object: 'Service default/no-host',
    plant: (api) => createFaulty(api, 'no-host', { annotations: { 'minilb/host': "it's..none, good.example.com" } }),
  },
  {
    code: 'NodeWithoutPodCidrs',
    object: 'Node n2',
    plant: (api) => createNode(api, { name: 'n2', internalIps: ['192.168.1.11'] }),
  },
  {
    code: 'PublishesPrivateNames',
    object: 'Service default/published',
    plant: async (api) => {
      await createPublisher(api);
      await createFaulty(api, 'published', { annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'app.example.org' } });
      const body = { status: { loadBalancer: { ingress: [{ hostname: 'published.default.minilb' }] } } };
      await must(api, { method: 'PATCH', path: `${SERVICES}/published/status`, body });
    },
  },
  {
    code: 'SourceNatInFront',
    object: 'Service minilb/lan',
    plant: async (api) => {
      await createService(api, {
        namespace: 'minilb',
        name: 'lan',
        spec: {
          type: 'NodePort',
          loadBalancerClass: undefined,
          allocateLoadBalancerNodePorts: undefined,
          ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 }],
          selector: { 'app.kubernetes.io/name': 'minilb' },
        },
      });
      await removeMinilbPod(api, 'dns-1');
      await createMinilbPod(api, {
        name: 'dns-1',
        args: ['dns', '-upstream=192.168.1.1', '-claim-hosts=*.example.com,*.minilb,minilb'],
        ip: '10.244.0.9',
      });
    },
    clear: (api) => deleteService(api, 'minilb', 'lan'),
  },
];
