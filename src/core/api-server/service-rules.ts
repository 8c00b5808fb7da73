import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { type Cidr, cidrContains, parseCidr, parseIp } from '../value/ip.ts';
import {
  check,
  checkPort,
  cidr,
  dnsLabel,
  dnsSubdomain,
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  ipAddress,
  notSpecialIp,
  oneOf,
  portName,
  qualifiedName,
  required,
} from './field-error.ts';
import { jsonEqual } from './json.ts';

const CLUSTER_RANGES: readonly Cidr[] = ['10.96.0.0/16', 'fd00:96::/112'].flatMap((text) => parseCidr(text) ?? []);
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

/** What the real server demands of `spec` (pkg/apis/core/validation ValidateService and ValidateServiceUpdate), as far as it was tried. */
export function validateService(service: RawObject, previous: RawObject | undefined): readonly FieldError[] {
  const spec = asObject(service['spec']) ?? {};
  const type = asString(spec['type']) ?? '';
  const before = asObject(previous?.['spec']);
  return [
    ...oneOf('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...portErrors(spec, type),
    ...selectorErrors(spec),
    ...oneOf('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']),
    ...policyErrors(spec, type),
    ...(type === 'ExternalName' ? externalNameErrors(spec) : clusterIpErrors(spec, type, before)),
    ...loadBalancerErrors(spec, type, before),
    ...asArray(spec['externalIPs']).flatMap((ip, i) => check(`spec.externalIPs[${i}]`, ip, ipAddress, notSpecialIp)),
  ];
}

function portErrors(spec: RawObject, type: string): readonly FieldError[] {
  const ports = asArray(spec['ports']).map((port) => asObject(port) ?? {});
  const headless = spec['clusterIP'] === 'None';
  if (ports.length === 0) return headless || type === 'ExternalName' ? [] : [required('spec.ports')];
  const one = ports.flatMap((port, i) => onePortErrors(`spec.ports[${i}]`, port, ports.length > 1, type));
  const names = repeated(ports.map((port) => asString(port['name'])));
  const numbers = repeated(ports.map((port) => `${port['protocol']}/${port['port']}`));
  return [
    ...one,
    ...names.map((i) => duplicate(`spec.ports[${i}].name`, ports[i]?.['name'])),
    ...numbers.map((i) => duplicate(`spec.ports[${i}]`, ports[i])),
  ];
}

function onePortErrors(at: string, port: RawObject, nameNeeded: boolean, type: string): readonly FieldError[] {
  const target = port['targetPort'];
  return [
    ...(port['name'] === undefined ? (nameNeeded ? [required(`${at}.name`)] : []) : check(`${at}.name`, port['name'], dnsLabel)),
    ...checkPort(`${at}.port`, port['port'] ?? 0),
    ...(typeof target === 'string' ? check(`${at}.targetPort`, target, portName) : checkPort(`${at}.targetPort`, target ?? 0)),
    ...oneOf(`${at}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']),
    ...(port['appProtocol'] === undefined ? [] : check(`${at}.appProtocol`, port['appProtocol'], qualifiedName)),
    ...nodePortErrors(`${at}.nodePort`, port['nodePort'], type),
  ];
}

function nodePortErrors(at: string, nodePort: unknown, type: string): readonly FieldError[] {
  if (nodePort === undefined || nodePort === 0) return [];
  if (type === 'ClusterIP') return [forbiddenField(at, "may not be used when `type` is 'ClusterIP'")];
  const inRange = typeof nodePort === 'number' && nodePort >= 30000 && nodePort <= 32767;
  return inRange ? [] : [invalidValue(at, nodePort, 'provided port is not in the valid range. The range of valid ports is 30000-32767')];
}

function selectorErrors(spec: RawObject): readonly FieldError[] {
  return Object.keys(asObject(spec['selector']) ?? {}).flatMap((key) => check('spec.selector', key, qualifiedName));
}

function policyErrors(spec: RawObject, type: string): readonly FieldError[] {
  const external = spec['externalTrafficPolicy'];
  const reachable = type === 'LoadBalancer' || type === 'NodePort' || asArray(spec['externalIPs']).length > 0;
  const at = 'spec.externalTrafficPolicy';
  return [
    ...(external !== undefined && !reachable
      ? [invalidValue(at, external, 'may only be set for externally-accessible services')]
      : oneOf(at, external, ['Cluster', 'Local'])),
    ...oneOf('spec.internalTrafficPolicy', spec['internalTrafficPolicy'], ['Cluster', 'Local']),
    ...oneOf('spec.ipFamilyPolicy', spec['ipFamilyPolicy'], ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
    ...asArray(spec['ipFamilies']).flatMap((family, i) => oneOf(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6'])),
  ];
}

function externalNameErrors(spec: RawObject): readonly FieldError[] {
  const name = asString(spec['externalName'])?.replace(/\.$/, '');
  return name ? check('spec.externalName', name, dnsSubdomain) : [required('spec.externalName')];
}

function clusterIpErrors(spec: RawObject, type: string, before: RawObject | undefined): readonly FieldError[] {
  const ips = asArray(spec['clusterIPs']).map(String);
  const old = before?.['type'] === 'ExternalName' ? undefined : asArray(before?.['clusterIPs'])[0];
  if (old !== undefined && old !== ips[0]) return [invalidValue('spec.clusterIPs[0]', ips, 'may not change once set')];
  if (ips[0] === 'None')
    return type === 'ClusterIP' ? [] : [invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)];
  const malformed = ips.flatMap((ip, i) => check(`spec.clusterIPs[${i}]`, ip, ipAddress));
  if (malformed.length > 0) return malformed;
  const outside = ips.find((text) => !CLUSTER_RANGES.some((range) => contains(range, text)));
  if (outside === undefined) return [];
  const why = `failed to allocate IP ${outside}: the provided network does not match the current range`;
  return [invalidValue('spec.clusterIPs', ips, why)];
}

function contains(range: Cidr, text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && cidrContains(range, ip);
}

function loadBalancerErrors(spec: RawObject, type: string, before: RawObject | undefined): readonly FieldError[] {
  const ranges = asArray(spec['loadBalancerSourceRanges']);
  const only = (key: string, at = `spec.${key}`) => (spec[key] === undefined ? [] : [forbiddenField(at, ONLY_LOAD_BALANCER)]);
  if (type !== 'LoadBalancer') {
    const at = 'spec.LoadBalancerSourceRanges';
    return [...only('loadBalancerClass'), ...only('allocateLoadBalancerNodePorts'), ...only('loadBalancerSourceRanges', at)];
  }
  const given = spec['loadBalancerClass'];
  return [
    ...(before?.['type'] === 'LoadBalancer' && before['loadBalancerClass'] !== given
      ? [invalidValue('spec.loadBalancerClass', given, 'may not change once set')]
      : given === undefined
        ? []
        : check('spec.loadBalancerClass', given, qualifiedName)),
    ...ranges.flatMap((range, i) => check(`spec.LoadBalancerSourceRanges[${i}]`, String(range).trim(), cidr)),
  ];
}

/** Status of a Service: ingress only while the type is LoadBalancer (ValidateServiceStatusUpdate). */
export function validateServiceStatus(service: RawObject, previous: RawObject | undefined): readonly FieldError[] {
  const ingress = asObject(asObject(service['status'])?.['loadBalancer'])?.['ingress'];
  const before = asObject(asObject(previous?.['status'])?.['loadBalancer'])?.['ingress'];
  const type = asObject(service['spec'])?.['type'];
  if (type !== 'LoadBalancer' && ingress !== undefined && !jsonEqual(ingress, before))
    return [forbiddenField('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")];
  return validateIngressPoints(service);
}

/** `status.loadBalancer.ingress` as Services and Ingresses have it. */
export function validateIngressPoints(object: RawObject): readonly FieldError[] {
  const points = asArray(asObject(asObject(object['status'])?.['loadBalancer'])?.['ingress']);
  return points.flatMap((raw, i) => {
    const point = asObject(raw) ?? {};
    const at = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(point['ip'] === undefined ? [] : check(`${at}.ip`, point['ip'], ipAddress)),
      ...(point['ip'] === undefined && point['ipMode'] !== undefined
        ? [forbiddenField(`${at}.ipMode`, 'may not be specified when `ip` is not set')]
        : oneOf(`${at}.ipMode`, point['ipMode'], ['Proxy', 'VIP'])),
      ...(point['hostname'] === undefined ? [] : hostnameErrors(`${at}.hostname`, String(point['hostname']))),
    ];
  });
}

function hostnameErrors(at: string, hostname: string): readonly FieldError[] {
  return [
    ...check(at, hostname, dnsSubdomain),
    ...(parseIp(hostname) ? [invalidValue(at, hostname, 'must be a DNS name, not an IP address')] : []),
  ];
}

/** Indexes of items that an earlier one equals. */
export function repeated(items: readonly (string | undefined)[]): readonly number[] {
  return items.flatMap((item, i) => (item !== undefined && items.indexOf(item) < i ? [i] : []));
}
