import { describe, expect, test } from 'bun:test';
import { points } from '../../../test/support/claim-values.ts';
import { clusterFacts, node, ofDeployment, pod, type Sick, serverPod, webPod, webSlice } from '../../../test/support/doctor-values.ts';
import { cidr } from '../../../test/support/route-values.ts';
import { CATALOGUE, type FindingCode } from './catalogue.ts';
import type { Need } from './facts.ts';
import { inspectCluster } from './inspect.ts';

const byName = { type: 'LoadBalancer', loadBalancerClass: 'minilb' } as const;
const http = [{ name: 'http', protocol: 'TCP' as const, port: 8080 }];
const need = (over: Partial<Need>): Need => ({
  group: '',
  resource: 'services',
  subresource: '',
  verb: 'list',
  purpose: 'required',
  ...over,
});
const dnsPort = (over: object) => ({ ports: [{ containerPort: 53, hostPort: 53, protocol: 'UDP', ...over }] });
const publisher = pod({
  name: 'dns',
  container: { image: 'registry.k8s.io/external-dns/external-dns:v0.19.0', args: ['--source=service', '--provider', 'aws'] },
});
const published = { externalDns: { 'external-dns.alpha.kubernetes.io/hostname': 'a.example.org' }, ingress: points('x.default.minilb') };

/** `paste`: what the pasted lines hold; none: there is nothing to paste. */
const rows: readonly [name: string, sick: Sick, code: FindingCode, object: string, ...paste: string[]][] = [
  ['no Pod of minilb at all', { pods: [webPod({})] }, 'NotInstalled', 'minilb', 'deploy/render.sh'],
  [
    'a server that is not ready',
    { pods: [webPod({}), serverPod({ ready: false })] },
    'ServerNotReady',
    'Pod minilb/dns-1',
    'kubectl -n minilb describe pod dns-1',
  ],
  [
    'a ServiceAccount without the right to a required kind',
    { access: ['list', 'watch'].map((verb) => ({ serviceAccount: 'minilb/minilb-dns', need: need({ verb }), allowed: false })) },
    'MissingPermission',
    'ServiceAccount minilb/minilb-dns',
    'kubectl create clusterrole minilb-dns-services --verb=list,watch --resource=services',
    '--serviceaccount=minilb:minilb-dns',
  ],
  [
    'a subresource of a group',
    {
      access: [{ serviceAccount: 'minilb/w', need: need({ resource: 'services', subresource: 'status', verb: 'patch' }), allowed: false }],
    },
    'MissingPermission',
    'ServiceAccount minilb/w',
    '--verb=patch --resource=services/status',
  ],
  [
    'an optional kind',
    {
      access: [
        {
          serviceAccount: 'minilb/w',
          need: need({ group: 'networking.k8s.io', resource: 'ingresses', purpose: 'optional' }),
          allowed: false,
        },
      ],
    },
    'MissingOptionalPermission',
    'ServiceAccount minilb/w',
    '--resource=ingresses.networking.k8s.io',
  ],
  ['our own credentials, before installation', { access: [{ need: need({}), allowed: false }] }, 'MissingPermission', 'these credentials'],
  [
    'what the manifest holds may not be created',
    { access: [{ need: need({ resource: 'namespaces', verb: 'create', purpose: 'install' }), allowed: false }] },
    'CannotInstall',
    'these credentials',
  ],
  [
    'MetalLB by its image',
    {
      pods: [
        webPod({}),
        serverPod({}),
        pod({ name: 'speaker', namespace: 'metallb-system', container: { image: 'quay.io/metallb/speaker:v0.15' } }),
      ],
    },
    'OtherLoadBalancer',
    'Pod metallb-system/speaker',
  ],
  [
    'a class that is none of ours',
    { services: [['default/x', { type: 'LoadBalancer', loadBalancerClass: 'tailscale' }]] },
    'OtherLoadBalancer',
    'class tailscale',
  ],
  [
    'a status that somebody wrote into a Service without a class (ServiceLB, a cloud)',
    { services: [['default/x', { type: 'LoadBalancer', ingress: points('192.0.2.1') }]] },
    'OtherLoadBalancer',
    'Services without a class',
  ],
  [
    'an agent of by route that is not ready',
    {
      pods: [
        webPod({}),
        serverPod({}),
        serverPod({ name: 'l3-a', ready: false, labels: { 'app.kubernetes.io/name': 'minilb-l3' } }, ['l3']),
      ],
    },
    'ServerNotReady',
    'Pod minilb/l3-a',
    'kubectl -n minilb logs l3-a',
  ],
  [
    'an address in the status of a Service of class minilb',
    { services: [['default/x', { ...byName, ingress: points('192.0.2.1') }]] },
    'ForeignStatus',
    'Service default/x',
    '--subresource=status --type=merge',
    '"hostname":"x.default.minilb"',
  ],
  [
    'a kind of the Gateway API in unread versions only',
    { gatewayKinds: [{ kind: 'HTTPRoute', served: ['v1alpha2'], read: ['v1', 'v1beta1'] }] },
    'GatewayApiUnread',
    'kind HTTPRoute',
    'kubectl apply --server-side',
  ],
  [
    'a Node without podCIDRs: the next free range of the others’ size',
    { nodes: [node('n1', ['10.244.0.0/24'], ['192.168.1.10']), node('n2', [], ['192.168.1.11'])] },
    'NodeWithoutPodCidrs',
    'Node n2',
    `kubectl patch node n2 -p '{"spec":{"podCIDR":"10.244.1.0/24","podCIDRs":["10.244.1.0/24"]}}'`,
  ],
  [
    'a podCIDR that takes everything',
    { nodes: [node('n1', ['10.244.0.0/24'], ['192.168.1.10']), node('n2', ['0.0.0.0/0'], ['192.168.1.11'])] },
    'PodCidrTooWide',
    'Node n2',
    'kubectl delete node n2',
  ],
  ['a podCIDR outside -cidrs', { settings: { cidrs: [cidr('10.0.0.0/16')] } }, 'PodCidrOutsideCidrs', 'Node n1'],
  [
    'podCIDRs that overlap',
    { nodes: [node('n1', ['10.244.0.0/24'], ['192.168.1.10']), node('n2', ['10.244.0.0/25'], ['192.168.1.11'])] },
    'PodCidrOverlapsNode',
    'Node n2',
    'kubectl drain n2',
  ],
  [
    'ready pods outside the podCIDRs of their Node (Calico)',
    { services: [['default/x', { ...byName, ports: http }, [webSlice('default/x', '172.20.1.1')]]] },
    'EndpointsOutsidePodCidrs',
    'Node n1',
  ],
  ['a Node without an address', { nodes: [node('n1', ['10.244.0.0/24'], [])] }, 'NoNextHop', 'Node n1', 'minilb/route-via='],
  [
    'an annotation that is no address',
    { nodes: [node('n1', ['10.244.0.0/24'], ['192.168.1.10'], { 'minilb/route-via': 'router' })] },
    'OddNextHop',
    'Node n1',
    'kubectl annotate node n1 minilb/route-via-',
  ],
  [
    'a port that is another one at the pods',
    { services: [['default/x', { ...byName, ports: [{ name: 'http', protocol: 'TCP', port: 80 }] }, [webSlice('default/x')]]] },
    'PortsDiffer',
    'Service default/x',
    `kubectl -n default patch service x --type=json -p '[{"op":"replace","path":"/spec/ports/0/port","value":8080}]'`,
  ],
  [
    'an annotation that says nothing known',
    { services: [['default/x', { annotations: { 'minilb/answer': 'pods' } }]] },
    'InvalidAnswer',
    'Service default/x',
    'annotate service x minilb/answer-',
  ],
  [
    'source ranges: a NetworkPolicy for the same pods and networks, then the field goes',
    { services: [['default/x', { ...byName, sourceRanges: [cidr('192.0.2.0/24')] }]] },
    'SourceRangesNotEnforced',
    'Service default/x',
    '"podSelector":{"matchLabels":{"app":"web"}}',
    '{"ipBlock":{"cidr":"192.0.2.0/24"}}',
    '"op":"remove","path":"/spec/loadBalancerSourceRanges"',
  ],
  [
    'pods without a preStop hook',
    { pods: [serverPod({}), webPod({ container: {} })] },
    'PodsExitBeforeTtl',
    'Deployment default/web',
    `kubectl -n default patch deployment web -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":30,"containers":[{"name":"c","lifecycle":{"preStop":{"sleep":{"seconds":10}}}}]}}}}'`,
  ],
  [
    'pods that sleep for less than the TTL, by a command',
    {
      ttlSeconds: 20,
      pods: [serverPod({}), webPod({ container: { lifecycle: { preStop: { exec: { command: ['sh', '-c', 'sleep 3'] } } } } })],
    },
    'PodsExitBeforeTtl',
    'Deployment default/web',
    '"preStop":{"exec":null,"sleep":{"seconds":25}}',
    '"terminationGracePeriodSeconds":40',
  ],
  [
    'pods that are killed in their sleep',
    { pods: [serverPod({}), webPod({ spec: { terminationGracePeriodSeconds: 3 } })] },
    'PodsExitBeforeTtl',
    'Deployment default/web',
    '"terminationGracePeriodSeconds":25',
  ],
  [
    'a host that another namespace had before',
    {
      ingresses: [
        ['a/one', ['www.example.com'], { created: '2026-01-01T00:00:00Z', points: points('192.0.2.1') }],
        ['b/two', ['www.example.com'], { created: '2026-02-01T00:00:00Z', points: points('192.0.2.2') }],
      ],
    },
    'HostConflict',
    'Ingress b/two',
    'kubectl -n b label ingress two minilb/ignore=true',
  ],
  [
    'a host that may not be: only that host leaves the annotation',
    { services: [['default/x', { annotations: { 'minilb/host': 'minilb, a.example.com' } }]] },
    'HostRefused',
    'Service default/x',
    'kubectl -n default annotate service x minilb/host=a.example.com --overwrite',
  ],
  [
    'a host that is none, with what a shell would run',
    { services: [['default/x', { annotations: { 'minilb/host': '$(reboot)' } }]] },
    'InvalidHost',
    'Service default/x',
    'kubectl -n default annotate service x minilb/host-',
  ],
  [
    'a claimed name that is only an alias',
    { ingresses: [['a/one', ['www.example.com'], { points: points('lb.example.net') }]] },
    'CnameOnly',
    'Ingress a/one',
  ],
  [
    'a Service whose name is only an alias (core/v1 ExternalName)',
    { services: [['default/docs', { type: 'ExternalName', externalName: 'docs.example.net' }]] },
    'CnameOnly',
    'Service default/docs',
  ],
  [
    'everybody may claim everything: the value that allows what is claimed now',
    { settings: { forwarding: true }, ingresses: [['a/one', ['www.example.com'], { points: points('192.0.2.1') }]] },
    'OpenClaims',
    'minilb',
    `"path":"/spec/template/spec/containers/0/args/-","value":"-claim-hosts=a=www.example.com"`,
  ],
  [
    'external-dns in front of a private domain',
    { pods: [webPod({}), serverPod({}), publisher], services: [['default/x', { ...byName, ...published }]] },
    'PublishesPrivateNames',
    'Service default/x',
    'annotate service x external-dns.alpha.kubernetes.io/controller=minilb',
  ],
  [
    'hostPort 53 without hostIP',
    { pods: [webPod({}), serverPod({ container: { name: 'minilb', args: ['dns'], ...dnsPort({}) } })] },
    'HostPort53CapturesNode',
    'Deployment minilb/minilb-dns',
    '"path":"/spec/template/spec/containers/0/ports/0/hostIP","value":"192.168.1.10"',
  ],
  [
    'another Pod has the port of our node',
    {
      pods: [
        webPod({}),
        serverPod({ container: { name: 'minilb', args: ['dns'], ...dnsPort({ hostIP: '192.168.1.10' }) } }),
        pod({ name: 'hole', ...ofDeployment('hole'), container: dnsPort({ hostIP: '192.168.1.10' }) }),
      ],
    },
    'HostPort53Taken',
    'Pod default/hole',
    '"op":"remove","path":"/spec/template/spec/containers/0/ports/0/hostPort"',
  ],
  [
    'a NodePort that hides who asks',
    {
      settings: { forwarding: true, claimHosts: true },
      services: [['minilb/lan', { type: 'NodePort', selector: { 'app.kubernetes.io/name': 'minilb' } }]],
    },
    'SourceNatInFront',
    'Service minilb/lan',
    `kubectl -n minilb patch service lan -p '{"spec":{"externalTrafficPolicy":"Local"}}'`,
  ],
];

describe('what is wrong with a cluster', () => {
  test.each(rows)('%s', (_, sick, code, object, ...paste) => {
    const found = inspectCluster(clusterFacts(sick)).filter((each) => each.code === code && each.object === object);
    const [only] = found;
    expect(found.length).toBe(1);
    expect(only?.severity).toBe(CATALOGUE[code].severity);
    expect(only?.seen).toMatch(/\S\.$/);
    const lines = only?.remedy.paste.join('\n') ?? '';
    expect(lines !== '').toBe(paste.length > 0);
    for (const part of paste) expect(lines).toContain(part);
  });

  test('a healthy cluster: nothing', () => {
    expect(inspectCluster(clusterFacts())).toEqual([]);
  });

  const quiet: readonly [name: string, sick: Sick][] = [
    ['Pods that could not be listed are not missing', { pods: [], podsKnown: false }],
    [
      'a preStop hook whose length cannot be told is trusted',
      { pods: [serverPod({}), webPod({ container: { lifecycle: { preStop: { exec: { command: ['/drain'] } } } } })] },
    ],
    [
      'NodeLocal DNSCache has port 53 of link-local addresses only',
      {
        pods: [
          webPod({}),
          serverPod({}),
          pod({
            spec: { hostNetwork: true },
            container: { image: 'registry.k8s.io/dns/k8s-dns-node-cache:1.26', ports: [{ containerPort: 53, protocol: 'UDP' }] },
          }),
        ],
      },
    ],
    [
      'another Pod has port 53 of another address',
      {
        pods: [
          webPod({}),
          serverPod({ container: { name: 'minilb', args: ['dns'], ...dnsPort({ hostIP: '192.168.1.10' }) } }),
          pod({ name: 'hole', container: dnsPort({ hostIP: '192.168.1.20' }) }),
        ],
      },
    ],
    [
      'external-dns that leaves the object alone',
      {
        pods: [webPod({}), serverPod({}), publisher],
        services: [
          [
            'default/x',
            { ...byName, ...published, externalDns: { ...published.externalDns, 'external-dns.alpha.kubernetes.io/controller': 'minilb' } },
          ],
        ],
      },
    ],
    [
      'external-dns and a domain of the public DNS, whose names a LAN completes',
      {
        domain: 'k8s.example.com',
        pods: [webPod({}), serverPod({}), publisher],
        services: [['default/x', { ...byName, externalDns: published.externalDns, ingress: points('x.default.k8s.example.com') }]],
      },
    ],
    [
      'a NodePort without -upstream, where nobody is forwarded for',
      { services: [['minilb/lan', { type: 'NodePort', selector: { 'app.kubernetes.io/name': 'minilb' } }]] },
    ],
    ['a kind that is not served', { gatewayKinds: [{ kind: 'TLSRoute', served: [], read: ['v1'] }] }],
    ['a right that is there', { access: [{ need: need({}), allowed: true }] }],
    ['a Service that takes no part', { services: [['default/x', { ...byName, ignored: true, ingress: points('192.0.2.1') }]] }],
  ];
  test.each(quiet)('nothing is said of: %s', (_, sick) => {
    expect(inspectCluster(clusterFacts(sick))).toEqual([]);
  });

  test('an owner reference is free text of whoever may create Pods: it reaches no command', () => {
    const hostile = [{ kind: 'Deployment', name: "x'; reboot; '", controller: true }];
    const sick = { pods: [serverPod({}), webPod({ container: {}, ownerReferences: hostile, labels: {} })] };
    expect(inspectCluster(clusterFacts(sick))).toMatchObject([{ object: 'Pod default/web-1', remedy: { paste: [] } }]);
  });

  test('a hundred pods of one workload are one finding', () => {
    const addresses = Array.from({ length: 100 }, (_, i) => `10.244.0.${i + 1}`);
    const pods = addresses.map((address, i) => webPod({ name: `web-${i}`, ips: [address], container: {} }));
    const slices = addresses.map((address, i) => ({ ...webSlice('default/many', address), name: `many-${i}` }));
    const found = inspectCluster(
      clusterFacts({ pods: [serverPod({}), ...pods], services: [['default/many', { ...byName, ports: http }, slices]] }),
    );
    expect(found.map(({ code, object }) => `${code} ${object}`)).toEqual(['PodsExitBeforeTtl Deployment default/web']);
  });
});
