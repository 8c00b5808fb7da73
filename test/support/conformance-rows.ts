/** What each kind accepts and refuses, as kube-apiserver 1.36 does: `test/support/conformance.ts` runs the rows against both servers. */

export interface RefusalRow {
  /** The rule, in a sentence. */
  readonly rule: string;
  /** Merged into the kind's minimal object (RFC 7396: null removes). */
  readonly change: unknown;
  readonly status: number;
  /** `Status.reason`; absent for success. */
  readonly reason?: string;
  /** `reason field` of each cause, sorted, without repetition. */
  readonly causes?: readonly string[];
}

const INVALID = 'FieldValueInvalid';
const REQUIRED = 'FieldValueRequired';
const FORBIDDEN = 'FieldValueForbidden';
const UNSUPPORTED = 'FieldValueNotSupported';
const DUPLICATE = 'FieldValueDuplicate';

const accepted = (rule: string, change: unknown): RefusalRow => ({ rule, change, status: 201 });
const refused = (rule: string, change: unknown, ...causes: readonly string[]): RefusalRow => ({
  rule,
  change,
  status: 422,
  reason: 'Invalid',
  causes,
});
const malformed = (rule: string, change: unknown): RefusalRow => ({ rule, change, status: 400, reason: 'BadRequest', causes: [] });

const spec = (change: unknown) => ({ spec: change });
const balanced = (change: object) => ({ spec: { type: 'LoadBalancer', ...change } });
const ports = (...list: readonly object[]) => spec({ ports: list });
const meta = (change: object) => ({ metadata: change });

export const SERVICE_ROWS: readonly RefusalRow[] = [
  accepted('a port alone is enough', {}),
  accepted('a headless Service needs no ports', spec({ clusterIP: 'None', ports: null })),
  accepted('an ExternalName Service needs a name only', spec({ type: 'ExternalName', externalName: 'x.example', ports: null })),
  accepted('externalName may end in a dot', spec({ type: 'ExternalName', externalName: 'x.example.', ports: null })),
  accepted('unknown fields are dropped', spec({ bogus: 1 })),
  accepted('target port 0 is the port', ports({ port: 80, targetPort: 0 })),
  accepted('kind and apiVersion may be left out', { kind: null, apiVersion: null }),
  malformed('an unknown version', { apiVersion: 'v2' }),
  malformed('an object of another kind', { kind: 'Pod' }),
  malformed('a namespace other than the path', meta({ namespace: 'other' })),
  malformed('a text where a number belongs', ports({ port: '80' })),
  malformed('a number where a text belongs', spec({ externalName: 5 })),
  malformed('an object where a list belongs', spec({ ports: { port: 80 } })),
  refused('names are lower case labels', meta({ name: 'A_b' }), `${INVALID} metadata.name`),
  refused('names have at most 63 characters', meta({ name: 'x'.repeat(64) }), `${INVALID} metadata.name`),
  refused('the type is one of four', spec({ type: 'Bogus' }), `${UNSUPPORTED} spec.type`),
  refused('a Service that is not headless has ports', spec({ ports: null }), `${REQUIRED} spec.ports`),
  refused('port numbers begin at 1', ports({ port: 0 }), `${INVALID} spec.ports[0].port`, `${INVALID} spec.ports[0].targetPort`),
  refused('port numbers end at 65535', ports({ port: 65536 }), `${INVALID} spec.ports[0].port`, `${INVALID} spec.ports[0].targetPort`),
  refused('several ports have names', ports({ port: 1 }, { port: 2 }), `${REQUIRED} spec.ports[0].name`, `${REQUIRED} spec.ports[1].name`),
  refused('port names differ', ports({ port: 1, name: 'x' }, { port: 2, name: 'x' }), `${DUPLICATE} spec.ports[1].name`),
  refused('ports differ', ports({ port: 1, name: 'x' }, { port: 1, name: 'y' }), `${DUPLICATE} spec.ports[1]`),
  refused('port names are labels', ports({ port: 80, name: 'X_' }), `${INVALID} spec.ports[0].name`),
  refused('protocols are three', ports({ port: 80, protocol: 'ICMP' }), `${UNSUPPORTED} spec.ports[0].protocol`),
  refused('a named target port is short', ports({ port: 80, targetPort: 'a-name-that-is-long' }), `${INVALID} spec.ports[0].targetPort`),
  refused(
    'node ports have a range',
    { spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] } },
    `${INVALID} spec.ports[0].nodePort`,
  ),
  refused('only an exposed type has node ports', ports({ port: 80, nodePort: 30080 }), `${FORBIDDEN} spec.ports[0].nodePort`),
  refused('only a LoadBalancer has a class', spec({ loadBalancerClass: 'minilb' }), `${FORBIDDEN} spec.loadBalancerClass`),
  refused('a class is a qualified name', balanced({ loadBalancerClass: 'Mini lb' }), `${INVALID} spec.loadBalancerClass`),
  accepted('a class may have a prefix', balanced({ loadBalancerClass: 'lb.paperlb.com/paperlb-class' })),
  refused('source ranges are CIDRs', balanced({ loadBalancerSourceRanges: ['10.0.0.0'] }), `${INVALID} spec.LoadBalancerSourceRanges[0]`),
  refused(
    'external IPs are addresses, and not of loopback',
    spec({ externalIPs: ['x', '127.0.0.1'] }),
    `${INVALID} spec.externalIPs[0]`,
    `${INVALID} spec.externalIPs[1]`,
  ),
  refused('an ExternalName needs the name', spec({ type: 'ExternalName' }), `${REQUIRED} spec.externalName`),
  refused('externalName is a name', spec({ type: 'ExternalName', externalName: 'a..b' }), `${INVALID} spec.externalName`),
  refused('selector keys are label keys', spec({ selector: { 'a b': 'c' } }), `${INVALID} spec.selector`),
  refused('session affinity is one of two', spec({ sessionAffinity: 'Foo' }), `${UNSUPPORTED} spec.sessionAffinity`),
  refused('a ClusterIP Service has no external policy', spec({ externalTrafficPolicy: 'Local' }), `${INVALID} spec.externalTrafficPolicy`),
  refused('external policies are two', balanced({ externalTrafficPolicy: 'Foo' }), `${UNSUPPORTED} spec.externalTrafficPolicy`),
  refused('internal policies are two', spec({ internalTrafficPolicy: 'Foo' }), `${UNSUPPORTED} spec.internalTrafficPolicy`),
  refused('cluster addresses are of the range', spec({ clusterIP: '1.2.3.4' }), `${INVALID} spec.clusterIPs`),
  refused('a LoadBalancer is not headless', balanced({ clusterIP: 'None' }), `${INVALID} spec.clusterIPs[0]`),
  refused(
    'only a LoadBalancer speaks of its node ports',
    spec({ allocateLoadBalancerNodePorts: false }),
    `${FORBIDDEN} spec.allocateLoadBalancerNodePorts`,
  ),
  refused('label keys are qualified names', meta({ labels: { 'a b': 'c' } }), `${INVALID} metadata.labels`),
  refused('label values are restricted', meta({ labels: { a: 'c d' } }), `${INVALID} metadata.labels`),
  refused('annotation keys are qualified names', meta({ annotations: { 'a b': 'c' } }), `${INVALID} metadata.annotations`),
  refused('finalizers are fully qualified', meta({ finalizers: ['nodomain'] }), `${INVALID} metadata.finalizers[0]`),
];

const ingress = (entry: object) => ({ status: { loadBalancer: { ingress: [entry] } } });
const at = (field: string) => `status.loadBalancer.ingress[0].${field}`;

/** Patches of `/status` of a Service of type LoadBalancer; success is 200. */
export const SERVICE_STATUS_ROWS: readonly RefusalRow[] = [
  { rule: 'a hostname', change: ingress({ hostname: 'web.default.minilb' }), status: 200 },
  { rule: 'an address', change: ingress({ ip: '10.0.0.1' }), status: 200 },
  { rule: 'a hostname with ports', change: ingress({ hostname: 'a.b', ports: [{ port: 80, protocol: 'TCP' }] }), status: 200 },
  { rule: 'an empty entry', change: ingress({}), status: 200 },
  refused('a hostname is lower case', ingress({ hostname: 'A.b' }), `${INVALID} ${at('hostname')}`),
  refused('a hostname is no address', ingress({ hostname: '10.0.0.1' }), `${INVALID} ${at('hostname')}`),
  refused('a hostname has at most 253 characters', ingress({ hostname: `${'a.'.repeat(126)}abcd` }), `${INVALID} ${at('hostname')}`),
  refused('a hostname carries no ipMode', ingress({ hostname: 'a.b', ipMode: 'VIP' }), `${FORBIDDEN} ${at('ipMode')}`),
  refused('an ip is an address', ingress({ ip: 'x' }), `${INVALID} ${at('ip')}`),
  refused('an ipMode is one of two', ingress({ ip: '10.0.0.1', ipMode: 'Foo' }), `${UNSUPPORTED} ${at('ipMode')}`),
  refused('a wrong type in a patch is a 422', { status: { loadBalancer: { ingress: 'x' } } }, `${INVALID} patch`),
  refused('another kind in a patch is a 422', { kind: 'Pod' }, `${INVALID} patch`),
  malformed('another name', meta({ name: 'other' })),
  refused('another uid', meta({ uid: 'other' }), `${INVALID} metadata.uid`),
  { rule: 'another resourceVersion is a conflict', change: meta({ resourceVersion: '1' }), status: 409, reason: 'Conflict', causes: [] },
];

export const NODE_ROWS: readonly RefusalRow[] = [
  accepted('without CIDRs', {}),
  accepted('podCIDR alone', spec({ podCIDR: '10.244.3.0/24' })),
  accepted('podCIDRs alone', spec({ podCIDRs: ['10.244.3.0/24', 'fd00:3::/64'] })),
  accepted('podCIDR 0.0.0.0/0: a kubelet may write anything', spec({ podCIDR: '0.0.0.0/0' })),
  refused('CIDRs', spec({ podCIDR: 'x', podCIDRs: ['x'] }), `${INVALID} spec.podCIDRs[0]`),
  refused('one CIDR a family', spec({ podCIDRs: ['10.244.3.0/24', '10.244.4.0/24'] }), `${INVALID} spec.podCIDRs`),
  refused('names are subdomains', meta({ name: 'N_5' }), `${INVALID} metadata.name`),
];

const container = (change: object) => spec({ containers: [{ name: 'c', image: 'x', ...change }] });

export const POD_ROWS: readonly RefusalRow[] = [
  accepted('one container', {}),
  refused('no containers', spec({ containers: null }), `${REQUIRED} spec.containers`),
  refused('container names are labels', container({ name: 'X' }), `${INVALID} spec.containers[0].name`),
  refused('containers have an image', container({ image: '' }), `${REQUIRED} spec.containers[0].image`),
  refused('container ports', container({ ports: [{ containerPort: 0 }] }), `${REQUIRED} spec.containers[0].ports[0].containerPort`),
  refused('restart policies are three', spec({ restartPolicy: 'Foo' }), `${UNSUPPORTED} spec.restartPolicy`),
  refused('the hostname is a label', spec({ hostname: 'A_' }), `${INVALID} spec.hostname`),
];

const long = (n: number) => 'x'.repeat(n);

export const EVENT_ROWS: readonly RefusalRow[] = [
  accepted('all that is needed', {}),
  accepted('a note of 1024 bytes', { note: long(1024) }),
  accepted('a series of two', { series: { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }),
  accepted('about a cluster-scoped object, in default', { regarding: { kind: 'Node', name: 'n1', namespace: null } }),
  malformed('times have six decimals: none', { eventTime: '2026-01-01T00:00:00Z' }),
  malformed('times have six decimals: three', { eventTime: '2026-01-01T00:00:00.000Z' }),
  refused('eventTime is mandatory', { eventTime: null }, `${REQUIRED} eventTime`),
  refused(
    'reportingController is mandatory',
    { reportingController: null },
    `${INVALID} reportingController`,
    `${REQUIRED} reportingController`,
  ),
  refused('reportingController is a qualified name', { reportingController: 'a b' }, `${INVALID} reportingController`),
  refused('reportingInstance is mandatory', { reportingInstance: null }, `${REQUIRED} reportingInstance`),
  refused('action is mandatory', { action: null }, `${REQUIRED} action`),
  refused('reason is mandatory', { reason: null }, `${REQUIRED} reason`),
  refused('reason has at most 128 bytes', { reason: long(129) }, `${INVALID} reason`),
  refused('action has at most 128 bytes', { action: long(129) }, `${INVALID} action`),
  refused('type is Normal or Warning', { type: 'Foo' }, `${INVALID} type`),
  refused('type is mandatory', { type: null }, `${INVALID} type`),
  refused('a note has at most 1024 bytes', { note: long(1025) }, `${INVALID} message`),
  refused('bytes, not characters', { note: 'ü'.repeat(513) }, `${INVALID} message`),
  refused('a series counts from two', { series: { count: 1, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }, `${INVALID} series.count`),
  accepted('about an object of another namespace', { regarding: { namespace: 'kube-system' } }),
];

export const LEASE_ROWS: readonly RefusalRow[] = [
  accepted('an empty spec', { spec: null }),
  accepted('a held lease', {}),
  malformed('times have six decimals', spec({ renewTime: '2026-01-01T00:00:00.000Z' })),
  malformed('seconds are a number', spec({ leaseDurationSeconds: 'x' })),
  refused('a duration above 0', spec({ leaseDurationSeconds: 0 }), `${INVALID} spec.leaseDurationSeconds`),
  refused('transitions from 0', spec({ leaseTransitions: -1 }), `${INVALID} spec.leaseTransitions`),
  accepted('nobody holds it', spec({ holderIdentity: '' })),
];

const endpoint = (change: object) => ({ endpoints: [{ addresses: ['10.1.1.1'], ...change }] });

export const ENDPOINT_SLICE_ROWS: readonly RefusalRow[] = [
  accepted('one endpoint', {}),
  accepted('no endpoints', { endpoints: null }),
  accepted('no ports', { ports: null }),
  accepted('IPv6', { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] }),
  accepted('a name', { addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }] }),
  accepted('several addresses', endpoint({ addresses: ['10.1.1.1', '10.1.1.2'] })),
  refused('addressType is mandatory', { addressType: null }, `${REQUIRED} addressType`),
  refused('addressType is one of three', { addressType: 'Foo' }, `${UNSUPPORTED} addressType`),
  refused('an endpoint has an address', endpoint({ addresses: [] }), `${REQUIRED} endpoints[0].addresses`),
  refused('addresses are addresses', endpoint({ addresses: ['x'] }), `${INVALID} endpoints[0].addresses[0]`),
  refused('not of loopback', endpoint({ addresses: ['127.0.0.1'] }), `${INVALID} endpoints[0].addresses[0]`),
  refused('no leading zeros', endpoint({ addresses: ['010.1.1.1'] }), `${INVALID} endpoints[0].addresses[0]`),
  refused('of the family', endpoint({ addresses: ['fd00::1'] }), `${INVALID} endpoints[0].addresses`),
  refused('names are names', { addressType: 'FQDN', endpoints: [{ addresses: ['a..b'] }] }, `${INVALID} endpoints[0].addresses[0]`),
  refused('port names differ', { ports: [{ port: 80 }, { port: 81 }] }, `${DUPLICATE} ports[1].name`),
  refused('port names are labels', { ports: [{ name: 'Bad_' }] }, `${INVALID} ports[0].name`),
  refused('protocols are three', { ports: [{ protocol: 'X' }] }, `${UNSUPPORTED} ports[0].protocol`),
  refused('nodeName is a subdomain', endpoint({ nodeName: 'B_' }), `${INVALID} endpoints[0].nodeName`),
  refused('hostname is a label', endpoint({ hostname: 'B_' }), `${INVALID} endpoints[0].hostname`),
];

const backend = { service: { name: 'a', port: { number: 80 } } };
const rule = (change: object) => spec({ rules: [change] });
const path = (change: object) => rule({ host: 'a.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...change }] } });

export const INGRESS_ROWS: readonly RefusalRow[] = [
  accepted('a default backend', {}),
  accepted('a rule', path({})),
  accepted('a wildcard host', rule({ host: '*.example' })),
  refused('something to do', spec({ defaultBackend: null }), `${INVALID} spec`),
  refused('a host is no address', rule({ host: '10.0.0.1' }), `${INVALID} spec.rules[0].host`),
  refused('a wildcard has a suffix', rule({ host: '*' }), `${INVALID} spec.rules[0].host`),
  refused('a wildcard stands first', rule({ host: 'a.*.example' }), `${INVALID} spec.rules[0].host`),
  refused('a host is lower case', rule({ host: 'A.example' }), `${INVALID} spec.rules[0].host`),
  refused('paths are absolute', path({ path: 'x' }), `${INVALID} spec.rules[0].http.paths[0].path`),
  refused('a path has a type', path({ pathType: undefined }), `${REQUIRED} spec.rules[0].http.paths[0].pathType`),
  refused('a path type is one of three', path({ pathType: 'Foo' }), `${UNSUPPORTED} spec.rules[0].http.paths[0].pathType`),
  refused('a path has a backend', path({ backend: {} }), `${INVALID} spec.rules[0].http.paths[0].backend`),
  refused('http has paths', rule({ http: { paths: [] } }), `${REQUIRED} spec.rules[0].http.paths`),
  refused(
    'a backend is a Service and a port',
    spec({ defaultBackend: { service: { name: 'A_', port: null } } }),
    `${INVALID} spec.defaultBackend.service.name`,
    `${REQUIRED} spec.defaultBackend`,
  ),
  refused('TLS hosts are names', spec({ tls: [{ hosts: ['a..b'] }] }), `${INVALID} spec.tls[0].hosts[0]`),
  refused('the class is a subdomain', spec({ ingressClassName: 'A_' }), `${INVALID} spec.ingressClassName`),
];
