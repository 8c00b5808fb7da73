import { type Ip, parseIp } from '../value/ip.ts';
import { asArray, asInteger, asObject, asString, compact, type RawObject, toMeta } from './raw.ts';

/** A Pod that runs minilb, by the labels of the manifest. */
export interface MinilbPod {
  readonly namespace: string;
  readonly name: string;
  /** Label `app.kubernetes.io/component`: `dns`, `writer`, …; empty when absent. */
  readonly component: string;
  readonly ready: boolean;
  readonly ip: Ip | undefined;
  readonly hostNetwork: boolean;
  /** `status.hostIPs`: its node's. */
  readonly hostIps: readonly Ip[];
  readonly ports: readonly MinilbPort[];
  /** Its command line after the program's name. */
  readonly words: readonly string[];
  /** Environment variables with a value of their own; those that come from elsewhere are not here. */
  readonly env: Readonly<Record<string, string>>;
}

/** A port of the container, and the one of the node that leads to it. */
export interface MinilbPort {
  readonly containerPort: number;
  readonly hostPort: number | undefined;
  /** Absent: every address of the node. */
  readonly hostIp: Ip | undefined;
}

/** What a list of Pods is narrowed to. */
export const MINILB_PODS = 'app.kubernetes.io/name=minilb';

/** Projects a core/v1 Pod; the container is the one called `minilb`, else the first. */
export function toMinilbPod(raw: unknown): MinilbPod | undefined {
  const meta = toMeta(raw);
  const object = asObject(raw);
  const containers = compact(asArray(asObject(object?.['spec'])?.['containers']).map(asObject));
  const container = containers.find((each) => each['name'] === 'minilb') ?? containers[0];
  if (!meta || !container) return undefined;
  const status = asObject(object?.['status']);
  const conditions = compact(asArray(status?.['conditions']).map(asObject));
  const env = literalEnv(container);
  const labels = asObject(asObject(object?.['metadata'])?.['labels']);
  return {
    namespace: meta.namespace,
    name: meta.name,
    component: asString(labels?.['app.kubernetes.io/component']) ?? '',
    ready: conditions.some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True'),
    ip: parseIp(status?.['podIP']),
    hostNetwork: asObject(object?.['spec'])?.['hostNetwork'] === true,
    hostIps: hostIpsOf(status),
    ports: asArray(container['ports']).flatMap(toPort),
    words: [...texts(container['command']).slice(1), ...texts(container['args'])].map((word) => expand(word, env)),
    env,
  };
}

/** `status.hostIPs`, or `hostIP` alone from an API server older than 1.29. */
function hostIpsOf(status: RawObject | undefined): readonly Ip[] {
  const listed = compact(asArray(status?.['hostIPs']).map((each) => parseIp(asObject(each)?.['ip'])));
  return listed.length > 0 ? listed : compact([parseIp(status?.['hostIP'])]);
}

function toPort(raw: unknown): readonly MinilbPort[] {
  const port = asObject(raw);
  const containerPort = asInteger(port?.['containerPort'], 1, 65535);
  const hostIp = parseIp(port?.['hostIP']);
  const everywhere = hostIp === '0.0.0.0' || hostIp === '::';
  if (containerPort === undefined) return [];
  return [{ containerPort, hostPort: asInteger(port?.['hostPort'], 1, 65535), hostIp: everywhere ? undefined : hostIp }];
}

function literalEnv(container: RawObject): Readonly<Record<string, string>> {
  const entries = asArray(container['env']).flatMap((raw) => {
    const name = asString(asObject(raw)?.['name']);
    const value = asString(asObject(raw)?.['value']);
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** `$(NAME)` in arguments stands for the container's variable (core/v1 Container.args); unknown ones stay as they are. */
function expand(word: string, env: Readonly<Record<string, string>>): string {
  return word.replace(/\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name: string) => (Object.hasOwn(env, name) ? (env[name] ?? '') : whole));
}

function texts(raw: unknown): readonly string[] {
  return compact(asArray(raw).map(asString));
}
