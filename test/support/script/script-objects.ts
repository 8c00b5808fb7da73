import { parseIp } from '../../../src/core/value/ip.ts';
import { clause, type ObjectLine, parseObjectLine, type Statement, words } from './parse-script.ts';

/** An object that a script applies: its collection, its spec as JSON, and the status somebody else would write. */
export interface ScriptObject {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly status: unknown;
}

/** Versions in which the kinds of the Gateway API are written; a script against an older release says so. */
export type GatewayVersions = Readonly<Record<string, string>>;

const GATEWAY = 'gateway.networking.k8s.io';
const CONTROLLER = 'example.com/scripted';
const SINCE = '2026-01-01T00:00:00Z';

/** Kind → where it is served. */
const KINDS: Readonly<Record<string, { readonly group: string; readonly version: string; readonly kind: string }>> = {
  service: { group: '', version: 'v1', kind: 'Service' },
  node: { group: '', version: 'v1', kind: 'Node' },
  namespace: { group: '', version: 'v1', kind: 'Namespace' },
  endpoints: { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice' },
  ingress: { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' },
  gateway: { group: GATEWAY, version: 'v1', kind: 'Gateway' },
  listenerset: { group: GATEWAY, version: 'v1', kind: 'ListenerSet' },
  xlistenerset: { group: 'gateway.networking.x-k8s.io', version: 'v1alpha1', kind: 'XListenerSet' },
  httproute: { group: GATEWAY, version: 'v1', kind: 'HTTPRoute' },
  grpcroute: { group: GATEWAY, version: 'v1', kind: 'GRPCRoute' },
  tlsroute: { group: GATEWAY, version: 'v1', kind: 'TLSRoute' },
};

interface Served {
  readonly apiVersion: string;
  readonly kind: string;
  /** The collection for objects of the namespace. */
  readonly path: string;
}

/** Where a script's kind is served in a namespace. */
export function servedAt(word: string, namespace: string, versions: GatewayVersions): Served {
  const found = KINDS[word];
  if (!found) throw new Error(`"${word}" is no kind that scripts know`);
  const apiVersion = found.group === '' ? found.version : `${found.group}/${versions[word] ?? found.version}`;
  const plural = `${found.kind.toLowerCase()}${word === 'ingress' ? 'es' : 's'}`;
  const base = found.group === '' ? '/api' : '/apis';
  return { apiVersion, kind: found.kind, path: `${base}/${apiVersion}${namespace === '' ? '' : `/namespaces/${namespace}`}/${plural}` };
}

/** Reads one line of an `apply` block, with what is indented below it. */
export function toScriptObject(statement: Statement, versions: GatewayVersions): ScriptObject {
  if (statement.text.startsWith('endpoints ')) return toEndpoints(statement);
  if (statement.text.startsWith('broken ')) return toBroken(statement, versions);
  const line = parseObjectLine(statement);
  const { path, ...type } = servedAt(line.kind, line.namespace, versions);
  const labels = Object.fromEntries(words(line, 'labels').map((label) => label.split('=') as [string, string]));
  const annotations = {
    ...(line.clauses.has('host') && { 'minilb/host': words(line, 'host').join(', ') }),
    ...(line.clauses.has('answer') && { 'minilb/answer': clause(line, 'answer') }),
  };
  const metadata = { name: line.name, ...(line.namespace && { namespace: line.namespace }), labels, annotations };
  return { path, body: { ...type, metadata, ...specOf(line, statement.body) }, status: statusOf(line) };
}

/** `broken gateway gw in a`: a spec of the wrong type, which only an API server without a schema lets in. */
function toBroken(statement: Statement, versions: GatewayVersions): ScriptObject {
  const { kind, name, namespace } = parseObjectLine({ ...statement, text: statement.text.replace(/^broken /, '') });
  const { path, ...type } = servedAt(kind, namespace, versions);
  return { path, body: { ...type, metadata: { name, namespace }, spec: 'broken' }, status: undefined };
}

function specOf(line: ObjectLine, body: readonly Statement[]): Readonly<Record<string, unknown>> {
  switch (line.kind) {
    case 'service':
      return { spec: serviceSpec(line) };
    case 'node':
      return { spec: { podCIDR: words(line, 'pods')[0], podCIDRs: words(line, 'pods') } };
    case 'namespace':
      return {};
    case 'ingress':
      return { spec: { ...(line.clauses.has('class') && { ingressClassName: clause(line, 'class') }), ...ingressRules(line) } };
    case 'gateway': {
      const sets = clause(line, 'listenersets');
      const allowed = sets ? { allowedListeners: { namespaces: namespaceRule(sets) } } : {};
      return { spec: { gatewayClassName: clause(line, 'class') || 'scripted', listeners: body.map(toListener), ...allowed } };
    }
    case 'listenerset':
    case 'xlistenerset':
      return { spec: { parentRef: toRef(clause(line, 'gateway'), 'Gateway'), listeners: body.map(toListener) } };
    default:
      return { spec: routeSpec(line) };
  }
}

function serviceSpec(line: ObjectLine): Readonly<Record<string, unknown>> {
  const ports = (line.clauses.get('port') ?? ['http 80']).map((text) => {
    const [, name = '', number = '', protocol = 'TCP'] = /^(?:(\S+) )?(\d+)(?:\/(\S+))?$/.exec(text) ?? [];
    return { ...(name && { name }), port: Number(number), protocol };
  });
  if (line.clauses.has('external')) return { type: 'ExternalName', externalName: clause(line, 'external') };
  const balancer = line.clauses.has('class') || line.clauses.has('balancer');
  return {
    type: balancer ? 'LoadBalancer' : 'ClusterIP',
    ...(line.clauses.has('class') && { loadBalancerClass: clause(line, 'class') }),
    ...(balancer && { allocateLoadBalancerNodePorts: false }),
    ...(line.clauses.has('headless') && { clusterIP: 'None' }),
    ports,
  };
}

/** A host needs a path, as the API has it; where that leads is nobody's business here. */
function ingressRules(line: ObjectLine): Readonly<Record<string, unknown>> {
  const backend = { service: { name: 'backend', port: { number: 80 } } };
  const hosts = words(line, 'hosts');
  if (hosts.length === 0) return { defaultBackend: backend };
  return { rules: hosts.map((host) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })) };
}

function routeSpec(line: ObjectLine): Readonly<Record<string, unknown>> {
  const hostnames = words(line, 'hosts');
  const rules = line.kind === 'tlsroute' ? [{ backendRefs: [{ name: 'backend', port: 443 }] }] : [];
  return {
    ...(hostnames.length > 0 && { hostnames }),
    parentRefs: parentsOf(line).map(({ ref }) => ref),
    ...(rules.length > 0 && { rules }),
  };
}

/** `parent infra/gw#web:80 accepted`, `parent listenerset team-a/set accepted`; `kept`: its controller has not looked again yet. */
function parentsOf(line: ObjectLine): readonly { readonly ref: object; readonly verdict: string }[] {
  return (line.clauses.get('parent') ?? []).map((text) => {
    const [, kind = '', name = '', verdict = 'accepted'] =
      /^(?:(listenerset|xlistenerset) )?(\S+)(?: (accepted|refused|pending|kept))?$/.exec(text) ?? [];
    const refKind = kind === 'listenerset' ? 'ListenerSet' : kind === 'xlistenerset' ? 'XListenerSet' : 'Gateway';
    return { ref: toRef(name, refKind), verdict };
  });
}

function toRef(text: string, kind: string): object {
  const [, namespace = '', name = '', sectionName = '', port = ''] = /^([^/]+)\/([^#:]+)(?:#([^:]+))?(?::(\d+))?$/.exec(text) ?? [];
  const group = kind === 'XListenerSet' ? 'gateway.networking.x-k8s.io' : GATEWAY;
  return { group, kind, namespace, name, ...(sectionName && { sectionName }), ...(port && { port: Number(port) }) };
}

/** `listener web: HTTP 80, hostname *.sko.ai, routes All, kinds HTTPRoute`. */
function toListener(statement: Statement): object {
  const [, name = '', protocol = '', port = '', rest = ''] = /^listener (\S+): (\S+) (\d+)(.*)$/.exec(statement.text) ?? [];
  const line = parseObjectLine({ ...statement, text: `listener ${name}${rest}` });
  const kinds = words(line, 'kinds').map((kind) => ({ kind }));
  return {
    name,
    protocol,
    port: Number(port),
    ...(line.clauses.has('hostname') && { hostname: clause(line, 'hostname') }),
    ...(protocol === 'TLS' && { tls: { mode: 'Passthrough' } }),
    allowedRoutes: { namespaces: namespaceRule(clause(line, 'routes') || 'Same'), ...(kinds.length > 0 && { kinds }) },
  };
}

/** `All`, `Same`, `None`, or labels to select by: `team=a`. */
function namespaceRule(text: string): object {
  if (!text.includes('=')) return { from: text };
  return { from: 'Selector', selector: { matchLabels: Object.fromEntries(text.split(' ').map((label) => label.split('='))) } };
}

function statusOf(line: ObjectLine): unknown {
  const points = words(line, 'status');
  switch (line.kind) {
    case 'service':
    case 'ingress':
      return { loadBalancer: { ingress: points.map((text) => (parseIp(text) ? { ip: text } : { hostname: text })) } };
    case 'gateway':
      return { addresses: points.map((value) => ({ type: parseIp(value) ? 'IPAddress' : 'Hostname', value })) };
    case 'listenerset':
    case 'xlistenerset':
      return { conditions: line.clauses.has('accepted') ? [accepted('True')] : [accepted('False')] };
    case 'node':
      return { addresses: words(line, 'address').map((address) => ({ type: 'InternalIP', address })) };
    case 'namespace':
      return undefined;
    default: {
      const judged = parentsOf(line).filter(({ verdict }) => verdict !== 'pending');
      if (judged.some(({ verdict }) => verdict === 'kept')) return undefined;
      return {
        parents: judged.map(({ ref, verdict }) => ({
          parentRef: ref,
          controllerName: CONTROLLER,
          conditions: [accepted(verdict === 'accepted' ? 'True' : 'False')],
        })),
      };
    }
  }
}

function accepted(status: string): object {
  const reason = status === 'True' ? 'Accepted' : 'NotAllowedByListeners';
  return { type: 'Accepted', status, reason, message: '', lastTransitionTime: SINCE, observedGeneration: 1 };
}

/** `endpoints web in default port http 8080: 10.244.0.5 ready on n1, 10.244.1.6 not ready, fd00::5 serving terminating hostname db-0`. */
function toEndpoints({ line, text }: Statement): ScriptObject {
  const [, name = '', namespace = '', port = '', list = ''] =
    /^endpoints (\S+) in (\S+?)(?: port ((?:\S+ )?\d+))?: ?(.*)$/.exec(text) ?? [];
  if (name === '') throw new Error(`line ${line}: "${text}" is no "endpoints service in namespace: address state, …"`);
  const endpoints = list
    .split(', ')
    .filter((part) => part !== '')
    .map(toEndpoint);
  const [, portName = '', number = '80'] = /^(?:(\S+) )?(\d+)$/.exec(port || 'http 80') ?? [];
  const addressType = list.includes(':') ? 'IPv6' : 'IPv4';
  const slice = `${name}-${addressType.toLowerCase()}`;
  const { path, ...type } = servedAt('endpoints', namespace, {});
  const body = {
    ...type,
    metadata: { name: slice, namespace, labels: { 'kubernetes.io/service-name': name }, annotations: {} },
    addressType,
    endpoints,
    ports: [{ name: portName, port: Number(number), protocol: 'TCP' }],
  };
  return { path, body, status: undefined };
}

function toEndpoint(text: string): object {
  const [, address = '', state = '', nodeName = '', hostname = ''] =
    /^(\S+) (ready|not ready|serving terminating|terminating)(?: on (\S+))?(?: hostname (\S+))?$/.exec(text) ?? [];
  if (address === '') throw new Error(`"${text}" is no "address state"`);
  const terminating = state.endsWith('terminating');
  const conditions = { ready: state === 'ready', serving: state === 'ready' || state.startsWith('serving'), terminating };
  return { addresses: [address], conditions, ...(nodeName && { nodeName }), ...(hostname && { hostname }) };
}
