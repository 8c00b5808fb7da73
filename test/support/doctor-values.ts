import type { AccessFact, ClusterFacts, InspectedSettings, ServedVersions } from '../../src/core/doctor/facts.ts';
import type { MachineFacts, PathFact, ResolverFact } from '../../src/core/doctor/machine-facts.ts';
import type { EndpointSlice } from '../../src/core/object/endpoint-slice.ts';
import type { InspectedIngress } from '../../src/core/object/inspected-ingress.ts';
import { type InspectedPod, toInspectedPod } from '../../src/core/object/inspected-pod.ts';
import type { InspectedService } from '../../src/core/object/inspected-service.ts';
import { type Node, toNode } from '../../src/core/object/node.ts';
import { createZone } from '../../src/core/zone/zone.ts';
import { dnsName, ingress } from './claim-values.ts';
import { cidr } from './route-values.ts';
import { endpoint, ip, service, slice, testCluster } from './values.ts';

/** What a cluster holds beside, or in place of, the healthy one. */
export interface Sick {
  readonly domain?: string;
  readonly ttlSeconds?: number;
  readonly settings?: Partial<InspectedSettings>;
  readonly services?: readonly (readonly [key: string, over: Partial<InspectedService>, slices?: readonly EndpointSlice[]])[];
  readonly ingresses?: readonly (readonly [key: string, hosts: readonly string[], over: Partial<InspectedIngress>])[];
  readonly nodes?: readonly Node[];
  readonly pods?: readonly InspectedPod[];
  readonly podsKnown?: boolean;
  readonly access?: readonly AccessFact[];
  readonly gatewayKinds?: readonly ServedVersions[];
}

/** Facts of a healthy cluster, and what is given. The Service `default/web` has a pod that sleeps; `minilb/dns-1` serves. */
export function clusterFacts(sick: Sick = {}): ClusterFacts {
  const view = testCluster();
  const ports = [{ name: 'http', protocol: 'TCP' as const, port: 8080 }];
  const healthy = ['default/web', { type: 'LoadBalancer', loadBalancerClass: 'minilb', ports }, [webSlice('default/web')]] as const;
  const services = [healthy, ...(sick.services ?? [])].map(([key, over, slices]): InspectedService => {
    const made = { ...service(key, over), selector: { app: 'web' }, externalTrafficPolicy: 'Cluster', externalDns: {}, ...over };
    view.services.set(key, made);
    view.sliceLists.set(key, [...(slices ?? [])]);
    return made;
  });
  const ingresses = (sick.ingresses ?? []).map(([key, hosts, over]): InspectedIngress => {
    const made = { externalDns: {}, ...ingress(key, hosts, over), ...over };
    view.ingresses.set(key, made);
    return made;
  });
  const zone = createZone({
    domain: dnsName(sick.domain ?? 'minilb'),
    ttlSeconds: sick.ttlSeconds ?? 5,
    nameservers: [],
    serial: 1,
  });
  const nodes = sick.nodes ?? [node('n1', ['10.244.0.0/24'], ['192.168.1.10'])];
  zone.setNodes(view, nodes);
  for (const key of view.services.keys()) zone.update(view, key);
  for (const key of view.services.keys()) zone.updateClaims(view, 'Service', key);
  for (const key of view.ingresses.keys()) zone.updateClaims(view, 'Ingress', key);
  return {
    zone,
    view,
    inputs: [
      ...[...view.services.keys()].map((key) => ['Service', key] as const),
      ...[...view.ingresses.keys()].map((key) => ['Ingress', key] as const),
    ],
    settings: { forwarding: false, fallthrough: false, claimHosts: false, via: [], cidrs: [], ...sick.settings },
    services,
    slices: [...view.sliceLists.values()].flat(),
    ingresses,
    nodes,
    ciliumNodes: [],
    pods: sick.pods ?? [webPod({}), serverPod({})],
    podsKnown: sick.podsKnown ?? true,
    access: sick.access ?? [],
    gatewayKinds: sick.gatewayKinds ?? [],
  };
}

export function webSlice(key: string, address = '10.244.0.1', port = 8080): EndpointSlice {
  const ports = [{ name: 'http', protocol: 'TCP' as const, port }];
  return slice(key, 'a', [endpoint(address, 'ready', { nodeName: 'n1' })], { ports });
}

export function node(name: string, podCIDRs: readonly string[], addresses: readonly string[], annotations: object = {}): Node {
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  const made = toNode({ metadata: { name, annotations }, spec: { podCIDRs }, status });
  if (!made.ok) throw new Error(made.detail);
  return made.value;
}

interface PodSpec {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: object;
  readonly ownerReferences?: readonly object[];
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly spec?: object;
  readonly container?: object;
}

/** A core/v1 Pod through the projection that reads real ones. */
export function pod(over: PodSpec): InspectedPod {
  const { name = 'web-1', namespace = 'default', labels = {}, ownerReferences = [], ips = [], ready = true } = over;
  const container = { name: 'c', image: 'none', ...over.container };
  const made = toInspectedPod({
    metadata: { name, namespace, labels, ownerReferences },
    spec: { nodeName: 'n1', serviceAccountName: 'sa', containers: [container], ...over.spec },
    status: {
      phase: 'Running',
      podIPs: ips.map((each) => ({ ip: each })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  });
  if (!made.ok) throw new Error(made.detail);
  return made.value;
}

/** `ReplicaSet web-5f` of the Deployment `web`. */
export const ofDeployment = (name: string) => ({
  labels: { 'pod-template-hash': '5f' },
  ownerReferences: [{ kind: 'ReplicaSet', name: `${name}-5f`, controller: true }],
});

/** The pod of `default/web`: without anything given, one that sleeps before it ends. */
export function webPod(over: PodSpec): InspectedPod {
  return pod({ ips: ['10.244.0.1'], container: { lifecycle: { preStop: { sleep: { seconds: 10 } } } }, ...ofDeployment('web'), ...over });
}

/** A Pod of the manifest. */
export function serverPod(over: PodSpec, args: readonly string[] = ['dns']): InspectedPod {
  const { labels, ownerReferences } = ofDeployment('minilb-dns');
  const own = { name: 'dns-1', namespace: 'minilb', ips: ['10.244.0.9'], ownerReferences, container: { name: 'minilb', args } };
  return pod({ ...own, labels: { ...labels, 'app.kubernetes.io/name': 'minilb' }, ...over });
}

/** A machine from which all is well: dnsmasq at 192.168.1.1 forwards to minilb at 192.168.1.10. */
export function machineFacts(over: Partial<MachineFacts> = {}): MachineFacts {
  return {
    servers: [
      {
        who: 'Pod minilb/dns-1',
        at: { ip: ip('192.168.1.10'), port: 53 },
        probe: { kind: 'answer', rcode: 'NOERROR', records: ['"client=192.168.1.2 server=dns-1"'] },
      },
    ],
    resolvers: [resolverFact()],
    ownAddresses: [ip('127.0.0.1'), ip('192.168.1.2')],
    paths: [pathFact()],
    kernelRoutes: [{ destination: cidr('0.0.0.0/0'), via: ip('192.168.1.1') }],
    foreignZone: undefined,
    ...over,
  };
}

export function resolverFact(over: Partial<ResolverFact> = {}): ResolverFact {
  const direct = ['10.244.0.1'];
  const said = { kind: 'answer', rcode: 'NOERROR', records: direct } as const;
  return {
    at: { ip: ip('192.168.1.1'), port: 53 },
    program: 'dnsmasq-2.90',
    probe: { kind: 'answer', rcode: 'NOERROR', records: ['"client=192.168.1.1 server=dns-1"'] },
    unchecked: undefined,
    root: { kind: 'answer', rcode: 'NOERROR', records: ['a.root-servers.net.'] },
    host: { name: dnsName('web.default.minilb'), type: 'A', direct, said },
    claimed: { name: dnsName('mqtt.example.com'), type: 'A', direct, said },
    sibling: { name: dnsName('minilb-doctor-1.example.com'), said: { kind: 'answer', rcode: 'NXDOMAIN', records: [] } },
    staleness: { ttlSeconds: 5, waitedSeconds: 6.5, same: false, sameAgain: false },
    ...over,
  };
}

export function pathFact(over: Partial<PathFact> = {}): PathFact {
  return { node: 'n1', address: ip('10.244.0.1'), port: 8080, result: 'passes', nodeAlive: 'unknown', hop: ip('192.168.1.1'), ...over };
}
