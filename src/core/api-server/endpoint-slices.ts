import { asArray, asObject, asString, compact, type RawObject } from '../object/raw.ts';
import { ipFamily, parseIp } from '../value/ip.ts';
import { jsonEqual } from './json.ts';
import { metaOf } from './object-meta.ts';
import { hasLabels } from './selector.ts';

/** What a Service's slices need to become what its Pods say. `update` holds whole objects under their present names. */
export interface SlicePlan {
  readonly create: readonly RawObject[];
  readonly update: readonly RawObject[];
  readonly remove: readonly RawObject[];
}

/** What the decision looks at; `pods` and `slices` are those of the Service's namespace. */
export interface SliceFacts {
  readonly pods: Iterable<RawObject>;
  /** EndpointSlices labelled with the Service's name. */
  readonly slices: readonly RawObject[];
  readonly nodeExists: (name: string) => boolean;
}

/** The real controller's `--max-endpoints-per-slice`. */
export const ENDPOINTS_PER_SLICE_MAX = 100;
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS_LABEL = 'service.kubernetes.io/headless';
const NOTHING: SlicePlan = { create: [], update: [], remove: [] };

interface Group {
  readonly ports: readonly RawObject[];
  readonly endpoints: readonly RawObject[];
}

/**
 * Decides a Service's EndpointSlices as kube-controller-manager does: per address family and set of ports, an endpoint for each Pod that is
 * selected, has an address and is not finished; an empty placeholder when there is none. A Service without selector, or of type
 * ExternalName, is left alone; one that is gone takes its slices along.
 */
export function planEndpointSlices(service: RawObject | undefined, facts: SliceFacts): SlicePlan {
  const ours = facts.slices.filter((slice) => asObject(metaOf(slice)['labels'])?.[MANAGED_BY_LABEL] === MANAGER);
  if (!service) return { ...NOTHING, remove: ours };
  const spec = asObject(service['spec']) ?? {};
  const selector = asObject(spec['selector']);
  if (!selector || spec['type'] === 'ExternalName') return NOTHING;
  const pods = [...facts.pods].filter((pod) => hasLabels(pod, selector) && isListed(pod, spec, facts));
  const plans = asArray(spec['ipFamilies']).map((family) => {
    const held = ours.filter((slice) => slice['addressType'] === family);
    return planFamily(service, String(family), groupByPorts(service, pods, family === 'IPv6' ? 6 : 4), held);
  });
  const families = asArray(spec['ipFamilies']);
  const orphans = ours.filter((slice) => !families.includes(slice['addressType']));
  return {
    create: plans.flatMap((plan) => plan.create),
    update: plans.flatMap((plan) => plan.update),
    remove: [...plans.flatMap((plan) => plan.remove), ...orphans],
  };
}

/** A Pod on a Node that does not exist is published only where the Service wants addresses that are not ready. */
function isListed(pod: RawObject, spec: RawObject, facts: SliceFacts): boolean {
  const phase = asObject(pod['status'])?.['phase'];
  const node = asString(asObject(pod['spec'])?.['nodeName']) ?? '';
  return phase !== 'Failed' && phase !== 'Succeeded' && (facts.nodeExists(node) || spec['publishNotReadyAddresses'] === true);
}

function groupByPorts(service: RawObject, pods: readonly RawObject[], family: 4 | 6): readonly Group[] {
  const groups = new Map<string, { readonly ports: readonly RawObject[]; readonly endpoints: RawObject[] }>();
  for (const pod of pods) {
    const endpoint = toEndpoint(service, pod, family);
    if (!endpoint) continue;
    const ports = portsFor(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpoint);
  }
  return [...groups.values()];
}

function toEndpoint(service: RawObject, pod: RawObject, family: 4 | 6): RawObject | undefined {
  const status = asObject(pod['status']) ?? {};
  const ips = compact(asArray(status['podIPs']).map((entry) => parseIp(asObject(entry)?.['ip'])));
  const address = ips.find((ip) => ipFamily(ip) === family);
  if (!address) return undefined;
  const meta = metaOf(pod);
  const spec = asObject(pod['spec']) ?? {};
  const serving = asArray(status['conditions']).some((raw) => asObject(raw)?.['type'] === 'Ready' && asObject(raw)?.['status'] === 'True');
  const terminating = meta['deletionTimestamp'] !== undefined;
  const ready = asObject(service['spec'])?.['publishNotReadyAddresses'] === true || (serving && !terminating);
  const named = spec['hostname'] !== undefined && spec['subdomain'] === metaOf(service)['name'];
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(named && { hostname: spec['hostname'] }),
    nodeName: spec['nodeName'],
    targetRef: { kind: 'Pod', namespace: meta['namespace'], name: meta['name'], uid: meta['uid'] },
  };
}

/** A named target port that the Pod's containers do not have is left out. */
function portsFor(service: RawObject, pod: RawObject): readonly RawObject[] {
  return asArray(asObject(service['spec'])?.['ports']).flatMap((raw) => {
    const { name, protocol, targetPort, appProtocol } = asObject(raw) ?? {};
    const port = typeof targetPort === 'string' ? containerPort(pod, targetPort, protocol) : targetPort;
    return port === undefined ? [] : [{ name: name ?? '', port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function containerPort(pod: RawObject, name: string, protocol: unknown): unknown {
  const containers = asArray(asObject(pod['spec'])?.['containers']);
  const ports = containers.flatMap((container) => asArray(asObject(container)?.['ports'])).map((port) => asObject(port) ?? {});
  return ports.find((port) => port['name'] === name && port['protocol'] === protocol)?.['containerPort'];
}

/** Endpoints stay in the slice they are in; new ones fill slices with room before further slices are made. */
function planFamily(service: RawObject, family: string, groups: readonly Group[], held: readonly RawObject[]): SlicePlan {
  const wanted: { slice: RawObject | undefined; ports: readonly RawObject[]; endpoints: readonly RawObject[] }[] = [];
  const unused = new Set(held);
  for (const group of groups) {
    const byPod = new Map(group.endpoints.map((endpoint) => [podUid(endpoint), endpoint]));
    const same = held.filter((slice) => jsonEqual(slice['ports'] ?? [], group.ports));
    for (const slice of same) {
      unused.delete(slice);
      // In the order they have there: another order would be another write.
      const stay = compact(asArray(slice['endpoints']).map((old) => byPod.get(podUid(old))));
      for (const endpoint of stay) byPod.delete(podUid(endpoint));
      wanted.push({ slice, ports: group.ports, endpoints: stay });
    }
    const rest = [...byPod.values()];
    for (const [i, entry] of wanted.entries()) {
      if (entry.ports !== group.ports) continue;
      wanted[i] = { ...entry, endpoints: [...entry.endpoints, ...rest.splice(0, ENDPOINTS_PER_SLICE_MAX - entry.endpoints.length)] };
    }
    while (rest.length > 0) wanted.push({ slice: undefined, ports: group.ports, endpoints: rest.splice(0, ENDPOINTS_PER_SLICE_MAX) });
  }
  const filled = wanted.filter((entry) => entry.endpoints.length > 0);
  const final = filled.length > 0 ? filled : [{ slice: undefined, ports: [], endpoints: [] }];
  const spare = [...unused, ...wanted.flatMap((entry) => (entry.endpoints.length === 0 && entry.slice ? [entry.slice] : []))];
  return written(service, family, final, spare);
}

/** What is to be made takes over the name of a slice that would otherwise be removed. */
function written(
  service: RawObject,
  family: string,
  wanted: readonly {
    readonly slice: RawObject | undefined;
    readonly ports: readonly RawObject[];
    readonly endpoints: readonly RawObject[];
  }[],
  spare: readonly RawObject[],
): SlicePlan {
  const reusable = [...spare];
  const placed = wanted.map((entry) => ({ ...entry, slice: entry.slice ?? reusable.shift() }));
  const objects = placed.map(({ slice, ports, endpoints }) => ({ slice, object: sliceObject(service, family, slice, ports, endpoints) }));
  return {
    create: objects.flatMap(({ slice, object }) => (slice ? [] : [object])),
    update: objects.flatMap(({ slice, object }) => (slice && !jsonEqual(slice, object) ? [object] : [])),
    remove: reusable,
  };
}

function sliceObject(
  service: RawObject,
  addressType: string,
  held: RawObject | undefined,
  ports: readonly RawObject[],
  endpoints: readonly RawObject[],
): RawObject {
  const meta = metaOf(service);
  const name = String(meta['name']);
  const headless = asObject(service['spec'])?.['clusterIP'] === 'None';
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid: meta['uid'], controller: true, blockOwnerDeletion: true };
  const labels = {
    ...asObject(meta['labels']),
    [MANAGED_BY_LABEL]: MANAGER,
    [SERVICE_NAME_LABEL]: name,
    ...(headless && { [HEADLESS_LABEL]: '' }),
  };
  const own = held ? metaOf(held) : { generateName: `${name}-`, namespace: meta['namespace'] };
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { ...own, labels, ownerReferences: [owner] },
    addressType,
    endpoints: endpoints.length > 0 ? endpoints : null,
    ports: ports.length > 0 ? ports : null,
  };
}

function podUid(endpoint: unknown): unknown {
  return asObject(asObject(endpoint)?.['targetRef'])?.['uid'];
}
