import { type Ip, parseIp } from '../value/ip.ts';
import { asArray, asObject, asString, compact, type RawObject, toMeta } from './raw.ts';

/** A Pod that runs minilb, by the labels of the manifest. */
export interface MinilbPod {
  readonly namespace: string;
  readonly name: string;
  /** Label `app.kubernetes.io/component`: `dns`, `writer`, …; empty when absent. */
  readonly component: string;
  readonly ready: boolean;
  readonly ip: Ip | undefined;
  /** Its command line after the program's name. */
  readonly words: readonly string[];
  /** Environment variables with a value of their own; those that come from elsewhere are not here. */
  readonly env: Readonly<Record<string, string>>;
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
    words: [...texts(container['command']).slice(1), ...texts(container['args'])].map((word) => expand(word, env)),
    env,
  };
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
