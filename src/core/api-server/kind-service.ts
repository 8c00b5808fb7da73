import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { dnsLabel } from './field-error.ts';
import { withoutUndefined } from './json.ts';
import { apiKind, type FillFacts } from './kind.ts';
import { validateService, validateServiceStatus } from './service-rules.ts';
import { fields, list, map } from './shape.ts';

/** The `--service-cluster-ip-range` of the embedded server: IPv4 first. */
const SERVICE_CIDR_V4 = '10.96';
const SERVICE_CIDR_V6 = 'fd00:96::';
const NODE_PORT_MIN = 30000;
const NODE_PORT_COUNT = 2768;

/** core/v1 and networking/v1 LoadBalancerStatus. */
export const LOAD_BALANCER_STATUS = fields({
  ingress: list(
    fields({
      ip: 'string',
      hostname: 'string',
      ipMode: 'string',
      ports: list(fields({ port: 'integer', protocol: 'string', error: 'string' })),
    }),
  ),
});

/** core/v1 Service. */
export const SERVICE = apiKind({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  nameRule: dnsLabel,
  createsOnUpdate: true,
  returnsDeleted: true,
  selectableFields: ['spec.type', 'spec.clusterIP'],
  shape: {
    spec: fields({
      allocateLoadBalancerNodePorts: 'boolean',
      clusterIP: 'string',
      clusterIPs: list('string'),
      externalIPs: list('string'),
      externalName: 'string',
      externalTrafficPolicy: 'string',
      healthCheckNodePort: 'integer',
      internalTrafficPolicy: 'string',
      ipFamilies: list('string'),
      ipFamilyPolicy: 'string',
      loadBalancerClass: 'text',
      loadBalancerIP: 'string',
      loadBalancerSourceRanges: list('string'),
      ports: list(
        fields({
          appProtocol: 'string',
          name: 'string',
          nodePort: 'integer',
          port: 'integer',
          protocol: 'string',
          targetPort: 'integer-or-string',
        }),
      ),
      publishNotReadyAddresses: 'boolean',
      selector: map('text'),
      sessionAffinity: 'string',
      sessionAffinityConfig: 'any',
      trafficDistribution: 'string',
      type: 'string',
    }),
    status: fields({ conditions: 'any', loadBalancer: LOAD_BALANCER_STATUS }),
  },
  fill,
  validate: validateService,
  validateStatus: validateServiceStatus,
});

const isExternal = (type: unknown) => type === 'LoadBalancer' || type === 'NodePort';

function fill(object: RawObject, previous: RawObject | undefined, facts: FillFacts): RawObject {
  const given = asObject(object['spec']) ?? {};
  const before = asObject(previous?.['spec']);
  const type = asString(given['type']) ?? 'ClusterIP';
  const typed = dropOfOldType({ ...given, type }, before);
  const spec = { ...typed, sessionAffinity: typed['sessionAffinity'] ?? 'None' };
  const filled =
    type === 'ExternalName' ? { ...spec, ports: portsOf(spec, undefined, facts) } : fillClusterIps(fillPolicies(spec), before, facts);
  return { ...object, spec: withoutUndefined(filled), status: statusOf(object, type, before) };
}

/** With a type the API server leaves behind what only the old type had, unless the writer changed it in the same request. */
function dropOfOldType(spec: RawObject, before: RawObject | undefined): RawObject {
  if (!before || before['type'] === spec['type']) return spec;
  const type = spec['type'];
  const unneeded = [
    ...(type === 'LoadBalancer' ? [] : ['loadBalancerClass', 'allocateLoadBalancerNodePorts']),
    ...(isExternal(type) ? [] : ['externalTrafficPolicy', 'healthCheckNodePort']),
    ...(type === 'ExternalName' ? ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'] : []),
  ].filter((key) => JSON.stringify(spec[key]) === JSON.stringify(before[key]));
  const kept = Object.fromEntries(Object.entries(spec).filter(([key]) => !unneeded.includes(key)));
  if (isExternal(type)) return kept;
  const old = new Map(asArray(before['ports']).map((port) => [portKey(port), asObject(port)?.['nodePort']]));
  const ports = asArray(spec['ports']).map((port) =>
    asObject(port)?.['nodePort'] === old.get(portKey(port)) ? { ...asObject(port), nodePort: undefined } : port,
  );
  return { ...kept, ports };
}

function fillPolicies(spec: RawObject): RawObject {
  return {
    ...spec,
    internalTrafficPolicy: spec['internalTrafficPolicy'] ?? 'Cluster',
    ...(isExternal(spec['type']) && { externalTrafficPolicy: spec['externalTrafficPolicy'] ?? 'Cluster' }),
    ...(spec['type'] === 'LoadBalancer' && { allocateLoadBalancerNodePorts: spec['allocateLoadBalancerNodePorts'] ?? true }),
  };
}

/** Allocated values that the writer leaves out stay as they were. */
function fillClusterIps(spec: RawObject, before: RawObject | undefined, facts: FillFacts): RawObject {
  const own = asString(spec['clusterIP']) ?? asString(asArray(spec['clusterIPs'])[0]);
  const old = before?.['type'] === 'ExternalName' ? undefined : before;
  const clusterIP = own ?? asString(old?.['clusterIP']);
  const families = familiesOf(spec, clusterIP === 'None' && !asObject(spec['selector']), old);
  const policy = spec['ipFamilyPolicy'] ?? (families.length > 1 ? 'RequireDualStack' : 'SingleStack');
  const clusterIPs = clusterIP === 'None' ? ['None'] : clusterIpsOf(spec, clusterIP, families, old, facts);
  return {
    ...spec,
    clusterIP: clusterIPs[0],
    clusterIPs,
    ipFamilies: families,
    ipFamilyPolicy: policy,
    ports: portsOf(spec, old, facts),
  };
}

function familiesOf(spec: RawObject, headlessWithoutSelector: boolean, old: RawObject | undefined): readonly unknown[] {
  const given = asArray(spec['ipFamilies']);
  const policy = spec['ipFamilyPolicy'] ?? (headlessWithoutSelector && !old ? 'RequireDualStack' : undefined);
  const dual = policy === 'PreferDualStack' || policy === 'RequireDualStack';
  if (given.length === 0)
    return dual ? ['IPv4', 'IPv6'] : ((old?.['ipFamilies'] as readonly unknown[] | undefined)?.slice(0, 1) ?? ['IPv4']);
  return dual && given.length === 1 ? [...given, given[0] === 'IPv4' ? 'IPv6' : 'IPv4'] : given;
}

function clusterIpsOf(
  spec: RawObject,
  first: string | undefined,
  families: readonly unknown[],
  old: RawObject | undefined,
  facts: FillFacts,
): readonly string[] {
  const given = asArray(spec['clusterIPs']).length > 0 ? asArray(spec['clusterIPs']) : asArray(old?.['clusterIPs']);
  const changed = first !== undefined && given[0] !== first;
  const wanted = changed ? [first, ...given.slice(1)] : given;
  return families.map((family, i) => asString(wanted[i]) ?? freeClusterIp(family === 'IPv6', facts));
}

function freeClusterIp(v6: boolean, facts: FillFacts): string {
  const taken = new Set([...facts.others()].flatMap((other) => asArray(asObject(other['spec'])?.['clusterIPs'])));
  const start = 1 + Math.floor(facts.random() * 65_000);
  for (let i = 0; i < 65_000; i++) {
    const n = 1 + ((start + i) % 65_000);
    const ip = v6 ? `${SERVICE_CIDR_V6}${n.toString(16)}` : `${SERVICE_CIDR_V4}.${n >> 8}.${n & 255}`;
    if (!taken.has(ip)) return ip;
  }
  throw new Error('65,000 Services hold every cluster address');
}

function portsOf(spec: RawObject, old: RawObject | undefined, facts: FillFacts): readonly unknown[] | undefined {
  const ports = asArray(spec['ports']);
  if (ports.length === 0) return undefined;
  const needsNodePorts =
    spec['type'] === 'NodePort' || (spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false);
  const before = new Map(asArray(old?.['ports']).map((port) => [portKey(port), asObject(port)?.['nodePort']]));
  const taken = new Set<unknown>(needsNodePorts ? nodePortsOf(facts) : []);
  return ports.map((raw) => {
    const port = asObject(raw) ?? {};
    const protocol = port['protocol'] ?? 'TCP';
    const targetPort =
      port['targetPort'] === undefined || port['targetPort'] === 0 || port['targetPort'] === '' ? port['port'] : port['targetPort'];
    const held = port['nodePort'] || (isExternal(spec['type']) ? before.get(portKey(raw)) : undefined);
    const nodePort = held ?? (needsNodePorts ? freeNodePort(taken, facts) : undefined);
    taken.add(nodePort);
    return withoutUndefined({ ...port, protocol, targetPort, nodePort });
  });
}

function nodePortsOf(facts: FillFacts): readonly unknown[] {
  return [...facts.others()].flatMap((other) => asArray(asObject(other['spec'])?.['ports']).map((port) => asObject(port)?.['nodePort']));
}

function freeNodePort(taken: ReadonlySet<unknown>, facts: FillFacts): number {
  const start = Math.floor(facts.random() * NODE_PORT_COUNT);
  for (let i = 0; i < NODE_PORT_COUNT; i++) {
    const port = NODE_PORT_MIN + ((start + i) % NODE_PORT_COUNT);
    if (!taken.has(port)) return port;
  }
  throw new Error(`all ${NODE_PORT_COUNT} node ports are taken`);
}

function portKey(raw: unknown): string {
  const port = asObject(raw);
  return `${port?.['protocol'] ?? 'TCP'}/${port?.['port']}`;
}

/** The status ends with the type LoadBalancer; `ipMode` VIP is the default of an entry with an address. */
function statusOf(object: RawObject, type: string, before: RawObject | undefined): RawObject {
  const status = asObject(object['status']) ?? {};
  const ingress = asArray(asObject(status['loadBalancer'])?.['ingress']);
  const left = before?.['type'] === 'LoadBalancer' && type !== 'LoadBalancer';
  if (left || ingress.length === 0) return { ...status, loadBalancer: {} };
  const entries = ingress.map((raw) => {
    const entry = asObject(raw) ?? {};
    return entry['ip'] && entry['ipMode'] === undefined ? { ...entry, ipMode: 'VIP' } : entry;
  });
  return { ...status, loadBalancer: { ingress: entries } };
}
