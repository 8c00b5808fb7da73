import { type Ip, parseIp } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import { type MinilbPod, toMinilbPod } from './minilb-pod.ts';
import { asArray, asInteger, asObject, asString, compact, type Meta, type RawObject, toMeta, toStringMap } from './raw.ts';
import type { Resource } from './resources.ts';

/** A port that a Pod has of its node. */
export interface HostPort {
  readonly container: number;
  /** Its place in the container's ports. */
  readonly index: number;
  readonly port: number;
  readonly protocol: string;
  /** Absent: every address of the node. */
  readonly ip: Ip | undefined;
}

/** A container as `doctor` looks at it. */
export interface InspectedContainer {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Seconds that its preStop hook takes, where that can be told; 0 without a hook. */
  readonly preStopSeconds: number | 'unknown';
}

/** What made a Pod: where a change must be made to last. */
export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A core/v1 Pod, as far as `doctor` looks at one. */
export interface InspectedPod extends Meta {
  readonly nodeName: string;
  readonly hostNetwork: boolean;
  readonly serviceAccount: string;
  readonly phase: string;
  readonly ips: readonly Ip[];
  readonly graceSeconds: number;
  readonly hostPorts: readonly HostPort[];
  readonly containers: readonly InspectedContainer[];
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: Workload;
  /** With a label of minilb's manifests: what it was started with. */
  readonly minilb: MinilbPod | undefined;
}

const GRACE_SECONDS = 30;
const GRACE_SECONDS_MAX = 86_400;
/** `app.kubernetes.io/name` of the manifests' Pods: by name, by route, by proxy. */
const MINILB_NAMES = ['minilb', 'minilb-l3', 'minilb-external'];

/** The collection as `doctor` reads it. */
export const INSPECTED_PODS: Resource<InspectedPod> = { apiVersion: 'v1', kind: 'Pod', path: '/api/v1/pods', project: toInspectedPod };

/** Projects a core/v1 Pod. */
export function toInspectedPod(raw: unknown): Result<InspectedPod, 'malformed'> {
  const meta = toMeta(raw);
  if (!meta?.namespace) return err('malformed', 'no metadata.name or metadata.namespace');
  const metadata = asObject(asObject(raw)?.['metadata']);
  const spec = asObject(asObject(raw)?.['spec']) ?? {};
  const status = asObject(asObject(raw)?.['status']);
  const containers = compact(asArray(spec['containers']).map(asObject));
  const labels = toStringMap(metadata?.['labels'], () => true);
  return ok({
    ...meta,
    nodeName: asString(spec['nodeName']) ?? '',
    hostNetwork: spec['hostNetwork'] === true,
    serviceAccount: asString(spec['serviceAccountName']) ?? 'default',
    phase: asString(status?.['phase']) ?? '',
    ips: compact(asArray(status?.['podIPs']).map((each) => parseIp(asObject(each)?.['ip']))),
    graceSeconds: asInteger(spec['terminationGracePeriodSeconds'], 0, GRACE_SECONDS_MAX) ?? GRACE_SECONDS,
    hostPorts: containers.flatMap((container, i) => hostPortsOf(container, i, spec['hostNetwork'] === true)),
    containers: containers.map(toContainer),
    labels,
    workload: workloadOf(meta, metadata, labels),
    minilb: MINILB_NAMES.includes(labels['app.kubernetes.io/name'] ?? '') ? toMinilbPod(raw) : undefined,
  });
}

/** With hostNetwork a containerPort is a port of the node (the API server writes it as hostPort too). */
function hostPortsOf(container: RawObject, at: number, hostNetwork: boolean): readonly HostPort[] {
  return asArray(container['ports']).flatMap((raw, index) => {
    const entry = asObject(raw);
    const port = asInteger(entry?.[hostNetwork ? 'containerPort' : 'hostPort'], 1, 65535);
    const ip = parseIp(entry?.['hostIP']);
    const everywhere = ip === undefined || ip === '0.0.0.0' || ip === '::';
    return port === undefined
      ? []
      : [{ container: at, index, port, protocol: asString(entry?.['protocol']) ?? 'TCP', ip: everywhere ? undefined : ip }];
  });
}

function toContainer(container: RawObject): InspectedContainer {
  const texts = (raw: unknown) => compact(asArray(raw).map(asString));
  return {
    name: asString(container['name']) ?? '',
    image: asString(container['image']) ?? '',
    command: texts(container['command']),
    args: texts(container['args']),
    preStopSeconds: preStopSeconds(asObject(asObject(container['lifecycle'])?.['preStop'])),
  };
}

function preStopSeconds(hook: RawObject | undefined): number | 'unknown' {
  if (!hook) return 0;
  const sleep = asInteger(asObject(hook['sleep'])?.['seconds'], 0, GRACE_SECONDS_MAX);
  if (sleep !== undefined) return sleep;
  const command = compact(asArray(asObject(hook['exec'])?.['command']).map(asString)).join(' ');
  const slept = /\bsleep (\d{1,5})\b/.exec(command)?.[1];
  return slept === undefined ? 'unknown' : Number(slept);
}

/** A ReplicaSet of a Deployment bears its name, a dash and the hash that the Pod has as a label. */
function workloadOf(meta: Meta, metadata: RawObject | undefined, labels: Readonly<Record<string, string>>): Workload {
  const owner = compact(asArray(metadata?.['ownerReferences']).map(asObject)).find((each) => each['controller'] === true);
  const { namespace } = meta;
  const kind = asString(owner?.['kind']) ?? '';
  const name = asString(owner?.['name']) ?? '';
  // Owner references are free text that ends up in commands to paste.
  if (!/^[A-Za-z]{1,63}$/.test(kind) || !/^[a-z0-9][a-z0-9.-]{0,252}$/.test(name)) return { kind: 'Pod', namespace, name: meta.name };
  const hash = `-${labels['pod-template-hash'] ?? ''}`;
  if (kind === 'ReplicaSet' && hash !== '-' && name.endsWith(hash))
    return { kind: 'Deployment', namespace, name: name.slice(0, -hash.length) };
  return { kind, namespace, name };
}
